"""The same paths on several threads: chunks of paths, one tally a thread, integer sums at the end.

The result does not depend on the number of threads or on the size of a chunk.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Final

from forecast.core.buffers import new_luck, new_world
from forecast.core.state import Draws, Layout
from forecast.core.tally import Joint, Tally, merge, new_joint, new_tally, settle

CHUNK: Final = 250  # paths between two reports of progress


def simulate_paths(
    layout: Layout,
    draws: Draws,
    *,
    quarters: int,
    paths: int,
    joint_paths: int,
    seed: int,
    threads: int,
    report: Callable[[str, float], None],
) -> tuple[Tally, Joint]:
    """Live through `paths` paths in every cell; Ctrl-C stops after the chunks under way."""
    from forecast.core.kernel import simulate

    cells, years = layout.cells.size, layout.pledge.size
    joint = new_joint(joint_paths, cells, quarters, years, layout.missions.size, layout.dyads.size)
    starts = iter(range(0, paths, CHUNK))
    guard, stop = threading.Lock(), threading.Event()
    done = 0

    def work() -> Tally:
        nonlocal done
        tally = new_tally(
            cells, quarters, years, layout.members.size, layout.countries.size,
            layout.contingents.shape, layout.slots.size, layout.dyads.size,
        )  # fmt: skip
        luck, world = new_luck(layout, quarters), new_world(layout)
        while not stop.is_set():
            with guard:
                first = next(starts, None)
            if first is None:
                break
            last = min(first + CHUNK, paths)
            simulate(first, last, seed, layout, draws, luck, world, tally, joint)
            with guard:
                done += last - first
                report("projecting", done / paths)
        return tally

    report("compiling the kernel", 0.0)
    warm_up(layout, draws, quarters, seed)
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(work) for _ in range(threads)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
        return settle(merge([future.result() for future in futures]), layout.missions), joint


def warm_up(layout: Layout, draws: Draws, quarters: int, seed: int) -> None:
    """Compile the kernel, or load it from the cache, before threads start; no path is lived through."""
    from forecast.core.kernel import simulate

    cells, years, missions = layout.cells.size, layout.pledge.size, layout.missions.size
    tally = new_tally(
        cells, quarters, years, layout.members.size, layout.countries.size,
        layout.contingents.shape, layout.slots.size, layout.dyads.size,
    )  # fmt: skip
    none = new_joint(0, cells, quarters, years, missions, layout.dyads.size)
    luck, world = new_luck(layout, quarters), new_world(layout)
    simulate(0, 0, seed, layout, draws, luck, world, tally, none)
