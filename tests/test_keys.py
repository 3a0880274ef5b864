"""The keys of stored results change with everything that changes a number, and with nothing else."""

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
from tests import test_pins
from tests.support import fake_posteriors, pinned_numbers
from tests.support.fake_posteriors import ROOT, tables

PRINT_KEYS = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from forecast.evaluation.calibration.certificates import certificate_digests
from forecast.simulation.jit import source_digest
from forecast.simulation.kernel import simulate_lanes
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
print("functions compiled:", sum(simulate_lanes.stats.cache_misses.values()))
"""


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return read_inputs(ROOT, "quickstart")


def copy_repository(folder: Path) -> Path:
    """Copy what a run needs to `folder`, and return `folder`."""
    for part in ("forecast", "priors", "runs/plans", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def printed_keys(folder: Path) -> str:
    """Return what `PRINT_KEYS` prints in a process that runs in `folder`."""
    process = subprocess.run(
        [sys.executable, "-c", PRINT_KEYS, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.slow
def test_keys_ignore_docstrings_and_comments(tmp_path: Path) -> None:
    """No fit, score, certificate or run gets another key, and no function is compiled again."""
    repository = copy_repository(tmp_path)
    before = printed_keys(repository)
    edited = 0
    for path in (repository / "forecast").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        path.write_text(source.replace('"""', '"""Reworded. ', 1) + "\n# a remark\n", encoding="utf-8")
        edited += path.read_text(encoding="utf-8") != source
    assert edited > 100
    after = printed_keys(repository)
    assert after.splitlines()[:2] == before.splitlines()[:2]
    assert after.endswith("functions compiled: 0\n")


def test_source_digest_changes_with_a_rule(tmp_path: Path) -> None:
    repository = copy_repository(tmp_path)
    digest = "from forecast.simulation.jit import source_digest; print(source_digest())"

    def current_digest() -> str:
        """Return the digest of the copy, from a new process."""
        process = subprocess.run(
            [sys.executable, "-c", digest],
            cwd=repository,
            env={**os.environ, "PYTHONPATH": str(repository)},
            capture_output=True,
            text=True,
            check=True,
        )
        return process.stdout

    before = current_digest()
    rules = repository / "forecast" / "simulation" / "rules" / "missions.py"
    rules.write_text(rules.read_text().replace("quarters_left <= 4", "quarters_left <= 5"))
    assert current_digest() != before


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
def test_changed_constant_fails_the_pin_of_its_version(
    monkeypatch: pytest.MonkeyPatch, where: str, value: float, pin: str, version: str
) -> None:
    monkeypatch.setattr(where, value)
    with pytest.raises(AssertionError, match=re.escape(f"raise {version} in forecast/workspace/provenance.py")):
        test_pins.test_pinned_numbers_are_unchanged(pin)


def keys(inputs: Inputs) -> dict[str, Any]:
    """Return the keys of a run, of all fits, certificates and scores."""
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
def test_raised_version_changes_dependent_keys_alone(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch, version: str, model: str, stale: set[str]
) -> None:
    before = keys(inputs)
    monkeypatch.setitem(getattr(provenance, version), model, 99)
    after = keys(inputs)
    assert {kind for kind in before if before[kind] != after[kind]} == stale
    for kind in stale & {"fits", "certificates"}:
        assert {m for m in MODELS if before[kind][m] != after[kind][m]} == {model}


def test_stored_scores_and_variants_are_stale_under_other_versions(
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
    scores = find_scores(ROOT, models)
    assert isinstance(scores, dict)
    assert "cohesion" not in scores["models"] and "spending" in scores["models"]


def test_results_in_git_are_valid(inputs: Inputs) -> None:
    """A fresh clone has valid certificates, scores and variants, on any version of Python."""
    models = {m: model_digest(inputs, m) for m in MODELS}
    assert all(sound for sound, _ in certificate_lines(ROOT, certificate_digests(inputs.priors)).values())
    scores = find_scores(ROOT, models)
    assert isinstance(scores, dict) and set(scores["models"]) == set(MODELS)
    assert find_variants(ROOT, models, "quickstart")


@pytest.mark.parametrize("model", [m for m, read in TABLES_READ.items() if read])
def test_back_test_reads_only_tables_of_its_key(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scores do not change if all other tables are empty."""
    pin = f"back-test of {model}"
    emptied = {name: getattr(tables(), name).iloc[:0] for name in tables().digests if name not in TABLES_READ[model]}
    assert len(emptied) > 10
    remaining = dataclasses.replace(tables(), **emptied)
    monkeypatch.setattr(fake_posteriors, "tables", lambda: remaining)
    numbers, expected = pinned_numbers.ALL[pin].numbers(), test_pins.PINNED["pins"][pin]
    assert numbers == pytest.approx(expected, rel=pinned_numbers.ALL[pin].tolerance)


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
def test_data_set_digest_depends_on_content(change: Any) -> None:
    data = xr.Dataset({"x": ("row", [1.0, 2.0, 3.0]), "name": ("row", ["a", "b", "c"])}, attrs={"cap": 0.4})
    assert dataset_digest(change(data)) != dataset_digest(data)


def test_data_set_digest_ignores_last_bit_and_integer_width() -> None:
    data = xr.Dataset({"x": ("row", np.log([2.0, 3.0, 5.0])), "n": ("row", np.arange(3))})
    nudged = data.assign(x=("row", np.nextafter(data["x"].to_numpy(), 9.0)), n=("row", np.arange(3, dtype=np.int32)))
    assert dataset_digest(nudged) == dataset_digest(data)
