"""Keep one record for each slot of a plan's schedule: a small file in `runs/slots/<plan>/`, written once.

The records are the only state of the scheduler. A slot without a record was never started, or its process was killed,
or it is running now. A running slot holds the lock of its plan.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, TypeAdapter, ValidationError

from forecast.errors import RunError
from forecast.service.cron import last_slot, next_slot, slots_between
from forecast.service.schedules import Scheduled, require_name
from forecast.storage.facts_age import age_text
from forecast.storage.files import read_json, replace_json, with_checksums
from forecast.storage.listing import list_folders
from forecast.storage.locks import free_lock

_STAMP: Final = "%Y%m%dT%H%MZ"
_RUNNING: Final = "running.json"
_RECENT: Final = 10
#: A record this far ahead is reported. Smaller differences come from corrections of the clock.
_AHEAD: Final = timedelta(days=1)
_REMOVE: Final = "remove this file alone: the other records stay, and the slot counts as not run"

Status = Literal["complete", "failed", "cancelled"]


def _aware(moment: str) -> str:
    if datetime.fromisoformat(moment).tzinfo is None:
        raise ValueError("expected a time with an offset from UTC")
    return moment


Moment = Annotated[str, AfterValidator(_aware)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """The record of one slot.

    Attributes
    ----------
    at : str
        When the slot was due.
    status : str
        `complete`, `failed` or `cancelled`.
    run : str
        Id of the run; for a failed slot, of the degraded run that replaces it; else empty.
    reason : str
        Why the slot did not complete.
    started, finished : str
        When its run started and ended.
    missed : tuple of str
        Earlier slots that were missed and are covered by this one.
    unchanged : bool
        Whether nothing that the run depends on had changed, so that it is the run of the last good slot.

    All times are UTC in ISO 8601.
    """

    at: Moment
    status: Status
    run: str = ""
    reason: str = ""
    started: Moment | Literal[""] = ""
    finished: Moment | Literal[""] = ""
    missed: tuple[str, ...] = ()
    unchanged: bool = False

    @property
    def outcome(self) -> str:
        """The status in one word for people: `unchanged` is a kind of `complete`."""
        return "unchanged" if self.unchanged else self.status


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A slot that is being run."""

    at: Moment
    started: Moment


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """The state of one plan's schedule at one time."""

    plan: str
    timezone: str  # of the schedule, in which times are shown
    next: datetime
    due: datetime | None  # the slot to run now
    missed: tuple[datetime, ...]  # earlier slots that nobody ran; they are not run any more
    last: Slot | None
    last_good: Slot | None
    failures: int  # slots in a row that failed, up to the last; a cancelled slot says nothing about the plan
    troubles: tuple[str, ...]  # records that cannot be read, or are of the future
    running: str = ""  # when the running slot was due, or empty
    facts: str = ""  # day up to which the tables of the last good run hold facts, or empty


_SLOT: Final = TypeAdapter(Slot)
_BEGUN: Final = TypeAdapter(Running)


def folder_of(home: Path, plan: str) -> Path:
    """Return the folder of the records of a plan; raise PlanError for a name that no plan can have."""
    return home / "runs" / "slots" / require_name(plan)


def lock_of(plan: str) -> str:
    """Return the name of the lock that a process holds while it runs a slot of the plan."""
    return f"slot-{require_name(plan)}"


def read_slots(home: Path, plan: str) -> tuple[list[Slot], list[str]]:
    """Return the records of a plan, oldest first, and what is wrong with the records that cannot be read."""
    slots, faults = [], []
    for path in sorted(folder_of(home, plan).glob("[0-9]*Z.json")):
        try:
            slots.append(read_slot(path))
        except RunError as error:
            faults.append(str(error))
    return slots, faults


def recent_slots(home: Path) -> dict[str, list[Slot]]:
    """Return the last 10 records of each plan that has any, newest first; leave out records that cannot be read."""
    plans = (folder.name for folder in list_folders(home / "runs" / "slots"))
    return {plan: read_slots(home, plan)[0][-_RECENT:][::-1] for plan in plans}


def read_slot(path: Path) -> Slot:
    """Return the record in a file; raise RunError if it is missing or not the record of the slot in its name."""
    slot = _read(path, _SLOT)
    if path.name != f"{datetime.fromisoformat(slot.at).strftime(_STAMP)}.json":
        raise _no_record(path, f"it is of the slot of {slot.at}")
    return slot


def _read[T](path: Path, kind: TypeAdapter[T]) -> T:
    try:
        return kind.validate_python(read_json(path, dict[str, Any], fix=_REMOVE))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"])) or "the content"
        raise _no_record(path, f"{key} is {first['input']!r:.80}: {first['msg']}") from None


