"""Options that several commands share, their help texts, and progress on the terminal."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from forecast.projection.machine import cores
from forecast.workspace.home import require_workspace

#: Groups of commands in `forecast --help`, in this order.
WORKSPACE: Final = "Workspace"
FORECASTS: Final = "Forecasts"
ARCHIVE: Final = "Archive"
EVALUATION: Final = "Model evaluation"
SCHEDULE: Final = "Schedule"


def _workspace(home: Path) -> Path:
    """Return the workspace; raise RunError if the folder is none."""
    require_workspace(home)
    return home


Home = Annotated[
    Path,
    typer.Option("--home", help="Workspace: the folder with priors/, runs/ and reports/.", callback=_workspace),
]
PlanName = Annotated[str, typer.Argument(help="Name of a plan in runs/plans, or path of a .toml file.")]
RunName = Annotated[
    str,
    typer.Argument(help="Run id, a part of it, a plan (its last complete run, as PLAN@latest), 'latest', or a folder."),
]
Format = Literal["csv", "parquet", "hubverse"]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the projection. Results do not depend on it.")]
Dask = Annotated[
    str,
    typer.Option(
        "--dask",
        help="Project on a Dask cluster: its address, or local:N for N workers. Results do not depend on it.",
    ),
]
Precision = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Add paths until every headline's Monte Carlo error is at or below this value (in that headline's unit).",
    ),
]
HERE = Path()
CORES = cores()


def stages_on_terminal() -> Any:
    """Return the function that shows one stage: a progress bar on a terminal, else plain lines."""
    from rich.console import Console

    from forecast.cli.progress_bars import stage

    return partial(stage, Console(stderr=True))
