"""Ranks: uniform ones pass as often as is said, others are caught; and a model that is solved exactly passes."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from forecast.evaluation.calibration.rank_tests import LENGTH, band, p_value, rank

SIZE = 60  # ranks in a set


def uniform(sets: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, LENGTH + 1, (sets, SIZE))


def test_a_rank_counts_draws_below_the_truth() -> None:
    draws = np.arange(LENGTH, dtype=float)
    assert [rank(x, draws) for x in (-1.0, 0.5, 41.5, 1000.0)] == [0, 1, 42, LENGTH]
    # of more draws every tenth is taken, so that neighbours in a chain do not count twice
    assert rank(500.5, np.arange(10 * LENGTH, dtype=float)) == 51


def test_the_statistic_is_the_smallest_tail_by_brute_force() -> None:
    """Sets in the order of their p-values are in the order of the statistic written out again."""

    def tail(ranks: NDArray[np.int64]) -> float:
        smallest = 1.0
        for j in range(1, LENGTH + 1):
            below = int((ranks < j).sum())
            law = binom(SIZE, j / (LENGTH + 1))
            smallest = min(smallest, 2 * law.cdf(below), 2 * law.sf(below - 1))
        return smallest

    sets = uniform(8, 1)
    told = np.array([p_value(one) for one in sets])
    tails = np.array([tail(one) for one in sets])
    assert np.array_equal(np.argsort(told), np.argsort(tails))


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_uniform_ranks_are_refused_as_often_as_is_said(level: float) -> None:
    sets = uniform(3000, 2)
    refused = np.mean([p_value(one) <= level for one in sets])
    # four binomial standard errors of 3,000 sets
    assert refused == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / 3000))


def test_the_band_holds_everywhere_at_once() -> None:
    lower, upper = band(SIZE, 0.1)
    steps = np.arange(1, LENGTH + 1)
    sets = uniform(3000, 3)
    share = (sets[:, :, None] < steps).mean(axis=1)
    left = ((share < lower) | (share > upper)).any(axis=1).mean()
    # four standard errors; whole ranks make the band a little wider than asked
    assert 0.07 < left < 0.1 + 4 * np.sqrt(0.09 / 3000)
    narrow = binom.ppf(0.05, SIZE, steps / (LENGTH + 1)) / SIZE  # of single points
    assert (lower <= narrow).all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda u: u**1.8,  # the posterior lies too high
        lambda u: np.where(u < 0.5, u**2, 1 - (1 - u) ** 2),  # it is too narrow: truths at the ends
        lambda u: 0.5 + 0.5 * (2 * u - 1) ** 3,  # it is too wide: truths in the middle
    ],
    ids=["shifted", "narrow", "wide"],
)
def test_ranks_that_are_not_uniform_are_caught(wrong: object) -> None:
    u = np.random.default_rng(4).random(200)
    ranks = np.floor(wrong(u) * (LENGTH + 1)).astype(int)  # type: ignore[operator]
    assert p_value(ranks) < 0.001


@pytest.mark.parametrize(("told_noise", "sound"), [(1.0, True), (0.5, False), (2.0, False)])
def test_a_model_solved_exactly_passes_and_a_wrong_one_does_not(told_noise: float, sound: bool) -> None:
    """Normal mean with a normal prior, five observations of unit noise; the posterior is known in closed form."""
    rng = np.random.default_rng(5)
    ranks = []
    for _ in range(200):
        true_parameters = rng.normal()
        seen = rng.normal(true_parameters, 1.0, 5)
        precision = 1.0 + 5 / told_noise**2
        mean = seen.sum() / told_noise**2 / precision
        ranks.append(rank(true_parameters, rng.normal(mean, precision**-0.5, LENGTH)))
    assert (p_value(ranks) > 0.01) == sound
