"""Spending beside a level: equal to the closed form of a lognormal distribution, with errors that hold."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from forecast.projection.spending_levels import against_level, error_ratio
from forecast.simulation.histograms import SHARE_BINS, SHARE_LOW, SHARE_STEP, share_values

MEAN, SD = math.log(3.0), 0.2  # of the logarithm of spending


def exact_counts(paths: float = 1e9) -> np.ndarray:
    """Return the histogram of infinitely many paths, to the nearest of `paths`."""
    edges = SHARE_LOW + SHARE_STEP * np.arange(SHARE_BINS + 1)
    return np.rint(paths * np.diff(norm.cdf(edges, MEAN, SD))).astype(np.int64)


def sampled_counts(rng: np.random.Generator, paths: int) -> np.ndarray:
    bins = ((rng.normal(MEAN, SD, paths) - SHARE_LOW) // SHARE_STEP).astype(int)
    return np.bincount(bins, minlength=SHARE_BINS)


@pytest.mark.parametrize("level", [2.0, 2.75, 3.0, 3.5, 4.2])
def test_probability_and_shortfall_are_the_closed_form(level: float) -> None:
    found = against_level(exact_counts(), share_values(), level)
    z = (math.log(level) - MEAN) / SD
    reached = norm.sf(z)
    shortfall = level * norm.cdf(z) - math.exp(MEAN + SD**2 / 2) * norm.cdf(z - SD)  # the price of a put option
    second = level**2 * norm.cdf(z) - 2 * level * math.exp(MEAN + SD**2 / 2) * norm.cdf(z - SD)
    second += math.exp(2 * MEAN + 2 * SD**2) * norm.cdf(z - 2 * SD)
    assert found.reached == pytest.approx(reached, abs=1e-4)
    assert found.reached_sd == pytest.approx(math.sqrt(reached * (1 - reached)), abs=3e-4)
    assert found.shortfall == pytest.approx(shortfall, abs=1e-4)
    assert found.shortfall_sd == pytest.approx(math.sqrt(second - shortfall**2), abs=1e-3)


def test_levels_outside_all_paths_are_certain() -> None:
    counts = np.zeros((2, SHARE_BINS), np.int64)
    counts[:, 300] = 40
    value = share_values()[300]
    low, high = against_level(counts, share_values(), value / 2), against_level(counts, share_values(), value * 2)
    assert low.reached.tolist() == [1.0, 1.0] and low.shortfall.tolist() == [0.0, 0.0]
    assert high.reached.tolist() == [0.0, 0.0] and high.shortfall == pytest.approx(value)
    assert high.shortfall_sd == pytest.approx(0.0, abs=1e-6)
    assert error_ratio(counts, share_values(), np.array([0.1, 0.1])).tolist() == [0.0, 0.0]


def test_errors_are_those_of_repeated_runs() -> None:
    """With independent paths, the error of the mean is known, and the others follow from it."""
    rng, paths, level = np.random.default_rng(5), 400, 3.3
    sets = np.stack([sampled_counts(rng, paths) for _ in range(800)])
    found = against_level(sets, share_values(), level)
    error_of_mean = math.exp(MEAN + SD**2 / 2) * math.sqrt((math.exp(SD**2) - 1) / paths)
    ratio = error_ratio(sets[0], share_values(), np.asarray(error_of_mean))
    assert float(found.reached_sd[0] * ratio) == pytest.approx(found.reached.std(), rel=0.12)
    assert float(found.shortfall_sd[0] * ratio) == pytest.approx(found.shortfall.std(), rel=0.12)


def test_paths_that_share_draws_have_a_larger_error() -> None:
    counts = exact_counts(1e6)
    one, three = (error_ratio(counts, share_values(), np.asarray(error)) for error in (0.01, 0.03))
    assert three == pytest.approx(3 * one)
