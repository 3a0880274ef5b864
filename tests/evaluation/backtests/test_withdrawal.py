"""Test the withdrawal back-test: which contingents are scored, baselines against closed forms, and no foresight."""

import math
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.constants import STAYED
from forecast.data.as_of import mask_future
from forecast.data.deployments import mission_spells
from forecast.evaluation.backtests.pooling import CURVE, POOL
from forecast.evaluation.backtests.tasks import Refitter
from forecast.evaluation.backtests.withdrawal import (
    YEARS,
    _scored_horizons,
    mission_forecast_of,
    mission_tasks,
    running_missions,
    scored_missions,
)
from forecast.evaluation.baselines import withdrawal as baselines
from forecast.evaluation.baselines.withdrawal import SurvivalQuery
from forecast.inference.pymc_models import sampling
from forecast.models.withdrawal import Curve, predict_exits
from forecast.progress import silent
from forecast.quarters import quarter_clock
from forecast.workspace.plan import FitSettings
from tests.support.fake_posteriors import priors, tables
from tests.support.flat_withdrawal import flat_withdrawal

RNG = 1
SETTINGS = FitSettings(chains=2, tune=200, draws=200)


@pytest.fixture(scope="module")
def spells() -> xr.Dataset:
    return mission_spells(tables(), priors())


@pytest.fixture(scope="module")
def frame(spells: xr.Dataset) -> pd.DataFrame:
    return baselines.spell_frame(spells)


def flat_draws(spells: xr.Dataset, rate: float, size: int = 400) -> xr.Dataset:
    """Return a posterior in which all contingents leave at the same rate per quarter, for one cause."""
    return flat_withdrawal(spells, 1, size, defection_intercept=math.log(rate), planned_intercept=-60.0)


def toy(years: list[float], left: list[bool], mission: str = "old") -> pd.DataFrame:
    """Return contingents that all entered at the start of 2000; times in quarters since the year 0."""
    years_ = np.asarray(years, float)
    return pd.DataFrame(
        {
            "mission": mission,
            "country": [f"C{k}" for k in range(len(years))],
            "framework": "un",
            "entry": 8000.0,
            "end": 8000.0 + 4 * years_,
            "left": left,
            "years": years_,
            "nato": 0.0,
            "un": 1.0,
            "eu": 0.0,
            "noncombat": 0.0,
            "lead": 0.0,
        }
    )


def query_of(contingents: pd.DataFrame, served: float, ahead: float) -> SurvivalQuery:
    size = len(contingents)
    return SurvivalQuery(contingents=contingents, served=np.full(size, served), ahead=np.full(size, ahead))


def test_which_missions_are_scored(spells: xr.Dataset) -> None:
    chosen = scored_missions(tables(), spells)
    assert {"mnf_iraq", "isaf", "rsm", "kfor"} < set(chosen)
    # nobody left early; too few; over after seven months
    assert not {"alba", "unc_korea", "g5_sahel", "oup_libya"} & set(chosen)
    assert len(chosen) == 22


def test_horizon_needs_contingents_that_can_be_followed() -> None:
    # the mission ends after 4 years; one left after 1.5, the record of one ends after 2.5, and two stayed
    contingents = toy([1.5, 2.5, 4.0, 4.0], [True, False, False, False])
    forecast = mission_forecast_of(contingents, contingents["entry"].to_numpy(), np.full(4, 8016.0), "old")
    left_at = np.full((100, 4), np.inf)
    left_at[:50, 1] = 8011.0  # after 2.75 years: beyond what is known of that contingent
    train = toy([1.0, 9.0], [True, False], "past")
    others = {"naive": baselines.constant_hazard}
    rows = _scored_horizons(forecast, {"model": left_at}, train, others, np.random.default_rng(RNG), "left out")
    number = rows[(rows["forecaster"] == "model") & rows["crps"].notna()].set_index("horizon")
    assert number["observed"].to_dict() == {1.0: 4.0, 2.0: 3.0, 3.0: 3.0}  # nothing at five years
    assert number["forecast"].to_dict() == {1.0: 4.0, 2.0: 4.0, 3.0: 4.0}
    np.testing.assert_allclose(number["crps"], [0.0, 1.0, 1.0], atol=1e-12)
    each = rows[(rows["forecaster"] == "model") & rows["brier"].notna()]
    gone = each[each["unit"].str.contains("C0") & (each["horizon"] == 2.0)]
    assert gone["observed"].item() == 0.0
    assert gone["brier"].item() == pytest.approx(1.0, abs=0.02)


