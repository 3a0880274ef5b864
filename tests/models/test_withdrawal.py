"""Kaplan-Meier curves and predicted survival, compared with closed forms."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.deployments import mission_spells
from forecast.data.tables import load_tables
from forecast.errors import DataError
from forecast.inference.predictive_checks import pooled
from forecast.models.kaplan_meier import (
    contributor_durations,
    curve_hazard,
    framework_durations,
    kaplan_meier,
    share_after,
    share_given_served,
)
from forecast.models.withdrawal import hazard_by_time_served, predict_remaining
from forecast.priors.load import load_priors
from tests.support.flat_withdrawal import flat_withdrawal

PRIORS = Path(__file__).parents[2] / "priors"
YEARS = (1.0, 3.0, 5.0)


@pytest.fixture(scope="module")
def spells():
    return mission_spells(load_tables(), load_priors(PRIORS))


def stays(years, left) -> pd.DataFrame:
    """Return stays in years and whether each ended with an exit."""
    return pd.DataFrame({"years": np.asarray(years, float), "left": np.asarray(left, bool)})


def test_kaplan_meier_without_censoring() -> None:
    curve = kaplan_meier(stays([1, 2, 2, 4], [1, 1, 1, 1]))
    np.testing.assert_allclose(share_after(curve, [0.5, 1, 1.5, 2, 3.9, 4, 9]), [1, 0.75, 0.75, 0.25, 0.25, 0, 0])


def test_kaplan_meier_with_censoring() -> None:
    curve = kaplan_meier(stays([1, 2, 2, 3], [1, 0, 1, 1]))  # textbook: 3/4, 3/4 * 2/3, 0
    assert curve["at_risk"].tolist() == [4, 3, 1]
    np.testing.assert_allclose(curve["share"], [0.75, 0.5, 0.0])


def test_kaplan_meier_given_years_served() -> None:
    curve = kaplan_meier(stays([1, 2, 2, 4], [1, 1, 1, 0]))  # S is 3/4 after one year and 1/4 from two years on
    assert share_given_served(curve, [0.0], 1.0) == 0.75
    assert share_given_served(curve, [1.0], 1.0) == pytest.approx(1 / 3)
    assert share_given_served(curve, [0.0, 1.0, 3.0], 1.0) == pytest.approx((0.75 + 1 / 3 + 1.0) / 3)
    gone = kaplan_meier(stays([1, 2], [1, 1]))  # nobody stayed beyond two years
    assert share_given_served(gone, [1.0, 5.0], 1.0) == 0.0
    assert math.isnan(share_given_served(gone, [5.0], 1.0))


def test_hazard_of_the_curve_between_times_served() -> None:
    durations = stays([1, 2, 2, 4], [1, 1, 1, 0])  # S is 3/4 after one year and 1/4 from two years on
    begin = np.array([[0.0, 0.5, 1.0], [1.5, 3.0, 3.5]])
    expected = [[0.0, math.log(4 / 3), 0.0], [math.log(3), 0.0, np.nan]]  # nobody stayed longer than four years
    np.testing.assert_allclose(curve_hazard(durations, begin, begin + 0.5, 1), expected, atol=1e-12)
    assert np.isnan(curve_hazard(durations, np.array([0.0]), np.array([0.5]), 5)).all()


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=30), st.integers(1, 6))
def test_hazards_of_the_curve_are_finite_and_sum_to_it(cases, fewest) -> None:
    years, left = zip(*cases, strict=True) if cases else ((), ())
    durations = stays([y / 4 for y in years], left)
    begin = np.arange(41) / 4
    hazard = curve_hazard(durations, begin, begin + 0.25, fewest)
    known = ~np.isnan(hazard)
    assert np.isfinite(hazard[known]).all() and (hazard[known] >= 0.0).all()
    assert not known[1:][~known[:-1]].any()  # once without an estimate, always without
    share = share_after(kaplan_meier(durations), begin[known] + 0.25)
    np.testing.assert_allclose(np.exp(-np.cumsum(hazard[known])), share, atol=1e-12)


def test_durations_of_a_framework(spells) -> None:
    found = framework_durations(spells, "nato")
    nato = spells["mission"].values[spells["framework"] == "nato"]
    assert len(found) == sum(len(contributor_durations(spells, m)) for m in nato)
    assert framework_durations(spells, "none").empty


def test_kaplan_meier_without_exits() -> None:
    assert share_after(kaplan_meier(stays([1, 2], [0, 0])), [5.0]) == 1.0


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=30))
def test_kaplan_meier_matches_product_over_times(cases) -> None:
    years, left = zip(*cases, strict=True)
    curve = kaplan_meier(stays(years, left))
    for year in range(14):
        expected = 1.0
        for time in range(1, year + 1):
            at_risk = sum(y >= time for y in years)
            exits = sum(y == time and leaves for y, leaves in cases)
            expected *= 1 - exits / at_risk if at_risk else 1.0
        assert share_after(curve, [year])[0] == pytest.approx(expected, abs=1e-12)


def test_kaplan_meier_of_two_missions(spells) -> None:
    iraq = share_after(kaplan_meier(contributor_durations(spells, "mnf_iraq")), YEARS)
    isaf = share_after(kaplan_meier(contributor_durations(spells, "isaf")), YEARS)
    # New Zealand left Iraq after exactly one year: 34 of 41 remain if its exit counts, else 35
    np.testing.assert_allclose(iraq, [34 / 41, 0.63, 0.46], atol=0.005)
    np.testing.assert_allclose(isaf, [1.0, 0.98, 0.90], atol=0.005)


# -- predicted -------------------------------------------------------------------------------------


def predict(draws, spells, mission="mnf_iraq", seed=1, new_mission=False):
    """Return the predicted shares of contributors after `YEARS`, with a fixed seed."""
    rng = np.random.default_rng(seed)
    return predict_remaining(draws, spells, mission, YEARS, rng, new_mission=new_mission)


def test_constant_hazards_give_exponential_survival(spells) -> None:
    a, b = np.log(0.03), np.log(0.02)
    shares = predict(flat_withdrawal(spells, 2, 500, defection_intercept=a, planned_intercept=b), spells)
    assert shares.shape == (1000, 3)
    expected = np.exp(-0.05 * 4 * np.array(YEARS))
    # four standard errors of 1,000 draws of 41 independent contributors, each below 0.0025
    np.testing.assert_allclose(shares.mean(axis=0), expected, atol=0.01)
    spread = np.sqrt(expected * (1 - expected) / 41)
    np.testing.assert_allclose(shares.std(axis=0), spread, rtol=0.1)


def test_hazard_sums_over_duration_bins(spells) -> None:
    draws = flat_withdrawal(spells, 2, 500, defection_intercept=np.log(0.05), planned_intercept=-30)
    draws["duration_defection"][..., 0] = np.log(2.0)
    shares = predict(draws, spells).mean(axis=0)
    # the rate is twice as high in the first two calendar quarters, of which the quarter of entry is partial
    entry = spells["entry"].values[spells["mission_of"] == list(spells["mission"]).index("mnf_iraq")]
    expected = np.exp(-0.05 * (4 * 1.0 + 2 - entry % 1)).mean()
    assert shares[0] == pytest.approx(expected, abs=0.01)


def test_covariates_and_frailties_act_on_the_hazard(spells) -> None:
    values = {"leader_change": 0.8, "election_ahead": 0.6, "ending": 1.2, "frailty_load": 0.5}
    values |= {"casualties": 0.2, "combat_drift": 0.02, "ever_reduced": 0.7}
    draws = flat_withdrawal(spells, 2, 500, defection_intercept=-4, planned_intercept=-4, **values)
    draws["mission_effect"].loc[{"mission": "isaf"}] = 0.7
    draws["country_effect"].loc[{"country": "NLD"}] = -1.0
    expected = np.zeros(3)
    calendar = spells.sel(mission="isaf")
    rows = np.flatnonzero(spells["mission_of"] == list(spells["mission"]).index("isaf"))
    reduced_from = spells["reduced_from"].values
    assert (reduced_from[rows] > 0).sum() == 5  # contingents that were reduced in Afghanistan
    for s in rows:
        country = str(spells["country"].values[spells["country_of"].values[s]])
        entry = float(spells["entry"].values[s])
        frailty = 0.7 - (country == "NLD")
        for k, year in enumerate(YEARS):
            hazard = 0.0
            for q in range(int(entry), int(entry + 4 * year) + 1):
                covariates = calendar.sel(country=country, quarter=q)
                new_leader, ahead = covariates["leader_change_by_quarter"], covariates["election_ahead_by_quarter"]
                moving = 0.2 * float(covariates["casualties_by_quarter"])
                moving += 0.02 * float(covariates["combat_age_by_quarter"]) + 0.7 * (q >= reduced_from[s])
                rate = np.exp(-4 + frailty + 0.8 * int(new_leader) + 0.6 * int(ahead) + moving)
                rate += np.exp(-4 + 0.5 * frailty + 1.2 * int(covariates["ending_by_quarter"]))
                hazard += rate * (min(q + 1, entry + 4 * year) - max(q, entry))
            expected[k] += np.exp(-hazard) / len(rows)
    # four standard errors of 1,000 draws of 50 contributors, each 0.0022
    np.testing.assert_allclose(predict(draws, spells, mission="isaf").mean(axis=0), expected, atol=0.009)


def test_all_leave_after_the_lead_nation(spells) -> None:
    draws = flat_withdrawal(spells, 2, 20, defection_intercept=-40, planned_intercept=-40, lead_gone=60)
    assert (predict(draws, spells) == 1).all()
    draws["country_effect"].loc[{"country": "USA"}] = 60  # leaves in its first quarter
    assert (predict(draws, spells)[:, 0] == 0).all()


def test_contagion_needs_an_exit_and_is_capped(spells) -> None:
    independent = flat_withdrawal(spells, 2, 500, defection_intercept=np.log(0.02), planned_intercept=-40)
    contagious = independent.copy(deep=True)
    contagious["contagion"][:] = 1.0
    assert predict(contagious, spells).mean(axis=0)[2] < predict(independent, spells).mean(axis=0)[2] - 0.05
    capped = predict(contagious, spells.assign_attrs(contagion_cap=0.0))
    np.testing.assert_array_equal(capped, predict(independent, spells))
    no_exits = independent.copy(deep=True)
    no_exits["defection_intercept"][:] = -40
    no_exits["contagion"][:] = 1000.0  # without a first exit nobody follows
    assert (predict(no_exits, spells) == 1).all()


def test_new_mission_draws_an_effect(spells) -> None:
    draws = flat_withdrawal(spells, 2, 500, defection_intercept=np.log(0.03), planned_intercept=-40)
    draws["mission_effect"].loc[{"mission": "mnf_iraq"}] = 5.0
    assert predict(draws, spells)[:, 0].max() < 0.3
    fixed = predict(draws, spells, new_mission=True)
    draws["mission_sd"][:] = 1.0
    drawn = predict(draws, spells, new_mission=True)
    assert drawn[:, 1].std() > 1.5 * fixed[:, 1].std()
    assert fixed[:, 0].mean() == pytest.approx(np.exp(-0.12), abs=0.02)


def test_same_seed_gives_same_prediction(spells) -> None:
    draws = flat_withdrawal(spells, 2, 50, defection_intercept=-3, planned_intercept=-4, contagion=0.3)
    np.testing.assert_array_equal(predict(draws, spells), predict(draws, spells))


def test_unknown_mission_raises_with_its_name(spells) -> None:
    with pytest.raises(DataError, match="atlantis"):
        predict(flat_withdrawal(spells, 2, 1), spells, mission="atlantis")


def test_the_hazard_of_the_reference_case_by_time_served(spells) -> None:
    levels = {
        "defection_intercept": -5.0,
        "planned_intercept": -4.0,
        "nato": 0.2,
        "noncombat": -0.3,
        "un": 9.0,
        "lead": 9.0,
    }
    draws = flat_withdrawal(spells, 2, 3, **levels)
    draws["duration_planned"][..., 1] = np.log(2.0)
    draws["country_effect"][:] = 9.0  # of the countries in the fit; that of the case is 0
    hazard = hazard_by_time_served({str(name): pooled(values) for name, values in draws.data_vars.items()})
    assert hazard.shape == (2, 6, 8)
    np.testing.assert_allclose(hazard[0], 4 * math.exp(-5.0 + 0.2 - 0.3))
    np.testing.assert_allclose(hazard[1], [[4 * math.exp(-4.0) * (2.0 if n == 1 else 1.0) for n in range(8)]] * 6)
