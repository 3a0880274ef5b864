"""The parts of a projection on the workers of a Dask cluster: an existing one, or processes of this machine.

A part is the numbers of its paths. Dask lives through it again when its worker dies; a part is added to the whole once,
when it has arrived, so nothing is lost and nothing is counted twice. How many parts are under way is bounded, and so
is the memory that waits for them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from forecast.errors import ForecastError
from forecast.progress import Report
from forecast.projection.batches import Paths, SimulationSpec, simulate_batch
from forecast.simulation.jit import source_digest
from forecast.simulation.tallies import SampledPaths, Tally

LOCAL: Final = "local:"
_RETRIES: Final = 3  # of a part that failed or took its worker down


def simulate_on_worker(spec: SimulationSpec, part: Paths, digest: str) -> tuple[Tally, SampledPaths]:
    """On a worker: one part, if the worker has the same core."""
    if source_digest() != digest:
        raise ForecastError(
            "a worker of the cluster has another version of the core than this process: "
            "install the same alliance-forecast on all machines"
        )
    return simulate_batch(spec, part)


def run_batches_on_cluster(
    address: str, parts: Sequence[Paths], spec: SimulationSpec, report: Report
) -> Iterator[tuple[int, Tally, SampledPaths]]:
    """The tally and the whole paths of each part from the cluster at `address`, with its position, as they arrive."""
    total, done = sum(len(part) for part in parts), 0
    waiting = iter(enumerate(parts))
    dask = _dask(address)
    with _connected(dask, address) as client:
        report("waiting for workers", 0.0)
        client.wait_for_workers(1)
        shared = client.scatter(spec, broadcast=True, hash=False)
        positions: dict[str, int] = {}
        digest = source_digest()  # reads all sources, so once and not for each part

        def begin(number: int) -> list[Any]:
            futures = []
            for i, part in islice(waiting, number):
                future = client.submit(simulate_on_worker, shared, part, digest, pure=False, retries=_RETRIES)
                positions[future.key] = i
                futures.append(future)
            return futures

        under_way = dask.as_completed(begin(2 * sum(client.nthreads().values())))
        for future in under_way:
            found, i = future.result(), positions.pop(future.key)
            future.release()
            for another in begin(1):
                under_way.add(another)
            done += len(parts[i])
            report("projecting", done / total)
            yield i, *found


def _dask(address: str) -> Any:
    """The library, which is installed only where somebody wants a cluster."""
    try:
        import distributed
    except ImportError as error:
        raise ForecastError(f"--dask {address}: Dask is not installed; install alliance-forecast[cluster]") from error
    return distributed


@contextmanager
def _connected(dask: Any, address: str) -> Iterator[Any]:
    """A client of the cluster at `address`, or of as many processes of this machine as `local:N` says."""
    if not address.startswith(LOCAL):
        try:
            client = dask.Client(address, timeout=30)
        except (OSError, ValueError) as error:
            raise ForecastError(
                f"--dask {address}: no scheduler answers there ({error}); expected "
                "tcp://host:8786 of a running cluster, or local:N"
            ) from error
        with client:
            yield client
        return
    number = address.removeprefix(LOCAL)
    if not number.isdigit() or int(number) < 1:
        raise ForecastError(f"--dask {address}: expected local:N with N worker processes, as local:2")
    with (
        dask.LocalCluster(
            n_workers=int(number), threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        dask.Client(cluster) as client,
    ):
        yield client
