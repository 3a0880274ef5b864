"""Validate everything a run reads, together, and report every fault (`forecast check`)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from forecast.data.tables import Tables, load_tables
from forecast.errors import ForecastError, all_faults
from forecast.priors.load import Priors, load_priors
from forecast.workspace.inputs import own_tables
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

    overlay = own_tables(home)
    plans = sorted((home / "runs" / "plans").glob("*.toml"))
    tables = attempt(f"tables, with {overlay}" if overlay else "tables", lambda: load_tables(overlay))
    priors = attempt(f"priors in {home / 'priors'}", lambda: load_priors(home / "priors"))
    if not plans:
        faults.append(
            f"{home / 'runs' / 'plans'}: no plans, expected at least one; `forecast init` writes default plans"
        )
    for path in plans:
        known = attempt(
            f"plan {path}", partial(_check_plan, home, overlay, priors, path, valid_tables=tables is not None)
        )
        if known is not None and known.hidden:
            rows = ", ".join(f"{number} of {name}.csv" for name, number in known.hidden.items())
            valid.append(f"plan {path} does not use rows later than {known.as_of}: {rows}")
    if faults:
        raise all_faults(ForecastError, list(dict.fromkeys(faults)))
    return valid


def _check_plan(
    home: Path, overlay: Path | None, priors: Priors | None, path: Path, *, valid_tables: bool
) -> Tables | None:
    """Load a plan, resolve it against valid tables and priors, and return the tables of its day."""
    plan = load_plan(home, path.stem)
    if not valid_tables:
        return None
    tables = load_tables(overlay, plan.as_of)
    if priors is not None:
        build_roster(tables, plan, priors)
    return tables
