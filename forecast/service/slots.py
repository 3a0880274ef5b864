"""What became of each slot of a plan's calendar: one small file a slot, written once, in `runs/slots/<plan>/`.

There is no other state. A slot without a file has not been run: never begun, or its process was killed, or it is being
run now, which the lock of the plan tells.
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
    """One slot that was run: when it was due, what came of it, and the earlier ones that it stands for."""

    at: str  # UTC, ISO 8601
    status: str  # complete, failed, cancelled
    run: str = ""
    reason: str = ""
    started: str = ""
    finished: str = ""
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Where the calendar of one plan stands at a moment."""

    plan: str
    next: datetime
    due: datetime | None  # the slot to run now
    missed: tuple[datetime, ...]  # slots before it that nobody ran; they are not run on their own
    running: str  # the slot under way, or empty
    last: Slot | None
    last_good: Slot | None


def folder_of(home: Path, plan: str) -> Path:
    """Where the slots of a plan are kept."""
    return home / "runs" / "slots" / plan


def lock_of(plan: str) -> str:
    """The name of the lock that one process holds while it runs a slot of the plan."""
    return f"slot-{plan}"


def slots_run(home: Path, plan: str) -> list[Slot]:
    """All slots of a plan that were run, oldest first; raises RunError if a file is damaged."""
    files = sorted(folder_of(home, plan).glob("[0-9]*Z.json"))
    return [_slot(read_json(path)) for path in files]


def recent_slots(home: Path) -> dict[str, list[Slot]]:
    """The last slots of each plan that has a calendar, newest first."""
    plans = sorted(path.name for path in (home / "runs" / "slots").glob("*") if path.is_dir())
    return {plan: slots_run(home, plan)[-_RECENT:][::-1] for plan in plans}


def _slot(content: dict[str, Any]) -> Slot:
    return Slot(**content | {"missed": tuple(content["missed"])})


def file_of(home: Path, plan: str, at: str, ending: str) -> Path:
    """A file of the slot that was due `at`: its record, or its log."""
    stamp = datetime.fromisoformat(at).strftime(_STAMP)
    return folder_of(home, plan) / f"{stamp}{ending}"


def write_slot(home: Path, plan: str, slot: Slot) -> None:
    """Put down what became of a slot; raises RunError if it cannot be written."""
    replace_json(file_of(home, plan, slot.at, ".json"), asdict(slot))


def state_of(home: Path, plan: str, schedule: Schedule, now: datetime) -> State:
    """Where a plan stands at `now`.

    A plan that was never run is due at its last slot. Slots older than the newest one run are over, also when the
    clock was set back.
    """
    done = slots_run(home, plan)
    newest = datetime.fromisoformat(done[-1].at) if done else None
    open_slots = slots_between(schedule, newest, now) if newest else [last_slot(schedule, now)]
    running, path = "", folder_of(home, plan) / RUNNING
    if path.is_file():
        with free_lock(home, lock_of(plan)) as free:
            running = "" if free else str(read_json(path)["at"])
    good = [slot for slot in done if slot.status == "complete"]
    return State(
        plan=plan,
        next=next_slot(schedule, now),
        due=open_slots[-1] if open_slots else None,
        missed=tuple(open_slots[:-1]),
        running=running,
        last=done[-1] if done else None,
        last_good=good[-1] if good else None,
    )


def state_lines(states: list[State], now: datetime) -> list[str]:
    """The calendar as text, a few lines a plan."""
    lines = []
    for one in states:
        lines.append(one.plan)
        if one.running:
            lines.append(f"  running    the slot of {_short(one.running)}")
        elif one.due:
            missed = f", and {len(one.missed)} missed before it" if one.missed else ""
            lines.append(f"  due        since {_short(one.due)}{missed}")
        lines.append(f"  next       {_short(one.next)}")
        if one.last and one.last.status != "complete":
            lines.append(f"  {one.last.status:<10} {_short(one.last.at)}: {one.last.reason}")
            lines += [f"  degraded   {one.last.run}"] if one.last.run else []
        if good := one.last_good:
            age = now - datetime.fromisoformat(good.finished)
            lines.append(f"  last good  {good.run}, {_age(age.total_seconds())} old")
        else:
            lines.append("  last good  none yet")
    return lines or ["no plan has a [schedule]; runs/README.md tells how to give it one"]


def _short(moment: datetime | str) -> str:
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _age(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} seconds"
