"""Ask the supervisor of a running slot to stop it, by a file in the workspace.

The supervisor may be in another container, where its process cannot be seen, so no process is signalled. The request
belongs to one slot, and a later slot does not see it.
"""

import time
from pathlib import Path
from typing import Final

from forecast.errors import ForecastError
from forecast.service.slots import file_of, folder_of, read_slot, running_slot
from forecast.storage.files import replace_text

_PATIENCE: Final = 30.0  # seconds; more than a supervisor takes to see the request and to stop its run
_POLL: Final = 0.2  # seconds


def request_path(log: Path) -> Path:
    """Return the path of the request to stop the run that has this log."""
    return log.with_suffix(".cancel")


def cancel(home: Path, plan: str, patience: float = _PATIENCE) -> str:
    """Stop the running slot of a plan and return when it was due.

    Raises
    ------
    ForecastError
        If no slot is running, or if it did not end as cancelled.
    """
    at = running_slot(home, plan) if folder_of(home, plan).is_dir() else ""
    if not at:
        raise ForecastError(f"{home}: no scheduled run of {plan!r} is in progress; see `forecast schedule`")
    replace_text(request_path(file_of(home, plan, at, ".log")), "")
    deadline = time.monotonic() + patience
    while running_slot(home, plan) == at:
        if time.monotonic() > deadline:
            raise ForecastError(
                f"{home}: the run of {plan} for the slot of {at} was asked to stop and still runs after "
                f"{patience:.0f} seconds; `forecast schedule` shows when it ends"
            )
        time.sleep(_POLL)
    record = file_of(home, plan, at, ".json")
    if not record.exists():
        raise ForecastError(f"{home}: the service ended with the run of {plan}; its slot of {at} will be run again")
    slot = read_slot(record)
    if slot.status != "cancelled":
        raise ForecastError(f"{home}: the run of {plan} for the slot of {at} ended before: {slot.status} {slot.reason}")
    return at
