"""The calendar at work: what is due is run, once, whoever looks; nothing else is kept than what the slots say.

A slot is run by the process that holds the lock of its plan. When that process is killed the lock is free and the slot
has no file, so the next one that looks runs it again. Time and the job are arguments.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from forecast.errors import ForecastError
from forecast.service.slots import (
    RUNNING,
    Slot,
    State,
    file_of,
    folder_of,
    lock_of,
    state_of,
    write_slot,
)
from forecast.storage.files import replace_json
from forecast.storage.locks import free_lock
from forecast.workspace.plan import Plan, known_plans, load_plan

Clock = Callable[[], datetime]  # aware, UTC
Job = Callable[[Plan, Path], str]  # runs a plan, logging into a file; gives the run's id, raises ForecastError
Told = Callable[[Plan, Slot, Slot | None], None]  # hears of a slot that was run, and of the one before

_LOOK = timedelta(minutes=1)  # how often `serve` looks at the calendar


class Cancelled(ForecastError):
    """Somebody stopped the run of a slot."""


class FellBack(ForecastError):
    """The run of a slot failed; `run` is the degraded one made in its stead."""

    def __init__(self, reason: str, run: str) -> None:
        """Both are put down of the slot."""
        super().__init__(reason)
        self.run = run


def scheduled_plans(home: Path) -> Mapping[str, Plan]:
    """Plans of a workspace with a schedule, by name; raises PlanError for one that cannot be read."""
    plans = {name: load_plan(home, name) for name in known_plans(home)}
    return {name: plan for name, plan in plans.items() if plan.schedule is not None}


def calendar_at(home: Path, now: datetime) -> list[State]:
    """Where every scheduled plan stands."""
    return [
        state_of(home, name, plan.schedule, now)
        for name, plan in scheduled_plans(home).items()
        if plan.schedule is not None
    ]


def run_due(home: Path, clock: Clock, job: Job, told: Told) -> int:
    """Run what is due, one plan after the other; gives how many slots did not end well.

    Of several missed slots the last one is run and stands for all. A plan that another process is running is left
    to it.
    """
    bad = 0
    for name, plan in scheduled_plans(home).items():
        with free_lock(home, lock_of(name)) as mine:
            if mine and plan.schedule is not None:
                state = state_of(home, name, plan.schedule, clock())
                if state.due is not None:
                    slot = _run_slot(home, plan, state, clock, job)
                    told(plan, slot, state.last)
                    bad += slot.status != "complete"
    return bad


def _run_slot(home: Path, plan: Plan, state: State, clock: Clock, job: Job) -> Slot:
    """One slot from its beginning to what is put down of it."""
    assert state.due is not None
    at, started = state.due.isoformat(), clock().isoformat()
    folder = folder_of(home, plan.name)
    replace_json(folder / RUNNING, {"at": at, "started": started})
    run, reason, status = "", "", "complete"
    try:
        run = job(plan, file_of(home, plan.name, at, ".log"))
    except Cancelled as stopped:
        status, reason = "cancelled", str(stopped)
    except FellBack as error:
        status, reason, run = "failed", str(error), error.run
    except ForecastError as error:
        status, reason = "failed", str(error)
    slot = Slot(
        at=at,
        status=status,
        run=run,
        reason=reason,
        started=started,
        finished=clock().isoformat(),
        missed=tuple(m.isoformat() for m in state.missed),
    )
    write_slot(home, plan.name, slot)
    (folder / RUNNING).unlink(missing_ok=True)
    return slot


def serve(
    home: Path,
    clock: Clock,
    sleep: Callable[[float], None],
    job: Job,
    told: Told,
    warn: Callable[[str], None],
    until: datetime,
) -> None:
    """Look at the calendar until `until`, run what is due, sleep until something may be; `warn` hears of faults."""
    while clock() < until:
        try:
            run_due(home, clock, job, told)
            ahead = [state.next for state in calendar_at(home, clock())]
        except ForecastError as error:  # a disk may be freed, a plan mended, while we wait
            warn(str(error))
            ahead = []
        wait = min([*(moment - clock() for moment in ahead), _LOOK])
        sleep(max(wait.total_seconds(), 0.0))
