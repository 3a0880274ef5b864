"""Test the spending back-test: what is known at an origin, the basis of a forecast, and the rule of its paths."""

from dataclasses import replace
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
    JOINT_TARGET,
    STACKED,
    WITH_PLANS,
    ForecastOrigin,
    log_density,
    origin_at,
    outcomes,
    scored,
    spending_tasks,
    tables_at,
)
from forecast.evaluation.scoring import energy_score, variogram_score
from forecast.models.spending import spending_paths
from forecast.simulation.rules import spending
from tests.support import fake_posteriors as our

SIZE = 40


@cache
def at_origin(origin: int) -> ForecastOrigin:
    return origin_at(our.tables(), our.priors(), origin)


def published(country: str, year: int, vintage: str) -> float:
    editions = our.tables().defence_spending_vintages
    return float(editions.set_index(["country", "year", "vintage"])["share_gdp"][country, year, vintage])


@cache
def known(origin: int) -> pd.Series:
    spent = tables_at(our.tables(), origin).defence_spending
    return spent.set_index(["basis", "country", "year"])["share_gdp"].sort_index()


def test_origin_starts_from_figures_first_published() -> None:
    for country in ("POL", "DEU", "USA"):
        assert known(2019)["nato", country, 2019] == published(country, 2019, "2019-06")
        assert known(2019)["nato", country, 2018] == published(country, 2018, "2019-06")
        assert known(2016)["nato", country, 2016] == published(country, 2016, "2019-06")
        assert known(2021)["nato", country, 2021] == published(country, 2021, "2024-06")
        assert known(2023)["nato", country, 2023] == published(country, 2023, "2023-07")
        assert known(2023)["nato", country, 2022] == published(country, 2022, "2024-06")
    assert known(2019)["nato", "FIN", 2019] == published("FIN", 2019, "2024-06")  # not in the edition of 2019
    for origin in (2012, 2016, 2019, 2023):
        assert known(origin).index.get_level_values("year").max() == origin
        assert known(origin).index.is_unique


def test_origin_is_judged_on_one_basis_by_the_last_edition() -> None:
    today = our.tables().defence_spending.set_index(["country", "year", "basis"])["share_gdp"]
    before, after = outcomes(our.tables(), 2013), outcomes(our.tables(), 2014)
    for year in (2014, 2018):
        assert before.loc["DEU", year] == pytest.approx(log(today["DEU", year, "wdi"]))
        assert after.loc["DEU", year] == pytest.approx(log(today["DEU", year, "nato"]))
        assert before.loc["JPN", year] == after.loc["JPN", year]
    assert str(at_origin(2012).panel["last_basis"].sel(country="DEU").item()) == "wdi"
    assert str(at_origin(2016).panel["last_basis"].sel(country="DEU").item()) == "nato"


def test_countries_are_members_from_their_accession() -> None:
    for year, country, member in (
        (2022, "FIN", False),
        (2023, "FIN", True),
        (2016, "JPN", False),
        (2005, "POL", True),
    ):
        origin = at_origin(year)
        assert origin.member[origin.countries.index(country)] == member
    assert "MNE" not in at_origin(2005).countries  # no figure yet


def draws(**fields: float) -> dict[str, xr.DataArray]:
    """Return draws without shocks: all scales are zero, unless given."""
    silent = dict.fromkeys(("factor_scale", "response_sd", "volatility_sd", "factor_war", "response_war"), 0.0)
    samples = dict(our.spending_samples(SIZE))
    for name, value in (silent | fields).items():
        samples[name] = samples["kappa"] * 0.0 + value
    samples["scale"] = samples["scale"] * 0.0
    return samples


def test_paths_without_shocks_follow_the_simulator_rules() -> None:
    """Estonia in 2021 is a member on the front line, above the pledge of 2 % and below the higher mark."""
    priors, origin, d = our.priors(), at_origin(2021), draws()
    panel, steps = origin.panel, 3
    quiet = _Quiet()
    paths = spending_paths(d, panel.sel(country=origin.countries), origin.member, priors, steps, quiet)
    growth_law = [priors.value(f"spending.growth_{x}") for x in ("mean", "phi", "bounce", "sd")]
    for name in ("EST", "DEU", "JPN"):
        i, last = origin.countries.index(name), panel.sel(country=name)
        scalar = {k: float(v[0]) for k, v in d.items() if v.ndim == 1}
        share, growth = float(last["last_log_share"]), float(last["gdp_growth"].sel(year=2021))
        factor = float(d["factor"].sel(year=2021)[0])
        h = float(d["volatility"].sel(year=2021)[0])
        log_response = float(d["log_response"].sel(pledge_year=2021)[0])
        for step in range(steps):
            # the equation in plain numbers
            before = growth
            growth = growth_law[0] + growth_law[1] * (growth - growth_law[0]) + growth_law[2] * max(0.0, -growth)
            factor, h = scalar["factor_phi"] * factor, scalar["volatility_phi"] * h
            log_response = scalar["response_mean"] + scalar["response_phi"] * (log_response - scalar["response_mean"])
            closed = min(1.0, exp(log_response))
            gap = (1.0 if origin.member[i] else scalar["response_others"]) * max(0.0, log(2.0) - share)
            front_gap = float(last["front"]) * max(0.0, log(5.0) - share)
            share += (
                float(d["pull"].sel(country=name)[0]) * (float(d["target"].sel(country=name)[0]) - share)
                + float(d["loading"].sel(country=name)[0]) * factor
                + closed * (gap + scalar["front"] * front_gap)
                + scalar["growth"] * (growth - 0.02)
                + scalar["growth_lag"] * (before - 0.02)
                + scalar["election"] * float(panel["election"].mean())
            )
            assert paths[i, step, 0] == pytest.approx(share, abs=1e-12)  # rounding


