"""What the verbs of the command line share: options with their help, and progress on the terminal."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Home = Annotated[
    Path,
    typer.Option("--home", help="Workspace: the folder that holds priors/, runs/ and reports/."),
]
PlanName = Annotated[str, typer.Argument(help="Name of a plan in runs/plans, or a path to a .toml.")]
RunName = Annotated[str, typer.Argument(help="Run id, a unique part of it, or 'latest'.")]
Format = Literal["csv", "parquet", "hubverse"]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the projection; the numbers are the same.")]
Dask = Annotated[
    str,
    typer.Option("--dask", help="Project on a Dask cluster: its address, or local:N. Same bytes."),
]
Precision = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Add paths until no headline's Monte Carlo error is above this, each in its own unit.",
    ),
]
HERE = Path()
CORES = os.cpu_count() or 1


def stages_on_terminal() -> Any:
    """Progress as bars, or as plain lines where nobody watches."""
    from rich.console import Console

    from forecast.cli.progress_bars import stage

    return partial(stage, Console(stderr=True))
