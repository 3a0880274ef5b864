"""Every rule of missions against its formula, in closed cases, and in the direction it must move."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.simulation.rules import missions as rule

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
    assert rule.leader_hazard_ratio(0, 0, change, ahead) == 1.0
    both = rule.leader_hazard_ratio(1, 0, change, ahead) * rule.leader_hazard_ratio(0, 1, change, ahead)
    assert rule.leader_hazard_ratio(1, 1, change, ahead) == close(both)
    assert rule.leader_hazard_ratio(1, 0, change, ahead) == close(math.exp(change))


@given(unit, unit, positive, real, real)
def test_mission_lift_follows_its_equation(
    share: float, b_share: float, b_lead: float, cohesion: float, b_cohesion: float
) -> None:
    lift = rule.mission_hazard_ratio(share, b_share, 1, b_lead) * rule.cohesion_hazard_ratio(cohesion, b_cohesion)
    logarithm = share / 0.1 * b_share + b_lead + cohesion * b_cohesion
    assert math.log(lift) == pytest.approx(logarithm, rel=1e-9, abs=1e-9)  # log after exp
    assert rule.mission_hazard_ratio(share, b_share, 0, b_lead) < rule.mission_hazard_ratio(share, b_share, 1, b_lead)
    assert rule.mission_hazard_ratio(0.0, b_share, 0, b_lead) == 1.0 == rule.cohesion_hazard_ratio(0.0, b_cohesion)


def test_the_end_is_near_for_four_quarters() -> None:
    assert [rule.ending_hazard_ratio(left, 2.0) for left in (6, 5)] == [1.0, 1.0]
    assert [rule.ending_hazard_ratio(left, 2.0) for left in (4, 1)] == close([math.exp(2.0)] * 2)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 20), unit)
def test_contagion_counts_two_quarters_and_stops_at_its_cap(left_1: int, left_2: int, ever: int, cap: float) -> None:
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
def test_more_hazard_never_means_a_later_exit(hazards: list[tuple[float, float]], threshold: float) -> None:
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


@given(positive, st.floats(-2.0, 2.0))
def test_a_tether_moves_the_mix_and_not_the_hazard(ratio: float, pull: float) -> None:
    full = rule.dependence_factor(ratio, pull)
    before, after = 1 / (1 + ratio), full / (1 + ratio)
    logit = math.log(after / (1 - after)) - math.log(before / (1 - before))
    assert logit == pytest.approx(pull, abs=1e-9)  # logs of differences
    assert rule.dependence_factor(ratio, 0.0) == 1.0


def test_modes_follow_their_shares() -> None:
    shares = (0.4, 0.2, 0.3, 0.1)
    found = [rule.mode_of((i + 0.5) / 1000, *shares) for i in range(1000)]
    assert [found.count(mode) for mode in range(4)] == [400, 200, 300, 100]


@given(positive, positive)
def test_losses_loom_larger_than_gains(z: float, aversion: float) -> None:
    assert rule.felt_losses(-z, aversion) == -z
    assert rule.felt_losses(z, aversion) == close(aversion * z)


@given(inside, inside, unit)
def test_those_who_stay_carry_the_rest(remaining: float, lost: float, b: float) -> None:
    lift = rule.backfill_hazard_ratio(remaining, lost, b)
    assert 1.0 <= lift <= (remaining + lost) / remaining + 1e-9
    assert rule.backfill_hazard_ratio(remaining, lost, 1.0) == close(1 + lost / remaining)
    assert rule.backfill_hazard_ratio(0.0, lost, b) == 1.0


def test_a_mission_ends_in_name_without_flags_or_without_lead_and_operation() -> None:
    assert rule.is_ended(0.29, 0.29, False, 0.3, 0.25)
    assert rule.is_ended(0.9, 0.24, True, 0.3, 0.25)
    assert not rule.is_ended(0.9, 0.24, False, 0.3, 0.25)
    assert not rule.is_ended(0.9, 0.25, True, 0.3, 0.25)


def test_nato_alone_waits_for_those_who_stay_out() -> None:
    assert [rule.decision_lag(1, absent, 4.0) for absent in (0.0, 0.5, 1.0)] == [1, 3, 5]
    assert rule.decision_lag(0, 1.0, 4.0) == 0
