"""The scheduler without waiting: each slot is run once, with several processes, clock changes and killed processes."""

import contextlib
import json
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.errors import ForecastError, RunError
from forecast.service.cron import slots_between
from forecast.service.loop import Cancelled, calendar_at, run_due, serve
from forecast.service.slots import folder_of, lock_of, slots_run, state_lines
from forecast.storage.files import written_whole
from forecast.storage.locks import free_lock
from forecast.storage.runs import write_manifest
from forecast.workspace.init import create_workspace
from forecast.workspace.plan import Plan, load_plan
from forecast.workspace.provenance import run_id

START = datetime(2026, 2, 27, 12, tzinfo=UTC)
WEEKLY, MONTHLY = "0 6 * * mon", "0 3 1 * *"
PLAN = 'title = "t"\nas_of = 2025-12-31\nseed = 1\nmissions = ["kfor"]\n'
PLAN += '[schedule]\ncron = "{}"\ntimezone = "Europe/Berlin"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_workspace(tmp_path / "home")
    for name, cron in (("weekly", WEEKLY), ("monthly", MONTHLY)):
        path = tmp_path / "home" / "runs" / "plans" / f"{name}.toml"
        path.write_text(PLAN.format(cron), encoding="utf-8")
    return tmp_path / "home"


class Time:
    """A clock that moves only when a test moves it."""

    def __init__(self, now: datetime):
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=max(seconds, 1.0))


def job(home: Path) -> Callable[[Plan, Path], str]:
    """Return a job that writes one run folder for each slot, as a real run does, without fits."""

    def make(plan: Plan, log: Path) -> str:
        log.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if (before := int(log.read_text() or 0)) and Path(f"/proc/{before}").exists():
                (home / "doubled").touch()
        log.write_text(str(os.getpid()))
        name = f"{plan.as_of}-{plan.name}-{log.stem}"
        if not (home / "runs" / name).is_dir():
            with written_whole(home / "runs" / name) as aside:
                (aside / "half").write_text("a")
                write_manifest(aside, {"id": name, "status": "complete"})
        log.write_text("0")
        return name

    return make


def nothing(*facts: object) -> None:
    """Accept any call and do nothing."""


def look(home: Path, clock: Time, work: Callable[[Plan, Path], str] | None = None) -> int:
    return run_due(home, clock, work or job(home), nothing)


def due_times(home: Path, plan: str) -> list[str]:
    return [slot.at for slot in slots_run(home, plan)]


def test_first_run_is_the_last_slot(home: Path) -> None:
    clock = Time(START)
    assert look(home, clock) == look(home, clock) == 0
    assert due_times(home, "weekly") == ["2026-02-23T05:00:00+00:00"]  # six in Berlin, in winter
    assert due_times(home, "monthly") == ["2026-02-01T02:00:00+00:00"]
    clock.now = datetime(2026, 3, 30, 4, tzinfo=UTC)  # six in Berlin, in summer
    look(home, clock)
    assert due_times(home, "weekly")[1:] == ["2026-03-30T04:00:00+00:00"]


def test_missed_slots_are_run_once(home: Path) -> None:
    clock = Time(START)
    look(home, clock)
    clock.now += timedelta(days=24)
    (state,) = [s for s in calendar_at(home, clock()) if s.plan == "weekly"]
    assert len(state.missed) == 3 and state.due == datetime(2026, 3, 23, 5, tzinfo=UTC)
    look(home, clock)
    last = slots_run(home, "weekly")[-1]
    assert last.at == state.due.isoformat()
    assert list(last.missed) == [moment.isoformat() for moment in state.missed]
    assert len(slots_run(home, "weekly")) == 2


def test_clock_set_back(home: Path) -> None:
    clock = Time(START)
    look(home, clock)
    before = due_times(home, "weekly")
    clock.now -= timedelta(days=30)
    look(home, clock)
    assert due_times(home, "weekly") == before


def test_failure_waits_for_the_next_slot(home: Path) -> None:
    clock, calls = Time(START), []

    def fails(plan: Plan, log: Path) -> str:
        raise ForecastError("no")

    def stopped(plan: Plan, log: Path) -> str:
        raise Cancelled("cancelled")

    assert look(home, clock) == 0
    for work, status_expected in ((fails, "failed"), (stopped, "cancelled"), (job(home), "complete")):
        clock.now += timedelta(days=7)
        run_due(
            home,
            clock,
            work,
            lambda plan, *two: calls.append((plan.name, *(s.status for s in two))),
        )
        look(home, clock, fails)
        assert slots_run(home, "weekly")[-1].status == status_expected
    weekly = [pair for name, *pair in calls if name == "weekly"]
    assert weekly == [["failed", "complete"], ["cancelled", "failed"], ["complete", "cancelled"]]


