"""Test the runner of back-tests, the comparison of forecasts, and the stored scores."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.errors import PlanError
from forecast.evaluation import scoring_run
from forecast.evaluation.backtests.tasks import KEY, Refitter, Task, run_tasks, task_folder
from forecast.evaluation.comparison import cover_table, reliability_table, skill_table
from forecast.evaluation.score_report import pivot, score_lines
from forecast.evaluation.score_store import TABLE, UNSCORED, find_scores, score_versions
from forecast.inference.digests import model_digest
from forecast.names import MODELS
from forecast.progress import silent
from forecast.storage.files import write_json
from forecast.storage.runs import write_manifest
from forecast.workspace.inputs import read_inputs
from forecast.workspace.plan import FitSettings
from tests.support.fake_posteriors import ROOT, priors
from tests.support.score_rows import forecasts, stages

SEED = 3


class Counted:
    """A task that counts how often it runs."""

    def __init__(self, rows: pd.DataFrame):
        self.rows, self.times = rows, 0

    def __call__(self, report) -> pd.DataFrame:
        self.times += 1
        return self.rows


def test_task_runs_once_and_returns_the_same_rows(tmp_path: Path) -> None:
    run = Counted(forecasts())
    task = Task(model="spending", name="ahead", run=run)
    first = run_tasks(tmp_path, [(task, "a" * 64)], stages)
    again = run_tasks(tmp_path, [(task, "a" * 64)], stages)
    pd.testing.assert_frame_equal(first, again)
    np.testing.assert_array_equal(first["crps"], run.rows["crps"])  # to the last bit
    assert run.times == 1
    assert set(first["target"]) == {"ahead"}
    assert (first["cluster"] == first["origin"]).all()
    run_tasks(tmp_path, [(task, "b" * 64)], stages)
    assert run.times == 2  # another key, another task


def test_damaged_rows_are_recomputed(tmp_path: Path) -> None:
    run = Counted(forecasts())
    task = Task(model="spending", name="ahead", run=run)
    first = run_tasks(tmp_path, [(task, "a")], stages)
    path = task_folder(tmp_path, task, "a") / "rows.csv"
    path.write_text(path.read_text()[:-40])
    pd.testing.assert_frame_equal(run_tasks(tmp_path, [(task, "a")], stages), first)
    assert run.times == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x.drop(columns="unit"), "lack unit"),
        (lambda x: x.drop(columns="crps"), "lack any score"),
        (lambda x: pd.concat([x, x.tail(1)]), "two rows for one forecast"),
        (lambda x: x.assign(crps=np.nan), "without score"),
    ],
)
def test_rows_that_cannot_be_compared_are_rejected(tmp_path: Path, spoil, message) -> None:
    task = Task(model="spending", name="ahead", run=lambda report: spoil(forecasts()))
    with pytest.raises(ValueError, match=message):
        run_tasks(tmp_path, [(task, "a")], stages)
    assert not task_folder(tmp_path, task, "a").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.support.score_rows import forecasts, stages
from forecast.evaluation.backtests.tasks import KEY, Task, run_tasks
def second(report):
    os.kill(os.getpid(), signal.SIGKILL)
tasks = [(Task(model="spending", name="one", run=lambda report: forecasts()), "a"),
         (Task(model="spending", name="two", run=second), "b")]
run_tasks(Path(sys.argv[1]), tasks, stages)
"""