def _no_record(path: Path, reason: str) -> RunError:
    return RunError(f"{path}: not the record of a slot ({reason}); {_REMOVE}")


def file_of(home: Path, plan: str, at: str, ending: str) -> Path:
    """Return the path of a file of the slot that was due `at` (ISO 8601): its record or its log."""
    stamp = datetime.fromisoformat(at).strftime(_STAMP)
    return folder_of(home, plan) / f"{stamp}{ending}"


def write_slot(home: Path, plan: str, slot: Slot) -> None:
    """Write the record of a slot, which does not run any more; raise RunError if it cannot be written."""
    replace_json(file_of(home, plan, slot.at, ".json"), with_checksums(asdict(slot)))
    (folder_of(home, plan) / _RUNNING).unlink(missing_ok=True)


def write_running(home: Path, plan: str, at: str, started: str) -> None:
    """Record that a slot is being run; raise RunError if its record could not be written afterwards."""
    record = file_of(home, plan, at, ".json")
    if record.is_dir():
        raise _no_record(record, "it is no file")
    replace_json(folder_of(home, plan) / _RUNNING, with_checksums(asdict(Running(at=at, started=started))))


def running_slot(home: Path, plan: str) -> str:
    """Return when the running slot of a plan was due, or an empty text; raise RunError if that cannot be read."""
    path = folder_of(home, plan) / _RUNNING
    if not path.exists():  # then no slot is running
        return ""
    with free_lock(home, lock_of(plan)) as free:
        return "" if free or not path.exists() else _read(path, _BEGUN).at


def state_of(home: Path, scheduled: Scheduled, now: datetime) -> State:
    """Return the state of a plan's schedule at the time `now`, without the slot that is running.

    A plan that was never run is due at its last slot. Records of later slots do not count yet: the clock was wrong
    when they were written, or it is wrong now.
    """
    records, troubles = read_slots(home, scheduled.name)
    for slot in records:
        if datetime.fromisoformat(slot.at) > now + _AHEAD:
            path = file_of(home, scheduled.name, slot.at, ".json")
            troubles.append(
                f"{path}: the record of a slot in the future, expected none; correct the clock, or remove this file "
                "alone if the clock was wrong when it was written"
            )
    past = [slot for slot in records if datetime.fromisoformat(slot.at) <= now]
    newest = datetime.fromisoformat(past[-1].at) if past else None
    schedule = scheduled.schedule
    open_slots = slots_between(schedule, newest, now) if newest else [last_slot(schedule, now)]
    ended = [slot for slot in past if slot.status != "cancelled"]
    failures = len(list(takewhile(lambda slot: slot.status == "failed", reversed(ended))))
    good = [slot for slot in past if slot.status == "complete"]
    return State(
        plan=scheduled.name,
        timezone=schedule.timezone,
        next=next_slot(schedule, now),
        due=open_slots[-1] if open_slots else None,
        missed=tuple(open_slots[:-1]),
        last=past[-1] if past else None,
        last_good=good[-1] if good else None,
        failures=failures,
        troubles=tuple(troubles),
    )


def state_lines(states: list[State], now: datetime) -> list[str]:
    """Return the states as text, a few lines for each plan, with times in its time zone."""
    lines = []
    for state in states:
        local = partial(local_minute, timezone=state.timezone)
        lines.append(state.plan)
        if state.running:
            lines.append(f"  running    the slot of {local(state.running)}")
        elif state.due:
            missed = f", and {len(state.missed)} missed before it" if state.missed else ""
            lines.append(f"  due        since {local(state.due)}{missed}")
        lines.append(f"  next       {local(state.next)}")
        if state.last and state.last.status != "complete":
            lines.append(f"  {state.last.status:<10} {local(state.last.at)}: {state.last.reason}")
            lines += [f"  failures   {state.failures} in a row"] if state.failures > 1 else []
            lines += [f"  degraded   {state.last.run}"] if state.last.run else []
        if good := state.last_good:
            age = now - datetime.fromisoformat(good.finished or good.at)
            same = f"; unchanged at {local(good.at)}" if good.unchanged else ""
            lines.append(f"  last good  {good.run}, {_age(age.total_seconds())} old{same}")
            lines.append(f"  facts      {age_text(state.facts, now.date())}")
        else:
            lines.append("  last good  none yet")
    return lines or ["no plan has a [schedule]; add [schedule] with cron = '0 6 * * mon' to a plan"]


def local_minute(moment: datetime | str, timezone: str) -> str:
    """Return a time as text in a time zone, to the minute."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return when.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M %Z")


def _age(seconds: float) -> str:
    """Return a duration as text, in the largest unit of which it has two or more."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} seconds"
