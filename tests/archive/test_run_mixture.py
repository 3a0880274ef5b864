"""A run stores the weights in force at its as-of date with its mixture, and commands that mix use them."""

import logging
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast.archive.headline_values import Estimates, estimates_of, scenarios_of
from forecast.archive.mixture import mix, mixed_rows
from forecast.archive.run_mixture import (
    MIXTURE,
    mixture_faults,
    mixture_file,
    mixture_of,
    read_mixture,
    stored_weights,
    weight_texts,
    weights_for,
)
from forecast.errors import PriorError
from forecast.priors.weights import read_weights
from forecast.storage.runs import Run
from forecast.workspace.inputs import Inputs, read_inputs
from tests.support.scenario_weights import WEIGHTS, weights_file

OTHER = WEIGHTS.replace("win = 0.1, stalemate = 0.4", "win = 0.4, stalemate = 0.1").replace("2025-06-01", "2025-07-01")


@pytest.fixture(scope="module")
def estimates(made_run: Run) -> list[Estimates]:
    return estimates_of(made_run)


@pytest.fixture
def inputs(made_run: Run, tmp_path: Path) -> Inputs:
    """The inputs of the made run in a workspace that a test may change."""
    home = tmp_path / "workspace"
    shutil.copytree(made_run.path.parent.parent, home)
    return read_inputs(home, "small")


def test_a_run_stores_its_mixture(made_run: Run, estimates: list[Estimates], tmp_path: Path) -> None:
    weights = read_weights(weights_file(tmp_path), *scenarios_of(made_run))
    stored, again = read_mixture(made_run), stored_weights(made_run)
    assert stored and again
    assert stored["headlines"] == mixed_rows(mix(estimates, weights))
    assert again.mean.tolist() == weights.mean.tolist()
    assert again.covariance.tolist() == weights.covariance.tolist()
    assert again.entries == weights.entries
    assert weight_texts(made_run)["war"] == "win 0.1, stalemate 0.4, lose 0.5 (size 20, 2025-06-01)"
    assert not list(mixture_faults(stored, estimates, again))


def test_commands_use_the_weights_of_the_run_unless_others_are_given(made_run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "priors").mkdir(parents=True)
    (home / "priors" / "weights.toml").write_text(OTHER)
    own, now = weights_for(home, made_run), weights_for(home, made_run, day=date(2026, 1, 1))
    file = weights_for(home, made_run, home / "priors" / "weights.toml")
    assert [entry.probability.get("win") for entry in own.entries][1] == 0.1
    assert now.mean.tolist() == file.mean.tolist() != own.mean.tolist()
    with pytest.raises(PriorError, match="no weights of designs dated 2025-06-30 or before"):
        weights_for(home, made_run, day=date(2025, 6, 30))


def mixture_in(inputs: Inputs, made_run: Run) -> dict[str, Any]:
    with made_run.projection as tree:
        return dict(mixture_file(inputs, tree, made_run.headlines))


@pytest.mark.parametrize(
    ("weights", "level"),
    [
        (None, 0),
        (WEIGHTS.replace("2025-06-01", "2026-01-01"), logging.INFO),  # not in force at the as-of date
        (WEIGHTS.replace("none = 0.7", "business_as_usual = 0.7"), logging.INFO),  # not in the plan
        (WEIGHTS.replace("lose = 0.5", "lose = 0.6"), logging.WARNING),
    ],
    ids=["none", "later", "other scenarios", "faulty"],
)
def test_without_weights_for_its_scenarios_a_run_has_no_mixture(
    inputs: Inputs, made_run: Run, weights: str | None, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = inputs.home / "priors" / "weights.toml"
    path.unlink()
    if weights is not None:
        path.write_text(weights)
    with caplog.at_level(logging.INFO):
        assert mixture_in(inputs, made_run) == {}
    assert [record.levelno for record in caplog.records] == [level] * (level > 0)
    assert "the run has no mixture" in caplog.text or not level


def test_weights_are_no_part_of_the_id_of_a_run(inputs: Inputs, made_run: Run) -> None:
    (inputs.home / "priors" / "weights.toml").write_text(OTHER)
    assert read_inputs(inputs.home, "small").run_id == made_run.id
    assert mixture_in(inputs, made_run)[MIXTURE]["weights"][0]["date"] == "2025-07-01"


@pytest.mark.parametrize(
    ("target", "factor", "reason"),
    [
        ("cohesion_verdict", 1.001, "the weighted sum of the scenarios"),
        ("mission_survival", 1.5, "the mean of the weighted histograms"),
        ("european_spending", 3.0, "the medians of the scenarios"),
    ],
)
def test_a_mixture_that_contradicts_its_scenarios_is_named(
    made_run: Run, estimates: list[Estimates], target: str, factor: float, reason: str
) -> None:
    weights = stored_weights(made_run)
    assert weights
    mixture = mixture_of(estimates, weights)
    row = max((row for row in mixture["headlines"] if row["target"] == target), key=lambda row: row["value"])
    row["value"] *= factor
    faults = list(mixture_faults(mixture, estimates, weights))
    assert reason in faults[-1]
    assert all(f"{target} " in fault for fault in faults)
