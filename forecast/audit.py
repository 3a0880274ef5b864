"""`forecast check`: everything a run reads, validated together, every fault named."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from forecast.data import Tables, known_at, load_tables
from forecast.errors import ForecastError, PlanError, all_faults
from forecast.layout import build_roster
from forecast.priors import load_beliefs
from forecast.runs import load_plan


def audit(home: Path) -> list[str]:
    """What was found sound, a line each; raises ForecastError with all faults of all files."""
    faults: list[str] = []
    sound: list[str] = []

    def attempt(what: str, read: Callable[[], Any]) -> Any:
        try:
            found = read()
        except ForecastError as error:
            lines = str(error).splitlines()
            faults.extend(line.strip().removeprefix("- ") for line in (lines[1:] or lines))
            return None
        sound.append(what)
        return found

    overlay = home / "tables"
    where = f"tables, with {overlay}" if overlay.is_dir() else "tables"
    tables = attempt(where, lambda: load_tables(overlay if overlay.is_dir() else None))
    attempt(f"beliefs in {home / 'priors'}", lambda: load_beliefs(home / "priors"))
    plans = sorted((home / "runs" / "plans").glob("*.toml"))
    if not plans:
        faults.append(f"{home / 'runs' / 'plans'}: no plans; `forecast init` lays the default ones")
    for path in plans:
        attempt(f"plan {path}", partial(_plan, home, path, tables))
    if faults:
        raise all_faults(ForecastError, faults)
    return sound


def _plan(home: Path, path: Path, tables: Tables | None) -> None:
    plan = load_plan(home, path.stem)
    if tables is not None and plan.as_of > tables.as_of:
        raise PlanError(f"{path}: as_of is {plan.as_of}, expected {tables.as_of} or earlier")
    if tables is not None:
        build_roster(known_at(tables, plan.as_of), plan)
