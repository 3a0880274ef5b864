"""The scheduler without waiting: each slot is run once, with several processes, clock changes and killed processes."""

import contextlib
import itertools
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
from forecast.service.schedules import Scheduled
from forecast.service.slots import Slot, file_of, folder_of, lock_of, read_slots, state_lines, write_slot
from forecast.storage.files import written_whole
from forecast.storage.locks import free_lock
from forecast.storage.runs import write_manifest
from forecast.workspace.init import create_workspace
from forecast.workspace.plan import load_plan
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


def job(home: Path, key: Callable[[str], str] = str) -> Callable[[Scheduled, Path], str]:
    """Return a job that writes one run folder for each key of its slots, as a real run does, without fits."""

    def make(plan: Scheduled, log: Path) -> str:
        log.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if (before := int(log.read_text() or 0)) and Path(f"/proc/{before}").exists():
                (home / "doubled").touch()
        log.write_text(str(os.getpid()))
        name = f"2025-12-31-{plan.name}-{key(log.stem)}"
        if not (home / "runs" / name).is_dir():
            with written_whole(home / "runs" / name) as aside:
                (aside / "half").write_text("a")
                write_manifest(aside, {"id": name, "status": "complete"})
        log.write_text("0")
        return name

    return make


def nothing(*facts: object) -> None:
    """Accept any call and do nothing."""


def look(home: Path, clock: Time, work: Callable[[Scheduled, Path], str] | None = None) -> int:
    not_complete, troubles = run_due(home, clock, work or job(home), nothing)
    assert troubles == []
    return not_complete


def due_times(home: Path, plan: str) -> list[str]:
    return [slot.at for slot in read_slots(home, plan)[0]]


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
    (state,) = [s for s in calendar_at(home, clock())[0] if s.plan == "weekly"]
    assert len(state.missed) == 3 and state.due == datetime(2026, 3, 23, 5, tzinfo=UTC)
    look(home, clock)
    last = read_slots(home, "weekly")[0][-1]
    assert last.at == state.due.isoformat()
    assert list(last.missed) == [moment.isoformat() for moment in state.missed]
    assert len(read_slots(home, "weekly")[0]) == 2


def test_clock_set_back(home: Path) -> None:
    clock = Time(START)
    look(home, clock)
    before = due_times(home, "weekly")
    clock.now -= timedelta(hours=30)
    look(home, clock)
    assert due_times(home, "weekly") == before


@pytest.mark.case("M14")
def test_record_of_the_future_is_named_and_stops_nothing(home: Path) -> None:
    clock = Time(datetime(2099, 1, 1, 5, tzinfo=UTC))
    look(home, clock)
    ahead = due_times(home, "weekly")
    clock.now = START
    _, troubles = run_due(home, clock, job(home), nothing)
    assert len(troubles) == 2 and all("in the future" in text and "remove this file alone" in text for text in troubles)
    assert f"{folder_of(home, 'weekly')}/2098" in troubles[1]
    clock.now += timedelta(days=7)
    run_due(home, clock, job(home), nothing)
    assert due_times(home, "weekly") == ["2026-02-23T05:00:00+00:00", "2026-03-02T05:00:00+00:00", *ahead]
    ((_, state), others) = calendar_at(home, clock())
    assert others == troubles
    assert state.last is not None and state.last.at == "2026-03-02T05:00:00+00:00"


BROKEN_PLANS = {
    "misspelt key": PLAN.replace("seed", "sede"),
    "no TOML": "title = ",
    "empty": "",
    "unknown zone": PLAN.format(WEEKLY).replace("Europe/Berlin", "Europe/Berlni"),
    "no table": PLAN.split("[")[0].replace("seed", "sede") + "schedule = 5\n",
    "too many digits": "seed = " + "9" * 5000,
    "too deep": "seed = " + "[" * 3000,
}


@pytest.mark.case("B02", "H5")
@pytest.mark.parametrize("content", BROKEN_PLANS.values(), ids=BROKEN_PLANS)
def test_broken_plan_stops_no_other(home: Path, content: str) -> None:
    (home / "runs" / "plans" / "a_draft.toml").write_text(content)
    not_complete, troubles = run_due(home, Time(START), job(home), nothing)
    assert not_complete == 0 and len(troubles) == 1 and "a_draft" in troubles[0]
    assert len(due_times(home, "weekly")) == len(due_times(home, "monthly")) == 1
    states, others = calendar_at(home, START)
    assert others == troubles and {"weekly", "monthly"} <= {state.plan for state in states}


