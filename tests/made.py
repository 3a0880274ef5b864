"""A workspace with a run made by the whole pipeline from invented posteriors, and a scoring that needs no fit."""

from pathlib import Path

import pytest
from inventions import beliefs, tables
from test_pipeline import PLAN, invented_fits, quiet

from forecast.evaluation.backtests.alliance_exit import exit_tasks
from forecast.evaluation.backtests.tasks import run_tasks
from forecast.evaluation.scoring_run import QUICK, _write
from forecast.pipeline import run as pipeline
from forecast.storage.runs import Run
from forecast.workspace.init import lay_workspace
from forecast.workspace.inputs import read_inputs

SIZE = "draws = 64\npaths = 128\njoint_paths = 128"
SMALLER = 'draws = 32\npaths = 64\njoint_paths = 32\ndesign = ["none", "division_of_labour"]'


def make(home: Path) -> Run:
    """All wars and two designs over six years."""
    lay_workspace(home)
    assert SIZE in PLAN
    (home / "runs" / "plans" / "small.toml").write_text(PLAN.replace(SIZE, SMALLER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "fit_all", invented_fits)
        run = pipeline.run(home, "small", quiet, threads=1)
    tasks = [(task, "specimen") for task in exit_tasks(tables(), beliefs(), QUICK, 5)]
    rows = run_tasks(home, tasks, quiet)
    _write(home / "runs" / "scores" / "specimen", read_inputs(home, "small"), rows, False)
    return run
