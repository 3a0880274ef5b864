"""Power scaling is right where the answer is known, and a run tells it for every file of beliefs."""

import numpy as np
import pytest

from forecast.inference.importance_sampling import MAX_PARETO_K, power_scaled
from forecast.priors.prior import Prior
from forecast.projection.prior_sensitivity import SENSITIVE, _effect

DRAWS = 40_000


@pytest.fixture(scope="module")
def posterior() -> np.ndarray:
    """Draws of a posterior N(.6, .5): a prior N(0, 1) that met one normal observation."""
    return np.random.default_rng(5).normal(0.6, 0.5, DRAWS)


def moved(posterior: np.ndarray) -> dict[str, float]:
    prior = Prior(name="some.theta", dist="Normal", params=(0.0, 1.0), source="s", evidence="data")
    (lower, _), (upper, _) = (power_scaled(prior.log_density(posterior), alpha) for alpha in (0.8, 1.25))
    return _effect(posterior, lower, upper)


def test_the_effect_of_a_stronger_prior_is_that_of_the_conjugate_normal(
    posterior: np.ndarray,
) -> None:
    # posterior precision 4 = 1 of the prior + 3 of the data; mean .6 = 3 y / 4. With the prior to the power a:
    # mean 2.4 / (3 + a)
    wanted = (2.4 / 4.25 - 2.4 / 3.8) / (np.log2(1.25) - np.log2(0.8))
    found = moved(posterior)
    assert found["doubling"] == pytest.approx(wanted, abs=4 * found["mcse"])
    assert 0 < found["mcse"] < 0.01
    assert found["diagnostic"] > SENSITIVE


def test_what_has_nothing_to_do_with_a_prior_is_not_moved(posterior: np.ndarray) -> None:
    density = -0.5 * np.random.default_rng(6).normal(size=DRAWS) ** 2
    (lower, k), (upper, _) = (power_scaled(density, alpha) for alpha in (0.8, 1.25))
    found = _effect(posterior, lower, upper)
    assert abs(found["doubling"]) < 4 * found["mcse"]
    assert found["diagnostic"] < SENSITIVE
    assert k < MAX_PARETO_K
    assert np.exp(lower).sum() == pytest.approx(1.0)