def unreadable(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.case("B02", "B97")
@pytest.mark.parametrize("make", [unreadable, dangling, pipe])
def test_plan_that_is_no_file_stops_no_other(home: Path, make: Callable[[Path], None]) -> None:
    make(home / "runs" / "plans" / "a_draft.toml")
    _, troubles = run_due(home, Time(START), job(home), nothing)
    assert len(troubles) == 1 and "a_draft" in troubles[0]
    assert len(due_times(home, "weekly")) == 1


@pytest.mark.case("B02", "M19")
def test_scheduled_plan_with_bad_input_is_run_and_fails(home: Path) -> None:
    """The scheduler needs only the schedule; the run finds every fault, and they are recorded."""
    path = home / "runs" / "plans" / "weekly.toml"
    path.write_text("pahts = 5\n" + path.read_text())
    faults = "2 faults:\n  - a.csv: one\n  - b.csv: two"
    heard = []

    def fails(plan: Scheduled, log: Path) -> str:
        raise ForecastError(faults)

    not_complete, troubles = run_due(home, Time(START), fails, lambda *facts: heard.append(facts[1]))
    assert not_complete == 2 and len(troubles) == 1 and "pahts" in troubles[0]
    assert (
        [slot.reason for slot in heard] == [slot.reason for slot in read_slots(home, "weekly")[0]] * 2 == [faults] * 2
    )


def test_error_that_nobody_foresaw_is_a_failure(home: Path) -> None:
    def odd(plan: Scheduled, log: Path) -> str:
        raise OverflowError("too large")

    assert look(home, Time(START), odd) == 2
    assert look(home, Time(START), odd) == 0
    assert read_slots(home, "weekly")[0][0].reason == "weekly: OverflowError: too large"


GOOD = {"at": "2026-02-23T05:00:00+00:00", "status": "complete", "run": "r"}
#: Contents of the record of the slot of GOOD that are not such a record.
BROKEN_RECORDS: dict[str, bytes] = {
    "empty": b"",
    "cut": json.dumps(GOOD).encode()[:40],
    "binary": b"\xff\x00\xfe",
    "too deep": b"[" * 100_000,
    "too many digits": b"1" * 10_000,
    **{f"is {value}": value.encode() for value in ("{}", "[]", "null", "5", '"x"', "NaN")},
    **{f"without {key}": json.dumps(GOOD | {key: None}).encode() for key in ("at", "status", "run")},
    **{
        f"{key} = {value!r}": json.dumps(GOOD | {key: value}).encode()
        for key, values in {
            "at": ("", "soon", "2026-02-23", "2026-02-23T05:00:00", "2026-02-24T05:00:00+00:00", 5, "9" * 5000),
            "status": ("", "done", 1),
            "run": (5, ["r"]),
            "finished": ("yesterday", "2026-02-23T06:00:00", 7),
            "missed": (None, "2026-02-22", [None], {"a": 1}),
        }.items()
        for value in values
    },
}


@pytest.mark.case("B97", "H5")
@pytest.mark.parametrize("content", BROKEN_RECORDS.values(), ids=BROKEN_RECORDS)
def test_broken_record_is_named_and_written_again(home: Path, content: bytes) -> None:
    record = folder_of(home, "weekly") / "20260223T0500Z.json"
    record.parent.mkdir(parents=True)
    record.write_bytes(content)
    states, troubles = calendar_at(home, START)
    assert len(troubles) == 1 and troubles[0].startswith((f"{record}: damaged", f"{record}: not the record of a slot"))
    assert len(troubles[0]) < 1000 and "remove this file alone" in troubles[0]
    assert state_lines(states, START)
    _, others = run_due(home, Time(START), job(home), nothing)
    assert others == troubles
    assert len(due_times(home, "weekly")) == len(due_times(home, "monthly")) == 1
    assert run_due(home, Time(START), job(home), nothing) == (0, [])


@pytest.mark.case("M13")
@pytest.mark.parametrize(("old", "new"), [("r1", "r2"), ('"missed": []', '"missed": ["x"]'), ("06:07:00", "06:08:00")])
def test_edited_record_is_named_with_its_key(home: Path, old: str, new: str) -> None:
    finished = "2026-02-23T06:07:00+00:00"
    write_slot(home, "weekly", Slot(at="2026-02-23T05:00:00+00:00", status="complete", run="r1", finished=finished))
    record = folder_of(home, "weekly") / "20260223T0500Z.json"
    assert read_slots(home, "weekly")[1] == []
    text = record.read_text()
    assert old in text
    record.write_text(text.replace(old, new))
    key = {"r1": "run", "06:07:00": "finished"}.get(old, "missed")
    (trouble,) = read_slots(home, "weekly")[1]
    assert trouble.startswith(f"{record}: damaged ({key} changed since the file was written); remove this file alone")


@pytest.mark.case("B97")
@pytest.mark.parametrize("make", [unreadable, dangling, pipe])
def test_record_that_is_no_file(home: Path, make: Callable[[Path], None]) -> None:
    (folder_of(home, "weekly")).mkdir(parents=True)
    make(folder_of(home, "weekly") / "20260223T0500Z.json")
    runs = []

    def counts(plan: Scheduled, log: Path) -> str:
        runs.append(plan.name)
        return "r"

    for _ in range(3):
        run_due(home, Time(START), counts, nothing)
    assert len(due_times(home, "monthly")) == 1
    assert runs.count("weekly") <= 1  # it is not run again and again because its record cannot be written


@pytest.mark.case("B97")
@pytest.mark.parametrize("make", [unreadable, pipe])
@pytest.mark.parametrize("name", ["runs/.lock-slot-monthly", "runs/slots/monthly/running.json", "runs/slots/monthly"])
def test_odd_file_of_one_plan_stops_no_other(home: Path, name: str, make: Callable[[Path], None]) -> None:
    (home / name).parent.mkdir(parents=True, exist_ok=True)
    make(home / name)
    run_due(home, Time(START), job(home), nothing)
    calendar_at(home, START)
    assert len(due_times(home, "weekly")) == 1


@pytest.mark.case("B02", "B97")
def test_trouble_is_reported_once_for_each_change(home: Path) -> None:
    clock, warned = Time(START), []
    draft = home / "runs" / "plans" / "a_draft.toml"
    contents = iter(["", "", None, "titel = 5", "titel = 5", ""])

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        content = next(contents, None)
        draft.unlink(missing_ok=True)
        if content is not None:
            draft.write_text(content)

    serve(home, clock, sleep, job(home), nothing, warned.append, START + timedelta(minutes=10))
    assert len(warned) == 3 and all("a_draft" in text for text in warned)
    assert len(due_times(home, "weekly")) == 1


def test_plans_that_vanish_do_not_end_the_scheduler(home: Path) -> None:
    clock, plans = Time(START), home / "runs" / "plans"

    def sleep(seconds: float) -> None:
        clock.now += timedelta(hours=1)
        there, away = plans, plans.with_name("away")
        (there if there.exists() else away).rename(away if there.exists() else there)

    serve(home, clock, sleep, job(home), nothing, nothing, START + timedelta(days=4))
    assert len(due_times(home, "weekly")) == 2


@pytest.mark.case("B58")
@pytest.mark.parametrize("cron", ["30 2 * * *", "* * * * *", "*/7 2 * * *"])
def test_serve_naps_in_the_repeated_hour(home: Path, cron: str) -> None:
    (home / "runs" / "plans" / "weekly.toml").write_text(PLAN.format(cron))
    clock, naps = Time(datetime(2026, 10, 25, 0, 59, 59, 900_000, tzinfo=UTC)), []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        clock.now += timedelta(seconds=seconds)

    serve(home, clock, sleep, job(home), nothing, nothing, clock() + timedelta(minutes=5))
    assert min(naps) >= 1.0 and len(naps) <= 30
    assert len(set(due_times(home, "weekly"))) == len(due_times(home, "weekly"))


def test_failure_waits_for_the_next_slot(home: Path) -> None:
    clock, calls = Time(START), []

    def fails(plan: Scheduled, log: Path) -> str:
        raise ForecastError("no")

    def stopped(plan: Scheduled, log: Path) -> str:
        raise Cancelled("cancelled")

    assert look(home, clock) == 0
    for work, status_expected in ((fails, "failed"), (stopped, "cancelled"), (job(home), "complete")):
        clock.now += timedelta(days=7)
        run_due(
            home,
            clock,
            work,
            lambda plan, slot, failures: calls.append((plan.name, slot.status, failures)),
        )
        look(home, clock, fails)
        assert read_slots(home, "weekly")[0][-1].status == status_expected
    weekly = [pair for name, *pair in calls if name == "weekly"]
    assert weekly == [["failed", 0], ["cancelled", 1], ["complete", 1]]


def test_state_shows_last_complete_run(home: Path) -> None:
    clock = Time(START)
    look(home, clock)
    clock.now += timedelta(days=7)

    def fails(plan: Scheduled, log: Path) -> str:
        raise ForecastError("the chains do not agree")

    assert look(home, clock, fails) >= 1
    clock.now += timedelta(days=7)
    text = "\n".join(state_lines(calendar_at(home, clock())[0], clock()))
    assert "failed     2026-03-02 06:00 CET: the chains do not agree" in text
    assert "last good  2025-12-31-weekly-20260223T0500Z, 14 days old" in text
    assert "facts      up to 2025-12-31, 72 days old" in text
    assert "due        since 2026-03-09 06:00 CET" in text


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


def test_slot_with_the_key_of_the_last_good_run_is_unchanged(home: Path) -> None:
    clock = Time(START)
    runs = iter(["a", "a", None, "a", "b", "a"])

    def keyed(plan: Scheduled, log: Path) -> str:
        if (run := next(runs)) is None:
            raise ForecastError("no")
        return run

    (home / "runs" / "plans" / "monthly.toml").unlink()
    for _ in range(6):
        look(home, clock, keyed)
        clock.now += timedelta(days=7)
    outcomes = [slot.outcome for slot in read_slots(home, "weekly")[0]]
    assert outcomes == ["complete", "unchanged", "failed", "unchanged", "complete", "complete"]
    text = "\n".join(state_lines(calendar_at(home, clock())[0], clock()))
    assert "last good  a, " in text and "unchanged at" not in text


def test_slot_due_during_a_run_waits_and_runs_at_once(home: Path) -> None:
    """A run of 150 seconds on a plan that is due each minute: the next look is one second after its end."""
    for name in ("weekly", "monthly"):
        (home / "runs" / "plans" / f"{name}.toml").unlink()
    (home / "runs" / "plans" / "minutely.toml").write_text(PLAN.format("* * * * *"))
    clock, started = Time(START), []

    def long(plan: Scheduled, log: Path) -> str:
        started.append(clock.now)
        clock.now += timedelta(seconds=150)
        return "r"

    serve(home, clock, clock.sleep, long, nothing, nothing, START + timedelta(minutes=10))
    assert [(b - a).total_seconds() for a, b in itertools.pairwise(started)] == [151.0] * (len(started) - 1)
    slots = read_slots(home, "minutely")[0]
    covered = [moment for slot in slots for moment in (*slot.missed, slot.at)]
    expected = [START + timedelta(minutes=minute) for minute in range(len(covered))]
    assert covered == [moment.isoformat() for moment in expected] and len(covered) >= 8
    assert [slot.outcome for slot in slots] == ["complete"] + ["unchanged"] * (len(slots) - 1)


def test_full_disk_does_not_end_the_scheduler(home: Path) -> None:
    clock, warned = Time(START), []

    def full(plan: Scheduled, log: Path) -> str:
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

    serve(home, clock, sleep, job(home, key_of), nothing, nothing, until)
    os._exit(0)


def key_of(stamp: str) -> str:
    """Return the key of the run of a slot: the inputs change with each quarter of a year."""
    return f"{stamp[:4]}Q{(int(stamp[4:6]) + 2) // 3}"


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
        records = read_slots(home, name)[0]
        expected = slots_between(plan.schedule, START - timedelta(days=31), until)
        expected = [w for w in expected if w >= datetime.fromisoformat(records[0].at) and w < until]
        assert [slot.at for slot in records] == [moment.isoformat() for moment in expected]
        assert all(slot.status == "complete" and slot.missed == () for slot in records)
        keys = [key_of(file_of(home, name, slot.at, "").name) for slot in records]
        assert [slot.unchanged for slot in records] == [False, *(a == b for a, b in itertools.pairwise(keys))]
        folders = [path for path in (home / "runs").glob(f"*-{name}-*")]
        assert {path.name for path in folders} == {slot.run for slot in records}
        for path in folders:
            manifest = json.loads((path / "manifest.json").read_text())
            assert manifest["files"].keys() == {"half"}
        assert not (folder_of(home, name) / "running.json").exists()
