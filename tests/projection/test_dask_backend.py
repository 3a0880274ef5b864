"""Workers of a Dask cluster simulate the same paths as threads, also when one of them is killed on the way."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from distributed import Client, LocalCluster

from forecast.errors import ForecastError
from forecast.progress import silent
from forecast.projection.execution import Executor, simulate_paths
from forecast.projection.monte_carlo_error import project
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths, Tally
from tests.support.projections import assert_same, tiny_estimates
from tests.support.random_kernel_inputs import spec, tiny_draws, tiny_layout

pytestmark = [
    pytest.mark.slow,
    # A killed worker leaves its sockets and its process to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PATHS, SAMPLED, BATCH = 4000, 150, 100
Inputs = tuple[StaticInputs, Draws]


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    layout = tiny_layout()
    return layout, tiny_draws(layout)


@pytest.fixture(scope="module")
def expected(inputs: Inputs) -> tuple[Tally, SampledPaths]:
    return simulate_paths(spec(*inputs, SAMPLED), PATHS, Executor(1), silent)


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


def on_cluster(
    address: str, inputs: Inputs, report: Callable[[str, float], None] = silent
) -> tuple[Tally, SampledPaths]:
    return simulate_paths(spec(*inputs, SAMPLED), PATHS, Executor(1, address, BATCH), report)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_numbers_of_threads(
    inputs: Inputs, expected: tuple[Tally, SampledPaths], workers: int
) -> None:
    assert_same(on_cluster(f"local:{workers}", inputs), expected)


def test_a_killed_worker_loses_no_path(
    inputs: Inputs, expected: tuple[Tally, SampledPaths], cluster: LocalCluster
) -> None:
    with Client(cluster) as client:
        before = set(client.run(os.getpid).values())
        killed: list[tuple[int, float]] = []

        def kills(what: str, part: float) -> None:
            if what == "projecting" and part >= 0.2 and not killed:
                victim = min(before)
                os.kill(victim, signal.SIGKILL)
                killed.append((victim, part))

        result = on_cluster(cluster.scheduler_address, inputs, kills)
        assert killed
        assert killed[0][1] < 1.0
        client.wait_for_workers(2)
        assert killed[0][0] not in client.run(os.getpid).values()  # Dask has started another
    assert_same(result, expected)


def test_monte_carlo_errors_are_those_of_threads(inputs: Inputs, cluster: LocalCluster) -> None:
    addresses = {"threads": "", "workers": cluster.scheduler_address}
    results = {
        name: project(spec(*inputs, SAMPLED), range(400), tiny_estimates, Executor(2, address, 3), silent)
        for name, address in addresses.items()
    }
    assert_same(*((projected.tally, projected.joint) for projected in results.values()))
    for name, error in results["threads"].errors.items():
        np.testing.assert_array_equal(error.variance, results["workers"].errors[name].variance)
        np.testing.assert_array_equal(error.path_variance, results["workers"].errors[name].path_variance)


@pytest.mark.parametrize("address", ["local:", "local:none", "local:0"])
def test_invalid_number_of_workers_is_refused(inputs: Inputs, address: str) -> None:
    with pytest.raises(ForecastError, match="expected local:N"):
        on_cluster(address, inputs)


def test_missing_scheduler_is_named_in_the_error(inputs: Inputs) -> None:
    with pytest.raises(ForecastError, match="no scheduler answers"):
        on_cluster("nonsense://nowhere:1", inputs)
