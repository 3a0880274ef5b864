"""Baselines of withdrawal equal values derived by hand: ties, censoring, late entry, Cox with Breslow's hazard."""

import numpy as np
import pandas as pd
import pytest

from forecast.array_types import Floats
from forecast.data.deployments import mission_spells
from forecast.evaluation.baselines.withdrawal import (
    SurvivalQuery,
    breslow_hazard,
    constant_hazard,
    cox_chance,
    kaplan_meier_chance,
    last_year_rate,
    spell_frame,
)
from tests.support.fake_posteriors import priors, tables

RNG = np.random.default_rng(1)
NONE = {"un": 0.0, "eu": 0.0, "noncombat": 0.0, "lead": 0.0, "framework": "nato", "mission": "kfor"}


def contingents(years: list[float], left: list[bool], **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame({"years": years, "left": left}).assign(**NONE, nato=0.0, entry=0.0)
    return frame.assign(end=frame["years"] * 4.0, **columns)


def query(served: list[float], ahead: list[float], **columns: object) -> SurvivalQuery:
    asked = contingents(served, [False] * len(served), **columns)
    return SurvivalQuery(contingents=asked, served=np.array(served), ahead=np.array(ahead))


def test_conditional_kaplan_meier_with_ties_and_censoring_by_hand() -> None:
    # At year 1 one of five leaves: S = 4/5. At year 2 two of four: 2/5. At year 3 one is censored. At year 4 the last
    # leaves: 0. Censored at the time of an exit counts as at risk of it.
    train = contingents([1.0, 2.0, 2.0, 3.0, 4.0], [True, True, True, False, True])
    asked = query([0.0, 0.0, 1.0, 1.5, 2.0, 3.9, 4.0], [1.0, 2.5, 1.0, 0.4, 1.9, 0.2, 1.0])
    expected = [4 / 5, 2 / 5, (2 / 5) / (4 / 5), 1.0, 1.0, 0.0, 1.0]  # nothing is known beyond year 4
    assert kaplan_meier_chance(train, asked, 1, RNG)[0] == pytest.approx(expected)
    tied = contingents([2.0, 2.0], [True, False])
    assert kaplan_meier_chance(tied, query([0.0], [2.0]), 1, RNG)[0] == pytest.approx([1 / 2])


def test_a_late_entrant_is_counted_from_its_own_entry() -> None:
    """Time runs from the entry of each contingent, so moving entry and end alike changes no estimate."""
    frame = spell_frame(mission_spells(tables(), priors()))
    assert frame["years"].to_numpy() == pytest.approx((frame["end"] - frame["entry"]).to_numpy() / 4.0)
    late = contingents([2.0, 4.0], [True, True], entry=[40.0, 0.0])
    assert kaplan_meier_chance(late, query([0.0], [3.0]), 1, RNG)[0] == pytest.approx([1 / 2])


def test_cox_by_hand() -> None:
    # Exits at years 1 (x = 1) and 2 (x = 0), and x = 1 censored at 3. With r = exp(b) the partial likelihood is
    # r / (2 r + 1) * 1 / (1 + r). Its derivative is zero where 1 / (2 r + 1) = r / (1 + r), which gives r^2 = 1/2.
    r = np.sqrt(0.5)
    train = contingents([1.0, 2.0, 3.0], [True, True, False], nato=[1.0, 0.0, 1.0])
    asked = query([0.0, 0.5, 0.5, 1.5], [0.9, 1.0, 1.0, 1.0], nato=[1.0, 1.0, 0.0, 1.0])
    first, second = 1 / (2 * r + 1), 1 / (1 + r)  # steps of Breslow's cumulative hazard
    expected = [1.0, np.exp(-r * first), np.exp(-first), np.exp(-r * second)]
    assert cox_chance(train, asked, 1, RNG)[0] == pytest.approx(expected, abs=1e-5)


def test_breslow_with_ties_by_hand() -> None:
    # Two of three leave at year 1 (hazard ratios 1, 2 and 3), the last at year 2: 2 / 6, then 1 / 3 more.
    times, hazard = breslow_hazard(np.array([1.0, 1.0, 2.0]), np.array([True, True, True]), np.array([1.0, 2.0, 3.0]))
    assert times.tolist() == [1.0, 2.0]
    assert hazard == pytest.approx([2 / 6, 2 / 6 + 1 / 3])


def test_constant_hazard_has_its_closed_form() -> None:
    # A rate with a Gamma(n + 1/2, T) distribution lets a contingent stay h years with (T / (T + h))^(n + 1/2).
    train = contingents([4.0, 6.0, 10.0], [True, False, True])
    chance: Floats = constant_hazard(train, query([0.0, 7.0], [1.0, 5.0]), 200_000, np.random.default_rng(2))
    # the standard error of a mean of 200,000 draws is below 0.0006
    assert chance.mean(axis=0) == pytest.approx([(20 / 21) ** 2.5, (20 / 25) ** 2.5], abs=0.003)


def test_last_year_rate_by_hand() -> None:
    # The record ends at quarter 40. In the year before, one of two left after half a year, the other stayed: one exit
    # in 1.5 years. Half an exit at the usual rate of (1 + 1/2) exits in 19.5 years is added.
    train = contingents([9.5, 10.0], [True, False])
    rate = (1 + 0.5) / (1.5 + 0.5 / (1.5 / 19.5))
    assert last_year_rate(train, query([1.0], [2.0]), 1, RNG)[0] == pytest.approx([np.exp(-2.0 * rate)])