def test_state_shows_last_complete_run(home: Path) -> None:
    clock = Time(START)
    look(home, clock)
    clock.now += timedelta(days=7)

    def fails(plan: Plan, log: Path) -> str:
        raise ForecastError("the chains do not agree")

    assert look(home, clock, fails) >= 1
    clock.now += timedelta(days=7)
    text = "\n".join(state_lines(calendar_at(home, clock()), clock()))
    assert "failed     2026-03-02 05:00 UTC: the chains do not agree" in text
    assert "last good  2025-12-31-weekly-20260223T0500Z, 14 days old" in text
    assert "due        since 2026-03-09 05:00 UTC" in text


def test_plan_run_by_another_process_is_skipped(home: Path) -> None:
    clock = Time(START)
    with free_lock(home, lock_of("weekly")) as locked:
        assert locked
        look(home, clock)
        assert due_times(home, "weekly") == [] and len(due_times(home, "monthly")) == 1
    look(home, clock)
    assert len(due_times(home, "weekly")) == 1


def test_schedule_does_not_change_the_run_id(home: Path) -> None:
    plan = load_plan(home, "weekly")
    assert run_id(plan, {}) == run_id(plan.model_copy(update={"schedule": None}), {})


def test_full_disk_does_not_end_the_scheduler(home: Path) -> None:
    clock, warned = Time(START), []

    def full(plan: Plan, log: Path) -> str:
        raise RunError("no space")

    def broken(*facts: object) -> None:
        raise RunError("cannot be written (No space left on device)")

    until = START + timedelta(hours=1)
    serve(home, clock, clock.sleep, full, broken, warned.append, until)
    assert clock() >= until and any("No space left" in what for what in warned)


def serve_from_file_clock(home: Path, until: datetime) -> None:
    """Run a scheduler whose clock is a file, so that the next process continues at the same time."""
    clock_file = home / "clock"

    def clock() -> datetime:
        return datetime.fromisoformat(clock_file.read_text())

    def sleep(seconds: float) -> None:
        aside = clock_file.with_suffix(f".{os.getpid()}")
        aside.write_text((clock() + timedelta(seconds=max(360 * seconds, 60.0))).isoformat())
        aside.replace(clock_file)

    serve(home, clock, sleep, job(home), nothing, nothing, until)
    os._exit(0)


@pytest.mark.slow
def test_fifty_kills_in_three_months(home: Path) -> None:
    """The clock moves six hours for each look; two processes at a time are killed by `kill -9` at random moments."""
    until, rng = START + timedelta(days=92), random.Random(5)
    (home / "clock").write_text(START.isoformat())
    kills = 0
    while datetime.fromisoformat((home / "clock").read_text()) < until:
        children = []
        for _ in range(2):
            if (child := os.fork()) == 0:
                serve_from_file_clock(home, until)
            children.append(child)
        if kills < 50:
            time.sleep(rng.uniform(0.001, 0.05))
            for child in children:
                os.kill(child, signal.SIGKILL)
            kills += len(children)
        for child in children:
            os.waitpid(child, 0)
    assert kills >= 50
    assert not (home / "doubled").exists()  # no slot was started while another process was running it
    for name, cron in (("weekly", WEEKLY), ("monthly", MONTHLY)):
        plan = load_plan(home, name)
        assert plan.schedule is not None and plan.schedule.cron == cron
        records = slots_run(home, name)
        expected = slots_between(plan.schedule, START - timedelta(days=31), until)
        expected = [w for w in expected if w >= datetime.fromisoformat(records[0].at) and w < until]
        assert [slot.at for slot in records] == [moment.isoformat() for moment in expected]
        assert all(slot.status == "complete" and slot.missed == () for slot in records)
        folders = [path for path in (home / "runs").glob(f"*-{name}-*")]
        assert {path.name for path in folders} == {slot.run for slot in records}
        for path in folders:
            manifest = json.loads((path / "manifest.json").read_text())
            assert manifest["files"].keys() == {"half"}
        assert not (folder_of(home, name) / "running.json").exists()
