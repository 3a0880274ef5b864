"""Test scores against closed forms, and the paired test against a computation by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from forecast.evaluation.scoring import (
    brier,
    cosine_variance,
    covered,
    crps,
    log_score_binary,
    log_score_counts,
    paired,
    pit,
    reliability,
    rps,
)


def crps_of_normal(y: float) -> float:
    """Return the CRPS of the standard normal in closed form (Gneiting and Raftery 2007, eq. 20 and after)."""
    return float(y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / math.sqrt(math.pi))


@pytest.mark.parametrize("y", [-3.0, -0.4, 0.0, 1.7])
def test_crps_of_a_normal(y: float) -> None:
    # quantiles at the middle of 20,000 equal parts: the error of the sum is below 1e-4
    samples = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    assert crps(samples, y) == pytest.approx(crps_of_normal(y), abs=1e-4)


@given(
    st.lists(st.floats(-50, 50), min_size=1, max_size=12),
    st.floats(-50, 50),
)
def test_crps_equals_its_definition_over_pairs(samples: list[float], y: float) -> None:
    x = np.array(samples)
    brute = np.abs(x - y).mean() - np.abs(x[:, None] - x[None, :]).mean() / 2
    assert crps(x, y) == pytest.approx(brute, abs=1e-9)


def test_crps_of_a_point_is_the_absolute_error() -> None:
    samples = np.full((2, 3, 5), 4.0)
    observed = np.array([[4.0, 5.0, 1.0], [4.0, 4.0, 6.5]])
    np.testing.assert_allclose(crps(samples, observed), np.abs(observed - 4.0), atol=1e-12)


def test_crps_of_a_binary_forecast_is_the_brier_score() -> None:
    samples = np.array([0, 0, 0, 1])  # p = 1/4; the integral over [0, 1] of (F - step)^2 is (p - y)^2
    for y in (0.0, 1.0):
        assert crps(samples, y) == pytest.approx(brier(0.25, y))


def test_scores_of_probabilities_by_hand() -> None:
    np.testing.assert_allclose(brier([0.2, 0.9], [1, 1]), [0.64, 0.01])
    np.testing.assert_allclose(log_score_binary([0.2, 0.9], [1, 0]), -np.log([0.2, 0.1]))
    assert np.isinf(log_score_binary(0.0, 1))
    assert log_score_binary(0.0, 0) == 0.0
    # cumulative 0.2, 0.5, 1 against 0, 1, 1 for the middle class
    assert rps([0.2, 0.3, 0.5], 1) == pytest.approx(0.2**2 + 0.5**2)
    assert rps([0.7, 0.3], 0) == pytest.approx(brier(0.3, 0))


@pytest.mark.parametrize("score", [brier, log_score_binary])
def test_true_probability_has_the_best_mean_score(score) -> None:
    chances = np.linspace(0.01, 0.99, 99)
    expected = 0.3 * score(chances, 1) + 0.7 * score(chances, 0)
    assert chances[expected.argmin()] == pytest.approx(0.3)


def test_log_score_of_a_count_is_finite_and_close() -> None:
    rng = np.random.default_rng(5)
    samples = rng.binomial(4, 0.5, 40_000)
    # 40,000 draws: the share of 6/16 has a standard error of 0.0024, and its log 0.0065
    assert log_score_counts(samples, 2, 4) == pytest.approx(-math.log(6 / 16), abs=0.02)
    assert log_score_counts(np.zeros(9), 3, 4) == pytest.approx(-math.log(0.2 / 10))


def test_pit_of_counts_is_uniform_for_correct_forecasts() -> None:
    rng = np.random.default_rng(7)
    samples, observed = rng.poisson(2.0, (4000, 200)), rng.poisson(2.0, 4000)
    place = pit(samples, observed, rng.random(4000))
    assert kstest(place, "uniform").pvalue > 0.01
    for level in (0.5, 0.8, 0.95):
        # 4,000 draws: a standard error of at most 0.008
        assert covered(place, level).mean() == pytest.approx(level, abs=0.025)


def test_pit_by_hand() -> None:
    samples = np.array([0, 1, 1, 2])
    assert pit(samples, 1, 0.5) == pytest.approx((1 + 0.5 * 3) / 5)
    assert pit(samples, 9, 0.0) == pytest.approx(4 / 5)
    assert covered([0.1, 0.11, 0.9, 0.95], 0.8).tolist() == [True, True, True, False]


def test_paired_test_by_hand() -> None:
    # mean 2; sums of deviations by cluster: a (1-2)+(2-2) = -1, b (3-2) = 1, c (2-2) = 0
    # se = sqrt((1 + 1 + 0) * 3/2) / 4 = sqrt(3)/4, t = 8/sqrt(3) with 2 degrees of freedom
    result = paired([1.0, 2.0, 3.0, 2.0], ["a", "a", "b", "c"])
    assert (result.mean, result.n, result.clusters) == (2.0, 4, 3)
    assert result.se == pytest.approx(math.sqrt(3) / 4)
    assert result.t == pytest.approx(8 / math.sqrt(3))
    t = result.t  # closed form of the t distribution with 2 degrees of freedom
    assert result.p == pytest.approx(1 - t / math.sqrt(2 + t * t))


def test_clusters_of_size_one_give_the_t_test() -> None:
    from scipy.stats import ttest_1samp

    d = np.random.default_rng(1).normal(0.3, 1.0, 25)
    usual, result = ttest_1samp(d, 0.0), paired(d, np.arange(25))
    assert (result.t, result.p) == pytest.approx((usual.statistic, usual.pvalue))


def test_paired_test_has_its_level_with_dependent_clusters() -> None:
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(15), 10)
    rejected = [paired(rng.normal(size=15)[cluster] + 0.3 * rng.normal(size=150), cluster).p < 0.05 for _ in range(600)]
    # 600 trials: a standard error of 0.009; a test without clusters would reject two in three
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.03)


def test_cosine_variance_by_hand() -> None:
    # Four values give two terms. With a and b the cosines of pi/8 and 3 pi/8, they are 2 (a + b) / root 2 and 0.
    a, b = math.cos(math.pi / 8), math.cos(3 * math.pi / 8)
    z = np.array([1.0, 1.0, -1.0, -1.0])
    variance, terms = cosine_variance(z)
    assert terms == 2
    first, second = 2 * (a + b) / math.sqrt(2), 0.0  # the second cosine has period 4: + - - +
    assert variance == pytest.approx((first**2 + second**2) / 2)


def test_newey_west_by_hand() -> None:
    # Deviations 1, 1, -1, -1 from a mean of 0.5 have lags 1, 2 and 3 with weights 3/4, 1/2 and 1/4. Their covariances
    # are 1/4, -2/4 and -1/4.
    result = paired([1.5, 1.5, -0.5, -0.5], ["2001", "2002", "2003", "2004"], in_time=True)
    variance = 1 + 2 * (3 / 16 - 1 / 4 - 1 / 16)
    assert result.p_newey_west == pytest.approx(2 * norm.sf(0.5 / math.sqrt(variance / 4)))


def test_differences_without_variance_give_no_test() -> None:
    result = paired([0.5, 0.5, 0.5], ["2001", "2002", "2003"], in_time=True)
    assert math.isnan(result.p) and math.isnan(result.p_newey_west)


def test_paired_test_has_its_level_with_overlapping_horizons() -> None:
    # Sums over five years that overlap in four, at 19 origins, as in the back-test of spending.
    rng = np.random.default_rng(5)
    origins = np.arange(2005, 2024).astype(str)

    def p_values() -> tuple[float, float, float]:
        difference = np.convolve(rng.normal(size=23), np.ones(5), mode="valid")
        result = paired(difference, origins, in_time=True)
        return result.p, result.p_newey_west, paired(difference, origins).p

    cosine, newey_west, independent = (np.array([p_values() for _ in range(600)]) < 0.05).mean(axis=0)
    # 600 trials: a standard error of 0.01. The cosine test is close to its level; the others reject far too often.
    assert cosine == pytest.approx(0.06, abs=0.04)
    assert cosine < newey_west < independent and independent > 0.3


def test_one_cluster_gives_no_test() -> None:
    result = paired([1.0, 2.0], ["a", "a"])
    assert result.mean == 1.5
    assert math.isnan(result.p)
    assert paired([], []).n == 0


def test_reliability_of_correct_probabilities_is_inside_the_bands() -> None:
    rng = np.random.default_rng(11)
    p = rng.random(5000)
    result = reliability(p, rng.random(5000) < p, 10)
    assert sum(x["n"] for x in result) == 5000
    assert sum(x["low"] <= x["seen"] <= x["high"] for x in result) >= 8
    wrong = reliability(np.full(500, 0.1), np.ones(500), 3)
    assert all(x["seen"] > x["high"] for x in wrong)
