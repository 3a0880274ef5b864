"""Report to a command or a web service of the user when a plan fails, recovers, or moves a headline.

A plan that keeps failing is reported after 1, 2, 4, 8, … failures in a row. The address of a web service can hold a
secret, so a plan names the environment variable that holds the address, and no message shows it.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final, Literal

from forecast.service.schedules import Scheduled
from forecast.service.slots import Slot
from forecast.storage.runs import read_run

Event = Literal["failed", "still failing", "recovered", "moved"]

_HOOK_TIMEOUT: Final = 60.0  # seconds
_WEB_TIMEOUT: Final = 10.0  # seconds for one attempt
_PAUSES: Final = (1.0, 5.0)  # seconds before the second and the third attempt to reach a web service
_LONGEST: Final = 20_000  # characters of a reason that a hook is given; the system allows 131,072 bytes
_SHOWN: Final = ("target", "unit_id", "category", "war", "design", "horizon", "before", "value", "errors")


def events_of(slot: Slot, failures: int, moved: int) -> list[Event]:
    """Return what to report of a slot.

    Parameters
    ----------
    slot : Slot
        The slot that was run.
    failures : int
        Slots in a row that failed before it.
    moved : int
        Headlines that moved by more than two combined Monte Carlo standard errors.
    """
    if slot.status == "failed":
        count = failures + 1
        if count & (count - 1):  # no power of two
            return []
        return ["failed" if count == 1 else "still failing"]
    if slot.status != "complete":
        return []
    events: list[Event] = ["recovered"] if failures else []
    return events + (["moved"] if moved and not slot.unchanged else [])


def moves_of(home: Path, slot: Slot) -> tuple[int, list[dict[str, Any]]]:
    """Return the number of headlines that moved since the plan's last run, and the largest moves."""
    if slot.status != "complete" or slot.unchanged or not slot.run:
        return 0, []
    since = read_run(home / "runs" / slot.run).manifest.get("since", {})
    moves = [{key: move.get(key) for key in _SHOWN} for move in since.get("moves", [])]
    return since.get("moved", 0), moves


def call_hooks(
    home: Path, scheduled: Scheduled, slot: Slot, failures: int, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Run the plan's command for each event of a slot, and send the event to the plan's web service.

    A command has FORECAST_EVENT, FORECAST_PLAN, FORECAST_SLOT, FORECAST_STATUS, FORECAST_RUN, FORECAST_REASON,
    FORECAST_FAILURES and FORECAST_MOVED in its environment. A web service is sent the same as JSON, with the largest
    moves. If either fails, a warning is printed and nothing else happens.
    """
    schedule = scheduled.schedule
    moved, moves = moves_of(home, slot)
    commands: Mapping[Event, tuple[str, ...]] = {
        "failed": schedule.on_failure,
        "still failing": schedule.on_failure,
        "recovered": schedule.on_recovery,
        "moved": schedule.on_change,
    }
    for event in events_of(slot, failures, moved):
        facts = {
            "event": event,
            "plan": scheduled.name,
            "slot": slot.at,
            "status": slot.status,
            "run": slot.run,
            "reason": slot.reason[:_LONGEST].replace("\0", " "),
            "failures": failures + (slot.status == "failed"),
            "moved": moved,
        }
        if commands[event]:
            _run(scheduled.name, commands[event], {f"FORECAST_{key.upper()}": str(x) for key, x in facts.items()})
        if schedule.webhook:
            _send(scheduled.name, schedule.webhook, facts | {"moves": moves}, sleep)


def _run(plan: str, command: tuple[str, ...], facts: Mapping[str, str]) -> None:
    try:
        subprocess.run(command, env=os.environ | facts, timeout=_HOOK_TIMEOUT, check=True)
    except (OSError, ValueError, subprocess.SubprocessError) as error:  # ValueError: a NUL in the command
        _warn(f"the hook of {plan} failed: {error}")


def _send(plan: str, variable: str, facts: Mapping[str, Any], sleep: Callable[[float], None]) -> None:
    """Send facts to the address in an environment variable, in three attempts."""
    address = os.environ.get(variable, "")
    if not address.startswith(("https://", "http://")):
        return _warn(f"the webhook of {plan} was not called: set {variable} to an address, https://…")
    for pause in (*_PAUSES, None):
        try:
            body = json.dumps(facts).encode()
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=_WEB_TIMEOUT):
                return None
        except (OSError, ValueError, HTTPException) as error:  # its text can hold the address
            reason = f"status {error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
            if pause is None:
                _warn(f"the webhook of {plan} failed ({reason}); check the address in {variable}")
            else:
                sleep(pause)
    return None


def _warn(message: str) -> None:
    print(f"forecast: {message}", file=sys.stderr, flush=True)
