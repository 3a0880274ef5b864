"""The size of a projection before it is run: paths, steps, memory, disk and time; what would not fit is refused.

Memory is counted from the arrays themselves: one tally a thread and one that waits to be added, that of a replicate and
the sum; whole paths and draws twice, for the run that finds the share of judgement; the number of every path. Disk is
what the labelled tree takes before compression, so the true need is smaller. Time comes from a short burst of paths
with typical hazards on one thread, and only where the kernel is compiled already.
"""

import math
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from forecast.errors import RunError
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.buffers import blank_draws, empty_sampled_paths, empty_tally, new_path_state, new_shocks
from forecast.simulation.jit import is_compiled
from forecast.workspace.plan import Plan

PROCESS: Final = 590 << 20  # libraries, inputs, posteriors and kernel in one process, as measured on Linux
NUMBER: Final = 8  # bytes of the number of a path, all that grows with the paths
FITS: Final = 64 << 20  # posteriors and tables of numbers of a run on disk, generously
BURST: Final = 40  # paths
_HAZARD: Final = -4.0  # log of the quarterly hazards in the burst: most contingents stay for years


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """What a projection needs; bytes and seconds."""

    paths: int
    steps: int  # quarters lived through, over all paths and cells
    memory: int
    disk: int
    seconds: float | None  # None where the kernel is not compiled


def size_of(plan: Plan, layout: StaticInputs, threads: int, *, timed: bool = False) -> Size:
    """The size of the projection of a plan on so many threads; `timed` lives through a burst of paths."""
    tally = sum(part.nbytes for part in empty_tally(layout, plan.quarters))
    joint = plan.joint_paths * sum(part.nbytes for part in empty_sampled_paths(layout, plan.quarters, 1))
    draws = plan.draws * sum(part.nbytes for part in blank_draws(layout))
    burst = seconds_a_path(plan, layout) if timed and is_compiled() else None
    return Size(
        paths=plan.paths,
        steps=plan.paths * layout.cells.size * plan.quarters,
        memory=PROCESS + tally * (2 * threads + 2) + 2 * joint + 2 * draws + NUMBER * plan.paths,
        disk=FITS + tally + joint,
        seconds=None if burst is None else burst * plan.paths / threads,
    )


def seconds_a_path(plan: Plan, layout: StaticInputs) -> float:
    """Processor time of one path in all cells: the shorter of two bursts, against the noise of a shared machine."""
    from forecast.simulation.kernel import simulate

    draws = typical_draws(layout)
    tally, joint = empty_tally(layout, plan.quarters), empty_sampled_paths(layout, plan.quarters, 0)
    shocks, world = new_shocks(layout, plan.quarters), new_path_state(layout, plan.quarters)
    taken = []
    for first in (0, BURST, 2 * BURST):  # the first loads the machine code
        begun = time.thread_time()
        simulate(np.arange(first, first + BURST), plan.seed, layout, draws, shocks, world, tally, joint)
        taken.append((time.thread_time() - begun) / BURST)
    return min(taken[1:])


def typical_draws(layout: StaticInputs) -> Draws:
    """One row of parameters without a fit, under which contingents leave over the years."""
    draws = blank_draws(layout)
    draws.members["scale"] = draws.members["start"] = 0.05
    draws.parameters["nu"], draws.parameters["threat_reach"] = 4.0, 1.0
    draws.parameters["weights"], draws.dyads["stress_demand"] = 0.25, 1.0
    draws.outlook["war_end"] = draws.outlook["crisis_end"] = 1.0
    draws.missions["full_exit"] = 0.5
    draws.contingents["defection"] = draws.contingents["planned"] = _HAZARD
    return draws


def refuse_what_does_not_fit(size: Size, plan: Plan, home: Path) -> None:
    """Raise RunError if memory or disk would not hold the projection."""
    free = free_memory()
    if free is not None and size.memory > free:
        raise RunError(
            f"plan {plan.name} needs about {told_bytes(size.memory)} of memory, {told_bytes(free)} "
            "are free: lower joint_paths or draws in the plan, or take fewer --threads"
        )
    left = shutil.disk_usage(home).free
    if size.disk > left:
        raise RunError(
            f"plan {plan.name} needs up to {told_bytes(size.disk)} of disk, {told_bytes(left)} are "
            f"free in {home}: make room, or lower joint_paths in the plan"
        )


def free_memory() -> int | None:
    """Bytes of memory that can be had without swapping; None where the system does not tell."""
    told = Path("/proc/meminfo")
    if told.is_file():
        for line in told.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def size_lines(size: Size, threads: int) -> list[str]:
    """The size for a terminal."""
    took = (
        "unknown: the kernel is not compiled yet; make it known with: forecast warmup"
        if size.seconds is None
        else f"about {told_seconds(size.seconds)} on {threads} threads, from a burst of "
        f"{BURST} paths with typical hazards on one thread; fits and checks come on top"
    )
    return [
        f"paths   {size.paths:,}",
        f"steps   {size.steps:,} quarters over all cells",
        f"memory  {told_bytes(size.memory)}, of which {told_bytes(NUMBER * size.paths)} grow with the paths",
        f"disk    {told_bytes(size.disk)} at most; files are compressed",
        f"time    {took}",
    ]


def told_bytes(number: int) -> str:
    """In binary units."""
    unit = "GiB" if number >= 1 << 30 else "MiB"
    return f"{number / (1 << (30 if unit == 'GiB' else 20)):.{1 if unit == 'GiB' else 0}f} {unit}"


def told_seconds(seconds: float) -> str:
    """Seconds below two minutes, else minutes."""
    return f"{math.ceil(seconds)} s" if seconds < 120 else f"{seconds / 60:.0f} min"
