"""Keep one record for each slot of a plan's schedule: a small file in `runs/slots/<plan>/`, written once.

The records are the only state of the scheduler. A slot without a record was never started, or its process was killed,
or it is running now. A running slot holds the lock of its plan.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from forecast.service.cron import last_slot, next_slot, slots_between
from forecast.storage.files import read_json, replace_json
from forecast.storage.locks import free_lock
from forecast.workspace.plan import Schedule

_STAMP: Final = "%Y%m%dT%H%MZ"
RUNNING: Final = "running.json"
_RECENT: Final = 10


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

    All times are UTC in ISO 8601.
    """

    at: str
    status: str
    run: str = ""
    reason: str = ""
    started: str = ""
    finished: str = ""
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """The state of one plan's schedule at one time."""

    plan: str
    next: datetime
    due: datetime | None  # the slot to run now
    missed: tuple[datetime, ...]  # earlier slots that nobody ran; they are not run any more
    running: str  # when the running slot was due, or empty
    last: Slot | None
    last_good: Slot | None


def folder_of(home: Path, plan: str) -> Path:
    """Return the folder of the records of a plan."""
    return home / "runs" / "slots" / plan


def lock_of(plan: str) -> str:
    """Return the name of the lock that a process holds while it runs a slot of the plan."""
    return f"slot-{plan}"


def slots_run(home: Path, plan: str) -> list[Slot]:
    """Return the records of a plan, oldest first; raise RunError if one is damaged."""
    files = sorted(folder_of(home, plan).glob("[0-9]*Z.json"))
    return [_slot(read_json(path)) for path in files]


def recent_slots(home: Path) -> dict[str, list[Slot]]:
    """Return the last 10 records of each plan that has any, newest first."""
    plans = sorted(path.name for path in (home / "runs" / "slots").glob("*") if path.is_dir())
    return {plan: slots_run(home, plan)[-_RECENT:][::-1] for plan in plans}


def _slot(content: dict[str, Any]) -> Slot:
    """Return the record in a parsed file."""
    return Slot(**content | {"missed": tuple(content["missed"])})


def file_of(home: Path, plan: str, at: str, ending: str) -> Path:
    """Return the path of a file of the slot that was due `at` (ISO 8601): its record or its log."""
    stamp = datetime.fromisoformat(at).strftime(_STAMP)
    return folder_of(home, plan) / f"{stamp}{ending}"


def write_slot(home: Path, plan: str, slot: Slot) -> None:
    """Write the record of a slot; raise RunError if it cannot be written."""
    replace_json(file_of(home, plan, slot.at, ".json"), asdict(slot))


def state_of(home: Path, plan: str, schedule: Schedule, now: datetime) -> State:
    """Return the state of a plan's schedule at the time `now`.

    A plan that was never run is due at its last slot. Slots before the newest record are never run, even if the clock
    was set back.
    """
    records = slots_run(home, plan)
    newest = datetime.fromisoformat(records[-1].at) if records else None
    open_slots = slots_between(schedule, newest, now) if newest else [last_slot(schedule, now)]
    running, path = "", folder_of(home, plan) / RUNNING
    if path.is_file():
        with free_lock(home, lock_of(plan)) as free:
            running = "" if free else str(read_json(path)["at"])
    good = [slot for slot in records if slot.status == "complete"]
    return State(
        plan=plan,
        next=next_slot(schedule, now),
        due=open_slots[-1] if open_slots else None,
        missed=tuple(open_slots[:-1]),
        running=running,
        last=records[-1] if records else None,
        last_good=good[-1] if good else None,
    )


def state_lines(states: list[State], now: datetime) -> list[str]:
    """Return the states as text, a few lines for each plan."""
    lines = []
    for state in states:
        lines.append(state.plan)
        if state.running:
            lines.append(f"  running    the slot of {_short(state.running)}")
        elif state.due:
            missed = f", and {len(state.missed)} missed before it" if state.missed else ""
            lines.append(f"  due        since {_short(state.due)}{missed}")
        lines.append(f"  next       {_short(state.next)}")
        if state.last and state.last.status != "complete":
            lines.append(f"  {state.last.status:<10} {_short(state.last.at)}: {state.last.reason}")
            lines += [f"  degraded   {state.last.run}"] if state.last.run else []
        if good := state.last_good:
            age = now - datetime.fromisoformat(good.finished)
            lines.append(f"  last good  {good.run}, {_age(age.total_seconds())} old")
        else:
            lines.append("  last good  none yet")
    return lines or ["no plan has a [schedule]; add [schedule] with cron = '0 6 * * mon' to a plan"]


def _short(moment: datetime | str) -> str:
    """Return a time as text in UTC, to the minute."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _age(seconds: float) -> str:
    """Return a duration as text, in the largest unit of which it has two or more."""
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} seconds"
