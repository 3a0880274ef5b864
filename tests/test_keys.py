"""What stored results are keyed by: everything that moves a number, and nothing else."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.evaluation.calibration.certificates import certificate_digests, certificate_lines
from forecast.evaluation.score_store import UNSCORED, find_scores, find_variants
from forecast.evaluation.scoring_run import TABLES_READ, _key, make_tasks
from forecast.inference.digests import fit_digest, model_digest
from forecast.names import MODELS
from forecast.workspace import provenance
from forecast.workspace.inputs import Inputs, read_inputs
from forecast.workspace.provenance import dataset_digest
from tests import test_pins as test_pins
from tests.support import fake_posteriors as inventions
from tests.support import pinned_numbers as pinned
from tests.support.fake_posteriors import ROOT, tables

TELL = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from forecast.evaluation.calibration.certificates import certificate_digests
from forecast.simulation.jit import source_digest
from forecast.simulation.kernel import simulate
from forecast.inference.digests import fit_digest
from forecast.workspace.inputs import read_inputs
from forecast.names import MODELS
from forecast.evaluation.scoring_run import _key, make_tasks
from tests.support.random_kernel_inputs import play, tiny_draws, tiny_layout

inputs = read_inputs(Path("."), "smoke")
print(inputs.run_id, [fit_digest(inputs, m, None) for m in MODELS], certificate_digests(inputs.priors))
print([_key(inputs, task, False) for task in make_tasks(inputs, False)], source_digest())
layout = tiny_layout()
play(layout, tiny_draws(layout), 0, 1)
print("compiled anew:", sum(simulate.stats.cache_misses.values()))
"""


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return read_inputs(ROOT, "quickstart")


