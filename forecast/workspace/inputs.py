"""Read and validate everything a run depends on, before the first expensive step, and compute the run id."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from forecast.data.tables import Tables, load_tables
from forecast.errors import PlanError
from forecast.names import SCHEMA_VERSION
from forecast.priors.load import Priors, load_priors
from forecast.workspace.home import require_workspace
from forecast.workspace.plan import COARSEST, FINEST, Plan, plan_path, read_plan
from forecast.workspace.provenance import (
    MODEL_VERSION,
    SIMULATION_VERSION,
    run_id,
    sampler_versions,
)
from forecast.workspace.resolve import build_roster, with_own_scenarios
from forecast.workspace.roster import Roster


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """Validated inputs of a run."""

    home: Path
    plan: Plan
    tables: Tables
    priors: Priors
    roster: Roster
    run_id: str  # name of the run folder of these inputs


def own_tables(home: Path) -> Path | None:
    """Return the folder of a workspace's own tables; None if there is nothing of that name, not even a broken link."""
    folder = home / "tables"
    return folder if folder.exists() or folder.is_symlink() else None


def read_inputs(home: Path, plan_name: str, precision: float | None = None, now: datetime | None = None) -> Inputs:
    """Return the validated inputs of a run.

    Parameters
    ----------
    home : folder of the workspace.
    plan_name : name of a plan of the workspace, or the path of a plan file.
    precision : largest Monte Carlo standard error of a headline; replaces the value in the plan.
    now : time at which the words `today` and `last quarter` are resolved; the present time if absent.

    Raises
    ------
    ForecastError
        If the plan, a table or a prior is invalid; the message lists all faults of that part.
    """
    require_workspace(home)
    path = plan_path(home, plan_name)
    plan = read_plan(path, now)
    if precision is not None:
        if not FINEST <= precision <= COARSEST:  # true for NaN too
            raise PlanError(f"precision is {precision:g}, expected a number from {FINEST:g} to {COARSEST:,.0f}")
        plan = plan.model_copy(update={"precision": precision})
    return inputs_of(home, plan, str(path))


def plan_of(content: Mapping[str, Any], where: str) -> Plan:
    """Return the plan in the manifest of a run; raise PlanError if this version does not know it."""
    try:
        return Plan.model_validate_json(json.dumps(content))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        raise PlanError(f"{where}.{key}: {fault['msg']}; the run is of another version, run its plan again") from None


def inputs_of(home: Path, plan: Plan, where: str) -> Inputs:
    """Return the validated inputs of a plan; `where` names it in messages. Raises as `read_inputs`."""
    tables = load_tables(own_tables(home), plan.as_of)
    priors = with_own_scenarios(load_priors(home / "priors"), plan, where)
    return joined_inputs(home, plan, tables, priors, where)


def joined_inputs(home: Path, plan: Plan, tables: Tables, priors: Priors, where: str) -> Inputs:
    """Return the inputs of a plan with these tables and priors; raises PlanError if they contradict each other."""
    roster = build_roster(tables, plan, priors, where)
    plan = plan.model_copy(update={"war": roster.wars, "design": roster.designs})
    texts = {name: asdict(prior) for name, prior in priors.by_name.items()}
    ingredients = {
        "tables": dict(tables.digests),
        "priors": [texts, dict(priors.digests)],
        "versions": {
            "models": dict(MODEL_VERSION),
            "simulation": SIMULATION_VERSION,
            "schema": SCHEMA_VERSION,
        },
        "sampler": sampler_versions(),
    }
    return Inputs(
        home=home,
        plan=plan,
        tables=tables,
        priors=priors,
        roster=roster,
        run_id=run_id(plan, ingredients),
    )
