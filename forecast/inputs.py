"""Everything a run reads, validated before the first expensive step, and what names the run."""

import hashlib
import platform
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from forecast.data import Tables, load_tables
from forecast.layout import build_roster
from forecast.plan import Plan
from forecast.priors import Beliefs, load_beliefs
from forecast.roster import Roster
from forecast.runs import load_plan, run_id

#: Libraries whose version can change a number.
_LIBRARIES: Final = (
    "alliance-forecast", "arviz", "llvmlite", "netcdf4", "numba", "numpy", "nutpie", "pandas", "pymc",
    "pytensor", "scipy", "xarray",
)  # fmt: skip
#: Modules that tell and do not compute.
_TELLERS: Final = (
    "__main__.py",
    "audit.py",
    "backtest_cohesion.py",
    "backtest_exit.py",
    "backtest_leadership.py",
    "backtest_missions.py",
    "backtest_spells.py",
    "backtest_spending.py",
    "backtests.py",
    "baselines.py",
    "baselines_exits.py",
    "calibration.py",
    "canvas.py",
    "claim.py",
    "claims_coding.py",
    "claims_dyads.py",
    "claims_j.py",
    "claims_k.py",
    "claims_l.py",
    "claims_m.py",
    "claims_w.py",
    "claims_zero.py",
    "cli.py",
    "cli_options.py",
    "cli_science.py",
    "cli_service.py",
    "comparison.py",
    "earlier.py",
    "exports.py",
    "figures.py",
    "foresight.py",
    "headline_lines.py",
    "history.py",
    "hubverse.py",
    "lab.py",
    "model_graphs.py",
    "posterior_pages.py",
    "plots.py",
    "prior_gates.py",
    "profiles.py",
    "progress.py",
    "ranks.py",
    "refits.py",
    "reports.py",
    "requirements.py",
    "schedule.py",
    "score_pages.py",
    "scores.py",
    "scoring.py",
    "service.py",
    "slots.py",
    "small.py",
    "small_cohesion.py",
    "small_leadership.py",
    "small_spending.py",
    "small_withdrawal.py",
    "spending_paths.py",
    "tell.py",
    "tell_beliefs.py",
    "tell_dyads.py",
    "turnover.py",
    "variants.py",
    "worker.py",
    "workspace.py",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """Everything a run reads, validated."""

    home: Path
    plan: Plan
    tables: Tables
    beliefs: Beliefs
    roster: Roster
    run_id: str  # the name of the run folder that these inputs lead to


def read_inputs(home: Path, plan_name: str, precision: float | None = None) -> Inputs:
    """Plan, tables and beliefs, each whole or with all its faults named; `precision` takes the place of the plan's."""
    plan = load_plan(home, plan_name)
    if precision is not None:
        plan = plan.model_copy(update={"precision": precision})
    overlay = home / "tables"
    tables = load_tables(overlay if overlay.is_dir() else None, plan.as_of)
    beliefs = load_beliefs(home / "priors")
    roster = build_roster(tables, plan, max(war.ramp for war in beliefs.grid.wars.values()))
    texts = {name: asdict(prior) for name, prior in beliefs.priors.items()}
    ingredients = {
        "tables": dict(tables.digests),
        "beliefs": [texts, dict(beliefs.digests)],
        "code": code_digest(),
        "libraries": library_versions(),
    }
    return Inputs(
        home=home,
        plan=plan,
        tables=tables,
        beliefs=beliefs,
        roster=roster,
        run_id=run_id(plan, ingredients),
    )


def code_digest() -> str:
    """sha256 over all sources of the package that compute; how a run is told does not change it."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(p for p in root.rglob("*.py") if p.name not in _TELLERS):
        digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries whose numbers a run depends on."""
    return {name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()}