def test_killed_scoring_resumes(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(ROOT)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    one, two = Counted(forecasts()), Counted(forecasts(seed=4))
    tasks = [
        (Task(model="spending", name="one", run=one), "a"),
        (Task(model="spending", name="two", run=two), "b"),
    ]
    rows = run_tasks(tmp_path, tasks, stages)
    assert (one.times, two.times) == (0, 1)
    whole = run_tasks(tmp_path / "other", tasks, stages)
    pd.testing.assert_frame_equal(rows, whole)
    assert sorted(path.name for path in (tmp_path / "runs" / "scores").iterdir()) == ["one-a", "two-b"]


def made(tmp_path: Path) -> pd.DataFrame:
    task = Task(model="spending", name="ahead", run=lambda report: forecasts())
    return run_tasks(tmp_path, [(task, "a")], stages)


def test_comparison_uses_common_forecasts(tmp_path: Path) -> None:
    rows = made(tmp_path)
    table = skill_table(rows).set_index("horizon")
    assert table["n"].to_dict() == {1.0: 15, 2.0: 15, "all": 30}
    assert (table["clusters"] == 3).all()
    both = rows[rows["unit"] != "U5"].groupby("forecaster")["crps"].mean()
    whole = table.loc["all"]
    assert whole["skill"] == pytest.approx(1 - both["model"] / both["naive"])
    assert whole["t"] < -10
    assert whole["p"] < 0.01


def test_coverage_counts_hits(tmp_path: Path) -> None:
    rows = made(tmp_path)
    cover = cover_table(rows).set_index(["forecaster", "horizon"])
    part = rows[(rows["forecaster"] == "model") & (rows["horizon"] == 1.0)]
    assert cover.loc[("model", 1.0), "in80"] == part["in80"].mean()
    counts = cover["n"].groupby("horizon").sum()
    assert counts[1.0] + counts[2.0] == counts["all"] == counts["all, 2000s"] == len(rows)
    assert cover.loc[("model", "all"), "in50"] == rows.loc[rows["forecaster"] == "model", "in50"].mean()
    assert reliability_table(rows).empty  # these rows have no probabilities


def test_every_comparison_is_printed(tmp_path: Path) -> None:
    skill = skill_table(made(tmp_path)).to_dict("records")
    (table,) = pivot(skill)
    assert table["horizons"] == ["1.0", "2.0", "all"]
    assert [cell["n"] for cell in table["rows"][0]["cells"]] == [15, 15, 30]
    text = "\n".join(score_lines({"skill": skill}))
    assert "spending: ahead, skill in crps" in text
    assert text.count("%") == 3


def store(home: Path, name: str, models: dict[str, str], quick: bool = False) -> None:
    folder = home / "runs" / "scores" / name
    folder.mkdir(parents=True)
    skill = [{"model": m, "baseline": name, "skill": 0.1} for m in (*models, "other")]
    write_json(folder / TABLE, {"skill": skill, "cover": []})
    write_manifest(folder, {"models": models, "quick": quick, "versions": score_versions()})
    time.sleep(0.005)  # manifests store milliseconds


def test_scores_are_found_by_model_digest(tmp_path: Path) -> None:
    models = {"spending": "s1", "leadership": "l1"}
    assert find_scores(tmp_path, models) == UNSCORED
    store(tmp_path, "old", {"spending": "s1", "leadership": "l1"})
    store(tmp_path, "new", {"spending": "s1", "leadership": "other"})
    store(tmp_path, "quick", {"spending": "s1", "leadership": "l1"}, quick=True)
    scores = find_scores(tmp_path, models)
    assert isinstance(scores, dict)
    assert scores["models"] == ["spending", "leadership"]
    assert [(line["model"], line["baseline"]) for line in scores["skill"]] == [
        ("spending", "new"),
        ("leadership", "old"),
    ]
    assert find_scores(tmp_path, {"spending": "s2"}) == UNSCORED
    (tmp_path / "runs" / "scores" / "new" / "manifest.json").write_text("{")
    assert find_scores(tmp_path, models)["folders"] == ["old"]


def test_model_digest_ignores_sampler_settings() -> None:
    smoke, quickstart = (read_inputs(ROOT, name) for name in ("smoke", "quickstart"))
    digests = [{m: model_digest(x, m) for m in MODELS} for x in (smoke, quickstart)]
    assert digests[0] == digests[1]
    assert len(set(digests[0].values())) == len(MODELS)


@pytest.mark.case("A19")
def test_scoring_is_stored_and_published(tmp_path: Path, monkeypatch) -> None:
    """Run everything but the fits, from one task with invented rows to the NetCDF file and the page."""
    (tmp_path / "runs").mkdir()
    for part in ("priors", "runs/plans"):
        (tmp_path / part).symlink_to(ROOT / part)
    run = Counted(forecasts())
    task = Task(model="leadership", name="ahead", run=run)
    monkeypatch.setattr(scoring_run, "make_tasks", lambda inputs, quick: [task])
    folder = scoring_run.score(tmp_path, "smoke", stages, quick=False)
    assert scoring_run.score(tmp_path, "smoke", stages, quick=False) == folder
    assert run.times == 1
    with xr.open_dataset(folder / scoring_run.SCORES, engine="netcdf4") as stored:
        assert stored.sizes["row"] == len(run.rows) and list(stored.indexes) == ["row"]
        assert all(stored[name].attrs["long_name"] for name in KEY)
        np.testing.assert_array_equal(stored["crps"], run.rows["crps"])
    assert json.loads((folder / TABLE).read_text())["skill"][0]["n"] == 15
    page = scoring_run.publish(folder, tmp_path).read_text()
    assert page.startswith("# Scores on past outcomes")
    assert "| naive |" in page
    scoring_run.score(tmp_path, "smoke", stages, quick=True)
    assert run.times == 2  # quick scores are stored apart


def test_unknown_plan_is_reported_with_the_known_ones() -> None:
    with pytest.raises(PlanError, match=r"nosuch\.toml: no such plan; known plans here: .*smoke"):
        scoring_run.score(ROOT, "nosuch", stages, quick=False)


def test_refitter_compiles_once_and_repeats_a_poor_fit(monkeypatch) -> None:
    from types import SimpleNamespace

    from forecast.inference.pymc_models import sampling

    compiled, fits, rhats = [], [], iter([1.05, 1.2, 1.3])

    def compile_model(*arguments):
        compiled.append(arguments)
        return SimpleNamespace(with_data=lambda **vectors: vectors, shared_var_keys={})

    def short_fit(vectors, settings, seed, report):
        fits.append((vectors["keep"], settings.tune, settings.draws, seed))
        return SimpleNamespace(tree=vectors["keep"], diagnostics=SimpleNamespace(rhat=next(rhats)))

    monkeypatch.setattr(sampling, "compile_model", compile_model)
    monkeypatch.setattr(sampling, "short_fit", short_fit)
    refit = Refitter("cohesion", None, None, FitSettings(chains=2, tune=200, draws=300), 7)
    assert refit({"keep": 1}, priors(), silent) == (1, 1.05)
    assert refit({"keep": 2}, priors(), silent) == (2, 1.3)  # R-hat 1.2 is repeated, whatever comes of it
    assert compiled == [("cohesion", None, None)]
    assert fits == [(1, 200, 300, 7), (2, 200, 300, 7), (2, 400, 600, 8)]
