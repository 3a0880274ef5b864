"""Run scheduled plans when they are due. Several processes may do this in one workspace; each slot is run once.

A slot is one due time of a plan. The process that holds the lock of the plan runs its slot. If that process is killed,
the lock is free and the slot has no record, so the next process runs it again. The records are the only state. The
clock and the job are arguments.
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
Job = Callable[[Plan, Path], str]  # runs a plan with a log file and returns the run's id, or raises ForecastError
Listener = Callable[[Plan, Slot, Slot | None], None]  # is called with each slot that was run and the slot before it

_LOOK = timedelta(minutes=1)  # longest wait of `serve` between two looks at the schedules


class Cancelled(ForecastError):
    """The run of a slot was stopped by a user."""


class FellBack(ForecastError):
    """The run of a slot failed, and a degraded run replaces it; `run` is its id."""

    def __init__(self, reason: str, run: str) -> None:
        """Keep the reason of the failure and the id of the degraded run, for the record of the slot."""
        super().__init__(reason)
        self.run = run


def scheduled_plans(home: Path) -> Mapping[str, Plan]:
    """Return the plans of a workspace that have a schedule, by name; raise PlanError for an unreadable plan."""
    plans = {name: load_plan(home, name) for name in known_plans(home)}
    return {name: plan for name, plan in plans.items() if plan.schedule is not None}


def calendar_at(home: Path, now: datetime) -> list[State]:
    """Return the state of every scheduled plan at the time `now`."""
    return [
        state_of(home, name, plan.schedule, now)
        for name, plan in scheduled_plans(home).items()
        if plan.schedule is not None
    ]


def run_due(home: Path, clock: Clock, job: Job, listener: Listener) -> int:
    """Run all plans that are due, one after the other, and return the number of slots that did not complete.

    If several slots of a plan were missed, only the last one is run. A plan that another process is running is skipped.

    Parameters
    ----------
    home : Path
        The workspace.
    clock : callable
        Returns the present time, aware, in UTC.
    job : callable
        Runs a plan with a log file and returns the id of the run.
    listener : callable
        Called after each slot with the plan, the slot and the slot before it.
    """
    not_complete = 0
    for name, plan in scheduled_plans(home).items():
        with free_lock(home, lock_of(name)) as locked:
            if locked and plan.schedule is not None:
                state = state_of(home, name, plan.schedule, clock())
                if state.due is not None:
                    slot = _run_slot(home, plan, state, clock, job)
                    listener(plan, slot, state.last)
                    not_complete += slot.status != "complete"
    return not_complete


def _run_slot(home: Path, plan: Plan, state: State, clock: Clock, job: Job) -> Slot:
    """Run the due slot of a plan, write its record and return it."""
    assert state.due is not None
    due_at, started = state.due.isoformat(), clock().isoformat()
    folder = folder_of(home, plan.name)
    replace_json(folder / RUNNING, {"at": due_at, "started": started})
    run, reason, status = "", "", "complete"
    try:
        run = job(plan, file_of(home, plan.name, due_at, ".log"))
    except Cancelled as stopped:
        status, reason = "cancelled", str(stopped)
    except FellBack as error:
        status, reason, run = "failed", str(error), error.run
    except ForecastError as error:
        status, reason = "failed", str(error)
    slot = Slot(
        at=due_at,
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
    listener: Listener,
    warn: Callable[[str], None],
    until: datetime,
) -> None:
    """Run plans when they are due until the time `until`.

    Parameters
    ----------
    home : Path
        The workspace.
    clock, sleep : callable
        Return the present time, aware and in UTC; wait for a number of seconds.
    job, listener : callable
        As of `run_due`.
    warn : callable
        Called with the message of an error that is not of a run; `serve` goes on after it.
    until : datetime
        When to end.
    """
    while clock() < until:
        try:
            run_due(home, clock, job, listener)
            next_times = [state.next for state in calendar_at(home, clock())]
        except ForecastError as error:  # somebody may free the disk or fix the plan while we wait
            warn(str(error))
            next_times = []
        wait = min([*(moment - clock() for moment in next_times), _LOOK])
        sleep(max(wait.total_seconds(), 0.0))
