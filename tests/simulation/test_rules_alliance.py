"""Test the rules of the alliance against closed forms and for the sign of their effects."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.simulation.rules import alliance as rule

CLOSE = 1e-12  # sums and products of a few doubles
real = st.floats(-3.0, 3.0)
positive = st.floats(0.01, 3.0)
unit = st.floats(0.01, 0.99)


def close(x: float) -> object:
    return pytest.approx(x, rel=CLOSE, abs=CLOSE)


def test_crisis_strain_comes_later_and_lasts_longer_than_rally() -> None:
    rally = onset = strain = 0.0
    leadership, threats = [], []
    for t in range(9):
        event = 1 if t == 0 else 0
        rally = rule.echo(rally, 0.5**0.5, event)
        onset = rule.echo(onset, 0.5 ** (1 / 3), event)
        strain = rule.echo(strain, 0.5 ** (1 / 8), event)
        leadership.append(0.4 * rally)
        threats.append(rule.crisis_strain(0.5, strain, onset))
    assert threats[0] == 0.0 and min(threats) < -0.1
    net = np.add(leadership, threats)
    assert (net[:3] > 0).all() and net[8] < 0
    assert leadership[2] == close(0.2)  # its half-life is two quarters


@given(unit, unit)
def test_new_coalition_draws_orientation_and_same_coalition_keeps_it(size: float, o: float) -> None:
    assert rule.next_orientation(o, True, True, size, 9.0) == -size
    assert rule.next_orientation(o, True, False, size, 9.0) == size
    assert rule.next_orientation(o, False, True, size, 0.0) == o
    assert rule.next_orientation(o, False, True, size, 9.0) == 1.0


@given(st.lists(real, min_size=1, max_size=6))
def test_heterogeneity_is_standard_deviation(alignment: list[float]) -> None:
    x = np.array(alignment)
    value = rule.heterogeneity(x.sum(), (x * x).sum(), x.size)
    assert value == pytest.approx(x.std(), abs=1e-6)  # the root of a rounded difference


@given(real, positive, unit, positive, unit, positive, unit)
def test_block_logit_rises_with_spread_low_alignment_and_absence(
    base: float, b: float, spread: float, c: float, low: float, d: float, absent: float
) -> None:
    quiet = rule.block_logit(base, b, 0.0, c, 0.0, d, 0.0)
    assert quiet == base
    assert rule.block_logit(base, b, spread, c, low, d, absent) > quiet


def test_safety_valve_acts_outside_alliance_only() -> None:
    assert rule.valve(True, 0.5) == 1.0
    assert rule.valve(False, 0.5) == 0.5


@given(unit, unit, unit)
def test_credibility_never_grows_and_stays_without_surplus(credibility: float, decay: float, surplus: float) -> None:
    assert rule.next_credibility(credibility, decay, 0.0) == credibility
    assert rule.next_credibility(credibility, decay, -surplus) == credibility
    assert 0.0 <= rule.next_credibility(credibility, decay, surplus) < credibility


def test_multiplier_without_credibility_is_backsliding() -> None:
    assert rule.credible_multiplier(0.0, 1.3, 0.8) == 0.8
    assert rule.credible_multiplier(1.0, 1.3, 0.8) == 1.3
    assert rule.credible_multiplier(0.5, 1.3, 0.8) == close(1.05)


def test_distant_member_responds_to_china_by_small_share() -> None:
    assert rule.china_response(0.01, True, 0.02) == 0.01
    assert rule.china_response(0.01, False, 0.02) == close(0.0002)


@given(unit, unit, unit, real)
def test_confidence_returns_to_start_within_bounds(level: float, start: float, rho: float, shock: float) -> None:
    assert rule.next_confidence(start, start, rho, 0.0) == close(start)
    assert 0.01 <= rule.next_confidence(level, start, rho, shock) <= 0.99


def test_unanswered_call_makes_cohesion_weak() -> None:
    assert rule.broken_index(2.0, -0.25, 0.25) == -0.75
    assert rule.broken_index(-2.0, -0.25, 0.25) == -2.0


@given(positive, positive, positive)
def test_burdens_are_standardised_logs(now: float, start: float, sd: float) -> None:
    assert rule.burden_composite(now, start, sd) == close(math.log(now / start) / sd)
    assert rule.burden_composite(start, start, sd) == 0.0
    assert rule.burden_gap(math.log(start), now, 0.0, sd) == close(-rule.burden_composite(now, start, sd))


def test_deterrence_feedback_has_no_effect_at_zero() -> None:
    assert rule.deterred(1.3, 0.0, 0.9) == 1.3
    assert rule.deterred(1.3, 0.5, 0.9) < 1.3 < rule.deterred(1.3, 0.5, 0.1)
    assert rule.deterrence_signal(0.0, 0.0) == 0.5


@given(st.lists(real, min_size=4, max_size=4), st.lists(positive, min_size=4, max_size=4), real)
def test_political_and_military_indices_are_means_of_factors(
    factors: list[float], weights: list[float], confidence: float
) -> None:
    w, f = np.array(weights), np.array(factors)
    outside = [0, 2, 3]
    expected = (w @ f - w[1] * f[1]) / w[outside].sum() + confidence
    assert rule.political_index(w, f, confidence) == pytest.approx(expected, abs=1e-9)
    assert rule.military_index(factors[1], 0.4) == close((factors[1] + 0.4) / 2)
    assert rule.discordance(f) == pytest.approx(f.std(), abs=1e-9)


@given(positive)
def test_chance_and_hazard_ratios_in_closed_form(rate: float) -> None:
    assert rule.chance(rate) == close(1 - math.exp(-rate))
    assert rule.notice_hazard_ratio(-0.5, 1.0, True, 3.0) == close(3 * math.exp(-0.5))
    assert rule.burden_hazard_ratio(0.2, 1.0) == close(math.exp(0.2))
    assert rule.promised_troops(0.5, 0.4) == close(0.8)