def test_all_forecasters_forecast_the_same() -> None:
    contingents = toy([1.5, 2.5, 4.0, 4.0, 6.0], [True, False, False, False, False])
    forecast = mission_forecast_of(contingents, contingents["entry"].to_numpy(), np.full(5, 8024.0), "old")
    left_at = np.full((100, 5), np.inf)
    others = {"km": baselines.kaplan_meier_chance, "constant": baselines.constant_hazard}
    train = toy([1.0, 2.0, 9.0], [True, True, False], "past")
    rows = _scored_horizons(forecast, {"model": left_at}, train, others, np.random.default_rng(RNG), "left out")
    questions = rows.groupby("forecaster")[["horizon", "unit", "observed", "target"]].apply(
        lambda x: sorted(map(tuple, x.to_numpy().tolist()))
    )
    assert len(questions) == 3
    assert questions["km"] == questions["constant"] == questions["model"]


def test_constant_hazard_is_exits_over_years() -> None:
    train = toy([2.0, 3.0, 5.0], [True, True, False])
    rng = np.random.default_rng(RNG)
    chances = baselines.constant_hazard(train, query_of(toy([1.0], [False]), 0.0, 2.0), 100_000, rng)
    # the Laplace transform of Gamma(2.5, 10) at 2; 100,000 draws: standard error 0.0007
    assert chances.mean() == pytest.approx((10 / 12) ** 2.5, abs=0.003)


def test_curve_is_conditional_on_time_served() -> None:
    train = toy([1.0, 2.0, 3.0, 4.0], [True, True, True, True])
    rng = np.random.default_rng(RNG)
    for served, ahead, chance_ in ((0.0, 2.0, 0.5), (1.5, 2.0, 1 / 3), (9.0, 1.0, 1.0)):
        chances = baselines.kaplan_meier_chance(train, query_of(toy([1.0], [False]), served, ahead), 3, rng)
        np.testing.assert_allclose(chances, chance_)


def test_mission_climate_samples_curves_of_past_missions() -> None:
    train = pd.concat([toy([1.0] * 5, [True] * 5, "a"), toy([8.0] * 5, [False] * 5, "b")])
    query = query_of(toy([1.0], [False]), 0.0, 2.0)
    chances = baselines.mission_climate(train, query, 4000, np.random.default_rng(RNG))
    assert set(chances.ravel()) == {0.0, 1.0}
    assert chances.mean() == pytest.approx(0.5, abs=0.04)  # 4000 coins: standard error 0.008


def test_cox_estimates_ratio_of_two_constant_hazards() -> None:
    rng = np.random.default_rng(RNG)
    size, rates = 1600, np.repeat([0.1, 0.3], 800)
    years = rng.exponential(1 / rates)
    train = toy(np.minimum(years, 8.0).tolist(), (years < 8.0).tolist())
    train["noncombat"] = np.repeat([1.0, 0.0], 800)
    train["un"] = 0.0
    contingents = train.iloc[[0, size - 1]]
    chances = baselines.cox_chance(train, query_of(contingents, 0.0, 3.0), 1, rng)[0]
    # about 1,100 exits: the log ratio has a standard error of 0.06
    np.testing.assert_allclose(chances, np.exp(-3.0 * np.array([0.1, 0.3])), atol=0.03)


