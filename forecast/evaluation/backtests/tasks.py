"""Back-tests: pieces of work that score a model and its baselines on outcomes, each made once and kept.

A task gives rows: one forecast of one forecaster each, with what was seen and its scores. Rows are kept under a key
that says what they depend on, so a scoring that was stopped goes on where it was.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast.progress import Report, Stages
from forecast.storage.files import written_whole
from forecast.storage.locks import only_one
from forecast.storage.runs import is_whole, write_manifest
from forecast.workspace.plan import FitSettings

MODEL: Final = "model"  # the forecaster that every baseline is compared with
#: What names a forecast; `unit` is a country, a mission, or a contributor in one.
KEY: Final = ("model", "target", "forecaster", "origin", "horizon", "unit")
SCORES: Final = ("crps", "log_score", "brier", "rps")
HITS: Final = {"in50": 0.5, "in80": 0.8, "in95": 0.95}
_ROWS: Final = "rows.csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One piece of scoring: `run` makes its rows and reports its progress.

    Rows have the columns of `KEY` (`target` is the name of the task where it is missing), `observed`, at least one of
    `SCORES`, and where they apply `pit`, `HITS`, the chance `p` and `cluster`, what forecasts share that go together
    (the origin where it is missing). Other columns are kept as they are.
    """

    model: str
    name: str
    run: Callable[[Report], pd.DataFrame]


def run_tasks(home: Path, tasks: Sequence[tuple[Task, str]], stages: Stages) -> pd.DataFrame:
    """Rows of all tasks, each given with its key; made now where they are not kept under that key, or are damaged."""
    with only_one(home, "scores"):
        return pd.concat([_task_rows(home, task, key, stages) for task, key in tasks], ignore_index=True)


def task_folder(home: Path, task: Task, key: str) -> Path:
    """Where the rows of a task are kept."""
    return home / "runs" / "scores" / f"{task.name}-{key[:16]}"


def _task_rows(home: Path, task: Task, key: str, stages: Stages) -> pd.DataFrame:
    folder = task_folder(home, task, key)
    with stages(f"score {task.name}") as report:
        if not is_whole(folder):
            begun = time.perf_counter()
            rows = _checked(task, task.run(report))
            with written_whole(folder) as aside:
                rows.to_csv(aside / _ROWS, index=False)
                facts = {"task": task.name, "model": task.model, "key": key, "rows": len(rows)}
                write_manifest(aside, facts | {"seconds": time.perf_counter() - begun})
        report("scored", 1.0)
    text = dict.fromkeys(("model", "target", "forecaster", "origin", "unit", "cluster"), str)
    return pd.read_csv(folder / _ROWS, dtype=text)


def _checked(task: Task, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with all columns of a key; raises ValueError where a task gives what cannot be compared."""
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


#: R-hat above which chains are so far apart that their draws are of no use; 1.01 is for fits that are published.
FAR_APART: Final = 1.1


def refit(compiled: Any, settings: FitSettings, seed: int, report: Report) -> Any:
    """A `models.fit.Fit`; a second, with twice the tuning and draws and another seed, if R-hat exceeds `FAR_APART`."""
    from forecast.inference.pymc_models.sampling import short_fit

    done = short_fit(compiled, settings, seed, report)
    if done.diagnostics.rhat <= FAR_APART:
        return done
    longer = settings.model_copy(update={"tune": 2 * settings.tune, "draws": 2 * settings.draws})
    return short_fit(compiled, longer, seed + 1, report)
