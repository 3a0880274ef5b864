"""The same paths on several threads or on a cluster: chunks of paths, a tally each, integer sums at the end.

The result does not depend on the number of threads or workers, or on the size of a chunk.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Final

from forecast.core.buffers import empty_joint, empty_tally, new_luck, new_world
from forecast.core.state import Draws, Layout
from forecast.core.tally import Joint, Tally, merge, settle

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
    chunk: int = CHUNK,
    dask: str = "",
) -> tuple[Tally, Joint]:
    """Live through `paths` paths in every cell; Ctrl-C stops after the chunks under way.

    With `dask`, the address of a scheduler or `local:N`, workers live through them instead of threads.
    """
    if dask:
        from forecast.cluster import simulate_on

        tally, joint = simulate_on(
            dask, layout, draws, quarters=quarters, paths=paths, joint_paths=joint_paths,
            seed=seed, report=report,
        )  # fmt: skip
    else:
        report("compiling the kernel", 0.0)
        warm_up(layout, draws, quarters, seed)
        joint = empty_joint(layout, quarters, joint_paths)
        tally = _on_threads(layout, draws, quarters, paths, seed, threads, report, chunk, joint)
    return settle(tally, layout.missions), joint


def _on_threads(
    layout: Layout, draws: Draws, quarters: int, paths: int, seed: int, threads: int,
    report: Callable[[str, float], None], chunk: int, joint: Joint,
) -> Tally:  # fmt: skip
    """The sum of one tally a thread; whole paths go into `joint`."""
    from forecast.core.kernel import simulate

    starts = iter(range(0, paths, chunk))
    guard, stop = threading.Lock(), threading.Event()
    done = 0

    def work() -> Tally:
        nonlocal done
        tally = empty_tally(layout, quarters)
        luck, world = new_luck(layout, quarters), new_world(layout)
        while not stop.is_set():
            with guard:
                first = next(starts, None)
            if first is None:
                break
            last = min(first + chunk, paths)
            simulate(first, last, seed, layout, draws, luck, world, tally, joint)
            with guard:
                done += last - first
                report("projecting", done / paths)
        return tally

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(work) for _ in range(threads)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
        return merge([future.result() for future in futures])


def warm_up(layout: Layout, draws: Draws, quarters: int, seed: int) -> None:
    """Compile the kernel, or load it from the cache, before threads start; no path is lived through."""
    from forecast.core.kernel import simulate

    tally, joint = empty_tally(layout, quarters), empty_joint(layout, quarters, 0)
    simulate(0, 0, seed, layout, draws, new_luck(layout, quarters), new_world(layout), tally, joint)
