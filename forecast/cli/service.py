"""Commands that run plans by their schedules: show what is due, run it once or continuously, and stop a run."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.options import HERE, SCHEDULE, Home
from forecast.errors import ForecastError

service = typer.Typer()


@service.command(rich_help_panel=SCHEDULE)
def schedule(home: Home = HERE) -> None:
    """Show the schedule of every plan: next run, due or missed runs, and the last complete run."""
    from forecast.service.loop import calendar_at
    from forecast.service.slots import state_lines

    now = datetime.now(UTC)
    print("\n".join(state_lines(calendar_at(home, now), now)))


@service.command(rich_help_panel=SCHEDULE)
def serve(home: Home = HERE) -> None:
    """Run scheduled plans until interrupted.

    Several processes may serve the same workspace; each due run is made once.
    """
    from functools import partial

    from forecast.service.loop import calendar_at, scheduled_plans
    from forecast.service.loop import serve as serve_until
    from forecast.service.slots import state_lines
    from forecast.service.worker import run_plan

    if not scheduled_plans(home):
        raise ForecastError(
            f"{home / 'runs' / 'plans'}: no plan has a [schedule]; add [schedule] with cron = '0 6 * * mon' to a plan"
        )
    now = datetime.now(UTC)
    print("\n".join(state_lines(calendar_at(home, now), now)), flush=True)
    end = datetime.max.replace(tzinfo=UTC)
    serve_until(home, _now, time.sleep, partial(run_plan, home), partial(report_slot, home), _warn, end)


@service.command(rich_help_panel=SCHEDULE)
def cancel(
    plan: Annotated[str, typer.Argument(help="Name of a plan whose scheduled run is in progress.")],
    home: Home = HERE,
) -> None:
    """Stop a scheduled run that is in progress.

    The run is recorded as cancelled and is not made again before it is next due.
    """
    from forecast.service.worker import cancel as interrupt

    if not (process := interrupt(home, plan)):
        raise ForecastError(f"{home}: no scheduled run of {plan!r} is in progress; see `forecast schedule`")
    print(f"process {process} was asked to stop")


def run_due_plans(home: Path) -> None:
    """Run all due plans once; exit with code 1 if one of them does not complete."""
    from functools import partial

    from forecast.service.loop import run_due
    from forecast.service.worker import run_plan

    if run_due(home, _now, partial(run_plan, home), partial(report_slot, home)):
        sys.exit(1)


def report_slot(home: Path, plan: Any, slot: Any, before: Any) -> None:
    """Print how a slot ended, update the index page of all runs, and call the plan's hooks."""
    from forecast.reporting.html_report import write_index
    from forecast.service.worker import call_hook

    details = ": ".join(part for part in (slot.reason, slot.run and f"run {slot.run}") if part)
    print(f"{plan.name}: slot of {slot.at}: {slot.status}: {details}", flush=True)
    try:
        write_index(home)
    except ForecastError as error:  # the record of the slot is already written
        _warn(str(error))
    call_hook(plan, slot, before)


def _now() -> datetime:
    return datetime.now(UTC)


def _warn(message: str) -> None:
    print(f"forecast: {message}", file=sys.stderr, flush=True)
