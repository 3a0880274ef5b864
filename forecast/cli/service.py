"""Commands that run plans by their schedules: show what is due, run it once or continuously, and stop a run."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from forecast.cli.options import HERE, SCHEDULE, Home
from forecast.errors import ForecastError

service = typer.Typer()
Access = Literal["open", "token"]

#: Seconds until a signal is answered once more, because Python loses an exception that is raised while it cleans up
#: memory. The worker takes less to stop a run.
_AGAIN: Final = 15


@service.command(rich_help_panel=SCHEDULE)
def schedule(
    home: Home = HERE,
    json: Annotated[bool, typer.Option("--json", help="Print the states as JSON, with times in UTC.")] = False,
) -> None:
    """Show the schedule of every plan: next run, due or missed runs, and the last complete run."""
    import json as js
    from dataclasses import asdict

    from forecast.service.loop import calendar_at
    from forecast.service.slots import state_lines

    now = _now()
    states, troubles = calendar_at(home, now)
    if json:
        content = {"now": now, "plans": [asdict(state) for state in states], "troubles": troubles}
        print(js.dumps(content, indent=1, ensure_ascii=False, default=datetime.isoformat), flush=True)
    else:
        print("\n".join(state_lines(states, now)), flush=True)
    _end_with(troubles)


@service.command(rich_help_panel=SCHEDULE)
def serve(
    home: Home = HERE,
    http: Annotated[
        str, typer.Option("--http", metavar="HOST:PORT", help="Also serve pages and an API, such as 127.0.0.1:8000.")
    ] = "",
    reading: Annotated[Access, typer.Option("--reading", help="Who may read over HTTP.")] = "open",
    writing: Annotated[Access, typer.Option("--writing", help="Who may change over HTTP.")] = "token",
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="Name under which others reach the service."),
    ] = None,
) -> None:
    """Run scheduled plans until interrupted; with --http, serve the workspace too (docs/http.md).

    Several processes may serve the same workspace; each due run is made once.
    """
    if not http:
        _serve_calendar(home, lambda: None)
        return
    from forecast.web.launch import require_alive, require_libraries, require_unserved, web_process
    from forecast.web.settings import Settings, allowed_hosts, listen, shown_address, split_address

    require_libraries()
    require_unserved(home)
    host, port = split_address(http)
    settings = Settings(hosts=allowed_hosts(host, allow_host or ()), reading=reading, writing=writing)
    with listen(host, port, settings) as listener, web_process(home, listener, settings) as web:
        print(f"http    http://{shown_address(listener)}/", flush=True)
        _serve_calendar(home, partial(require_alive, web), web.terminate)


def _serve_calendar(home: Path, look: Callable[[], None], stop: Callable[[], None] | None = None) -> None:
    """Run scheduled plans until interrupted.

    Parameters
    ----------
    home : the workspace.
    look : called each second while nothing runs.
    stop : stops what runs beside the calendar, at once when a signal arrives; with it, a workspace needs no schedule.
    """
    from forecast.service.loop import calendar_at
    from forecast.service.loop import serve as serve_until
    from forecast.service.schedules import read_schedules
    from forecast.service.slots import state_lines

    schedules, troubles = read_schedules(home)
    if not schedules and stop is None:
        folder = home / "runs" / "plans"
        none = f"{folder}: no plan has a [schedule]; add [schedule] with cron = '0 6 * * mon' to a plan"
        raise ForecastError("\n".join([*troubles, none]))
    now = _now()
    states, _ = calendar_at(home, now)  # what is wrong is reported by the first look
    print("\n".join(state_lines(states, now)))
    _say(f"serving {home.resolve()}; Ctrl-C stops")
    end = datetime.max.replace(tzinfo=UTC)

    def sleep(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            look()
            time.sleep(min(left, 1.0))

    with _stopped_by_signals(stop):
        serve_until(home, _now, sleep, partial(run_slot, home), partial(report_slot, home), _warn, end)


@service.command(rich_help_panel=SCHEDULE)
def cancel(
    plan: Annotated[str, typer.Argument(help="Name of a plan whose scheduled run is in progress.")],
    home: Home = HERE,
) -> None:
    """Stop a scheduled run that is in progress, and wait for its end.

    The run is recorded as cancelled and is not made again before it is next due.
    """
    from forecast.service.cancel import cancel as cancel_run

    print(f"the run of {plan} for the slot of {cancel_run(home, plan)} is stopped and recorded as cancelled")


def run_due_plans(home: Path) -> None:
    """Run all due plans once; exit with code 1 if one does not complete, or if anything is wrong with a plan."""
    from forecast.service.loop import run_due

    with _stopped_by_signals():
        not_complete, troubles = run_due(home, _now, partial(run_slot, home), partial(report_slot, home))
    _end_with(troubles)
    if not_complete:
        sys.exit(1)


def run_slot(home: Path, scheduled: Any, log: Path) -> str:
    """Print that a slot is run and where its log is, run the plan, and return the id of the run."""
    from forecast.service.worker import run_plan

    _say(f"{scheduled.name}: running; what the run prints goes to {log}")
    return run_plan(home, scheduled, log)


def report_slot(home: Path, scheduled: Any, slot: Any, failures: int) -> None:
    """Print how a slot ended, update the index page of all runs, and call the plan's hooks."""
    from forecast.reporting.html_report import write_index
    from forecast.service.hooks import call_hooks
    from forecast.service.schedules import message_of
    from forecast.service.slots import local_minute
    from forecast.storage.facts_age import age_text
    from forecast.storage.runs import facts_of

    facts = f"facts {age_text(facts_of(home, slot.run), _now().date())}" if slot.run else ""
    run = f"{'no new run, it is still' if slot.unchanged else 'run'} {slot.run}" if slot.run else ""
    details = "; ".join(part for part in (slot.reason, run, facts) if part)
    when = local_minute(slot.at, scheduled.schedule.timezone)
    _say(f"{scheduled.name}: slot of {when}: {slot.outcome}: {details}")
    try:
        if not slot.unchanged:
            write_index(home)
    except Exception as error:  # the record of the slot is written, and the hook is to be called
        _warn(message_of(scheduled.name, error))
    call_hooks(home, scheduled, slot, failures)


