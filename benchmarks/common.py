"""What the benchmarks share: the plan quickstart with its fits, and comparisons that take turns.

Machines are shared and noisy, so each comparison takes turns (A B A B ...) and tells the median of the ratios, with
the lowest and highest; absolute times are only for orientation.
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
from forecast.inference.fit_store import fit_all
from forecast.pipeline.prepare import build_projection, build_run_data
from forecast.progress import silent
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import Executor, simulate_paths
from forecast.workspace.inputs import read_inputs

ROOT = Path(__file__).parents[1]
PLAN = "quickstart"
HEAD = "| comparison | ratio | range | the second took |\n|---|---|---|---|"


@cache
def quickstart() -> SimulationSpec:
    """The plan with its posterior draws, fitted now if they are not stored; no path is kept whole."""
    inputs = read_inputs(ROOT, PLAN)
    console = Console(stderr=True)
    trees, _, _ = fit_all(inputs, lambda title: stage(console, title))
    projection = build_projection(inputs, build_run_data(inputs), trees, inputs.plan.seed, Executor(1))
    return replace(projection.spec, joint_paths=0)


def core(spec: SimulationSpec, paths: int, threads: int = 1) -> Callable[[], object]:
    """A job: so many paths."""
    return lambda: simulate_paths(spec, paths, Executor(threads), silent)


def seconds(job: Callable[[], object]) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    job()
    return time.perf_counter() - begun


def compare(
    title: str,
    one: Callable[[], object],
    other: Callable[[], object],
    *,
    unit: float = 1.0,
    turns: int = 11,
) -> None:
    """Print how many times as long the first takes; `unit` scales for unequal amounts of work."""
    pairs = [(seconds(one), seconds(other)) for _ in range(turns)]
    ratios = sorted(unit * a / b for a, b in pairs)
    middle, took = statistics.median(ratios), statistics.median(b for _, b in pairs)
    print(f"| {title} | {middle:.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f} | {took:.2f} s |")
    sys.stdout.flush()
