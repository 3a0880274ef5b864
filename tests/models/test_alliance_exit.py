"""Rates of rare events: counts from the public record, and posteriors compared with closed forms."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from forecast.data import membership
from forecast.data.tables import known_at
from forecast.models import alliance_exit
from tests.support import fake_posteriors

SIZE = 40_000
SEED = 5


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    return alliance_exit.draw(fake_posteriors.priors(), fake_posteriors.tables(), SIZE, SEED)


def test_member_years_of_the_treaty() -> None:
    # Requirement W6: 1,463 +- 2 to 1 January 2026, and 1,431 a year before; there were 32 members in that year.
    assert membership.member_years(fake_posteriors.tables()) == pytest.approx(1463.4, abs=0.1)
    before = membership.member_years(fake_posteriors.tables(), date(2024, 12, 31))
    assert before == pytest.approx(1431.4, abs=0.1)
    assert membership.member_years(known_at(fake_posteriors.tables(), date(2024, 12, 31))) == before
    assert membership.member_years(fake_posteriors.tables(), date(1949, 8, 23)) == 0.0


def test_two_members_left_the_command_and_returned() -> None:
    years, back = membership.command_outside(fake_posteriors.tables())
    france, greece = 42.76, 6.18  # 1 July 1966 to 4 April 2009, 14 August 1974 to 20 October 1980
    assert (years, back) == (pytest.approx(france + greece, abs=0.01), 2)
    years, back = membership.command_outside(known_at(fake_posteriors.tables(), date(1979, 12, 31)))
    assert (years, back) == (pytest.approx(13.5 + 5.38, abs=0.01), 0)


def test_posteriors_match_closed_form() -> None:
    posteriors = alliance_exit.posteriors(fake_posteriors.priors(), fake_posteriors.tables())
    assert posteriors["notice"].params == (2, pytest.approx(2463.4, abs=0.1))
    assert posteriors["command_exit"].params == (2.5, pytest.approx(1464.4, abs=0.1))
    assert posteriors["command_return"].params == (2.5, pytest.approx(49.94, abs=0.01))


def test_posterior_mean_matches_integration() -> None:
    after = alliance_exit.posteriors(fake_posteriors.priors(), fake_posteriors.tables())["command_exit"]
    shape, rate = fake_posteriors.priors()["alliance_exit.command_exit"].params
    years = membership.member_years(fake_posteriors.tables())

    def weight(x: float, power: int) -> float:
        """Return rate to a power, times prior density and likelihood."""
        likelihood = stats.poisson.pmf(2, x * years)
        return float(x**power * stats.gamma.pdf(x, shape, scale=1 / rate) * likelihood)

    norm, mean = (integrate.quad(weight, 0, 0.05, args=(k,), epsrel=1e-9)[0] for k in (0, 1))
    assert mean / norm == pytest.approx(after.params[0] / after.params[1], rel=1e-6)


def test_draws_match_reported_posterior(drawn: dict[str, Any]) -> None:
    for name, summary in alliance_exit.learnt(fake_posteriors.priors(), fake_posteriors.tables()).items():
        # Four standard errors of the mean of independent draws.
        error = 4 * summary["posterior_sd"] / np.sqrt(SIZE)
        assert abs(drawn[name].mean() - summary["posterior_mean"]) < error
        assert summary["contraction"] < 1.0


def test_draws_depend_on_the_seed(drawn: dict[str, Any]) -> None:
    repeated = alliance_exit.draw(fake_posteriors.priors(), fake_posteriors.tables(), SIZE, SEED)
    other = alliance_exit.draw(fake_posteriors.priors(), fake_posteriors.tables(), SIZE, SEED + 1)
    for name, values in drawn.items():
        assert values.shape == (SIZE,)
        assert (values == repeated[name]).all() and (values != other[name]).any()
    assert np.median(drawn["us_notice_sympathetic"]) > 3 * np.median(drawn["us_notice_other"])
    assert 0.25 <= drawn["us_drawdown_size"].min() <= drawn["us_drawdown_size"].max() <= 0.5


def test_notice_in_the_tables_is_counted() -> None:
    tables = fake_posteriors.tables()
    members = tables.members.copy()
    is_hungary = (members["country"] == "HUN") & (members["alliance"] == "NATO")
    members.loc[is_hungary, "left"] = members.loc[is_hungary, "in_force"] + np.timedelta64(3653, "D")
    after = alliance_exit.posteriors(fake_posteriors.priors(), replace(tables, members=members))["notice"]
    assert after.params[0] == 3
    stayed = membership.member_years(tables) - (after.params[1] - 1000)
    joined = members.loc[is_hungary, "in_force"].iloc[0]
    assert stayed == pytest.approx((date(2026, 1, 1) - joined.date()).days / 365.25 - 3653 / 365.25)
