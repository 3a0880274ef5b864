"""Test that the project's priors pass the prior predictive checks and absurd priors fail them."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from forecast.evaluation.calibration import prior_predictive
from forecast.evaluation.calibration.prior_predictive import gates
from forecast.priors.load import Priors
from tests.support.fake_posteriors import priors


def with_prior(name: str, *params: float) -> Priors:
    """Return the project's priors with other parameters for one of them."""
    changed = dict(priors().by_name)
    changed[name] = dataclasses.replace(changed[name], params=params)
    return dataclasses.replace(priors(), by_name=changed)


@pytest.mark.parametrize("model", ["spending", "leadership", "withdrawal", "cohesion"])
def test_the_priors_pass(model: str) -> None:
    for gate in gates(model, priors()):
        assert gate.met, f"{gate.name}: {gate.value:.3f}, wanted {gate.lower} to {gate.upper}"


@pytest.mark.parametrize(
    ("model", "name", "params"),
    [
        ("spending", "spending.log_scale_mean", (-1.0, 0.3)),  # noise of 40 % per year
        (
            "leadership",
            "leadership.intercept",
            (-1.0, 0.5),
        ),  # a quarter of all leaders leave per quarter
        ("withdrawal", "withdrawal.defection_intercept", (-2.0, 0.5)),  # half leave within a year
        ("cohesion", "alliance.cut_lower", (0.5, 0.12)),  # mostly Weak at the neutral state
    ],
)
def test_absurd_priors_fail(model: str, name: str, params: tuple[float, ...]) -> None:
    assert not all(gate.met for gate in gates(model, with_prior(name, *params)))


def test_climatology_follows_the_normal_law() -> None:
    """With equal weights and fixed cuts the index is normal with variance sd^2 (1 + 3 rho) / 4."""
    fixed = with_prior("alliance.cut_lower", -0.25, 1e-9)
    priors = dict(fixed.by_name)
    for name, params in (("cut_gap", (np.log(0.625), 1e-9)), ("factor_weights", (1e9,) * 4)):
        priors[f"alliance.{name}"] = dataclasses.replace(priors[f"alliance.{name}"], params=params)
    share = prior_predictive.climatology(dataclasses.replace(fixed, by_name=priors), np.random.default_rng(1))
    sd, rho = (fixed.value(f"alliance.factor_{x}") for x in ("sd", "correlation"))
    law = stats.norm(0.0, sd * np.sqrt((1 + 3 * rho) / 4))
    wanted = np.diff([0.0, law.cdf(-0.25), law.cdf(0.375), 1.0])
    # four binomial standard errors of 4,000 draws
    assert share == pytest.approx(wanted, abs=4 * 0.5 / np.sqrt(prior_predictive.DRAWS))
