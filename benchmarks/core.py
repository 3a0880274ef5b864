"""The simulation, as ratios measured side by side: threads, scenario cells, paths, members, missions, memory."""

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

PATHS = 600  # short jobs, many turns: a shared machine changes its pace within seconds


def main() -> None:
    """All comparisons, as a table."""
    whole = quickstart()
    one = with_cells(whole, [0])
    core(whole, 1)()
    print(HEAD)
    layout = tiny_layout()
    draws = tiny_draws(layout)
    small = core(tiny(layout, draws), 2000)
    compare("plain twin : core, a small plan", plain(layout, draws, 20), small, unit=100.0)
    compare("one thread : two", core(whole, PATHS), core(whole, PATHS, threads=2), turns=21)
    usual = core(whole, PATHS, 2)
    compare("20 cells : 10", usual, core(with_cells(whole, list(range(10))), PATHS, 2))
    for times in (2, 4):
        compare(f"members x {times} : x 1", core(members(whole, times), PATHS, 2), usual)
        compare(f"missions x {times} : x 1", core(missions(whole, times), PATHS, 2), usual)
    few, many = peak_memory(10_000), peak_memory(100_000)
    print(f"| peak memory, 100,000 paths : 10,000, one cell | {many / few:.2f} | | {few:.0f} MiB |")
    for more, turns in ((1000, 15), (10_000, 9), (100_000, 3)):
        compare(
            f"time a path, {10 * more:,} paths : {more:,}, one cell",
            core(one, 10 * more, 2),
            core(one, more, 2),
            unit=0.1,
            turns=turns,
        )


def plain(layout: object, draws: object, paths: int) -> object:
    """The plain Python twin of the alliance, without its dyads, for so many paths of a small plan."""
    return lambda: [reference.Path(SEED, p, layout, draws, QUARTERS).courses for p in range(paths)]


def members(spec: SimulationSpec, times: int) -> SimulationSpec:
    """Every ally so many times, each with random numbers of its own."""
    layout, draws = spec.static, spec.draws
    index = np.tile(np.arange(layout.members.size), times)
    more = pick(layout.members, index)
    more["id"] += 1_000_000 * (np.arange(index.size) // layout.members.size)
    more["european"] /= times
    return replace(
        spec,
        static=layout._replace(members=more),
        draws=draws._replace(members=pick(draws.members, index, 1)),
    )


def missions(spec: SimulationSpec, times: int) -> SimulationSpec:
    """Every mission so many times, each with random numbers of its own."""
    layout, draws = spec.static, spec.draws
    index = np.tile(np.arange(layout.missions.size), times)
    again = 1_000_000 * (np.arange(index.size) // layout.missions.size)
    plans, contingents = pick(layout.missions, index), pick(layout.contingents, index)
    plans["id"] += again
    contingents["id"] += again[:, None]
    return replace(
        spec,
        static=layout._replace(missions=plans, contingents=contingents),
        draws=draws._replace(missions=pick(draws.missions, index, 1), contingents=pick(draws.contingents, index, 1)),
    )


def peak_memory(paths: int) -> float:
    """MiB of a process of its own that simulates so many paths on two threads."""
    done = subprocess.run([sys.executable, __file__, str(paths)], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    if len(sys.argv) > 1:  # what `peak_memory` runs
        core(with_cells(quickstart(), [0]), int(sys.argv[1]), threads=2)()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main()