def copy_of_the_house(folder: Path) -> Path:
    for part in ("forecast", "priors", "runs/plans", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def told(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", TELL, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_editing_docstrings_and_comments_makes_nothing_stale(tmp_path: Path) -> None:
    """No fit, score, certificate or run gets another key, and no machine code is compiled anew."""
    house = copy_of_the_house(tmp_path)
    before = told(house)
    edited = 0
    for path in (house / "forecast").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        path.write_text(source.replace('"""', '"""Reworded. ', 1) + "\n# a remark\n", encoding="utf-8")
        edited += path.read_text(encoding="utf-8") != source
    assert edited > 100
    after = told(house)
    assert after.splitlines()[:2] == before.splitlines()[:2]
    assert after.endswith("compiled anew: 0\n")


def test_a_changed_rule_is_another_kernel(tmp_path: Path) -> None:
    house = copy_of_the_house(tmp_path)
    digest = "from forecast.simulation.jit import source_digest; print(source_digest())"

    def now() -> str:
        done = subprocess.run(
            [sys.executable, "-c", digest],
            cwd=house,
            env={**os.environ, "PYTHONPATH": str(house)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    before = now()
    rules = house / "forecast" / "simulation" / "rules" / "missions.py"
    rules.write_text(rules.read_text().replace("quarters_left <= 4", "quarters_left <= 5"))
    assert now() != before


@pytest.mark.parametrize(
    ("where", "value", "pin", "version"),
    [
        (
            "forecast.inference.pymc_models.spending.COMMON_TAILS",
            30.0,
            "density of spending",
            'MODEL_VERSION["spending"]',
        ),
        (
            "forecast.evaluation.calibration.withdrawal._TRUST",
            0.8,
            "problem of withdrawal",
            'PROBLEM_VERSION["withdrawal"]',
        ),
        ("forecast.models.spending.COMMON_TAILS", 30.0, "back-test of spending", 'BACKTEST_VERSION["spending"]'),
        ("forecast.evaluation.comparison._ROUNDING", -1e9, "comparison", "COMPARISON_VERSION"),
    ],
)
def test_a_changed_constant_fails_its_pin_and_names_the_version(
    monkeypatch: pytest.MonkeyPatch, where: str, value: float, pin: str, version: str
) -> None:
    monkeypatch.setattr(where, value)
    with pytest.raises(AssertionError, match=re.escape(f"raise {version} in forecast/workspace/provenance.py")):
        test_pins.test_pinned_numbers_stand(pin)


def keys(inputs: Inputs) -> dict[str, Any]:
    return {
        "runs": {"smoke": read_inputs(ROOT, "smoke").run_id},
        "fits": {m: fit_digest(inputs, m, None) for m in MODELS},
        "certificates": certificate_digests(inputs.priors),
        "scores": {task.name: _key(inputs, task, False) for task in make_tasks(inputs, False)},
    }


@pytest.mark.parametrize(
    ("version", "model", "stale"),
    [
        ("MODEL_VERSION", "spending", {"runs", "fits", "certificates", "scores"}),
        ("PROBLEM_VERSION", "withdrawal", {"certificates"}),
        ("BACKTEST_VERSION", "leadership", {"scores"}),
    ],
)
def test_a_raised_version_makes_stale_what_depends_on_it(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch, version: str, model: str, stale: set[str]
) -> None:
    before = keys(inputs)
    monkeypatch.setitem(getattr(provenance, version), model, 99)
    after = keys(inputs)
    assert {kind for kind in before if before[kind] != after[kind]} == stale
    for kind in stale & {"fits", "certificates"}:
        assert {m for m in MODELS if before[kind][m] != after[kind][m]} == {model}


def test_stored_scores_and_variants_are_stale_under_another_version(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {m: model_digest(inputs, m) for m in MODELS}
    assert find_variants(ROOT, models, "quickstart")
    for where in ("VARIANTS_VERSION", "SIMULATION_VERSION"):
        with monkeypatch.context() as patch:
            patch.setattr(f"forecast.evaluation.score_store.{where}", 99)
            assert not find_variants(ROOT, models, "quickstart")
    with monkeypatch.context() as patch:
        patch.setattr("forecast.evaluation.score_store.COMPARISON_VERSION", 99)
        assert find_scores(ROOT, models) == UNSCORED
    monkeypatch.setitem(provenance.BACKTEST_VERSION, "cohesion", 99)
    found = find_scores(ROOT, models)
    assert isinstance(found, dict)
    assert "cohesion" not in found["models"] and "spending" in found["models"]


def test_what_is_stored_in_git_is_valid(inputs: Inputs) -> None:
    """On any Python: a fresh clone says certified, scored, variants present."""
    models = {m: model_digest(inputs, m) for m in MODELS}
    assert all(sound for sound, _ in certificate_lines(ROOT, certificate_digests(inputs.priors)).values())
    found = find_scores(ROOT, models)
    assert isinstance(found, dict) and set(found["models"]) == set(MODELS)
    assert find_variants(ROOT, models, "quickstart")


@pytest.mark.parametrize("model", [m for m, read in TABLES_READ.items() if read])
def test_a_back_test_reads_no_table_beside_those_of_its_key(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every other table emptied, its rows are the same."""
    pin = f"back-test of {model}"
    emptied = {name: getattr(tables(), name).iloc[:0] for name in tables().digests if name not in TABLES_READ[model]}
    assert len(emptied) > 10
    few = dataclasses.replace(tables(), **emptied)
    monkeypatch.setattr(inventions, "tables", lambda: few)
    now, then = pinned.ALL[pin].numbers(), test_pins.PINNED["pins"][pin]
    assert now == pytest.approx(then, rel=pinned.ALL[pin].tolerance)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.assign(x=("row", data["x"].to_numpy() * 1.001)),
        lambda data: data.assign(x=("row", data["x"].to_numpy()[::-1])),
        lambda data: data.assign(x=("other", data["x"].to_numpy())),
        lambda data: data.rename(x="y"),
        lambda data: data.assign(name=("row", ["a", "c", "d"])),
        lambda data: data.assign_attrs(cap=0.5),
        lambda data: data.assign(x=("row", [1.0, np.nan, 3.0])),
    ],
)
def test_a_data_set_is_known_by_its_content(change: Any) -> None:
    data = xr.Dataset({"x": ("row", [1.0, 2.0, 3.0]), "name": ("row", ["a", "b", "c"])}, attrs={"cap": 0.4})
    assert dataset_digest(change(data)) != dataset_digest(data)


def test_the_last_bit_of_a_number_is_no_other_content() -> None:
    data = xr.Dataset({"x": ("row", np.log([2.0, 3.0, 5.0])), "n": ("row", np.arange(3))})
    nudged = data.assign(x=("row", np.nextafter(data["x"].to_numpy(), 9.0)), n=("row", np.arange(3, dtype=np.int32)))
    assert dataset_digest(nudged) == dataset_digest(data)
