"""Back-test of spending: what was known at an origin, one basis a horizon, paths that obey the rules of the core."""

from functools import cache
from math import exp, log
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from forecast.evaluation.backtests.spending import (
    HORIZONS,
    ForecastOrigin,
    log_density,
    origin_at,
    outcomes,
    scored,
    spending_tasks,
    tables_at,
)
from forecast.models.spending import spending_paths
from forecast.simulation.rules import spending
from forecast.workspace.plan import FitSettings
from tests.support import fake_posteriors as our

SIZE = 40


@cache
def place(origin: int) -> ForecastOrigin:
    return origin_at(our.tables(), our.priors(), origin)


def printed(country: str, year: int, vintage: str) -> float:
    editions = our.tables().defence_spending_vintages
    return float(editions.set_index(["country", "year", "vintage"])["share_gdp"][country, year, vintage])


@cache
def known(origin: int) -> pd.Series:
    spent = tables_at(our.tables(), origin).defence_spending
    return spent.set_index(["basis", "country", "year"])["share_gdp"].sort_index()


def test_an_origin_starts_from_what_was_first_printed() -> None:
    for country in ("POL", "DEU", "USA"):
        assert known(2019)["nato", country, 2019] == printed(country, 2019, "2019-06")
        assert known(2019)["nato", country, 2018] == printed(country, 2018, "2019-06")
        assert known(2016)["nato", country, 2016] == printed(country, 2016, "2019-06")
        assert known(2021)["nato", country, 2021] == printed(country, 2021, "2024-06")
        assert known(2023)["nato", country, 2023] == printed(country, 2023, "2023-07")
        assert known(2023)["nato", country, 2022] == printed(country, 2022, "2024-06")
    assert known(2019)["nato", "FIN", 2019] == printed("FIN", 2019, "2024-06")  # not in that of 2019
    for origin in (2012, 2016, 2019, 2023):
        assert known(origin).index.get_level_values("year").max() == origin
        assert known(origin).index.is_unique


def test_an_origin_is_judged_on_one_basis_by_the_last_edition() -> None:
    today = our.tables().defence_spending.set_index(["country", "year", "basis"])["share_gdp"]
    before, after = outcomes(our.tables(), 2013), outcomes(our.tables(), 2014)
    for year in (2014, 2018):
        assert before.loc["DEU", year] == pytest.approx(log(today["DEU", year, "wdi"]))
        assert after.loc["DEU", year] == pytest.approx(log(today["DEU", year, "nato"]))
        assert before.loc["JPN", year] == after.loc["JPN", year]
    assert str(place(2012).panel["last_basis"].sel(country="DEU").item()) == "wdi"
    assert str(place(2016).panel["last_basis"].sel(country="DEU").item()) == "nato"


def test_countries_are_members_from_their_accession() -> None:
    for origin, country, member in (
        (2022, "FIN", False),
        (2023, "FIN", True),
        (2016, "JPN", False),
        (2005, "POL", True),
    ):
        there = place(origin)
        assert there.member[there.countries.index(country)] == member
    assert "MNE" not in place(2005).countries  # no figure yet


def draws(**fields: float) -> dict[str, xr.DataArray]:
    """Draws without any luck: all scales are zero, unless given."""
    silent = dict.fromkeys(("factor_scale", "response_sd", "volatility_sd", "factor_war", "response_war"), 0.0)
    out = dict(our.spending_samples(SIZE))
    for name, value in (silent | fields).items():
        out[name] = out["kappa"] * 0.0 + value
    out["scale"] = out["scale"] * 0.0
    return out


def test_paths_without_luck_are_the_rules_of_the_core() -> None:
    """Estonia from 2021: member, on the front line, above the pledge of 2 % and below its mark."""
    priors, there, d = our.priors(), place(2021), draws()
    panel, steps = there.panel, 3
    quiet = _Quiet()
    found = spending_paths(d, panel.sel(country=there.countries), there.member, priors, steps, quiet)
    growth_law = [priors.value(f"spending.growth_{x}") for x in ("mean", "phi", "bounce", "sd")]
    for name in ("EST", "DEU", "JPN"):
        i, last = there.countries.index(name), panel.sel(country=name)
        one = {k: float(v[0]) for k, v in d.items() if v.ndim == 1}
        share, growth = float(last["last_log_share"]), float(last["gdp_growth"].sel(year=2021))
        factor = float(d["factor"].sel(year=2021)[0])
        h = float(d["volatility"].sel(year=2021)[0])
        log_response = float(d["log_response"].sel(pledge_year=2021)[0])
        for step in range(steps):
            # the equation once more, in plain numbers
            growth = growth_law[0] + growth_law[1] * (growth - growth_law[0]) + growth_law[2] * max(0.0, -growth)
            factor, h = one["factor_phi"] * factor, one["volatility_phi"] * h
            log_response = one["response_mean"] + one["response_phi"] * (log_response - one["response_mean"])
            closed = min(1.0, exp(log_response))
            gap = there.member[i] * max(0.0, log(2.0) - share)
            front_gap = float(last["front"]) * max(0.0, log(5.0) - share)
            share += (
                one["kappa"] * (float(d["target"].sel(country=name)[0]) - share)
                + float(d["loading"].sel(country=name)[0]) * factor
                + closed * (gap + one["front"] * front_gap)
                + one["growth"] * (growth - 0.02)
                + one["election"] * float(panel["election"].mean())
            )
            assert found[i, step, 0] == pytest.approx(share, abs=1e-12)  # rounding


