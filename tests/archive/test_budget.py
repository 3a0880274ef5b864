"""A model with known shares has these shares in its budget, and their errors cover them."""

import json
from pathlib import Path

import numpy as np
import pytest

from forecast.archive.budget import SOURCES, Budget, budget_rows, budgets, variance_shares
from forecast.archive.headline_values import kinds_of, scenarios_of
from forecast.errors import RunError
from forecast.priors.weights import only, read_weights
from forecast.projection.execution import Executor
from forecast.reporting.budget_text import budget_lines
from forecast.reporting.formatting import WIDE
from forecast.storage.runs import Run
from tests.support.pipeline_run import quiet
from tests.support.scenario_weights import kind, weights_file


def nested(shares: tuple[float, float, float, float], draws: int, seed: int) -> np.ndarray:
    """Return values (3, draw, 2) of a model whose variance is divided as given between the four sources."""
    rng = np.random.default_rng(seed)
    scenario, judgement, parameters, chance = np.sqrt(shares)
    judged, same, other = (rng.normal(size=draws) for _ in range(3))
    shocks = rng.normal(size=(3, draws))
    fitted = np.stack([same, same, other])
    paths = 5.0 + judgement * judged + parameters * fitted + chance * shocks
    return np.stack([paths - scenario, paths + scenario], axis=-1)


EVEN = np.array([0.5, 0.5])


@pytest.mark.parametrize(
    "shares",
    [
        (0.2, 0.3, 0.1, 0.4),
        (0.0, 0.5, 0.0, 0.5),
        (0.5, 0.0, 0.5, 0.0),
        (0.3, 0.7, 0.0, 0.0),
        (0.0, 0.0, 0.0, 1.0),
        (1.0, 0.0, 0.0, 0.0),
    ],
)
def test_known_shares_are_found_and_absent_sources_get_none(shares: tuple[float, float, float, float]) -> None:
    variance, found, errors = variance_shares(nested(shares, 4000, 1), EVEN)
    assert variance == pytest.approx(1.0, rel=0.1)
    assert found.sum() == pytest.approx(1.0, abs=1e-12) and (found >= 0.0).all()
    assert np.abs(found - shares).max() <= 4.0 * max(errors.max(), 1e-12)
    scenario, judgement, parameters, chance = shares
    if chance == 0.0:
        assert found[3] == 0.0
    if scenario == 0.0:
        assert found[0] == pytest.approx(0.0, abs=1e-12)
    if parameters == chance == 0.0:
        assert found[2] == found[3] == 0.0
    if judgement == 0.0:
        assert found[1] <= 4.0 * errors[1] + 1e-12


def test_a_single_scenario_has_no_share_of_scenario() -> None:
    _, found, errors = variance_shares(nested((0.5, 0.2, 0.1, 0.2), 500, 2), np.array([1.0, 0.0]))
    assert found[0] == 0.0 and errors[0] == 0.0


def test_intervals_cover_the_shares() -> None:
    shares = (0.2, 0.3, 0.1, 0.4)
    covered = np.zeros(4)
    for seed in range(100):
        _, found, errors = variance_shares(nested(shares, 300, seed), EVEN)
        covered += np.abs(found - shares) <= 1.96 * errors
    assert ((covered >= 89) & (covered <= 99)).all(), covered


def test_a_headline_without_variance_has_no_shares() -> None:
    _, found, errors = variance_shares(np.full((3, 50, 2), 0.7), EVEN)
    assert np.isnan(found).all()
    one = Budget(kind=kind(), sd=0.0, shares=found, errors=errors, draws=50)
    (row,) = budget_rows([one])
    assert all(row[source] is None for source in SOURCES)
    assert any("–" in line for line in budget_lines("a-run", [one], only(["win"], ["none"], "win", "none")))


def test_budget_of_a_run(made_run: Run, tmp_path: Path) -> None:
    home = made_run.path.parent.parent
    weights = read_weights(weights_file(tmp_path), *scenarios_of(made_run))
    found = budgets(home, made_run, weights, 32, quiet, Executor(1))
    assert [one.kind for one in found] == kinds_of(made_run.headlines)
    for one in found:
        assert one.draws == 32 and one.sd > 0.0
        assert one.shares.sum() == pytest.approx(1.0, abs=1e-12) and (one.errors >= 0.0).all()
    assert json.loads(json.dumps(budget_rows(found), allow_nan=False))[0]["draws"] == 32
    lines = list(budget_lines(made_run.id, found, weights, {"kfor": "A mission with a very long name in the Balkans"}))
    assert "32 parameter draws" in lines[-3]
    assert max(map(len, lines)) <= WIDE and not any("Kfor" in line or "kfor" in line for line in lines)


@pytest.mark.parametrize("draws", [1, 29, 33])
def test_too_few_or_too_many_draws_are_refused(made_run: Run, draws: int) -> None:
    weights = only(*scenarios_of(made_run), "win", "none")
    with pytest.raises(RunError, match=f"{draws} draws, expected 30 to 32"):
        budgets(made_run.path.parent.parent, made_run, weights, draws, quiet, Executor(1))
