"""Validate everything a run reads, together, and report every fault (`forecast check`)."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from forecast.data.tables import AS_OF, load_tables
from forecast.errors import ForecastError, all_faults
from forecast.priors.load import Priors, load_priors
from forecast.workspace.plan import load_plan
from forecast.workspace.resolve import build_roster

T = TypeVar("T")


def check_workspace(home: Path) -> list[str]:
    """Return one line for each valid part of a workspace.

    If tables or priors have faults, plans are only checked by themselves.

    Raises
    ------
    ForecastError
        With all faults of all files.
    """
    faults: list[str] = []
    valid: list[str] = []

    def attempt(part: str, read: Callable[[], T]) -> T | None:
        try:
            content = read()
        except ForecastError as error:
            lines = str(error).splitlines()
            faults.extend(line.strip().removeprefix("- ") for line in (lines[1:] or lines))
            return None
        valid.append(part)
        return content

    overlay = home / "tables" if (home / "tables").is_dir() else None
    plans = sorted((home / "runs" / "plans").glob("*.toml"))
    attempt(f"tables, with {overlay}" if overlay else "tables", partial(_check_tables, home, overlay, plans))
    priors = attempt(f"priors in {home / 'priors'}", lambda: load_priors(home / "priors"))
    if not plans:
        faults.append(
            f"{home / 'runs' / 'plans'}: no plans, expected at least one; `forecast init` writes default plans"
        )
    for path in plans:
        attempt(f"plan {path}", partial(_check_plan, home, overlay, priors, path))
    if faults:
        raise all_faults(ForecastError, list(dict.fromkeys(faults)))
    return valid


def _check_tables(home: Path, overlay: Path | None, plans: list[Path]) -> None:
    """Load the tables as of the latest day of any valid plan."""
    days = [AS_OF]
    for path in plans:
        with contextlib.suppress(ForecastError):  # faults of plans are reported by `_check_plan`
            days.append(load_plan(home, path.stem).as_of)
    load_tables(overlay, max(days))


def _check_plan(home: Path, overlay: Path | None, priors: Priors | None, path: Path) -> None:
    """Load a plan, and resolve it against the tables of its day and the priors if these are valid."""
    plan = load_plan(home, path.stem)
    tables = load_tables(overlay, plan.as_of)
    if priors is not None:
        build_roster(tables, plan, priors)