class _Quiet:
    """A generator that draws nothing but zeros."""

    def normal(self, size: Any) -> Any:
        return np.zeros(size)

    def standard_t(self, nu: Any, size: Any) -> Any:
        return np.zeros(size)


def test_nobody_answers_a_pledge_before_2014_nor_a_war_before_2022() -> None:
    rng = np.random.default_rng(1)

    def first_step(origin: int, **fields: float) -> Any:
        there = place(origin)
        panel = there.panel.sel(country=there.countries)
        return spending_paths(draws(**fields), panel, there.member, our.priors(), 1, _Quiet())[:, 0]

    for origin, moves in ((2013, False), (2014, True)):
        calm, eager = first_step(origin, response_mean=-5.0), first_step(origin, response_mean=-1.0)
        assert (eager > calm).any() == moves
    for origin, moves in ((2021, False), (2022, True), (2023, False)):
        peace, war = first_step(origin), first_step(origin, factor_war=0.1)
        assert np.allclose(peace, war) != moves
    there = place(2012)
    panel = there.panel.sel(country=there.countries)
    noisy = spending_paths(draws(factor_scale=0.05), panel, there.member, our.priors(), 2, rng)
    assert (noisy.std(axis=2) > 0.01).all()


def test_growth_bounces_back() -> None:
    g = np.array([0.05, 0.0, -0.04])
    wanted = [0.02 + 0.2 * (x - 0.02) + 0.5 * max(0.0, -x) + 0.03 for x in g.tolist()]
    assert spending.growth(g, 0.02, 0.2, 0.5, 0.03, np.ones(3)) == pytest.approx(wanted)


def test_rows_hold_every_outcome_there_is_and_no_other() -> None:
    there = place(2020)
    rng = np.random.default_rng(2)
    center = np.array([there.seen.loc[c, 2021] for c in there.countries])
    paths = center[:, None, None] + 0.1 * rng.normal(size=(len(center), 5, 4000))
    rows = scored("someone", paths, there, 1.0)
    assert not rows.duplicated(["horizon", "unit"]).any()
    assert rows.groupby("horizon").size().to_dict() == {
        1: 33,
        2: 33,
        3: 33,
        5: 30,
    }  # HUN, JPN, KOR: no 2025
    hit = rows[rows["horizon"] == 1]
    # a normal forecast, right in the middle: CRPS = sd (2 phi(0) - 1 / sqrt(pi)), density 1 / (sd sqrt(2 pi))
    assert hit["crps"].mean() == pytest.approx(0.1 * (2 / (2 * np.pi) ** 0.5 - np.pi**-0.5), rel=0.03)
    assert hit["log_score"].mean() == pytest.approx(log(0.1 * (2 * np.pi) ** 0.5), abs=0.05)
    assert hit["in50"].all()
    assert hit["pit"].mean() == pytest.approx(0.5, abs=0.01)
    last = scored("someone", paths, place(2023), 1.0)
    assert set(last["horizon"]) == {1, 2} < set(HORIZONS)


def test_a_density_from_samples_is_near_the_true_one_and_never_zero() -> None:
    x = np.random.default_rng(3).standard_t(5, (1, 20_000))
    for y in (0.0, 1.0, 2.5):
        found = float(log_density(x, np.array([y]))[0])
        assert found == pytest.approx(stats.t.logpdf(y, 5), abs=0.06)  # widened a little by the kernels
    far = float(log_density(x, np.array([1e3]))[0])
    assert np.isfinite(far) and exp(far) < 1e-6


def test_the_tasks_are_the_model_and_its_rivals() -> None:
    settings = FitSettings(chains=2, tune=200, draws=200)
    tasks = spending_tasks(our.tables(), our.priors(), settings, 1, (2018,))
    assert [task.name for task in tasks] == [
        "spending_ahead",
        "spending_baselines",
        "spending_automatic",
    ]
    rows = tasks[1].run(lambda what, part: None)
    assert rows.groupby(["forecaster", "horizon"]).size().eq(33).all()
    again = tasks[1].run(lambda what, part: None)
    pd.testing.assert_frame_equal(rows, again)