def _end_with(troubles: list[str]) -> None:
    """Print what is wrong and exit with code 1, unless nothing is."""
    for trouble in dict.fromkeys(troubles):
        _warn(trouble)
    if troubles:
        sys.exit(1)


@contextlib.contextmanager
def _stopped_by_signals(stop: Callable[[], None] | None = None) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the block with its clean-up, also as process 1 and in the background of a script.

    Both are ignored there unless a handler is set. A parent that ignores SIGCHLD would hide how a run ended. `stop` is
    called first, so that what runs beside the block stops at the same time.
    """

    def end(number: int, frame: object) -> None:
        if stop:
            stop()
        signal.signal(signal.SIGALRM, lambda *_: end(number, frame))
        signal.alarm(_AGAIN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def answer(number: int, frame: object) -> None:
        # at once, for a run may take seconds to stop; `print` is not safe in a handler
        os.write(sys.stderr.fileno(), b"forecast: stopping; a run in progress is interrupted\n")
        end(number, frame)

    handlers = (
        (signal.SIGTERM, answer),
        (signal.SIGINT, answer),
        (signal.SIGALRM, end),
        (signal.SIGCHLD, signal.SIG_DFL),
    )
    before = [(number, signal.signal(number, handler)) for number, handler in handlers]
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        _warn("stopped; a slot that was running will be run again")
        raise
    finally:
        signal.alarm(0)
        for number, handler in before:
            signal.signal(number, handler)


def _say(line: str) -> None:
    """Print a line with the local time."""
    print(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %Z}  {line}", flush=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _warn(message: str) -> None:
    print(f"forecast: {message}", file=sys.stderr, flush=True)
