"""Rates of rare events: counts of the public record, and posteriors against their closed form."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from forecast.data import membership
from forecast.data.tables import known_at
from forecast.models import alliance_exit
from tests.support import fake_posteriors as our

SIZE = 40_000
SEED = 5


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    return alliance_exit.draw(our.priors(), our.tables(), SIZE, SEED)


def test_member_years_are_those_of_the_treaty() -> None:
    # Requirement W6: 1,463 +- 2 to 1 January 2026, 1,431 a year before, when all 32 were members.
    assert membership.member_years(our.tables()) == pytest.approx(1463.4, abs=0.1)
    before = membership.member_years(our.tables(), date(2024, 12, 31))
    assert before == pytest.approx(1431.4, abs=0.1)
    assert membership.member_years(known_at(our.tables(), date(2024, 12, 31))) == before
    assert membership.member_years(our.tables(), date(1949, 8, 23)) == 0.0


def test_two_members_left_the_command_and_came_back() -> None:
    years, back = membership.command_outside(our.tables())
    france, greece = 42.76, 6.18  # 1 July 1966 to 4 April 2009, 14 August 1974 to 20 October 1980
    assert (years, back) == (pytest.approx(france + greece, abs=0.01), 2)
    years, back = membership.command_outside(known_at(our.tables(), date(1979, 12, 31)))
    assert (years, back) == (pytest.approx(13.5 + 5.38, abs=0.01), 0)


def test_posteriors_are_those_of_the_literature() -> None:
    found = alliance_exit.posteriors(our.priors(), our.tables())
    assert found["notice"].params == (2, pytest.approx(2463.4, abs=0.1))
    assert found["command_exit"].params == (2.5, pytest.approx(1464.4, abs=0.1))
    assert found["command_return"].params == (2.5, pytest.approx(49.94, abs=0.01))


def test_a_gamma_rate_is_updated_as_bayes_would() -> None:
    after = alliance_exit.posteriors(our.priors(), our.tables())["command_exit"]
    shape, rate = our.priors()["alliance_exit.command_exit"].params
    years = membership.member_years(our.tables())

    def weight(x: float, power: int) -> float:
        likelihood = stats.poisson.pmf(2, x * years)
        return float(x**power * stats.gamma.pdf(x, shape, scale=1 / rate) * likelihood)

    whole, mean = (integrate.quad(weight, 0, 0.05, args=(k,), epsrel=1e-9)[0] for k in (0, 1))
    assert mean / whole == pytest.approx(after.params[0] / after.params[1], rel=1e-6)


def test_what_is_told_of_a_rate_is_what_is_drawn(drawn: dict[str, Any]) -> None:
    for name, told in alliance_exit.learnt(our.priors(), our.tables()).items():
        # Four standard errors of the mean of independent draws.
        error = 4 * told["posterior_sd"] / np.sqrt(SIZE)
        assert abs(drawn[name].mean() - told["posterior_mean"]) < error
        assert told["contraction"] < 1.0


def test_draws_are_addressed_and_ordered(drawn: dict[str, Any]) -> None:
    again = alliance_exit.draw(our.priors(), our.tables(), SIZE, SEED)
    other = alliance_exit.draw(our.priors(), our.tables(), SIZE, SEED + 1)
    for name, values in drawn.items():
        assert values.shape == (SIZE,)
        assert (values == again[name]).all() and (values != other[name]).any()
    assert np.median(drawn["us_notice_sympathetic"]) > 3 * np.median(drawn["us_notice_other"])
    assert 0.25 <= drawn["us_drawdown_size"].min() <= drawn["us_drawdown_size"].max() <= 0.5


def test_a_notice_in_the_tables_counts() -> None:

    tables = our.tables()
    members = tables.members.copy()
    one = (members["country"] == "HUN") & (members["alliance"] == "NATO")
    members.loc[one, "left"] = members.loc[one, "in_force"] + np.timedelta64(3653, "D")
    after = alliance_exit.posteriors(our.priors(), replace(tables, members=members))["notice"]
    assert after.params[0] == 3
    stayed = membership.member_years(tables) - (after.params[1] - 1000)
    joined = members.loc[one, "in_force"].iloc[0]
    assert stayed == pytest.approx((date(2026, 1, 1) - joined.date()).days / 365.25 - 3653 / 365.25)
