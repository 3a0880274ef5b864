"""Cancelling by a request in the workspace: what really happened is said, and only the asked slot is stopped."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import ForecastError
from forecast.service.cancel import cancel, request_path
from forecast.service.loop import run_due
from forecast.service.schedules import Scheduled
from forecast.service.slots import file_of, folder_of, lock_of, read_slots, running_slot, write_running
from forecast.service.worker import supervise
from forecast.storage.locks import free_lock
from forecast.workspace.init import create_workspace
from forecast.workspace.plan import Schedule

NOWHERE = Path("/nowhere")
AT = "2026-02-23T06:00:00+00:00"
NOW = datetime(2026, 2, 27, 12, tzinfo=UTC)
LONG = "import sys, time\ntry: time.sleep(600)\nexcept KeyboardInterrupt: sys.exit(130)"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_workspace(tmp_path / "home")
    path = tmp_path / "home" / "runs" / "plans" / "weekly.toml"
    path.write_text(
        'title = "t"\nas_of = 2025-12-31\nseed = 1\nmissions = ["kfor"]\n[schedule]\ncron = "0 6 * * mon"\n'
    )
    return tmp_path / "home"


@contextmanager
def running(home: Path, code: str) -> Iterator[None]:
    """Run the due slot in another thread with this code as its run, from when it is running."""

    def job(plan: Scheduled, log: Path) -> str:
        supervise((sys.executable, "-c", code), plan, log, request_path(log))
        return "r"

    thread = threading.Thread(target=lambda: run_due(home, lambda: NOW, job, lambda *facts: None))
    thread.start()
    wait_for(lambda: running_slot(home, "weekly") == AT and file_of(home, "weekly", AT, ".log").exists())
    time.sleep(0.2)  # the run installs its own handlers
    yield
    thread.join(60.0)
    assert not thread.is_alive()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.case("B20", "M15")
def test_cancel_stops_the_run_and_waits_for_its_record(home: Path) -> None:
    with running(home, LONG):
        assert cancel(home, "weekly") == AT
        ((slot,), _) = read_slots(home, "weekly")
        assert (slot.status, slot.reason) == (
            "cancelled",
            "cancelled on request, by a command or by the end of the service",
        )
    assert not (folder_of(home, "weekly") / "running.json").exists()
    with pytest.raises(ForecastError, match="no scheduled run of 'weekly' is in progress"):
        cancel(home, "weekly")


@pytest.mark.case("M15")
def test_cancel_of_a_run_that_ends_by_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.service.cancel.replace_text", lambda path, text: None)  # the request comes too late
    with running(home, "import time; time.sleep(1)"):
        with pytest.raises(ForecastError, match="ended before: complete"):
            cancel(home, "weekly")


@pytest.mark.case("M15")
def test_cancel_of_a_run_that_does_not_stop(home: Path) -> None:
    with free_lock(home, lock_of("weekly")):
        write_running(home, "weekly", AT, AT)
        with pytest.raises(ForecastError, match="still runs after 0 seconds; `forecast schedule` shows"):
            cancel(home, "weekly", patience=0.1)


@pytest.mark.case("B20")
def test_cancel_when_the_service_ends_with_its_run(home: Path) -> None:
    with free_lock(home, lock_of("weekly")):
        write_running(home, "weekly", AT, AT)
        timer = threading.Timer(0.3, (folder_of(home, "weekly") / "running.json").unlink)
        timer.start()
        with pytest.raises(ForecastError, match="will be run again"):
            cancel(home, "weekly")
        timer.join()


@pytest.mark.case("B20")
def test_request_of_an_earlier_attempt_stops_nothing(home: Path) -> None:
    from forecast.service import worker

    log = file_of(home, "weekly", AT, ".log")
    log.parent.mkdir(parents=True)
    request_path(log).touch()
    weekly = Scheduled(name="weekly", schedule=Schedule(cron="0 6 * * mon"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "_run", lambda *facts: "stopped" if request_path(log).exists() else "r")
        assert worker.run_plan(home, weekly, log) == "r"


@pytest.mark.parametrize("name", ["quickstart", "unknown"])
def test_cancel_of_a_plan_that_never_ran_leaves_nothing(home: Path, name: str) -> None:
    before = sorted(home.rglob("*"))
    with pytest.raises(ForecastError, match=f"no scheduled run of {name!r} is in progress"):
        cancel(home, name)
    assert sorted(home.rglob("*")) == before


climbing = st.sampled_from(["../x", "..", ".", "", "/etc", "a/b", "a\0b", "A", "a b", "a.toml", "a\n", "ä", "x" * 300])


@pytest.mark.case("H2")
@given(climbing | st.text(st.characters(exclude_categories=["Ll", "Nd"]), min_size=1))
def test_name_that_no_plan_can_have_is_refused_before_a_path_is_made(name: str) -> None:
    if set(name) == {"_"}:
        return
    for use in (partial(cancel, NOWHERE), partial(folder_of, NOWHERE), lock_of):
        with pytest.raises(ForecastError, match="expected a name of at most 64 lower-case letters") as caught:
            use(name)
        assert len(str(caught.value)) < 200
