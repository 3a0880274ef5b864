"""Test the rank test: its level, its power, and a model whose posterior has a closed form."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from forecast.evaluation.calibration.rank_tests import LENGTH, p_value, rank

SIZE = 60  # ranks per set


def uniform(sets: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, LENGTH + 1, (sets, SIZE))


def test_rank_counts_draws_below_the_true_value() -> None:
    draws = np.arange(LENGTH, dtype=float)
    assert [rank(x, draws) for x in (-1.0, 0.5, 41.5, 1000.0)] == [0, 1, 42, LENGTH]
    # every tenth of ten times as many draws is used, to reduce autocorrelation
    assert rank(500.5, np.arange(10 * LENGTH, dtype=float)) == 51


def test_statistic_is_the_smallest_tail_by_brute_force() -> None:
    """Sorting sets by p-value sorts them by the statistic, computed here from its definition."""

    def tail(ranks: NDArray[np.int64]) -> float:
        smallest = 1.0
        for j in range(1, LENGTH + 1):
            below = int((ranks < j).sum())
            law = binom(SIZE, j / (LENGTH + 1))
            smallest = min(smallest, 2 * law.cdf(below), 2 * law.sf(below - 1))
        return smallest

    sets = uniform(8, 1)
    p_values = np.array([p_value(ranks) for ranks in sets])
    tails = np.array([tail(ranks) for ranks in sets])
    assert np.array_equal(np.argsort(p_values), np.argsort(tails))


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_uniform_ranks_are_rejected_at_the_nominal_level(level: float) -> None:
    sets = uniform(3000, 2)
    rejected = np.mean([p_value(ranks) <= level for ranks in sets])
    # four binomial standard errors of 3,000 sets
    assert rejected == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 3000))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda u: u**1.8,  # the posterior is too high
        lambda u: np.where(u < 0.5, u**2, 1 - (1 - u) ** 2),  # the posterior is too narrow
        lambda u: 0.5 + 0.5 * (2 * u - 1) ** 3,  # the posterior is too wide
    ],
    ids=["shifted", "narrow", "wide"],
)
def test_other_ranks_are_rejected(wrong: object) -> None:
    u = np.random.default_rng(4).random(200)
    ranks = np.floor(wrong(u) * (LENGTH + 1)).astype(int)  # type: ignore[operator]
    assert p_value(ranks) < 0.001


@pytest.mark.parametrize(("assumed_noise", "sound"), [(1.0, True), (0.5, False), (2.0, False)])
def test_model_with_closed_form_passes_only_with_the_right_noise(assumed_noise: float, sound: bool) -> None:
    """The model is a normal mean with a normal prior and five observations of unit noise."""
    rng = np.random.default_rng(5)
    ranks = []
    for _ in range(200):
        true_parameters = rng.normal()
        seen = rng.normal(true_parameters, 1.0, 5)
        precision = 1.0 + 5 / assumed_noise**2
        mean = seen.sum() / assumed_noise**2 / precision
        ranks.append(rank(true_parameters, rng.normal(mean, precision**-0.5, LENGTH)))
    assert (p_value(ranks) > 0.01) == sound
