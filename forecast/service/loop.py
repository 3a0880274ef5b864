"""Run scheduled plans when they are due. Several processes may do this in one workspace; each slot is run once.

A slot is one due time of a plan. The process that holds the lock of the plan runs its slot. If that process is killed,
the lock is free and the slot has no record, so the next process runs it again. The records are the only state. The
clock and the job are arguments. What is wrong with one plan, its records or its lock is reported, and the others run.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from forecast.errors import ForecastError
from forecast.service.schedules import Scheduled, message_of, read_schedules
from forecast.service.slots import (
    Slot,
    State,
    Status,
    file_of,
    lock_of,
    running_slot,
    state_of,
    write_running,
    write_slot,
)
from forecast.storage.locks import free_lock
from forecast.storage.runs import facts_of

Clock = Callable[[], datetime]  # aware, UTC
Job = Callable[[Scheduled, Path], str]  # runs a plan with a log file and returns the run's id, or raises ForecastError
#: Is called with each slot that was run, and the number of slots in a row that failed before it.
Listener = Callable[[Scheduled, Slot, int], None]

_LOOK: Final = timedelta(minutes=1)  # longest wait of `serve` between two looks at the schedules
_NAP: Final = timedelta(seconds=1)  # shortest


class Cancelled(ForecastError):
    """The run of a slot was stopped by a user."""


class FellBack(ForecastError):
    """The run of a slot failed, and a degraded run replaces it; `run` is its id."""

    def __init__(self, reason: str, run: str) -> None:
        """Keep the reason of the failure and the id of the degraded run, for the record of the slot."""
        super().__init__(reason)
        self.run = run


def calendar_at(home: Path, now: datetime) -> tuple[list[State], list[str]]:
    """Return the state of every scheduled plan at the time `now`, and what is wrong with any plan or record."""
    schedules, troubles = read_schedules(home)
    states = []
    for scheduled in schedules:
        try:
            state = state_of(home, scheduled, now)
            troubles += state.troubles
            states.append(state)
            facts = facts_of(home, state.last_good.run) if state.last_good else ""
            states[-1] = replace(state, running=running_slot(home, scheduled.name), facts=facts)
        except Exception as error:  # whatever it is, the other plans are shown
            troubles.append(message_of(scheduled.name, error))
    return states, troubles


def run_due(home: Path, clock: Clock, job: Job, listener: Listener) -> tuple[int, list[str]]:
    """Run all plans that are due, one after the other.

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
        Called after each slot with the plan, the slot and the number of failures in a row before it.

    Returns
    -------
    tuple of int and list of str
        The number of slots that did not complete, and what is wrong with any plan, record or lock.
    """
    schedules, troubles = read_schedules(home)
    not_complete = 0
    for scheduled in schedules:
        try:
            with free_lock(home, lock_of(scheduled.name)) as locked:
                if not locked:
                    continue
                state = state_of(home, scheduled, clock())
                troubles += state.troubles
                if state.due is not None:
                    slot = _run_slot(home, scheduled, state, clock, job)
                    not_complete += slot.status != "complete"
                    listener(scheduled, slot, state.failures)
        except Exception as error:  # whatever it is, the other plans are run
            troubles.append(message_of(scheduled.name, error))
    return not_complete, troubles


def _run_slot(home: Path, scheduled: Scheduled, state: State, clock: Clock, job: Job) -> Slot:
    """Run the due slot of a plan, write its record and return it."""
    assert state.due is not None
    due_at, started = state.due.isoformat(), clock().isoformat()
    write_running(home, scheduled.name, due_at, started)
    run, reason = "", ""
    status: Status = "complete"
    try:
        run = job(scheduled, file_of(home, scheduled.name, due_at, ".log"))
    except Cancelled as stopped:
        status, reason = "cancelled", str(stopped)
    except FellBack as error:
        status, reason, run = "failed", str(error), error.run
    except Exception as error:  # one that was not foreseen must not run the slot again every minute
        status, reason = "failed", message_of(scheduled.name, error)
    slot = Slot(
        at=due_at,
        status=status,
        run=run,
        reason=reason,
        started=started,
        finished=clock().isoformat(),
        missed=tuple(m.isoformat() for m in state.missed),
        unchanged=status == "complete" and state.last_good is not None and state.last_good.run == run,
    )
    write_slot(home, scheduled.name, slot)
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
        Called with what is wrong with a plan, record or lock, when it is first seen; `serve` goes on after it.
    until : datetime
        When to end.
    """
    known: set[str] = set()
    while clock() < until:
        states: list[State] = []
        ended: list[Slot] = []

        def listen(scheduled: Scheduled, slot: Slot, failures: int, ended: list[Slot] = ended) -> None:
            ended.append(slot)
            listener(scheduled, slot, failures)

        try:
            _, troubles = run_due(home, clock, job, listen)
            states, others = calendar_at(home, clock())
            troubles += others
        except ForecastError as error:  # somebody may bring the plans back while we wait
            troubles = [str(error)]
        for trouble in dict.fromkeys(troubles):
            if trouble not in known:
                warn(trouble)
        known = set(troubles)
        # a slot that became due while another ran is not kept waiting for the next look
        waiting = ended and any(state.due and not state.running for state in states)
        wait = _NAP if waiting else min([*(state.next - clock() for state in states), _LOOK])
        sleep(max(wait, _NAP).total_seconds())
