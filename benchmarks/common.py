"""Functions that the benchmarks share: the projection of the plan `quickstart`, and paired comparisons.

Machines are shared and noisy. Each comparison therefore runs its two jobs in turns (A B A B ...) and reports the median
ratio with the lowest and the highest. Absolute times are only a rough guide.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from rich.console import Console

from forecast.cli.progress_bars import stage
from forecast.inference.fit_store import fit_models
from forecast.names import MODELS
from forecast.pipeline.prepare import build_projection, build_run_data
from forecast.progress import silent
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import Executor, simulate_paths
from forecast.workspace.inputs import read_inputs

ROOT = Path(__file__).parents[1]
PLAN = "quickstart"
HEAD = "| comparison | ratio | range | time of the second |\n|---|---|---|---|"


@cache
def quickstart() -> SimulationSpec:
    """Return the projection of the plan without sampled paths; models without a stored fit are fitted first."""
    inputs = read_inputs(ROOT, PLAN)
    console = Console(stderr=True)
    trees = fit_models(inputs, MODELS, lambda title: stage(console, title))
    projection = build_projection(inputs, build_run_data(inputs), trees, inputs.plan.seed, Executor(1))
    return replace(projection.spec, joint_paths=0)


def core(spec: SimulationSpec, paths: int, threads: int = 1) -> Callable[[], object]:
    """Return a job that simulates `paths` paths."""
    return lambda: simulate_paths(spec, paths, Executor(threads), silent)


def seconds(job: Callable[[], object]) -> float:
    """Return the wall time of one call, in seconds."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def compare(
    title: str,
    first: Callable[[], object],
    second: Callable[[], object],
    *,
    unit: float = 1.0,
    turns: int = 11,
) -> None:
    """Print the ratio of the time of `first` to the time of `second`.

    Parameters
    ----------
    title : first column of the printed row.
    first, second : jobs, run in turns.
    unit : factor on the ratio, for unequal amounts of work.
    turns : number of pairs of calls.
    """
    pairs = [(seconds(first), seconds(second)) for _ in range(turns)]
    ratios = sorted(unit * a / b for a, b in pairs)
    middle, second_time = statistics.median(ratios), statistics.median(b for _, b in pairs)
    print(f"| {title} | {middle:.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f} | {second_time:.2f} s |")
    sys.stdout.flush()
