"""The calendar without sleeping: every slot once, whoever looks, whatever the clock does, whoever is killed."""

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
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: datetime):
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=max(seconds, 1.0))


def job(home: Path) -> Callable[[Plan, Path], str]:
    """Writes a run folder through the doorkeeper, one for each slot: what a real run leaves, without the fits."""

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
    """Told of, and silent."""


def look(home: Path, clock: Time, work: Callable[[Plan, Path], str] | None = None) -> int:
    return run_due(home, clock, work or job(home), nothing)


def at(home: Path, plan: str) -> list[str]:
    return [slot.at for slot in slots_run(home, plan)]


def test_a_plan_never_run_is_due_at_its_last_slot_and_then_at_each(home: Path) -> None:
    clock = Time(START)
    assert look(home, clock) == look(home, clock) == 0
    assert at(home, "weekly") == ["2026-02-23T05:00:00+00:00"]  # six in Berlin, in winter
    assert at(home, "monthly") == ["2026-02-01T02:00:00+00:00"]
    clock.now = datetime(2026, 3, 30, 4, tzinfo=UTC)  # six in Berlin, in summer
    look(home, clock)
    assert at(home, "weekly")[1:] == ["2026-03-30T04:00:00+00:00"]


def test_a_week_asleep_is_one_run_that_stands_for_all(home: Path) -> None:
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


def test_a_clock_set_back_runs_nothing_again(home: Path) -> None:
    clock = Time(START)
    look(home, clock)
    before = at(home, "weekly")
    clock.now -= timedelta(days=30)
    look(home, clock)
    assert at(home, "weekly") == before


def test_what_fails_is_told_and_not_tried_before_its_next_slot(home: Path) -> None:
    clock, heard = Time(START), []

    def fails(plan: Plan, log: Path) -> str:
        raise ForecastError("no")

    def stopped(plan: Plan, log: Path) -> str:
        raise Cancelled("cancelled")

    assert look(home, clock) == 0
    for work, told in ((fails, "failed"), (stopped, "cancelled"), (job(home), "complete")):
        clock.now += timedelta(days=7)
        run_due(
            home,
            clock,
            work,
            lambda plan, *two: heard.append((plan.name, *(s.status for s in two))),
        )
        look(home, clock, fails)
        assert slots_run(home, "weekly")[-1].status == told
    weekly = [pair for name, *pair in heard if name == "weekly"]
    assert weekly == [["failed", "complete"], ["cancelled", "failed"], ["complete", "cancelled"]]


def test_the_last_good_run_stays_in_front_with_its_age(home: Path) -> None:
    clock = Time(START)
    look(home, clock)
    clock.now += timedelta(days=7)

    def fails(plan: Plan, log: Path) -> str:
        raise ForecastError("the chains do not agree")

    assert look(home, clock, fails) >= 1
    clock.now += timedelta(days=7)
    told = "\n".join(state_lines(calendar_at(home, clock()), clock()))
    assert "failed     2026-03-02 05:00 UTC: the chains do not agree" in told
    assert "last good  2025-12-31-weekly-20260223T0500Z, 14 days old" in told
    assert "due        since 2026-03-09 05:00 UTC" in told


def test_a_plan_that_another_process_runs_is_left_to_it(home: Path) -> None:
    clock = Time(START)
    with free_lock(home, lock_of("weekly")) as mine:
        assert mine
        look(home, clock)
        assert at(home, "weekly") == [] and len(at(home, "monthly")) == 1
    look(home, clock)
    assert len(at(home, "weekly")) == 1


def test_a_schedule_changes_no_number(home: Path) -> None:
    plan = load_plan(home, "weekly")
    assert run_id(plan, {}) == run_id(plan.model_copy(update={"schedule": None}), {})


def test_a_full_disk_does_not_end_the_service(home: Path) -> None:
    clock, warned = Time(START), []

    def full(plan: Plan, log: Path) -> str:
        raise RunError("no space")

    def broken(*facts: object) -> None:
        raise RunError("cannot be written (No space left on device)")

    until = START + timedelta(hours=1)
    serve(home, clock, clock.sleep, full, broken, warned.append, until)
    assert clock() >= until and any("No space left" in what for what in warned)


def live(home: Path, until: datetime) -> None:
    """A service whose clock stands in a file, so that the next one goes on at the same moment."""
    place = home / "clock"

    def clock() -> datetime:
        return datetime.fromisoformat(place.read_text())

    def sleep(seconds: float) -> None:
        aside = place.with_suffix(f".{os.getpid()}")
        aside.write_text((clock() + timedelta(seconds=max(360 * seconds, 60.0))).isoformat())
        aside.replace(place)

    serve(home, clock, sleep, job(home), nothing, nothing, until)
    os._exit(0)


@pytest.mark.slow
def test_three_months_with_fifty_kills_run_every_slot_once(home: Path) -> None:
    """The clock goes on six hours a look, two services at a time, each killed by `kill -9` at a random moment."""
    until, rng = START + timedelta(days=92), random.Random(5)
    (home / "clock").write_text(START.isoformat())
    kills = 0
    while datetime.fromisoformat((home / "clock").read_text()) < until:
        children = []
        for _ in range(2):
            if (child := os.fork()) == 0:
                live(home, until)
            children.append(child)
        if kills < 50:
            time.sleep(rng.uniform(0.001, 0.05))
            for child in children:
                os.kill(child, signal.SIGKILL)
            kills += len(children)
        for child in children:
            os.waitpid(child, 0)
    assert kills >= 50
    assert not (home / "doubled").exists()  # no slot was begun while another process was at it
    for name, cron in (("weekly", WEEKLY), ("monthly", MONTHLY)):
        plan = load_plan(home, name)
        assert plan.schedule is not None and plan.schedule.cron == cron
        seen = slots_run(home, name)
        wanted = slots_between(plan.schedule, START - timedelta(days=31), until)
        wanted = [w for w in wanted if w >= datetime.fromisoformat(seen[0].at) and w < until]
        assert [slot.at for slot in seen] == [moment.isoformat() for moment in wanted]
        assert all(slot.status == "complete" and slot.missed == () for slot in seen)
        made = [path for path in (home / "runs").glob(f"*-{name}-*")]
        assert {path.name for path in made} == {slot.run for slot in seen}
        for path in made:
            manifest = json.loads((path / "manifest.json").read_text())
            assert manifest["files"].keys() == {"half"}
        assert not (folder_of(home, name) / "running.json").exists()
