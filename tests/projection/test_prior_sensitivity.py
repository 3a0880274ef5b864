"""Power scaling is correct where the answer is known."""

import numpy as np
import pytest

from forecast.inference.importance_sampling import power_scaled
from forecast.priors.prior import Prior
from forecast.projection.prior_sensitivity import power_scaling_effect

DRAWS = 40_000
SENSITIVE = 0.05  # Kallioinen et al. 2024: a diagnostic below this calls a number insensitive


@pytest.fixture(scope="module")
def posterior() -> np.ndarray:
    """Draws of the posterior N(0.6, 0.5) of the prior N(0, 1) after one normal observation."""
    return np.random.default_rng(5).normal(0.6, 0.5, DRAWS)


def effect_of_prior(posterior: np.ndarray) -> dict[str, float]:
    prior = Prior(name="some.theta", dist="Normal", params=(0.0, 1.0), source="s", evidence="data")
    (lower, _), (upper, _) = (power_scaled(prior.log_density(posterior), alpha) for alpha in (0.8, 1.25))
    return power_scaling_effect(posterior, lower, upper)


def test_effect_equals_that_of_the_conjugate_normal(
    posterior: np.ndarray,
) -> None:
    # Posterior precision 4 = 1 of the prior + 3 of the data; mean 0.6 = 3 y / 4. With the prior raised to the power a
    # the mean is 2.4 / (3 + a).
    expected = (2.4 / 4.25 - 2.4 / 3.8) / (np.log2(1.25) - np.log2(0.8))
    effect = effect_of_prior(posterior)
    assert effect["doubling"] == pytest.approx(expected, abs=4 * effect["mcse"])
    assert 0 < effect["mcse"] < 0.01
    assert effect["diagnostic"] > SENSITIVE


def test_an_unrelated_prior_has_no_effect(posterior: np.ndarray) -> None:
    density = -0.5 * np.random.default_rng(6).normal(size=DRAWS) ** 2
    (lower, k), (upper, _) = (power_scaled(density, alpha) for alpha in (0.8, 1.25))
    effect = power_scaling_effect(posterior, lower, upper)
    assert abs(effect["doubling"]) < 4 * effect["mcse"]
    assert effect["diagnostic"] < SENSITIVE
    assert k < 0.7
    assert np.exp(lower).sum() == pytest.approx(1.0)
