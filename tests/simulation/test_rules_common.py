"""Every rule against its formula, in closed cases, and in the direction it must move."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.constants import DURATION_EDGES, bin_table
from forecast.simulation.rules import alliance, leadership, spending
from forecast.simulation.rules import common as rule

# Sums and products of a few doubles: agreement to a few units in the last place.
CLOSE = 1e-12
real = st.floats(-5.0, 5.0)
positive = st.floats(0.01, 5.0)
unit = st.floats(0.0, 1.0)
inside = st.floats(0.01, 0.99)
quarter = st.integers(0, 60)


def close(x: float) -> object:
    return pytest.approx(x, rel=CLOSE, abs=CLOSE)


def test_a_ramp_starts_at_the_onset_and_ends_whole() -> None:
    assert [rule.ramp(t, 2, 4) for t in range(8)] == [0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert rule.ramp(3, 3, 1) == 1.0


@given(quarter, quarter, st.integers(1, 20))
def test_a_ramp_rises_within_bounds(t: int, onset: int, length: int) -> None:
    assert 0.0 <= rule.ramp(t, onset, length) <= rule.ramp(t + 1, onset, length) <= 1.0
    assert (rule.ramp(t, onset, length) > 0) == (t >= onset)


def test_a_shift_fades_by_half_in_a_half_life_or_lasts() -> None:
    assert [rule.fade(t, 5, 6.0) for t in (0, 5, 11, 17)] == [1.0, 1.0, 0.5, 0.25]
    assert rule.fade(50, 5, 0.0) == 1.0


@given(quarter, quarter, positive)
def test_a_shift_never_grows_back(t: int, onset: int, half_life: float) -> None:
    assert 0.0 <= rule.fade(t + 1, onset, half_life) <= rule.fade(t, onset, half_life) <= 1.0


@given(unit, real, unit, positive, real)
def test_threat_level_follows_its_equation_and_stays_above_zero(
    level: float, target: float, rho: float, sd: float, z: float
) -> None:
    expected = max(0.0, target + rho * (level - target) + sd * z)
    assert alliance.threat_level(level, target, rho, sd, z) == close(expected)


@given(real, real, real, positive, real)
def test_autoregression_follows_its_equation(x: float, mean: float, phi: float, sd: float, z: float) -> None:
    assert rule.autoregress(x, mean, phi, sd, z) == close((1 - phi) * mean + phi * x + sd * z)
    assert rule.autoregress(mean, mean, phi, sd, 0.0) == mean


@given(inside)
def test_correlated_normals_keep_variance_one(c: float) -> None:
    common, own = alliance.correlate(0.0, 1.0, c), alliance.correlate(1.0, 0.0, c)
    assert common**2 + own**2 == close(1.0)
    assert common**2 == close(c)  # of two that share the common part, the covariance


@given(real, real)
def test_a_gap_is_a_shortfall_and_never_negative(share: float, mark: float) -> None:
    gap = spending.gap(share, mark)
    assert gap == (mark - share if share < mark else 0.0)
    assert gap >= 0.0


@given(real)
def test_a_response_never_closes_more_than_the_gap(log_response: float) -> None:
    assert 0.0 < spending.response(log_response) <= 1.0
    assert spending.response(-abs(log_response)) == close(math.exp(-abs(log_response)))
    assert spending.response(abs(log_response)) == 1.0


@given(real, real, unit, positive, positive)
def test_growth_bounces_back_after_a_slump_alone(
    last: float, mean: float, phi: float, bounce: float, sd: float
) -> None:
    plain = rule.autoregress(last, mean, phi, sd, 0.5)
    assert spending.growth(last, mean, phi, bounce, sd, 0.5) == close(plain + bounce * max(0.0, -last))
    assert spending.growth(0.0, mean, phi, bounce, sd, 0.0) == close((1.0 - phi) * mean)


@given(positive, real)
def test_volatility_is_a_factor_on_the_noise(scale: float, h: float) -> None:
    assert spending.spread(scale, 0.0) == scale
    assert spending.spread(scale, h) * spending.spread(scale, -h) == close(scale**2)


@given(positive, unit)
def test_a_multiplier_comes_in_with_its_ramp(multiplier: float, part: float) -> None:
    assert spending.scaled(0.0, multiplier) == 1.0
    assert spending.scaled(1.0, multiplier) == close(multiplier)
    assert spending.scaled(part, multiplier) == close((1 - part) + part * multiplier)


def test_spending_stands_still_at_its_target_and_is_a_sum() -> None:
    still = spending.centred_growth(0.02)
    rest = [0.7, 0.7, 0.03, 1.1, 0.0, 0.2, 0.0, 0.3, 0.0, -0.6, still, 0.3, still, -0.01, 0.0]
    assert spending.spending_change(*rest) == 0.0
    terms = [0.5, 0.7, 0.1, 2.0, 0.01, 0.5, 0.04, 3.0, 0.02, -0.6, 0.01, 0.3, -0.02, 0.08, 1.0]
    # pull .1 (.7 - .5), loading 2 (.01), response .5 (.04 + 3 (.02)), growth -.6 (.01) + .3 (-.02), election .08
    assert spending.spending_change(*terms) == close(0.02 + 0.02 + 0.05 - 0.006 - 0.006 + 0.08)


def test_turnover_probability_is_a_logit_of_its_terms() -> None:
    def p(vote: int, after: int, before: int, new: int = 0, limited: int = 0) -> float:
        log_odds = leadership.turnover_log_odds(
            -4.0, 0.5, -0.4, 2.0, vote, 1.8, after, -1.7, new, 2.5, limited, 0.3, before, 0.1
        )
        chance = leadership.turnover_probability(log_odds)
        assert math.log(chance / (1.0 - chance)) == close(log_odds)
        return float(log_odds)

    logits = [p(0, 0, 0), p(1, 0, 0), p(0, 1, 0), p(0, 0, 1), p(1, 1, 0), p(0, 1, 0, new=1), p(0, 1, 0, limited=1)]
    assert logits == close([-3.4, -1.6, -1.8, -3.1, 0.0, -3.5, 0.7])


@given(real, real, positive)
def test_turnover_probability_rises_with_each_term(quiet: float, tenure: float, b: float) -> None:
    def chance(vote: int, after: int, before: int) -> float:
        log_odds = leadership.turnover_log_odds(quiet, 0.3, 0.0, b, vote, b, after, -b, 0, b, 0, b, before, tenure)
        return float(leadership.turnover_probability(log_odds))

    base = chance(0, 0, 0)
    assert 0.0 < base < 1.0
    for flags in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        assert chance(*flags) > base


def test_a_president_leaves_off_cycle_by_chance_and_after_a_vote_surely_if_limited() -> None:
    assert leadership.president_turnover(0, 1, 0.43, 0.0099) == 0.0099
    assert leadership.president_turnover(1, 0, 0.43, 0.0099) == 0.43
    assert leadership.president_turnover(1, 1, 0.43, 0.0099) == 1.0


@pytest.mark.parametrize(
    ("left", "fixed", "hazard"),
    [(1, 0, 0.2), (2, 0, 0.1), (3, 0, 0.03), (30, 0, 0.03), (1, 1, 0.0), (2, 1, 0.0), (3, 1, 0.03), (0, 0, 0.0)],
)
def test_an_early_vote_depends_on_the_quarters_left(left: int, fixed: int, hazard: float) -> None:
    assert leadership.early_vote_hazard(np.array([0.2, 0.1, 0.03]), left, fixed) == hazard
    assert leadership.early_vote_hazard(np.array([0.2, 0.1, 0.03]), -left - 1, fixed) == 0.0  # overdue


@pytest.mark.parametrize(
    ("changed", "vote", "after", "new", "won"),
    [
        (0, 0, 0, 0, 5),  # far from any vote
        (0, 1, 0, 0, 5),  # the vote of this quarter counts when the next one has passed
        (0, 0, 1, 0, 6),  # re-elected
        (0, 0, 1, 1, 5),  # the vote with which the leader came counts already
        (1, 0, 0, 0, 0),  # a successor between votes
        (1, 1, 0, 0, 1),  # elected
        (1, 0, 1, 0, 1),  # elected in the quarter before
    ],
)
def test_mandates_count_the_votes_that_a_leader_won(changed: int, vote: int, after: int, new: int, won: int) -> None:
    assert leadership.mandates_won(5, changed, vote, after, new) == won


@given(st.lists(st.tuples(unit, real), min_size=4, max_size=4))
def test_cohesion_is_a_weighted_sum(pairs: list[tuple[float, float]]) -> None:
    weights, factors = np.array(pairs).T.copy()
    assert alliance.cohesion_index(weights, factors) == close(float(weights @ factors))


@given(real, real, real, positive, positive, real)
def test_verdicts_are_ordered(a: float, b: float, low: float, gap: float, sd: float, z: float) -> None:
    worse, better = sorted((a, b))
    assert 0 <= alliance.verdict(worse, low, low + gap, sd, z)
    assert alliance.verdict(worse, low, low + gap, sd, z) <= alliance.verdict(better, low, low + gap, sd, z)
    assert alliance.verdict(better, low, low + gap, sd, z) <= 2


def test_verdict_at_its_cut_points() -> None:
    assert [alliance.verdict(x, -0.25, 0.5, 0.0, 1.0) for x in (-0.26, -0.25, 0.49, 0.5)] == [
        0,
        1,
        1,
        2,
    ]
    assert alliance.verdict(0.0, -0.25, 0.5, 0.25, 2.0) == 2
    assert alliance.verdict(0.0, -0.25, 0.5, 0.25, -2.0) == 0


@pytest.mark.parametrize("edges", [DURATION_EDGES, (0, 1, 3)])
def test_each_bin_holds_its_left_edge(edges: tuple[int, ...]) -> None:
    for x in range(100):
        assert rule.bin_of(bin_table(edges), x) == np.searchsorted(edges, x, side="right") - 1


@pytest.mark.parametrize(
    ("start", "lowest", "highest"),
    [(2.0, 0.2, 8.0), (0.3, 0.15, 8.0), (5.0, 0.2, 10.0), (25.0, 0.2, 50.0)],
)
def test_bounds_of_spending_contain_half_and_twice_the_start(start: float, lowest: float, highest: float) -> None:
    floor, cap = math.log(0.2), math.log(8.0)
    for share, expected in ((0.01, lowest), (start, start), (90.0, highest)):
        assert spending.bounded(math.log(share), math.log(start), floor, cap) == close(math.log(expected))
