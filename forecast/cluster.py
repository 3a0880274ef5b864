"""The chunks of paths on the workers of a Dask cluster: an existing one, or processes of this machine.

A chunk is its range of paths. Dask lives through it again when its worker dies; a chunk is added to the whole once,
when it has arrived, so nothing is lost and nothing is counted twice. How many chunks are under way is bounded, and so
is the memory that waits for them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from forecast.core.buffers import empty_joint, empty_tally, new_luck, new_world
from forecast.core.compile import source_digest
from forecast.core.state import Draws, Layout
from forecast.core.tally import Joint, Tally
from forecast.errors import ForecastError

CHUNK: Final = 2000  # paths; a tally travels for each chunk
LOCAL: Final = "local:"
_RETRIES: Final = 3  # of a chunk that failed or took its worker down


def live_chunk(
    first: int, last: int, joint_paths: int, seed: int, quarters: int, digest: str,
    layout: Layout, draws: Draws,
) -> tuple[Tally, Joint]:  # fmt: skip
    """On a worker: paths first .. last - 1, and those of them whole that are among the joint paths."""
    from forecast.core.kernel import simulate

    if source_digest() != digest:
        raise ForecastError(
            "a worker of the cluster has another version of the core than this process: "
            "install the same alliance-forecast on all machines"
        )
    tally = empty_tally(layout, quarters)
    whole = empty_joint(layout, quarters, min(last, joint_paths) if first < joint_paths else 0)
    luck, world = new_luck(layout, quarters), new_world(layout)
    simulate(first, last, seed, layout, draws, luck, world, tally, whole)
    return tally, Joint(*(part[first:] for part in whole))


def simulate_on(
    address: str,
    layout: Layout,
    draws: Draws,
    *,
    quarters: int,
    paths: int,
    joint_paths: int,
    seed: int,
    report: Callable[[str, float], None],
    chunk: int = CHUNK,
) -> tuple[Tally, Joint]:
    """Live through all paths on the cluster at `address`; gives the tally before it is settled."""
    total, joint = empty_tally(layout, quarters), empty_joint(layout, quarters, joint_paths)
    waiting = iter([(first, min(first + chunk, paths)) for first in range(0, paths, chunk)])
    dask = _dask(address)
    with _connected(dask, address) as client:
        report("waiting for workers", 0.0)
        client.wait_for_workers(1)
        shared = client.scatter([layout, draws], broadcast=True, hash=False)
        keys: dict[str, tuple[int, int]] = {}

        def submit(first: int, last: int) -> Any:
            future = client.submit(
                live_chunk, first, last, joint_paths, seed, quarters, source_digest(), *shared,
                pure=False, retries=_RETRIES,
            )  # fmt: skip
            keys[future.key] = (first, last)
            return future

        abreast = 2 * sum(client.nthreads().values())
        under_way = dask.as_completed([submit(*one) for one in islice(waiting, abreast)])
        done = 0
        for future in under_way:
            tally, whole = future.result()
            first, last = keys.pop(future.key)
            future.release()
            _add(total, joint, first, tally, whole)
            done += last - first
            report("projecting", done / paths)
            if (following := next(waiting, None)) is not None:
                under_way.add(submit(*following))
    return total, joint


def _add(total: Tally, joint: Joint, first: int, tally: Tally, whole: Joint) -> None:
    """Integers add up in any order; whole paths have their own place."""
    for sums, more in zip(total, tally, strict=True):
        sums += more
    for paths, some in zip(joint, whole, strict=True):
        paths[first : first + len(some)] = some


def _dask(address: str) -> Any:
    """The library, which is installed only where somebody wants a cluster."""
    try:
        import distributed
    except ImportError as error:
        raise ForecastError(
            f"--dask {address}: Dask is not installed; install alliance-forecast[cluster]"
        ) from error
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
        raise ForecastError(
            f"--dask {address}: expected local:N with N worker processes, as local:2"
        )
    with (
        dask.LocalCluster(
            n_workers=int(number), threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        dask.Client(cluster) as client,
    ):
        yield client
