"""Run back-tests as tasks: each scores a model and its baselines on past outcomes, once, and stores its rows.

A row is one forecast of one forecaster, with its outcome and scores. Rows are stored under a key made of everything
they depend on, so an interrupted scoring resumes with the first missing task.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from forecast.data.tables import Tables
from forecast.priors.load import Priors
from forecast.progress import Report, Stages
from forecast.storage.files import written_whole
from forecast.storage.locks import only_one
from forecast.storage.runs import is_whole, write_manifest
from forecast.workspace.plan import FitSettings

MODEL: Final = "model"  # the forecaster that every baseline is compared with
#: Columns that identify a forecast; `unit` is a country, a mission, or a contributor to a mission.
KEY: Final = ("model", "target", "forecaster", "origin", "horizon", "unit")
SCORES: Final = ("crps", "log_score", "brier", "rps", "energy", "variogram")
#: Level of the central interval whose coverage each column records.
HITS: Final = {"in50": 0.5, "in80": 0.8, "in95": 0.95}
#: R-hat above which a short fit is repeated with more draws. The limit for published fits is 1.01.
FAR_APART: Final = 1.1
_ROWS: Final = "rows.csv"

#: Fits a model to data vectors under priors; returns the fit's tree and its largest R-hat.
Refit = Callable[[Mapping[str, Any], Priors, Report], tuple[xr.DataTree, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Describe one back-test: `run` makes its rows and reports its progress.

    Rows have the columns of `KEY`, `observed` and at least one of `SCORES`. Where they apply, they also have `pit`,
    the columns of `HITS`, the probability `p`, and `cluster`, which groups dependent forecasts for the paired test.
    A missing `target` becomes the name of the task, and a missing `cluster` becomes the origin. Other columns are kept.
    """

    model: str
    name: str
    run: Callable[[Report], pd.DataFrame]


class Refitter:
    """Fit one model to many sets of data vectors and priors with short chains; compile it once, at the first call."""

    def __init__(self, model: str, tables: Tables, priors: Priors, settings: FitSettings, seed: int) -> None:
        """Store what `model` is compiled from, and the settings and seed of its fits."""
        self.model, self.tables, self.priors = model, tables, priors
        self.settings, self.seed = settings, seed
        self._compiled: Any = None

    def __call__(self, vectors: Mapping[str, Any], priors: Priors, report: Report) -> tuple[xr.DataTree, float]:
        """Return the tree and the largest R-hat of a fit to `vectors`, which replace the model's data of that name.

        `priors` replace those that the model was compiled with; their distributions must be the same.
        A fit whose R-hat exceeds `FAR_APART` is repeated once, with twice the tuning and draws and the next seed.
        """
        from forecast.inference.pymc_models.distributions import prior_vectors, priors_as_data
        from forecast.inference.pymc_models.sampling import compile_model, short_fit

        if self._compiled is None:
            report("compiling", 0.0)
            with priors_as_data():
                self._compiled = compile_model(self.model, self.tables, self.priors)
        compiled = self._compiled.with_data(**prior_vectors(self._compiled, priors.by_name), **vectors)
        fit = short_fit(compiled, self.settings, self.seed, report)
        if fit.diagnostics.rhat > FAR_APART:
            longer = {"tune": 2 * self.settings.tune, "draws": 2 * self.settings.draws}
            fit = short_fit(compiled, self.settings.model_copy(update=longer), self.seed + 1, report)
        return fit.tree, fit.diagnostics.rhat


def run_tasks(home: Path, tasks: Sequence[tuple[Task, str]], stages: Stages) -> pd.DataFrame:
    """Return the rows of all tasks, each given with its key; run those whose stored rows are missing or damaged."""
    with only_one(home, "scores", partial(stages, "wait")):
        return pd.concat([_task_rows(home, task, key, stages) for task, key in tasks], ignore_index=True)


def task_folder(home: Path, task: Task, key: str) -> Path:
    """Return the folder that stores the rows of a task."""
    return home / "runs" / "scores" / f"{task.name}-{key[:16]}"


def _task_rows(home: Path, task: Task, key: str, stages: Stages) -> pd.DataFrame:
    folder = task_folder(home, task, key)
    with stages(f"score {task.name}") as report:
        if not is_whole(folder):
            begun = time.perf_counter()
            rows = _checked(task, task.run(report))
            with written_whole(folder) as temporary:
                rows.to_csv(temporary / _ROWS, index=False)
                facts = {"task": task.name, "model": task.model, "key": key, "rows": len(rows)}
                write_manifest(temporary, facts | {"seconds": time.perf_counter() - begun})
        report("scored", 1.0)
    text = dict.fromkeys(("model", "target", "forecaster", "origin", "unit", "cluster"), str)
    return pd.read_csv(folder / _ROWS, dtype=text)


def _checked(task: Task, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with all columns of the key; raise ValueError where rows cannot be compared."""
    if "target" not in rows:
        rows = rows.assign(target=task.name)
    if "cluster" not in rows:
        rows = rows.assign(cluster=rows["origin"])
    missing = [name for name in (*KEY, "observed") if name not in rows]
    scores = [name for name in SCORES if name in rows]
    if missing or not scores:
        raise ValueError(f"{task.name}: rows lack {', '.join(missing) or 'any score'}")
    if rows.duplicated(list(KEY)).any():
        raise ValueError(f"{task.name}: a forecaster has two rows for one forecast")
    if rows[scores].isna().all(axis=1).any() or rows[list(KEY)].isna().any(axis=None):
        raise ValueError(f"{task.name}: a row without score or key")
    first = [*KEY, "cluster", "observed", *scores]
    return rows[[*first, *(name for name in rows if name not in first)]]
