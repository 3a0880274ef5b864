"""Score all models: list the back-tests, key their rows by what they depend on, and store the comparison."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.data.library_options import default_options
from forecast.evaluation.backtests.alliance_exit import exit_tasks
from forecast.evaluation.backtests.cohesion import cohesion_tasks
from forecast.evaluation.backtests.leadership import ORIGINS, leadership_tasks
from forecast.evaluation.backtests.pooling import learnt_rows, learnt_weights
from forecast.evaluation.backtests.spending import ORIGINS as SPENDING_ORIGINS
from forecast.evaluation.backtests.spending import spending_tasks
from forecast.evaluation.backtests.tasks import Refitter, Task, run_tasks
from forecast.evaluation.backtests.withdrawal import DAYS, mission_tasks, unscored_horizons
from forecast.evaluation.comparison import cover_table, fits_table, reliability_table, skill_table
from forecast.evaluation.score_report import FITS, RELIABILITY, WEIGHTS, page
from forecast.evaluation.score_store import TABLE, score_versions
from forecast.inference.digests import model_digest
from forecast.names import MANIFEST, MODELS
from forecast.priors.dated import dated_digest
from forecast.progress import Stages
from forecast.storage.files import (
    digest_of,
    read_json,
    replace_text,
    sha256_of,
    write_json,
    write_tree,
    written_whole,
)
from forecast.storage.runs import is_whole, write_manifest
from forecast.workspace.inputs import Inputs, read_inputs
from forecast.workspace.plan import FitSettings
from forecast.workspace.provenance import BACKTEST_VERSION, COMPARISON_VERSION, sampler_versions

#: Back-tests need many fits, so each has few draws; the page reports how many miss an R-hat of 1.01. With only 300
#: tuning steps, a chain of the withdrawal model can adapt badly and take thirty times as many steps per draw.
SETTINGS: Final = FitSettings(chains=4, tune=500, draws=500, target_accept=0.9)
QUICK: Final = FitSettings(chains=2, tune=200, draws=200, target_accept=0.9)
_QUICK_MISSIONS: Final = ("mnf_iraq", "isaf")
SCORES: Final = "scores.nc"
_COMPRESSION: Final[dict[str, Any]] = {"zlib": True, "complevel": 4}
#: Meaning of the columns of `SCORES` that are not of one back-test alone.
_MEANINGS: Final[dict[str, dict[str, str]]] = {
    name: {"long_name": text}
    for name, text in {
        "model": "model that was tested",
        "target": "what was forecast",
        "forecaster": "the model, or the baseline that made the forecast",
        "origin": "last day, quarter or year that the forecast knew",
        "horizon": "years or quarters from the origin to the outcome",
        "unit": "country, mission or contingent of the outcome",
        "cluster": "group of dependent forecasts for the paired test",
        "observed": "the outcome",
        "forecast": "point forecast",
        "crps": "continuous ranked probability score, lower is better",
        "log_score": "negative log predictive density or probability of the outcome, lower is better",
        "brier": "Brier score, lower is better",
        "rps": "ranked probability score, lower is better",
        "energy": "energy score, lower is better",
        "variogram": "variogram score, lower is better",
        "p": "forecast probability of the event",
        "pit": "predictive distribution function at the outcome",
        "in50": "1 if the outcome is in the central 50 % interval",
        "in80": "1 if the outcome is in the central 80 % interval",
        "in95": "1 if the outcome is in the central 95 % interval",
        "pareto_k": "Pareto k of the observation left out",
        "rhat": "largest R-hat of the fit",
        "refitted": "1 if the model was fitted again without the observation",
    }.items()
}
PAGE: Final = "scores.md"
#: Tables that a back-test reads in addition to its model's data set: what was known earlier, and the outcomes.
TABLES_READ: Final[Mapping[str, tuple[str, ...]]] = {
    "spending": ("announcements", "defence_spending", "defence_spending_vintages", "economy", "elections", "members"),
    "leadership": ("elections", "leaders", "terms"),
    "withdrawal": (
        "deployments",
        "elections",
        "exit_facts",
        "leaders",
        "mission_fatalities",
        "missions",
        "troop_levels",
    ),
    "cohesion": (),
    "alliance exit": ("alliance_events", "members"),
}
#: Constants of no model that a back-test uses.
_CONSTANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "spending": tuple(f"announcements.{name}" for name in ("weight_mean", "weight_sd", "country_sd", "inflation")),
    "withdrawal": tuple(f"missions.kaplan_meier_{name}" for name in ("weight", "fewest", "origins")),
}


@default_options()
def score(home: Path, plan: str, stages: Stages, *, quick: bool) -> Path:
    """Back-test every model on the tables and priors of a plan; return the folder of the scores and tables.

    Rows stored by an earlier call are used again. `quick` uses few origins and short chains, to try the command out;
    its scores are no evidence.

    Raises
    ------
    PlanError, DataError, PriorError
        If the workspace is invalid; nothing is fitted then.
    """
    inputs = read_inputs(home, plan)
    tasks = [(task, _key(inputs, task, quick)) for task in make_tasks(inputs, quick)]
    rows = run_tasks(home, tasks, stages)
    name = digest_of([COMPARISON_VERSION, *(key for _, key in tasks)])[:16]
    folder = home / "runs" / "scores" / name
    if not is_whole(folder):
        with stages("compare"):
            _write(folder, inputs, rows, quick)
    return folder


def settings(quick: bool) -> FitSettings:
    """Return the sampler settings of the refits."""
    return QUICK if quick else SETTINGS


def _missions_and_days(quick: bool) -> tuple[tuple[str, ...] | None, tuple[date, ...]]:
    """Return the missions left out of a fit (None for all that are scored) and the days of running missions."""
    return (_QUICK_MISSIONS, DAYS[-1:]) if quick else (None, DAYS)


def make_tasks(inputs: Inputs, quick: bool) -> list[Task]:
    """Return all back-tests, in the order in which they run."""
    tables, priors, seed = inputs.tables, inputs.priors, inputs.plan.seed
    refitter = partial(Refitter, tables=tables, priors=priors, settings=settings(quick), seed=seed)
    missions, days = _missions_and_days(quick)
    spending_origins = SPENDING_ORIGINS[::6] if quick else SPENDING_ORIGINS
    tasks = [
        *exit_tasks(tables, priors),
        *cohesion_tasks(tables, priors, refitter("cohesion"), seed),
        *spending_tasks(tables, priors, refitter("spending"), seed, spending_origins),
        *leadership_tasks(tables, priors, refitter("leadership"), seed, ORIGINS[::6] if quick else ORIGINS),
        *mission_tasks(tables, priors, refitter("withdrawal"), seed, missions, days),
    ]
    # with short chains, about a hundred contingents would need an exact refit
    return [task for task in tasks if not (quick and task.name == "contingents_loo")]


def _key(inputs: Inputs, task: Task, quick: bool) -> str:
    """Return the key of the rows of a task: a digest of version, model, tables, settings and seed."""
    priors = inputs.priors.digests
    return digest_of(
        {
            "version": BACKTEST_VERSION[task.model],
            "task": task.name,
            "model": model_digest(inputs, task.model) if task.model in MODELS else priors["alliance_exit"],
            "dated": dated_digest(inputs.priors, task.model.replace(" ", "_")),
            "tables": {name: inputs.tables.digests[name] for name in TABLES_READ[task.model]},
            "constants": [inputs.priors.value(name) for name in _CONSTANTS.get(task.model, ())],
            "as_of": inputs.plan.as_of,
            "quick": quick,
            "settings": settings(quick).model_dump(),
            "seed": inputs.plan.seed,
            "sampler": sampler_versions(),
        }
    )


def _write(folder: Path, inputs: Inputs, rows: pd.DataFrame, quick: bool) -> None:
    """Write the tables as JSON and their rows as NetCDF; write all files or none.

    The rows are large and reproducible. The manifest therefore lists their sha256 separately, and a copy of the folder
    without them is still complete.
    """
    facts = {
        "models": {name: model_digest(inputs, name) for name in MODELS},
        "versions": score_versions(),
        "quick": quick,
        "as_of": str(inputs.plan.as_of),
        "seed": inputs.plan.seed,
        "settings": settings(quick).model_dump(),
        "unscored": unscored_horizons(inputs.tables, inputs.priors, *_missions_and_days(quick)),
    }
    weights = learnt_weights(rows, inputs.priors)
    rows = pd.concat([rows, learnt_rows(rows, weights)], ignore_index=True)
    tables = {
        WEIGHTS: weights,
        "skill": skill_table(rows),
        "cover": cover_table(rows),
        RELIABILITY: reliability_table(rows),
        FITS: fits_table(rows),
    }
    with written_whole(folder) as temporary:
        write_json(temporary / TABLE, {name: records(table) for name, table in tables.items()})
        write_tree(temporary / SCORES, xr.DataTree(_dataset(rows)))
        facts["rows_sha256"] = sha256_of(temporary / SCORES)
        write_manifest(temporary, facts, apart=(SCORES,))


def _dataset(rows: pd.DataFrame) -> xr.Dataset:
    """Return the rows as variables over the dimension `row`; missing text is empty, missing numbers are NaN."""
    columns: dict[str, xr.Variable] = {}
    for name in rows:
        values, encoding = rows[name], dict(_COMPRESSION)
        if pd.api.types.is_string_dtype(values):
            array = values.fillna("").to_numpy(dtype=str)
            encoding["dtype"] = "S1"  # only text of fixed width can be compressed
        else:
            array = values.to_numpy(dtype=float)
        columns[str(name)] = xr.Variable("row", array, _MEANINGS.get(str(name), {}), encoding)
    description = "forecasts of the back-tests by model and baselines, one a row, with outcome and scores"
    return xr.Dataset(columns, {"row": np.arange(len(rows))}, {"description": description})


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as JSON values: plain numbers, and None for NaN."""
    plain = table.astype(object).where(table.notna(), None)
    return [
        {str(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
        for row in plain.to_dict("records")
    ]


def publish(folder: Path, home: Path) -> Path:
    """Write the summary page of a scoring into the `docs` folder of a workspace; return its path."""
    path = home / "docs" / PAGE
    return replace_text(path, page(read_json(folder / TABLE), read_json(folder / MANIFEST)))
