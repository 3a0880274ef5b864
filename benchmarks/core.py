"""Measure how time and memory of the simulation depend on threads, scenario cells, paths, members and missions."""

import resource
import subprocess
import sys
from dataclasses import replace

import numpy as np
from common import HEAD, ROOT, compare, core, quickstart

sys.path.insert(0, str(ROOT))

from forecast.projection.batches import SimulationSpec, with_cells
from tests.support.random_kernel_inputs import QUARTERS, SEED, pick, tiny_draws, tiny_layout
from tests.support.random_kernel_inputs import spec as tiny
from tests.support.twin import path as reference

PATHS = 600  # short jobs and many turns, because the speed of a shared machine changes within seconds


def main() -> None:
    """Print all comparisons as a table."""
    spec = quickstart()
    one_cell = with_cells(spec, [0])
    core(spec, 1)()
    print(HEAD)
    layout = tiny_layout()
    draws = tiny_draws(layout)
    small = core(tiny(layout, draws), 2000)
    compare("plain twin : core, a small plan", plain(layout, draws, 20), small, unit=100.0)
    compare("one thread : two", core(spec, PATHS), core(spec, PATHS, threads=2), turns=21)
    two_threads = core(spec, PATHS, 2)
    compare("20 cells : 10", two_threads, core(with_cells(spec, list(range(10))), PATHS, 2))
    for times in (2, 4):
        compare(f"members x {times} : x 1", core(members(spec, times), PATHS, 2), two_threads)
        compare(f"missions x {times} : x 1", core(missions(spec, times), PATHS, 2), two_threads)
    small_peak, large_peak = peak_memory(10_000), peak_memory(100_000)
    print(f"| peak memory, 100,000 paths : 10,000, one cell | {large_peak / small_peak:.2f} | | {small_peak:.0f} MiB |")
    for more, turns in ((1000, 15), (10_000, 9), (100_000, 3)):
        compare(
            f"time a path, {10 * more:,} paths : {more:,}, one cell",
            core(one_cell, 10 * more, 2),
            core(one_cell, more, 2),
            unit=0.1,
            turns=turns,
        )


def plain(layout: object, draws: object, paths: int) -> object:
    """Return a job that simulates `paths` paths of a small plan with the Python twin, which has no dyads."""
    return lambda: [reference.Path(SEED, p, layout, draws, QUARTERS).courses for p in range(paths)]


def members(spec: SimulationSpec, times: int) -> SimulationSpec:
    """Return `spec` with every ally `times` times; each copy has its own random numbers."""
    layout, draws = spec.static, spec.draws
    index = np.tile(np.arange(layout.members.size), times)
    copies = pick(layout.members, index)
    copies["id"] += 1_000_000 * (np.arange(index.size) // layout.members.size)
    copies["european"] /= times
    return replace(
        spec,
        static=layout._replace(members=copies, announced=layout.announced[index]),
        draws=draws._replace(members=pick(draws.members, index, 1)),
    )


def missions(spec: SimulationSpec, times: int) -> SimulationSpec:
    """Return `spec` with every mission `times` times; each copy has its own random numbers."""
    layout, draws = spec.static, spec.draws
    index = np.tile(np.arange(layout.missions.size), times)
    offset = 1_000_000 * (np.arange(index.size) // layout.missions.size)
    plans, contingents = pick(layout.missions, index), pick(layout.contingents, index)
    plans["id"] += offset
    contingents["id"] += offset[:, None]
    return replace(
        spec,
        static=layout._replace(missions=plans, contingents=contingents),
        draws=draws._replace(missions=pick(draws.missions, index, 1), contingents=pick(draws.contingents, index, 1)),
    )


def peak_memory(paths: int) -> float:
    """Return the peak memory, in MiB, of a new process that simulates `paths` paths on two threads."""
    process = subprocess.run([sys.executable, __file__, str(paths)], capture_output=True, text=True, check=True)
    return float(process.stdout)


if __name__ == "__main__":
    if len(sys.argv) > 1:  # what `peak_memory` runs
        core(with_cells(quickstart(), [0]), int(sys.argv[1]), threads=2)()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main()
