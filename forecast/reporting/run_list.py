"""List the runs of a workspace for the terminal and for programs: when they were made, size, and age of the facts."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from forecast.errors import one_line
from forecast.reporting.formatting import MISSING, minute, size_text
from forecast.storage.facts_age import STALE, age_in_days
from forecast.storage.runs import Run


def run_records(runs: Sequence[Run], today: date) -> list[dict[str, Any]]:
    """Return one record for each run; sizes in bytes, times in UTC, ages in days."""
    return [
        {
            "run": run.id,
            "plan": run.plan_name,
            "status": run.status,
            "finished": run.manifest["finished"],
            "bytes": run.size,
            "facts": run.facts,
            "facts_age_days": age_in_days(run.facts, today),
            "reason": run.reason,
        }
        for run in runs
    ]


def run_lines(runs: Sequence[Run], today: date) -> list[str]:
    """Return a line for each run below a line of titles, and a note on old facts."""
    if not runs:
        return []
    lines = [f"{'made (UTC)':<16}  {'status':<9} {'size':>8} {'facts':>6}  run"]
    stale = 0
    for run in runs:
        days = age_in_days(run.facts, today)
        stale += days is not None and days > STALE
        age = MISSING if days is None else f"{days} d"
        start = f"{minute(run.manifest['finished']):<16}  {run.status:<9} {size_text(run.size):>8} {age:>6}"
        lines.append(f"{start}  {run.id}  {one_line(run.reason)}".rstrip())
    if stale:
        lines.append(f"WARNING: the facts of {stale} of {len(runs)} runs are older than {STALE} days")
    return lines
