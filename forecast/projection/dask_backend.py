"""Simulate the batches of a projection on a Dask cluster: an existing one, or processes of this machine.

A batch is sent as the numbers of its paths. Dask simulates it again when its worker dies. A batch enters the total
once, when its result has arrived, so no path is lost or counted twice. The number of batches in progress is bounded,
which also bounds the memory of results that wait to be added.

Whatever Dask raises becomes one ForecastError. While nothing arrives, the reason is reported.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any, Final

from forecast.errors import ForecastError
from forecast.progress import Report
from forecast.projection.batches import Paths, SimulationSpec, simulate_batch
from forecast.projection.machine import cores
from forecast.simulation.jit import source_digest
from forecast.simulation.tallies import SampledPaths, Tally

LOCAL: Final = "local:"
_RETRIES: Final = 3  # of a batch that failed or whose worker died
_CONNECT: Final = 30.0  # seconds
_PATIENCE: Final = 60.0  # seconds without a result, after which the reason is reported
_PER_CORE: Final = 4  # largest number of local processes for each core
_EXPECTED: Final = "expected tcp://host:8786 of a running scheduler, or local:N"
_MEMORY: Final = "give each worker about 1 GiB of memory for each thread"


def simulate_on_worker(spec: SimulationSpec, batch: Paths, digest: str) -> tuple[Tally, SampledPaths]:
    """Simulate one batch on a worker; raise ForecastError if the worker has another version of the simulator."""
    _require_digest(source_digest(), digest)
    return simulate_batch(spec, batch)


def require_cluster(address: str) -> None:
    """Raise ForecastError if there is no cluster at `address`, or if its workers have another simulator.

    A cluster may have no workers yet.
    """
    distributed = _import_distributed(address)
    if address.startswith(LOCAL):
        _processes(address)
        return
    with _dask_errors(address), _cluster_client(distributed, address) as client:
        for installed in client.run(source_digest).values():
            _require_digest(installed, source_digest())


def run_batches_on_cluster(
    address: str, batches: Sequence[Paths], spec: SimulationSpec, report: Report
) -> Iterator[tuple[int, Tally, SampledPaths]]:
    """Yield position, tally and sampled paths of each batch from the cluster at `address`, as they arrive."""
    total, done = sum(len(batch) for batch in batches), 0
    waiting = iter(enumerate(batches))
    distributed = _import_distributed(address)

    def report_hint(hint: str) -> None:
        report(hint, done / total)

    with _dask_errors(address), _cluster_client(distributed, address) as client:
        report("waiting for workers", 0.0)
        _until(lambda: client.wait_for_workers(1, timeout=_PATIENCE), report_hint, client)
        shared_spec = client.scatter(spec, broadcast=True, hash=False)
        positions: dict[Any, int] = {}
        digest = source_digest()  # reads all sources, so it is computed once and not for each batch

        def submit_batches(number: int) -> None:
            for position, batch in islice(waiting, number):
                future = client.submit(simulate_on_worker, shared_spec, batch, digest, pure=False, retries=_RETRIES)
                positions[future] = position

        def wait() -> Any:
            with client.as_current():  # `wait` has no argument for its client
                return distributed.wait(list(positions), timeout=_PATIENCE, return_when="FIRST_COMPLETED").done

        submit_batches(2 * sum(client.nthreads().values()))
        while positions:
            for future in _until(wait, report_hint, client):
                position = positions.pop(future)
                tally, sampled = future.result()
                future.release()
                submit_batches(1)
                done += len(batches[position])
                report("projecting", done / total)
                yield position, tally, sampled


def _until[T](attempt: Callable[[], T], hint: Callable[[str], None], client: Any) -> T:
    """Return the result of `attempt`; each time it runs out of time, pass a line on what the workers do to `hint`."""
    minutes = 0.0
    while True:
        try:
            return attempt()
        except TimeoutError:
            minutes += _PATIENCE / 60
            hint(f"{_worker_line(client)}; nothing has arrived for {minutes:.0f} min")


def _worker_line(client: Any) -> str:
    """Return how many workers are in each state, and what to do if none of them takes work."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    states = Counter(worker["status"] for worker in workers)
    if not states:
        return f"the scheduler has no workers: start some with `dask worker {client.scheduler.address}`"
    line = "workers: " + ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    return f"{line} (paused: memory is full; {_MEMORY})" if states["paused"] else line


def _require_digest(installed: str, expected: str) -> None:
    if installed != expected:
        raise ForecastError(
            f"a worker of the cluster has simulator {installed[:12]}, this process has {expected[:12]}: "
            "install the same alliance-forecast on all machines"
        )


def _import_distributed(address: str) -> Any:
    """Import `distributed`, which is installed only with the extra `cluster`."""
    try:
        import distributed
    except ImportError as error:
        raise ForecastError(f"--dask {address}: Dask is not installed; install alliance-forecast[cluster]") from error
    return distributed


@contextmanager
def _dask_errors(address: str) -> Iterator[None]:
    """Turn what Dask raises, or what a worker raises outside the simulator, into one ForecastError."""
    try:
        yield
    except (ForecastError, MemoryError):
        raise
    except ImportError as error:
        raise ForecastError(
            f"--dask {address}: a worker cannot load the simulator ({error}); install the same alliance-forecast, "
            "Python and libraries on all machines"
        ) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:300] or "no reason given"
        raise ForecastError(
            f"--dask {address}: the cluster failed ({type(error).__name__}: {reason}); workers or the scheduler may "
            f"have been lost: {_MEMORY}, see their logs, and run again"
        ) from error


@contextmanager
def _cluster_client(distributed: Any, address: str) -> Iterator[Any]:
    """Open a client of the scheduler at `address`, or of N processes of this machine for `local:N`."""
    if not address.startswith(LOCAL):
        with closing(_connect(distributed, address)) as client:
            yield client
        return
    with (
        distributed.LocalCluster(
            n_workers=_processes(address), threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        client.register_plugin(_interrupts_ignored(distributed))
        yield client


def _interrupts_ignored(distributed: Any) -> Any:
    """Return a plugin by which workers ignore Ctrl-C, which a terminal sends to them too.

    We end them. Each would print tracebacks and start again.
    """

    class IgnoreInterrupts(distributed.WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return IgnoreInterrupts()


def _processes(address: str) -> int:
    """Return N of `local:N`."""
    number, most = address.removeprefix(LOCAL), _PER_CORE * cores()
    if not (number.isascii() and number.isdigit() and len(number) < 9 and 1 <= int(number) <= most):
        raise ForecastError(
            f"--dask {address[:60]}: expected local:N with N from 1 to {most} worker processes ({_PER_CORE} for each "
            "core of this machine), such as local:2"
        )
    return int(number)


def _connect(distributed: Any, address: str) -> Any:
    """Return a client of the scheduler at `address`; raise ForecastError if none answers in time.

    The client is made in a thread, because its own timeout does not end the wait for a server of another kind.
    """
    made: list[Any] = []

    def connect() -> None:
        try:
            made.append(distributed.Client(address, timeout=_CONNECT, set_as_default=False))
        except Exception as error:
            made.append(error)

    thread = threading.Thread(target=connect, name="connect to Dask", daemon=True)
    thread.start()
    thread.join(1.2 * _CONNECT)
    client = made[0] if made else TimeoutError("what listens there does not speak Dask's protocol")
    if isinstance(client, Exception):
        advice = "; for tls://, name the certificates in Dask's configuration" if address.startswith("tls:") else ""
        raise ForecastError(f"--dask {address[:200]}: no scheduler answers there ({client}); {_EXPECTED}{advice}")
    return client
