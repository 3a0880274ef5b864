"""Validate everything a run reads, together, and report every fault (`forecast check`)."""

import logging
import os
from collections.abc import Callable
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.deployments import mission_spells
from forecast.data.exclusions import expired_today
from forecast.data.leaders import leader_quarters, leader_state
from forecast.data.spending import changes_before_growth, european_weights, large_steps, outside_bounds, spending_panel
from forecast.data.tables import AS_OF, Tables, load_tables
from forecast.data.troop_levels import level_windows
from forecast.errors import DataError, ForecastError, PlanError, all_faults, faults_of, listed
from forecast.priors import releases, weights
from forecast.priors.load import Priors, load_priors
from forecast.priors.statements import expired_text
from forecast.workspace.home import require_workspace
from forecast.workspace.inputs import own_tables
from forecast.workspace.plan import plan_files, plan_path, read_plan
from forecast.workspace.resolve import build_roster, onset_index, with_own_scenarios

T = TypeVar("T")

log = logging.getLogger(__name__)


def check_workspace(home: Path) -> list[str]:
    """Return one line for each valid part of a workspace, and one for each thing to know about a plan.

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
            faults.extend(faults_of(error))
            return None
        valid.append(part)
        return content

    overlay = own_tables(home)
    plans: list[Path] = []
    try:
        plans = plan_files(home)
    except PlanError as error:
        faults.append(str(error))
    tables = attempt(f"tables, with {overlay}" if overlay else "tables", lambda: load_tables(overlay))
    priors = attempt(f"priors in {home / 'priors'}", lambda: load_priors(home / "priors"))
    _warn_of_expired(priors)
    for path, read in _files_of_the_archive(home, priors):
        attempt(str(path), partial(read, path))
    if not plans:
        faults.append(
            f"{home / 'runs' / 'plans'}: no plans, expected at least one; `forecast init` writes default plans"
        )

    @cache
    def tables_at(day: date) -> Tables:
        known = tables if tables and tables.as_of == day else load_tables(overlay, day)
        if priors is not None and (overlay or day != AS_OF):  # the bundled tables are complete on their own day
            _build_data_sets(known, priors)
        return known

    for path in plans:
        checked = attempt(f"plan {path}", partial(_check_plan, home, path, priors, tables_at if tables else None))
        valid.extend(f"plan {path} {note}" for note in checked or ())
    if faults:
        raise all_faults(ForecastError, list(dict.fromkeys(faults)))
    return valid


def _warn_of_expired(priors: Priors | None) -> None:
    for entry in expired_today(priors.statements if priors else {}):
        log.warning("%s", expired_text(entry))


def _files_of_the_archive(home: Path, priors: Priors | None) -> list[tuple[Path, Callable[[Path], object]]]:
    """Return the files of weights and releases that are there, with their readers."""
    read_weights = partial(weights.require_scenarios, grid=priors.grid) if priors else weights.parse_weights
    known = ((weights.FILE, read_weights), (releases.FILE, releases.read_releases))
    files = [(home / "priors" / name, read) for name, read in known]
    return [(path, read) for path, read in files if os.path.lexists(path)]


def _check_plan(home: Path, path: Path, priors: Priors | None, tables_at: Callable[[date], Tables] | None) -> list[str]:
    """Read a plan, resolve it against valid tables and priors, and return what its user should know."""
    plan = read_plan(path)
    plan_path(home, plan.name)  # raises if two files have this name
    if tables_at is None:
        return []
    tables, notes = tables_at(plan.as_of), []
    if tables.hidden:
        rows = ", ".join(f"{number} of {name}.csv" for name, number in tables.hidden.items())
        notes.append(f"does not use rows later than {tables.as_of}: {rows}")
    if early := changes_before_growth(tables):
        notes.append(
            f"does not fit the changes of spending of {listed(early)}, whose gdp_growth economy.csv does not have"
        )
    if priors is not None:
        priors = with_own_scenarios(priors, plan, str(path))
        roster = build_roster(tables, plan, priors, str(path))
        longest = max(priors.grid.wars[war].ramp for war in roster.wars)
        if (left := plan.quarters - onset_index(plan)) < longest:
            notes.append(
                f"reads verdicts after {left} quarters, before the shifts of its wars are complete ({longest})"
            )
        for country, share in outside_bounds(tables, priors, roster.spenders).items():
            low, high = (priors.value(f"spending.{bound}") for bound in ("floor", "cap"))
            notes.append(
                f"forecasts {country} from {share:.1f} percent of GDP, outside the {low:g} to {high:g} for which the "
                "priors were set (spending.floor, spending.cap)"
            )
        for country, (share, before) in large_steps(tables, roster.spenders).items():
            notes.append(
                f"forecasts {country} from {share:.3g} percent of GDP after {before:.3g}; correct the figure in "
                "defence_spending.csv if it is in a wrong unit"
            )
    return notes


def _build_data_sets(tables: Tables, priors: Priors) -> None:
    """Build what every run builds from the tables before it fits; raise one DataError that names their day."""
    faults = []
    for build in (
        partial(spending_panel, tables, priors),
        partial(european_weights, tables),
        partial(leader_quarters, tables),
        partial(leader_state, tables),
        partial(indicator_panel, tables, priors.grid),
        partial(mission_spells, tables, priors),
        partial(level_windows, tables, priors),
    ):
        try:
            build()
        except DataError as error:
            faults.append(f"plans as of {tables.as_of}: {error}")
    if faults:
        raise all_faults(DataError, faults)
