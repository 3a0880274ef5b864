"""The scoring of all models: which back-tests there are, what each depends on, and where their results go."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.data.tables import Tables
from forecast.evaluation.backtests.alliance_exit import exit_tasks
from forecast.evaluation.backtests.cohesion import cohesion_tasks
from forecast.evaluation.backtests.leadership import ORIGINS, leadership_tasks
from forecast.evaluation.backtests.spending import ORIGINS as SPENDING_ORIGINS
from forecast.evaluation.backtests.spending import spending_tasks
from forecast.evaluation.backtests.tasks import Task, run_tasks
from forecast.evaluation.backtests.withdrawal import DAYS, mission_tasks
from forecast.evaluation.comparison import cover_table, fits_table, reliability_table, skill_table
from forecast.evaluation.score_report import FITS, RELIABILITY, page
from forecast.evaluation.score_store import TABLE, score_versions
from forecast.inference.digests import model_digest
from forecast.names import MANIFEST, MODELS
from forecast.priors.load import Priors
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
from forecast.storage.runs import Run, is_whole, write_manifest
from forecast.workspace.inputs import Inputs, read_inputs
from forecast.workspace.plan import FitSettings
from forecast.workspace.provenance import BACKTEST_VERSION, COMPARISON_VERSION, sampler_versions

#: Many fits of few draws; the pages say how many missed R-hat 1.01. With 300 steps of tuning a chain of the withdrawal
#: model may end up with trees thirty times too deep.
SETTINGS: Final = FitSettings(chains=4, tune=500, draws=500, target_accept=0.9)
QUICK: Final = FitSettings(chains=2, tune=200, draws=200, target_accept=0.9)
_QUICK_MISSIONS: Final = ("mnf_iraq", "isaf")
SCORES: Final = "scores.nc"
_PROBLEMS: Final[dict[str, Any]] = {"zlib": True, "complevel": 4}
PAGE: Final = "scores.md"
#: Tables that a back-test reads beside the data set of its model: what was known earlier, and what came of it.
TABLES_READ: Final[Mapping[str, tuple[str, ...]]] = {
    "spending": ("defence_spending", "defence_spending_vintages", "economy", "elections", "members"),
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


def score(home: Path, plan: str, stages: Stages, *, quick: bool) -> Path:
    """Back-test every model on the tables and beliefs of a plan; gives the folder with scores, table and page.

    What was made before is used again. `quick` takes few origins and short chains: a try-out, no evidence.

    Raises
    ------
    PlanError, DataError, PriorError
        Where the workspace is not sound; nothing is fitted then.
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
    """How the fits are sampled."""
    return QUICK if quick else SETTINGS


def make_tasks(inputs: Inputs, quick: bool) -> list[Task]:
    """All back-tests, in the order in which they are made."""

    def given(model: str) -> tuple[Tables, Priors, FitSettings, int]:
        return inputs.tables, inputs.priors, settings(quick), inputs.plan.seed

    missions, days = (_QUICK_MISSIONS, DAYS[-1:]) if quick else (None, DAYS)
    spending_origins = SPENDING_ORIGINS[::6] if quick else SPENDING_ORIGINS
    tasks = [
        *exit_tasks(*given("alliance exit")),
        *cohesion_tasks(*given("cohesion")),
        *spending_tasks(*given("spending"), origins=spending_origins),
        *leadership_tasks(*given("leadership"), origins=ORIGINS[::6] if quick else ORIGINS),
        *mission_tasks(*given("withdrawal"), missions=missions, days=days),
    ]
    # short chains would ask for a hundred exact refits of contingents left out
    return [task for task in tasks if not (quick and task.name == "contingents_loo")]


def _key(inputs: Inputs, task: Task, quick: bool) -> str:
    """Return the key of the rows of a task: version, model, tables, settings and seed."""
    priors = inputs.priors.digests
    return digest_of(
        {
            "version": BACKTEST_VERSION[task.model],
            "task": task.name,
            "model": model_digest(inputs, task.model) if task.model in MODELS else priors["alliance_exit"],
            "tables": {name: inputs.tables.digests[name] for name in TABLES_READ[task.model]},
            "as_of": inputs.plan.as_of,
            "quick": quick,
            "settings": settings(quick).model_dump(),
            "seed": inputs.plan.seed,
            "sampler": sampler_versions(),
        }
    )


def _write(folder: Path, inputs: Inputs, rows: pd.DataFrame, quick: bool) -> None:
    """Write the tables as JSON and the rows they are made from as NetCDF; whole or not at all.

    The rows are large and can be made again, so the manifest holds their sha256 apart: a copy without them is whole.
    """
    facts = {
        "models": {name: model_digest(inputs, name) for name in MODELS},
        "versions": score_versions(),
        "quick": quick,
        "as_of": str(inputs.plan.as_of),
        "seed": inputs.plan.seed,
        "settings": settings(quick).model_dump(),
    }
    tables = {
        "skill": skill_table(rows),
        "cover": cover_table(rows),
        RELIABILITY: reliability_table(rows),
        FITS: fits_table(rows),
    }
    with written_whole(folder) as aside:
        write_json(aside / TABLE, {name: records(table) for name, table in tables.items()})
        write_tree(aside / SCORES, xr.DataTree(_dataset(rows)))
        facts["rows_sha256"] = sha256_of(aside / SCORES)
        write_manifest(aside, facts, apart=(SCORES,))


def _dataset(rows: pd.DataFrame) -> xr.Dataset:
    """The rows as variables over `forecast`, text as text, missing numbers as NaN."""
    columns: dict[str, xr.Variable] = {}
    for name in rows:
        values, small = rows[name], dict(_PROBLEMS)
        if pd.api.types.is_string_dtype(values):
            found = values.fillna("").to_numpy(dtype=str)
            small["dtype"] = "S1"  # text of fixed width can be compressed
        else:
            found = values.to_numpy(dtype=float)
        columns[str(name)] = xr.Variable("forecast", found, encoding=small)
    return xr.Dataset(columns)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Lines of a table for JSON: no NaN, plain numbers."""
    plain = table.astype(object).where(table.notna(), None)
    return [
        {str(k): v.item() if isinstance(v, np.generic) else v for k, v in line.items()}
        for line in plain.to_dict("records")
    ]


def stored(folder: Path) -> Run:
    """A scoring as a folder with its manifest."""
    return Run(folder, read_json(folder / MANIFEST))


def publish(folder: Path, home: Path) -> Path:
    """Write the page of a scoring into the workspace's `docs`; return its path."""
    path = home / "docs" / PAGE
    return replace_text(path, page(read_json(folder / TABLE), read_json(folder / MANIFEST)))
