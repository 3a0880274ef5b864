"""Every rule of missions against its formula, in closed cases, and in the direction it must move."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core import mission_rules as rule

# Sums and products of a few doubles: agreement to a few units in the last place.
CLOSE = 1e-12
real = st.floats(-5.0, 5.0)
positive = st.floats(0.01, 5.0)
unit = st.floats(0.0, 1.0)
inside = st.floats(0.01, 0.99)


def close(x: object) -> object:
    return pytest.approx(x, rel=CLOSE, abs=CLOSE)


@given(real, real)
def test_leader_lift_multiplies(change: float, ahead: float) -> None:
    assert rule.leader_lift(0, 0, change, ahead) == 1.0
    both = rule.leader_lift(1, 0, change, ahead) * rule.leader_lift(0, 1, change, ahead)
    assert rule.leader_lift(1, 1, change, ahead) == close(both)
    assert rule.leader_lift(1, 0, change, ahead) == close(math.exp(change))


@given(unit, unit, positive, real, real)
def test_mission_lift_follows_its_equation(
    share: float, b_share: float, b_lead: float, cohesion: float, b_cohesion: float
) -> None:
    lift = rule.mission_lift(share, b_share, 1, b_lead, cohesion, b_cohesion)
    logarithm = share / 0.1 * b_share + b_lead + cohesion * b_cohesion
    assert math.log(lift) == pytest.approx(logarithm, rel=1e-9, abs=1e-9)  # log after exp
    assert rule.mission_lift(share, b_share, 0, b_lead, cohesion, b_cohesion) < lift
    assert rule.mission_lift(0.0, b_share, 0, b_lead, 0.0, b_cohesion) == 1.0


def test_the_end_is_near_for_four_quarters() -> None:
    assert [rule.ending_lift(left, 2.0) for left in (6, 5)] == [1.0, 1.0]
    assert [rule.ending_lift(left, 2.0) for left in (4, 1)] == close([math.exp(2.0)] * 2)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 20), unit)
def test_contagion_counts_two_quarters_and_stops_at_its_cap(
    left_1: int, left_2: int, ever: int, cap: float
) -> None:
    share = rule.contagion_share(left_1, left_2, ever, cap)
    assert share == min(cap, (left_1 + left_2) / ever)
    assert share <= cap
    assert share <= rule.contagion_share(left_1 + 1, left_2, ever, cap)


@given(positive, inside)
def test_full_and_partial_defections_share_the_hazard(hazard: float, full_exit: float) -> None:
    partial = hazard * rule.partial_ratio(full_exit)
    assert hazard / (hazard + partial) == close(full_exit)


def test_partial_ratio_at_its_ends() -> None:
    assert rule.partial_ratio(1.0) == 0.0
    assert rule.partial_ratio(0.5) == 1.0


def test_crossing_in_closed_cases() -> None:
    assert rule.has_crossed(1.0, 1.0)
    assert not rule.has_crossed(0.999, 1.0)
    assert not rule.has_crossed(0.0, 1e-10)  # without a hazard nobody leaves


@given(st.lists(st.tuples(unit, unit), min_size=1, max_size=30), st.floats(1e-6, 10.0))
def test_more_hazard_never_means_a_later_exit(
    hazards: list[tuple[float, float]], threshold: float
) -> None:
    def exit_quarter(rates: list[float]) -> int:
        cumulative = 0.0
        for t, rate in enumerate(rates):
            cumulative += rate
            if rule.has_crossed(cumulative, threshold):
                return t
        return len(rates)

    low, extra = [h for h, _ in hazards], [h + e for h, e in hazards]
    assert exit_quarter(extra) <= exit_quarter(low)


def test_hollow_is_flags_without_operation() -> None:
    assert rule.is_hollow(0.6, 0.49, 0.6, 0.5)
    assert not rule.is_hollow(0.59, 0.49, 0.6, 0.5)
    assert not rule.is_hollow(1.0, 0.5, 0.6, 0.5)
