"""`forecast check`: everything a run reads, validated together, every fault named."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from forecast.data.tables import AS_OF, load_tables
from forecast.errors import ForecastError, all_faults
from forecast.priors.load import load_priors
from forecast.workspace.plan import load_plan
from forecast.workspace.resolve import build_roster


def check_workspace(home: Path) -> list[str]:
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

    overlay = home / "tables" if (home / "tables").is_dir() else None
    plans = sorted((home / "runs" / "plans").glob("*.toml"))
    attempt(f"tables, with {overlay}" if overlay else "tables", partial(_tables, home, overlay, plans))
    attempt(f"beliefs in {home / 'priors'}", lambda: load_priors(home / "priors"))
    if not plans:
        faults.append(f"{home / 'runs' / 'plans'}: no plans; `forecast init` lays the default ones")
    for path in plans:
        attempt(f"plan {path}", partial(_plan, home, overlay, path))
    if faults:
        raise all_faults(ForecastError, list(dict.fromkeys(faults)))
    return sound


def _tables(home: Path, overlay: Path | None, plans: list[Path]) -> None:
    """The tables as of the latest day of any plan; a plan that cannot be read is told elsewhere."""
    days = [AS_OF]
    for path in plans:
        with contextlib.suppress(ForecastError):
            days.append(load_plan(home, path.stem).as_of)
    load_tables(overlay, max(days))


def _plan(home: Path, overlay: Path | None, path: Path) -> None:
    """A plan against the tables as it will meet them."""
    plan = load_plan(home, path.stem)
    build_roster(load_tables(overlay, plan.as_of), plan)
