"""Workers of a Dask cluster live the same lives as threads, also when one of them is killed in the middle."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster

from forecast.errors import ForecastError
from forecast.progress import silent
from forecast.projection.execution import simulate_paths
from forecast.projection.monte_carlo_error import project
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths, Tally
from tests.projection.test_execution import assert_same
from tests.projection.test_monte_carlo_error import tell
from tests.support.random_kernel_inputs import spec, tiny_draws, tiny_layout

pytestmark = [
    pytest.mark.slow,
    # A worker that is killed leaves its sockets and its process to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PATHS, WHOLE, CHUNK = 4000, 150, 100
PathState = tuple[StaticInputs, Draws]


@pytest.fixture(scope="module")
def world() -> PathState:
    layout = tiny_layout()
    return layout, tiny_draws(layout)


@pytest.fixture(scope="module")
def expected(world: PathState) -> tuple[Tally, SampledPaths]:
    return simulate_paths(spec(*world, WHOLE), PATHS, threads=1, report=silent)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        local_directory=str(tmp_path),
    ) as made:
        yield made


def lived(address: str, world: PathState, report: Callable[[str, float], None] = silent) -> tuple[Tally, SampledPaths]:
    return simulate_paths(spec(*world, WHOLE), PATHS, threads=1, report=report, chunk=CHUNK, dask=address)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_of_this_machine_give_the_bytes_of_threads(
    world: PathState, expected: tuple[Tally, SampledPaths], workers: int
) -> None:
    assert_same(lived(f"local:{workers}", world), expected)


def test_a_worker_killed_in_the_middle_loses_nothing(
    world: PathState, expected: tuple[Tally, SampledPaths], cluster: LocalCluster
) -> None:
    with Client(cluster) as client:
        before = set(client.run(os.getpid).values())
        killed: list[tuple[int, float]] = []

        def kills(what: str, part: float) -> None:
            if what == "projecting" and part >= 0.2 and not killed:
                victim = min(before)
                os.kill(victim, signal.SIGKILL)
                killed.append((victim, part))

        found = lived(cluster.scheduler_address, world, kills)
        assert killed
        assert killed[0][1] < 1.0
        client.wait_for_workers(2)
        assert killed[0][0] not in client.run(os.getpid).values()  # the nanny has brought another
    assert_same(found, expected)


def test_monte_carlo_errors_have_the_bytes_of_threads(world: PathState, cluster: LocalCluster) -> None:
    own, paths = spec(*world, WHOLE), range(400)
    address = {"threads": "", "workers": cluster.scheduler_address}
    found = {
        who: project(own, paths, tell, threads=2, report=silent, dask=where, chunk=3) for who, where in address.items()
    }
    assert_same(*((one.tally, one.joint) for one in found.values()))
    for name, error in found["threads"].errors.items():
        np.testing.assert_array_equal(error.whole, found["workers"].errors[name].whole)
        np.testing.assert_array_equal(error.paths, found["workers"].errors[name].paths)


@pytest.mark.parametrize("address", ["local:", "local:none", "local:0"])
def test_a_wrong_number_of_workers_is_refused(world: PathState, address: str) -> None:
    with pytest.raises(ForecastError, match="expected local:N"):
        lived(address, world)


def test_a_scheduler_that_is_not_there_is_named(world: PathState) -> None:
    with pytest.raises(ForecastError, match="no scheduler answers"):
        lived("nonsense://nowhere:1", world)