def test_cumulative_hazard_of_cox_by_hand() -> None:
    # Ten contingents, half of them with twice the hazard. Three leave after one year, where a fourth is censored; one
    # leaves after two years.
    years = np.array([1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0])
    left = np.array([True, True, True, False, True, False, False, False, False, False])
    ratio = np.array([2.0, 1.0] * 5)
    times, hazard = baselines.breslow_hazard(years, left, ratio)
    assert times.tolist() == [1.0, 2.0]
    assert hazard == pytest.approx([3 / 15, 3 / 15 + 1 / 9])


def test_cox_counts_the_exits_of_the_year_itself() -> None:
    train = toy([1.0] * 3 + [5.0] * 7, [True] * 3 + [False] * 7)
    chance = baselines.cox_chance(train, query_of(train.iloc[:1], 0.0, 1.0), 1, np.random.default_rng(RNG))
    assert chance[0, 0] == pytest.approx(math.exp(-0.3))  # without covariates: three of ten


def test_last_year_rate() -> None:
    train = pd.concat([toy([10.0] * 4, [False] * 4, "present"), toy([9.5], [True], "present")])
    chances = baselines.last_year_rate(train, query_of(train.iloc[:1], 10.0, 1.0), 2, np.random.default_rng(RNG))
    usual = 1.5 / 49.5  # exits and a half over years, of the framework
    assert chances[0, 0] == pytest.approx(math.exp(-1.5 / (4.5 + 0.5 / usual)))


def test_future_covariates_are_masked(spells: xr.Dataset) -> None:
    since = 4 * 2005
    blind = mask_future(spells, since - 0.01, 4 * 2030)
    before = blind.sel(quarter=slice(None, since - 1))
    for name in ("leader_change_by_quarter", "election_ahead_by_quarter", "ending_by_quarter"):
        known = spells[name].sel(quarter=before["quarter"])
        np.testing.assert_array_equal(before[name], known.transpose(*before[name].dims))
        later = blind[name].sel(quarter=slice(since, None))
        assert (later.isel(quarter=0) == later).all()  # the same in all quarters to come
    usual = spells["leader_change_by_quarter"].sel(quarter=slice(4 * 1990, since - 1)).mean("quarter")
    np.testing.assert_allclose(blind["leader_change_by_quarter"].sel(quarter=since), usual)


def test_contingents_present_leave_at_the_rate(spells: xr.Dataset) -> None:
    mission, now = "isaf", 4.0 * 2011 - 0.3
    last = 4 * 2013
    contingents = baselines.spell_frame(spells)
    contingents = contingents[contingents["mission"] == mission]
    rng = np.random.default_rng(RNG)
    left_at = predict_exits(flat_draws(spells, 0.1), spells, mission, (now, last), rng, new_mission=False)
    gone = (contingents["left"] & (contingents["end"] <= now)).to_numpy()
    assert gone.any()
    np.testing.assert_array_equal(left_at[:, gone], np.tile(contingents["end"][gone], (400, 1)))
    present = left_at[:, ~gone & (contingents["entry"] < now).to_numpy()]
    assert present.min() > now
    # 400 draws of some 45 contingents: standard error 0.004
    for ahead in (1.0, 4.0, 8.0):
        assert (present > now + ahead).mean() == pytest.approx(math.exp(-0.1 * ahead), abs=0.015)


def test_missions_running_on_a_day(spells: xr.Dataset) -> None:
    now = quarter_clock(pd.Series([pd.Timestamp("2003-12-31")]))[0]
    missions = running_missions(tables(), spells, now)
    assert {"mnf_iraq", "isaf", "kfor"} < set(missions)
    assert not {"rsm", "unitaf", "g5_sahel"} & set(missions)  # not started, ended, too few contingents


def test_unknown_exit_kind_is_no_exit(frame: pd.DataFrame, spells: xr.Dataset) -> None:
    assert (frame["left"] == (spells["kind"].to_numpy() != STAYED)).all()
    assert (frame["years"] >= 0).all()


def assert_pool(rows: pd.DataFrame) -> None:
    """Assert that the pool has the mean probability of its parts."""
    each = rows[rows["brier"].notna()]
    p = each.pivot_table(index=["unit", "horizon"], columns="forecaster", values="p")
    assert (p["model"] - p[CURVE]).abs().max() > 0.1
    # the pool takes 200 of the 400 draws of each part
    np.testing.assert_allclose(p[POOL], (p["model"] + p[CURVE]) / 2, atol=0.12)
    assert abs(p[POOL] - (p["model"] + p[CURVE]) / 2).mean() < 0.02


