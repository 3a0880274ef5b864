"""Workers of a Dask cluster simulate the same paths as threads, also when one of them is killed on the way."""

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster, Status

from forecast.errors import ForecastError
from forecast.progress import silent
from forecast.projection import dask_backend
from forecast.projection.execution import Executor, require_executor, simulate_paths
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


@pytest.mark.case("B33")
def test_interrupt_of_a_terminal_does_not_stop_the_workers(
    inputs: Inputs, expected: tuple[Tally, SampledPaths], capfd: pytest.CaptureFixture[str]
) -> None:
    interrupted: list[int] = []

    def interrupts(what: str, part: float) -> None:
        if what == "projecting" and part >= 0.2 and not interrupted:
            interrupted.extend(child.pid or 0 for child in multiprocessing.active_children())
            for number in interrupted:
                os.kill(number, signal.SIGINT)

    assert_same(on_cluster("local:2", inputs, interrupts), expected)
    assert len(interrupted) == 2 and all(interrupted)
    assert "KeyboardInterrupt" not in capfd.readouterr().err


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


def test_missing_scheduler_is_named_in_the_error(inputs: Inputs) -> None:
    with pytest.raises(ForecastError, match="no scheduler answers"):
        on_cluster("nonsense://nowhere:1", inputs)


@pytest.mark.case("B33")
@pytest.mark.parametrize(
    "address",
    [
        "local:",
        "local:0",
        "local:-1",
        "local:none",
        "local:99999999999",
        "tls://127.0.0.1:1",
        "ucx://127.0.0.1:1",
        "tcp://",
    ],
)
def test_an_address_that_cannot_work_is_refused_before_anything_runs(address: str) -> None:
    with pytest.raises(ForecastError, match=f"--dask {address}: .*expected .*local:N"):
        require_executor(Executor(1, address))


@pytest.mark.case("B33")
def test_a_server_that_does_not_speak_the_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_backend, "_CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ForecastError, match=f"--dask {address}: no scheduler answers there .*protocol"):
            require_executor(Executor(1, address))
    assert dask.base.get_scheduler() is None  # nothing else of this process waits for the attempt


@pytest.mark.case("B33")
def test_a_cluster_without_workers_is_accepted_and_waited_for_with_a_hint(
    inputs: Inputs, expected: tuple[Tally, SampledPaths], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_backend, "_PATIENCE", 0.5)
    hints: list[str] = []
    with LocalCluster(n_workers=0, dashboard_address=":0", local_directory=str(tmp_path)) as empty:
        require_executor(Executor(1, empty.scheduler_address))

        def report(what: str, part: float) -> None:
            if "no workers" in what:
                empty.scale(1)
            hints.append(what)

        assert_same(on_cluster(empty.scheduler_address, inputs, report), expected)
    assert hints[1].startswith("the scheduler has no workers: start some with `dask worker")


@pytest.mark.case("B33")
def test_paused_workers_are_reported(
    inputs: Inputs, expected: tuple[Tally, SampledPaths], cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_backend, "_PATIENCE", 1.0)
    hints: list[str] = []

    def report(what: str, part: float) -> None:
        if what == "projecting" and not hints:
            client.run(pause)
        if "paused" in what and what not in hints:
            hints.append(what)
            client.run(go_on)

    with Client(cluster) as client:
        assert_same(on_cluster(cluster.scheduler_address, inputs, report), expected)
    assert "workers: 2 paused (paused: memory is full; give each worker about 1 GiB" in hints[0]


def pause(dask_worker: Any) -> None:
    dask_worker.memory_manager.memory_pause_fraction = False  # else it wakes up by itself
    dask_worker.status = Status.paused


def go_on(dask_worker: Any) -> None:
    dask_worker.status = Status.running


@pytest.mark.case("B33")
@pytest.mark.parametrize("end", ["workers", "scheduler"])
def test_a_lost_cluster_is_one_error(inputs: Inputs, tmp_path: Path, end: str) -> None:
    """All workers are killed with the data they hold, or the scheduler goes away."""
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0", local_directory=str(tmp_path)) as made:
        address = made.scheduler_address

        def lose(what: str, part: float) -> None:
            if what == "projecting":
                if end == "scheduler":
                    made.close(timeout=5)
                else:
                    os.kill(pid, signal.SIGKILL)

        with Client(made) as client:
            (pid,) = client.run(os.getpid).values()
        with pytest.raises(ForecastError, match=f"--dask {address}: the cluster failed .*1 GiB of memory"):
            on_cluster(address, inputs, lose)


@pytest.mark.case("B33")
def test_another_version_on_a_worker_is_found_before_the_first_batch(
    cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_backend, "source_digest", other_digest)
    with pytest.raises(ForecastError, match="a worker of the cluster has simulator"):
        require_executor(Executor(1, cluster.scheduler_address))


def other_digest() -> str:
    return f"digest of {os.getpid()}"
