"""The resources that a projection needs: paths, steps, memory, disk space and time.

Memory is the sum of the arrays. Each thread has a tally and the state of its paths, and one tally is the total. Sampled
paths and draws count twice, because the judgement share needs a second run, and writing packs the paths. Every path has
its number. Disk space is the size of the labelled tree before compression, so the true need is
smaller. Time comes from a short burst of paths with typical hazards on one thread, if the kernel is compiled already.
"""

import math
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.errors import RunError
from forecast.projection.machine import free_memory
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.buffers import blank_draws, empty_sampled_paths, empty_tally, new_path_state, new_shocks
from forecast.simulation.jit import is_compiled
from forecast.workspace.plan import Plan

PROCESS: Final = 380 << 20  # bytes: libraries, inputs, open fits and kernel in one process, as measured on Linux
NUMBER: Final = 8  # bytes of the number of a path, the only memory that grows with the paths
FITS: Final = 64 << 20  # bytes: upper bound of posteriors and JSON files of a run on disk
BURST: Final = 40  # largest number of paths that are timed at once
_BURST_SECONDS: Final = 1.0  # largest duration of a burst, unless one path takes longer
_LOG_HAZARD: Final = -4.0  # of the quarterly hazards in the burst: most contingents stay for years


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """The resources that a projection needs."""

    paths: int
    steps: int  # simulated quarters over all paths and cells
    memory: int  # bytes
    disk: int  # bytes
    seconds: float | None  # None if the kernel is not compiled


def projection_size(plan: Plan, static: StaticInputs, threads: int, *, timed: bool = False) -> Size:
    """Return the resources that the projection of a plan needs on so many threads; `timed` simulates a burst."""
    tally = sum(part.nbytes for part in empty_tally(static, plan.quarters))
    state = sum(part.nbytes for part in _arrays(new_path_state(static, plan.quarters)))
    sampled = plan.joint_paths * sum(part.nbytes for part in empty_sampled_paths(static, plan.quarters, 1))
    draws = plan.draws * sum(part.nbytes for part in blank_draws(static))
    per_path = seconds_per_path(plan, static) if timed and is_compiled() else None
    return Size(
        paths=plan.paths,
        steps=plan.paths * static.cells.size * plan.quarters,
        memory=PROCESS + tally * (threads + 1) + state * threads + 2 * sampled + 2 * draws + NUMBER * plan.paths,
        disk=FITS + tally + sampled,
        seconds=None if per_path is None else per_path * plan.paths / threads,
    )


def _arrays(parts: Iterable[Any]) -> Iterator[NDArray[Any]]:
    """Yield the arrays of a record of arrays and of the records in it."""
    for part in parts:
        yield from _arrays(part) if isinstance(part, tuple) else (part,)


def seconds_per_path(plan: Plan, static: StaticInputs) -> float:
    """Return the processor time of one path in all cells, in seconds.

    It is the shortest of three bursts, because other work on the machine can only lengthen them. A burst has as many
    paths as fit in a second, so that a huge plan is timed in seconds too.
    """
    from forecast.simulation.kernel import simulate

    draws = typical_draws(static)
    tally, sampled = empty_tally(static, plan.quarters), empty_sampled_paths(static, plan.quarters, 0)
    shocks, path_state = new_shocks(static, plan.quarters), new_path_state(static, plan.quarters)

    def burst(first: int, paths: int) -> float:
        begun = time.thread_time()
        simulate(np.arange(first, first + paths), plan.seed, static, draws, shocks, path_state, tally, sampled)
        return (time.thread_time() - begun) / max(paths, 1)

    burst(0, 0)  # loads the machine code
    duration = burst(0, 1)
    paths = min(BURST, max(1, int(_BURST_SECONDS / max(duration, 1e-9))))
    return min(duration, burst(1, paths), burst(1 + paths, paths))


def typical_draws(static: StaticInputs) -> Draws:
    """Return one row of parameters, without a fit, under which contingents leave over the years."""
    draws = blank_draws(static)
    draws.members["scale"] = draws.members["start"] = 0.05
    draws.members["tails"], draws.partners["tails"], draws.parameters["threat_reach"] = 4.0, 4.0, 1.0
    draws.parameters["weights"], draws.dyads["stress_demand"] = 0.25, 1.0
    draws.outlook["war_end"] = draws.outlook["crisis_end"] = 1.0
    draws.missions["full_exit"] = 0.5
    draws.contingents["defection"] = draws.contingents["planned"] = _LOG_HAZARD
    return draws


def require_resources(size: Size, plan: Plan, home: Path) -> None:
    """Raise RunError if the free memory or disk space is too small for the projection."""
    memory = free_memory()
    if memory is not None and size.memory > memory:
        raise RunError(
            f"plan {plan.name} needs about {format_bytes(size.memory)} of memory, but {format_bytes(memory)} "
            "are free: lower joint_paths or draws in the plan, or use fewer --threads"
        )
    disk = shutil.disk_usage(home).free
    if size.disk > disk:
        raise RunError(
            f"plan {plan.name} needs up to {format_bytes(size.disk)} of disk, but {format_bytes(disk)} are "
            f"free in {home}: delete files, or lower joint_paths in the plan"
        )


def size_lines(size: Size, threads: int) -> list[str]:
    """Return the size as lines for a terminal."""
    duration = (
        "unknown: the kernel is not compiled yet; compile it with: forecast warmup"
        if size.seconds is None
        else f"about {format_duration(size.seconds)} on {threads} threads, from a short "
        "burst of paths with typical hazards on one thread; fits and checks take more"
    )
    return [
        f"paths   {size.paths:,}",
        f"steps   {size.steps:,} quarters over all cells",
        f"memory  {format_bytes(size.memory)}, of which {format_bytes(NUMBER * size.paths)} grow with the paths",
        f"disk    {format_bytes(size.disk)} at most; files are compressed",
        f"time    {duration}",
    ]


def format_bytes(number: int) -> str:
    """Return a number of bytes as text in binary units."""
    unit = "GiB" if number >= 1 << 30 else "MiB"
    return f"{number / (1 << (30 if unit == 'GiB' else 20)):.{1 if unit == 'GiB' else 0}f} {unit}"


def format_duration(seconds: float) -> str:
    """Return a duration as text: in seconds below two minutes, else in minutes."""
    return f"{math.ceil(seconds)} s" if seconds < 120 else f"{seconds / 60:.0f} min"