def test_contingents_follow_the_curve_then_the_model(spells: xr.Dataset) -> None:
    """On the planted curve nobody leaves for two years, half do in the third, and nobody up to the ninth."""
    mission, now = "isaf", 4.0 * 2011
    frame = baselines.spell_frame(spells)
    frame = frame[frame["mission"] == mission]
    served = (now - frame["entry"].to_numpy()) / 4.0
    there = (frame["entry"].to_numpy() < now) & (frame["end"].to_numpy() > now)
    stays = np.concatenate([np.full(10, 2.5 + served[there].max()), np.full(10, 9.0 + served[there].max())])
    curve = Curve(durations=pd.DataFrame({"years": stays, "left": np.arange(20) < 10}), fewest=5)
    oldest = np.flatnonzero(there)[served[there].argmax()]
    rng = np.random.default_rng(RNG)
    draws, span = flat_draws(spells, 0.1, 4000), (now, int(now) + 48)
    left_at = predict_exits(draws, spells, mission, span, rng, new_mission=False, curve=curve)[:, oldest]
    share = {ahead: (left_at > now + 4 * ahead).mean() for ahead in (2.0, 3.0, 8.5, 11.0)}
    assert share[2.0] == 1.0
    assert share[3.0] == pytest.approx(0.5, abs=0.035) and share[8.5] == share[3.0]  # 4,000 draws: 4.4 standard errors
    # the quarter up to nine years has no estimate, because nobody stayed longer: nine quarters at the rate of the model
    assert share[11.0] == pytest.approx(0.5 * math.exp(-0.1 * 9), abs=0.03)


def test_tasks_with_one_rate_match_the_closed_form(spells, monkeypatch) -> None:
    """Run both tasks without sampling; with one rate for all, the model's probabilities have a closed form."""

    fitted = []

    def known_rate(vectors, settings, seed, report):
        fitted.append(vectors)
        tree = xr.DataTree.from_dict({"posterior": flat_draws(spells, 0.1)})
        return SimpleNamespace(tree=tree, diagnostics=SimpleNamespace(rhat=1.0))

    compiled = SimpleNamespace(with_data=lambda **vectors: vectors, shared_var_keys={})
    monkeypatch.setattr(sampling, "compile_model", lambda *arguments: compiled)
    monkeypatch.setattr(sampling, "short_fit", known_rate)
    refit = Refitter("withdrawal", tables(), priors(), SETTINGS, 5)
    for task in mission_tasks(tables(), priors(), refit, 5, ("mnf_iraq",), (date(2003, 12, 31),))[:2]:
        rows = task.run(silent)
        assert not rows.duplicated(["target", "forecaster", "origin", "horizon", "unit"]).any()
        assert rows["forecaster"].nunique() == (5 if task.name == "left_out_mnf_iraq" else 8)
        assert set(rows["horizon"]) <= set(map(float, YEARS))
        iraqi = rows[rows["brier"].notna() & rows["unit"].str.startswith("mnf_iraq:")]
        iraqi = iraqi[(iraqi["forecaster"] == "model") & (iraqi["horizon"] == 2.0)]
        assert len(iraqi) > 20
        # 400 draws of each contingent, some forty of them: standard error 0.004; nobody was lost before two years
        assert iraqi["p"].median() == pytest.approx(math.exp(-0.8), abs=0.03)
        if task.name != "left_out_mnf_iraq":
            assert_pool(rows)
    left_out, day = fitted
    iraq = spells["mission"].to_numpy()[spells["mission_of"].to_numpy()] == "mnf_iraq"
    np.testing.assert_array_equal(left_out["keep"], ~iraq)
    entered_later = spells["entry"].to_numpy() > 4 * 2004
    assert not day["exact"][entered_later].any()
