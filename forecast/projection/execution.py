"""Simulate paths in batches on several threads or on a cluster, and add up the tallies as they arrive.

The result does not depend on the number of threads or workers, or on the size of the batches.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from forecast.progress import Report
from forecast.projection.batches import Paths, SimulationSpec, simulate_batch, split_paths
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.buffers import empty_sampled_paths, empty_tally, new_path_state, new_shocks
from forecast.simulation.jit import is_compiled
from forecast.simulation.tallies import SampledPaths, Tally, add, settle

BATCH_SIZE: Final = 2000  # largest number of paths that share a tally


@dataclass(frozen=True, slots=True)
class Executor:
    """Where paths are simulated.

    Parameters
    ----------
    threads
        Number of threads of this process.
    dask
        Address of a Dask scheduler, or `local:N` for N processes; empty for threads.
    batch_size
        Largest number of paths in a batch; 0 leaves the choice to the caller of the batches.
    """

    threads: int
    dask: str = ""
    batch_size: int = 0


def require_executor(executor: Executor) -> None:
    """Raise ForecastError if paths cannot be simulated there; a run calls it before its first fit."""
    if executor.dask:
        from forecast.projection.dask_backend import require_cluster

        require_cluster(executor.dask)


def simulate_paths(spec: SimulationSpec, paths: int, executor: Executor, report: Report) -> tuple[Tally, SampledPaths]:
    """Simulate the paths 0 .. `paths` - 1 in every cell and return their settled tally and the sampled paths.

    Ctrl-C stops after the strides in progress.
    """
    static, quarters = spec.static, spec.quarters
    tally, sampled = empty_tally(static, quarters), empty_sampled_paths(static, quarters, spec.joint_paths)
    batches = split_paths(np.arange(paths), min(executor.batch_size or BATCH_SIZE, -(-paths // executor.threads)))
    for position, batch_tally, batch_sampled in run_batches(batches, spec, executor, report):
        add(tally, batch_tally)
        store_paths(sampled, batches[position], batch_sampled)
        del batch_tally, batch_sampled  # before the next batch takes as much memory
    return settle(tally, static.missions), sampled


def store_paths(sampled: SampledPaths, batch: Paths, batch_sampled: SampledPaths) -> None:
    """Copy the sampled paths of a batch to their rows in `sampled`."""
    for values, batch_values in zip(sampled, batch_sampled, strict=True):
        values[batch[: len(batch_values)]] = batch_values


def run_batches(
    batches: Sequence[Paths], spec: SimulationSpec, executor: Executor, report: Report
) -> Iterator[tuple[int, Tally, SampledPaths]]:
    """Yield position, tally (not yet settled) and sampled paths of each batch, in any order.

    A thread gets its next batch when the caller asks for the next result, so no more tallies are alive than threads if
    the caller keeps none.
    """
    if executor.dask:
        from forecast.projection.dask_backend import run_batches_on_cluster

        yield from run_batches_on_cluster(executor.dask, batches, spec, report)
        return
    report("loading the kernel" if is_compiled() else "compiling the kernel", 0.0)
    load_kernel(spec.static, spec.draws, spec.quarters, spec.seed)
    total, done = sum(len(batch) for batch in batches), 0
    guard, stop = threading.Lock(), threading.Event()

    def report_paths(paths: int) -> bool:
        nonlocal done
        with guard:
            done += paths
            report("projecting", done / total)
        return stop.is_set()

    waiting = iter(enumerate(batches))
    with ThreadPoolExecutor(executor.threads) as pool:

        def submit_batches(number: int) -> dict[Future[tuple[Tally, SampledPaths]], int]:
            return {
                pool.submit(simulate_batch, spec, batch, report_paths): position
                for position, batch in islice(waiting, number)
            }

        in_progress = submit_batches(executor.threads)
        try:
            while in_progress:
                yield _first_finished(in_progress)
                in_progress |= submit_batches(1)
        finally:
            stop.set()


def _first_finished(in_progress: dict[Future[tuple[Tally, SampledPaths]], int]) -> tuple[int, Tally, SampledPaths]:
    """Wait for a batch, take it out of `in_progress`, and return its position, tally and sampled paths."""
    finished, _ = wait(in_progress, return_when=FIRST_COMPLETED)
    future = finished.pop()
    return in_progress.pop(future), *future.result()


def load_kernel(static: StaticInputs, draws: Draws, quarters: int, seed: int) -> None:
    """Compile the kernel, or load it from the cache, before threads start; simulate no path."""
    from forecast.simulation.kernel import simulate

    tally, sampled = empty_tally(static, quarters), empty_sampled_paths(static, quarters, 0)
    shocks, path_state = new_shocks(static, quarters), new_path_state(static, quarters)
    simulate(np.arange(0), seed, static, draws, shocks, path_state, tally, sampled)
