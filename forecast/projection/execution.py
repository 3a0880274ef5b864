"""The same paths on several threads or on a cluster: parts of the paths, a tally each, added up as they arrive.

The result does not depend on the number of threads or workers, or on how the paths are parted.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Final

import numpy as np

from forecast.progress import Report
from forecast.projection.batches import Paths, SimulationSpec, cut, simulate_batch
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.buffers import empty_sampled_paths, empty_tally, new_path_state, new_shocks
from forecast.simulation.jit import is_compiled
from forecast.simulation.tallies import SampledPaths, Tally, add, settle

CHUNK: Final = 2000  # paths that share a tally, at most


def simulate_paths(
    spec: SimulationSpec,
    paths: int,
    *,
    threads: int,
    report: Report,
    chunk: int = CHUNK,
    dask: str = "",
) -> tuple[Tally, SampledPaths]:
    """Live through paths 0 .. `paths` - 1 in every cell; Ctrl-C stops after the paths under way.

    With `dask`, the address of a scheduler or `local:N`, workers live through them instead of threads.
    """
    layout, quarters = spec.layout, spec.quarters
    tally, joint = empty_tally(layout, quarters), empty_sampled_paths(layout, quarters, spec.joint_paths)
    parts = cut(np.arange(paths), min(chunk, -(-paths // threads)))
    for i, found, whole in run_batches(parts, spec, threads=threads, report=report, dask=dask):
        add(tally, found)
        store_paths(joint, parts[i], whole)
    return settle(tally, layout.missions), joint


def store_paths(joint: SampledPaths, part: Paths, whole: SampledPaths) -> None:
    """Put the whole paths of a part in their places."""
    for paths, some in zip(joint, whole, strict=True):
        paths[part[: len(some)]] = some


def run_batches(
    parts: Sequence[Paths], spec: SimulationSpec, *, threads: int, report: Report, dask: str = ""
) -> Iterator[tuple[int, Tally, SampledPaths]]:
    """The tally of each part, before it is settled, and its whole paths, with its position; in any order."""
    if dask:
        from forecast.projection.dask_backend import run_batches_on_cluster

        yield from run_batches_on_cluster(dask, parts, spec, report)
        return
    report("loading the kernel" if is_compiled() else "compiling the kernel", 0.0)
    warm_up(spec.layout, spec.draws, spec.quarters, spec.seed)
    total, done = sum(len(part) for part in parts), 0
    guard, stop = threading.Lock(), threading.Event()

    def told(paths: int) -> bool:
        nonlocal done
        with guard:
            done += paths
            report("projecting", done / total)
        return stop.is_set()

    waiting = iter(enumerate(parts))
    with ThreadPoolExecutor(threads) as pool:

        def begin(number: int) -> dict[Future[tuple[Tally, SampledPaths]], int]:
            return {pool.submit(simulate_batch, spec, part, told): i for i, part in islice(waiting, number)}

        under_way = begin(threads)
        try:
            while under_way:
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in finished:
                    i = under_way.pop(future)
                    found = future.result()
                    under_way |= begin(1)
                    yield i, *found
        finally:
            stop.set()


def warm_up(layout: StaticInputs, draws: Draws, quarters: int, seed: int) -> None:
    """Compile the kernel, or load it from the cache, before threads start; no path is lived through."""
    from forecast.simulation.kernel import simulate

    tally, joint = empty_tally(layout, quarters), empty_sampled_paths(layout, quarters, 0)
    shocks, world, none = new_shocks(layout, quarters), new_path_state(layout, quarters), np.arange(0)
    simulate(none, seed, layout, draws, shocks, world, tally, joint)
