"""The verbs of the calendar: what is due, run it, run it for ever, stop it."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from forecast.cli.options import HERE, Home
from forecast.errors import ForecastError

service = typer.Typer()


@service.command()
def schedule(home: Home = HERE) -> None:
    """Show what every plan with a [schedule] does next, what is due or was missed, and its last good run."""
    from forecast.service.loop import calendar_at
    from forecast.service.slots import state_lines

    now = datetime.now(UTC)
    print("\n".join(state_lines(calendar_at(home, now), now)))


@service.command()
def serve(home: Home = HERE) -> None:
    """Keep the calendar: run each plan when it is due, until Ctrl-C. Several may serve one workspace."""
    from functools import partial

    from forecast.service.loop import calendar_at, scheduled_plans
    from forecast.service.loop import serve as keep
    from forecast.service.slots import state_lines
    from forecast.service.worker import run_plan

    if not scheduled_plans(home):
        raise ForecastError(f"{home / 'runs' / 'plans'}: no plan has a [schedule]; see runs/README.md")
    now = datetime.now(UTC)
    print("\n".join(state_lines(calendar_at(home, now), now)), flush=True)
    for_ever = datetime.max.replace(tzinfo=UTC)
    keep(home, _now, time.sleep, partial(run_plan, home), partial(tell, home), _warn, for_ever)


@service.command()
def cancel(
    plan: Annotated[str, typer.Argument(help="Name of a plan whose slot is being run.")],
    home: Home = HERE,
) -> None:
    """Stop the run of a plan's slot; it is told as cancelled and not run again."""
    from forecast.service.worker import cancel as stop

    if not (process := stop(home, plan)):
        raise ForecastError(f"no slot of {plan} is being run in {home}; see `forecast schedule`")
    print(f"process {process} was asked to stop")


def due(home: Path) -> None:
    """`forecast run --due`: run what is due, then end; 1 if a slot did not end well."""
    from functools import partial

    from forecast.service.loop import run_due
    from forecast.service.worker import run_plan

    if run_due(home, _now, partial(run_plan, home), partial(tell, home)):
        sys.exit(1)


def tell(home: Path, plan: Any, slot: Any, before: Any) -> None:
    """Say what became of a slot, here and on the page of all runs, and call the plan's hooks."""
    from forecast.reporting.html_report import write_index
    from forecast.service.worker import call_hook

    what = ": ".join(part for part in (slot.reason, slot.run and f"run {slot.run}") if part)
    print(f"{plan.name}: slot of {slot.at}: {slot.status}: {what}", flush=True)
    try:
        write_index(home)
    except ForecastError as error:  # the slot is put down all the same
        _warn(str(error))
    call_hook(plan, slot, before)


def _now() -> datetime:
    return datetime.now(UTC)


def _warn(what: str) -> None:
    print(f"forecast: {what}", file=sys.stderr, flush=True)
