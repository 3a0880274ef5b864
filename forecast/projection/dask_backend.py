"""Simulate the batches of a projection on a Dask cluster: an existing one, or processes of this machine.

A batch is sent as the numbers of its paths. Dask simulates it again when its worker dies. A batch enters the total
once, when its result has arrived, so no path is lost or counted twice. The number of batches in progress is bounded,
which also bounds the memory of results that wait to be added.
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
_RETRIES: Final = 3  # of a batch that failed or whose worker died


def simulate_on_worker(spec: SimulationSpec, batch: Paths, digest: str) -> tuple[Tally, SampledPaths]:
    """Simulate one batch on a worker; raise ForecastError if the worker has another version of the simulator."""
    if (installed := source_digest()) != digest:
        raise ForecastError(
            f"a worker of the cluster has simulator {installed[:12]}, this process has {digest[:12]}: "
            "install the same alliance-forecast on all machines"
        )
    return simulate_batch(spec, batch)


def run_batches_on_cluster(
    address: str, batches: Sequence[Paths], spec: SimulationSpec, report: Report
) -> Iterator[tuple[int, Tally, SampledPaths]]:
    """Yield position, tally and sampled paths of each batch from the cluster at `address`, as they arrive."""
    total, done = sum(len(batch) for batch in batches), 0
    waiting = iter(enumerate(batches))
    distributed = _import_distributed(address)
    with _cluster_client(distributed, address) as client:
        report("waiting for workers", 0.0)
        client.wait_for_workers(1)
        shared_spec = client.scatter(spec, broadcast=True, hash=False)
        positions: dict[str, int] = {}
        digest = source_digest()  # reads all sources, so it is computed once and not for each batch

        def submit_batches(number: int) -> list[Any]:
            futures = []
            for position, batch in islice(waiting, number):
                future = client.submit(simulate_on_worker, shared_spec, batch, digest, pure=False, retries=_RETRIES)
                positions[future.key] = position
                futures.append(future)
            return futures

        in_progress = distributed.as_completed(submit_batches(2 * sum(client.nthreads().values())))
        for future in in_progress:
            tally, sampled = future.result()
            position = positions.pop(future.key)
            future.release()
            for next_future in submit_batches(1):
                in_progress.add(next_future)
            done += len(batches[position])
            report("projecting", done / total)
            yield position, tally, sampled


def _import_distributed(address: str) -> Any:
    """Import `distributed`, which is installed only with the extra `cluster`."""
    try:
        import distributed
    except ImportError as error:
        raise ForecastError(f"--dask {address}: Dask is not installed; install alliance-forecast[cluster]") from error
    return distributed


@contextmanager
def _cluster_client(distributed: Any, address: str) -> Iterator[Any]:
    """Open a client of the scheduler at `address`, or of N processes of this machine for `local:N`."""
    if not address.startswith(LOCAL):
        try:
            client = distributed.Client(address, timeout=30)
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
        raise ForecastError(f"--dask {address}: expected local:N with N worker processes, such as local:2")
    with (
        distributed.LocalCluster(
            n_workers=int(number), threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
