"""Validate everything a run reads, together, and report every fault (`forecast check`)."""

import contextlib
from collections.abc import Callable
from datetime import date
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TypeVar

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters, leader_state
from forecast.data.spending import spending_panel
from forecast.data.tables import AS_OF, Tables, load_tables
from forecast.data.troop_levels import level_windows
from forecast.errors import DataError, ForecastError, PlanError, all_faults
from forecast.priors.load import Priors, load_priors
from forecast.workspace.home import require_workspace
from forecast.workspace.plan import plan_files, plan_path, read_plan
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
    require_workspace(home)
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
    tables_at = cache(partial(load_tables, overlay))
    plans: list[Path] = []
    try:
        plans = plan_files(home)
    except PlanError as error:
        faults.append(str(error))
    attempt(f"tables, with {overlay}" if overlay else "tables", lambda: tables_at(_latest_day(plans)))
    priors = attempt(f"priors in {home / 'priors'}", lambda: load_priors(home / "priors"))
    if not plans:
        faults.append(
            f"{home / 'runs' / 'plans'}: no plans, expected at least one; `forecast init` writes default plans"
        )
    for path in plans:
        attempt(f"plan {path}", partial(_check_plan, home, path, tables_at, priors))
    if faults:
        raise all_faults(ForecastError, list(dict.fromkeys(faults)))
    return valid


def _latest_day(plans: list[Path]) -> date:
    """Return the latest as-of day of the valid plans, at least the day of the bundled tables."""
    days = [AS_OF]
    for path in plans:
        with contextlib.suppress(ForecastError):  # faults of plans are reported by `_check_plan`
            days.append(read_plan(path).as_of)
    return max(days)


def _check_plan(home: Path, path: Path, tables_at: Callable[[date], Tables], priors: Priors | None) -> None:
    """Read a plan; resolve it against the tables of its day and the priors, if these are valid."""
    plan = read_plan(path)
    plan_path(home, plan.name)  # raises if two files have this name
    tables = tables_at(plan.as_of)
    if priors is not None:
        build_roster(tables, plan, priors, str(path))
        if tables.overlaid or plan.as_of != AS_OF:  # the bundled tables are known to hold enough on their own day
            _build_data_sets(tables, priors)


@lru_cache(maxsize=8)  # plans of one day share their tables
def _build_data_sets(tables: Tables, priors: Priors) -> None:
    """Build what every run builds from the tables before it fits; raises DataError if they hold too little."""
    faults = []
    for build in (
        partial(spending_panel, tables, priors),
        partial(leader_quarters, tables),
        partial(leader_state, tables),
        partial(indicator_panel, tables, priors.grid),
        partial(mission_spells, tables, priors),
        partial(level_windows, tables, priors),
    ):
        try:
            build()
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise all_faults(DataError, faults)