class _Quiet:
    """A generator whose draws are all zero."""

    def normal(self, size: Any) -> Any:
        return np.zeros(size)

    def standard_t(self, nu: Any, size: Any = None) -> Any:
        return np.zeros(np.shape(nu) if size is None else size)


def test_no_response_to_the_pledge_before_2014_nor_the_war_before_2022() -> None:
    rng = np.random.default_rng(1)

    def first_step(year: int, **fields: float) -> Any:
        origin = at_origin(year)
        panel = origin.panel.sel(country=origin.countries)
        return spending_paths(draws(**fields), panel, origin.member, our.priors(), 1, _Quiet())[:, 0]

    for year, moves in ((2013, False), (2014, True)):
        calm, eager = first_step(year, response_mean=-5.0), first_step(year, response_mean=-1.0)
        assert (eager > calm).any() == moves
    for year, moves in ((2021, False), (2022, True), (2023, False)):
        peace, war = first_step(year), first_step(year, factor_war=0.1)
        assert np.allclose(peace, war) != moves
    origin = at_origin(2012)
    panel = origin.panel.sel(country=origin.countries)
    noisy = spending_paths(draws(factor_scale=0.05), panel, origin.member, our.priors(), 2, rng)
    assert (noisy.std(axis=2) > 0.01).all()


def test_growth_bounces_back() -> None:
    g = np.array([0.05, 0.0, -0.04])
    wanted = [0.02 + 0.2 * (x - 0.02) + 0.5 * max(0.0, -x) + 0.03 for x in g.tolist()]
    assert spending.growth(g, 0.02, 0.2, 0.5, 0.03, np.ones(3)) == pytest.approx(wanted)


def test_rows_hold_every_known_outcome_and_no_other() -> None:
    origin = at_origin(2020)
    rng = np.random.default_rng(2)
    center = np.array([origin.outcomes.loc[c, 2021] for c in origin.countries])
    paths = center[:, None, None] + 0.1 * rng.normal(size=(len(center), 5, 4000))
    rows = scored("someone", paths, origin, 1.0)
    joint = rows[rows["target"] == JOINT_TARGET].set_index("horizon")
    rows = rows[rows["target"] != JOINT_TARGET]
    allies = origin.member & np.isfinite(origin.outcomes[2021].reindex(origin.countries).to_numpy())
    assert joint.loc[1, "energy"] == pytest.approx(energy_score(paths[allies, 0], center[allies]))
    assert joint.loc[1, "variogram"] == pytest.approx(variogram_score(paths[allies, 0], center[allies]))
    assert list(joint.index) == [1, 2, 3, 5] and joint[["crps", "pit"]].isna().all(axis=None)
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
    last = scored("someone", paths, at_origin(2023), 1.0)
    assert set(last["horizon"]) == {1, 2} < set(HORIZONS)


def test_density_from_samples_is_close_and_never_zero() -> None:
    x = np.random.default_rng(3).standard_t(5, (1, 20_000))
    for y in (0.0, 1.0, 2.5):
        density = float(log_density(x, np.array([y]))[0])
        assert density == pytest.approx(stats.t.logpdf(y, 5), abs=0.06)  # the kernels widen it a little
    far = float(log_density(x, np.array([1e3]))[0])
    assert np.isfinite(far) and exp(far) < 1e-6


def test_the_stack_learns_from_outcomes_known_at_its_origin_alone() -> None:
    """The stack at an origin is the same, whatever the outcomes after it were."""
    chains = {name: x.rename(sample="draw").expand_dims(chain=[0]) for name, x in draws().items()}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(chains)})

    def stacked(change: float) -> tuple[pd.DataFrame, pd.DataFrame]:
        late = our.tables().defence_spending
        share = late["share_gdp"].where(late["year"] <= 2018, late["share_gdp"] * change)
        tables = replace(our.tables(), defence_spending=late.assign(share_gdp=share))
        task = spending_tasks(tables, our.priors(), lambda *_: (tree, 1.0), 1, (2016, 2017, 2018))[0]
        rows = task.run(lambda what, part: None)
        return rows[(rows["forecaster"] == STACKED) & (rows["target"] != JOINT_TARGET)], rows

    (one, rows), (other, _) = stacked(1.0), stacked(1.2)
    assert set(rows["forecaster"]) == {"model", STACKED, WITH_PLANS}
    same = (one["observed"] == other["observed"]).to_numpy()
    assert same.any() and not same.all()
    near = one["horizon"].eq(1) & one["origin"].isin(["2016", "2017"])
    pd.testing.assert_frame_equal(one[near], other[near])
    # the forecasts of 2018 do not depend on what came later: only the place of the outcome in them does
    known = pd.concat([one[~same], other[~same].add_suffix("_other")], axis=1)
    assert (known["pit"] <= known["pit_other"]).all()


def test_tasks_are_the_model_and_its_baselines() -> None:
    def refit(vectors: Any, assumed: Any, report: Any) -> Any:
        raise AssertionError("the baselines fit no model")

    tasks = spending_tasks(our.tables(), our.priors(), refit, 1, (2018,))
    assert [task.name for task in tasks] == [
        "spending_ahead",
        "spending_baselines",
        "spending_automatic",
    ]
    rows = tasks[1].run(lambda what, part: None)
    assert rows.groupby(["forecaster", "horizon"]).size().eq(33 + 1).all()  # and the allies together
    again = tasks[1].run(lambda what, part: None)
    pd.testing.assert_frame_equal(rows, again)
