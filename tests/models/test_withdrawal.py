"""Kaplan-Meier curves and foretold survival against closed forms."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.data.deployments import mission_spells
from forecast.data.tables import load_tables
from forecast.errors import DataError
from forecast.models.kaplan_meier import contributor_durations, kaplan_meier, share_after
from forecast.models.withdrawal import predict_remaining
from forecast.priors.load import load_priors

PRIORS = Path(__file__).parents[2] / "priors"
YEARS = (1.0, 3.0, 5.0)
SCALARS = (
    "defection_intercept",
    "planned_intercept",
    "nato",
    "un",
    "eu",
    "noncombat",
    "lead",
    "leader_change",
    "election_ahead",
    "contagion",
    "lead_gone",
    "ending",
    "mission_sd",
    "country_sd",
    "frailty_load",
    "casualties",
    "combat_drift",
    "ever_reduced",
)


@pytest.fixture(scope="module")
def spells():
    return mission_spells(load_tables(), load_priors(PRIORS))


def stays(years, left) -> pd.DataFrame:
    return pd.DataFrame({"years": np.asarray(years, float), "left": np.asarray(left, bool)})


def test_without_censoring_it_is_the_share_that_is_left() -> None:
    curve = kaplan_meier(stays([1, 2, 2, 4], [1, 1, 1, 1]))
    np.testing.assert_allclose(share_after(curve, [0.5, 1, 1.5, 2, 3.9, 4, 9]), [1, 0.75, 0.75, 0.25, 0.25, 0, 0])


def test_who_is_censored_stays_at_risk_until_then() -> None:
    curve = kaplan_meier(stays([1, 2, 2, 3], [1, 0, 1, 1]))  # textbook: 3/4, 3/4 * 2/3, 0
    assert curve["at_risk"].tolist() == [4, 3, 1]
    np.testing.assert_allclose(curve["share"], [0.75, 0.5, 0.0])


def test_nobody_left() -> None:
    assert share_after(kaplan_meier(stays([1, 2], [0, 0])), [5.0]) == 1.0


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=30))
def test_the_curve_is_the_product_over_all_times(cases) -> None:
    years, left = zip(*cases, strict=True)
    curve = kaplan_meier(stays(years, left))
    for when in range(14):
        expected = 1.0
        for time in range(1, when + 1):
            here = sum(y >= time for y in years)
            gone = sum(y == time and leaves for y, leaves in cases)
            expected *= 1 - gone / here if here else 1.0
        assert share_after(curve, [when])[0] == pytest.approx(expected, abs=1e-12)


def test_two_missions_of_the_record(spells) -> None:
    iraq = share_after(kaplan_meier(contributor_durations(spells, "mnf_iraq")), YEARS)
    isaf = share_after(kaplan_meier(contributor_durations(spells, "isaf")), YEARS)
    # New Zealand left Iraq on its first anniversary: 34 of 41 with it, 35 of 41 without
    np.testing.assert_allclose(iraq, [34 / 41, 0.63, 0.46], atol=0.005)
    np.testing.assert_allclose(isaf, [1.0, 0.98, 0.90], atol=0.005)


# -- foretold --------------------------------------------------------------------------------------


def posterior(spells: xr.Dataset, size: int, **values: float) -> xr.Dataset:
    """Draws that are all alike, zero but for `values`; durations and effects are zero."""
    draws = {n: (("chain", "draw"), np.full((2, size), values.get(n, 0.0))) for n in SCALARS}
    for name, dim in (
        ("mission_effect", "mission"),
        ("country_effect", "country"),
        ("duration_defection", "duration_bin"),
        ("duration_planned", "duration_bin"),
    ):
        draws[name] = (("chain", "draw", dim), np.zeros((2, size, spells.sizes[dim])))
    coords = {n: spells[n].values for n in ("mission", "country", "duration_bin")}
    return xr.Dataset(draws, coords=coords)


def foretell(draws, spells, mission="mnf_iraq", seed=1, new_mission=False):
    rng = np.random.default_rng(seed)
    return predict_remaining(draws, spells, mission, YEARS, rng, new_mission=new_mission)


def test_constant_hazards_give_an_exponential(spells) -> None:
    a, b = np.log(0.03), np.log(0.02)
    got = foretell(posterior(spells, 500, defection_intercept=a, planned_intercept=b), spells)
    assert got.shape == (1000, 3)
    expected = np.exp(-0.05 * 4 * np.array(YEARS))
    # 1000 draws of 41 independent contributors: the standard error is below .0025; four of them
    np.testing.assert_allclose(got.mean(axis=0), expected, atol=0.01)
    spread = np.sqrt(expected * (1 - expected) / 41)
    np.testing.assert_allclose(got.std(axis=0), spread, rtol=0.1)


def test_rates_that_change_with_duration_add_up(spells) -> None:
    draws = posterior(spells, 500, defection_intercept=np.log(0.05), planned_intercept=-30)
    draws["duration_defection"][..., 0] = np.log(2.0)
    got = foretell(draws, spells).mean(axis=0)
    # the first two calendar quarters at twice the rate; the quarter of entry is partly gone
    entry = spells["entry"].values[spells["mission_of"] == list(spells["mission"]).index("mnf_iraq")]
    expected = np.exp(-0.05 * (4 * 1.0 + 2 - entry % 1)).mean()
    assert got[0] == pytest.approx(expected, abs=0.01)


def test_leaders_elections_endings_and_frailties_raise_the_hazard(spells) -> None:
    values = {"leader_change": 0.8, "election_ahead": 0.6, "ending": 1.2, "frailty_load": 0.5}
    values |= {"casualties": 0.2, "combat_drift": 0.02, "ever_reduced": 0.7}
    draws = posterior(spells, 500, defection_intercept=-4, planned_intercept=-4, **values)
    draws["mission_effect"].loc[{"mission": "isaf"}] = 0.7
    draws["country_effect"].loc[{"country": "NLD"}] = -1.0
    expected = np.zeros(3)
    here = spells.sel(mission="isaf")
    mine = np.flatnonzero(spells["mission_of"] == list(spells["mission"]).index("isaf"))
    cut = spells["reduced_from"].values
    assert (cut[mine] > 0).sum() == 5  # contingents cut in Afghanistan
    for s in mine:
        country = str(spells["country"].values[spells["country_of"].values[s]])
        entry = float(spells["entry"].values[s])
        frailty = 0.7 - (country == "NLD")
        for k, year in enumerate(YEARS):
            hazard = 0.0
            for q in range(int(entry), int(entry + 4 * year) + 1):
                on = here.sel(country=country, quarter=q)
                change, ahead = on["leader_change_by_quarter"], on["election_ahead_by_quarter"]
                moved = 0.2 * float(on["casualties_by_quarter"])
                moved += 0.02 * float(on["combat_age_by_quarter"]) + 0.7 * (q >= cut[s])
                rate = np.exp(-4 + frailty + 0.8 * int(change) + 0.6 * int(ahead) + moved)
                rate += np.exp(-4 + 0.5 * frailty + 1.2 * int(on["ending_by_quarter"]))
                hazard += rate * (min(q + 1, entry + 4 * year) - max(q, entry))
            expected[k] += np.exp(-hazard) / len(mine)
    # 1000 draws of 50 contributors: four standard errors of .0022
    np.testing.assert_allclose(foretell(draws, spells, mission="isaf").mean(axis=0), expected, atol=0.009)


def test_once_the_lead_has_left_everyone_follows(spells) -> None:
    draws = posterior(spells, 20, defection_intercept=-40, planned_intercept=-40, lead_gone=60)
    assert (foretell(draws, spells) == 1).all()
    draws["country_effect"].loc[{"country": "USA"}] = 60  # gone in its first quarter
    assert (foretell(draws, spells)[:, 0] == 0).all()


def test_contagion_spreads_with_a_lag_and_stops_at_the_cap(spells) -> None:
    calm = posterior(spells, 500, defection_intercept=np.log(0.02), planned_intercept=-40)
    caught = calm.copy(deep=True)
    caught["contagion"][:] = 1.0
    assert foretell(caught, spells).mean(axis=0)[2] < foretell(calm, spells).mean(axis=0)[2] - 0.05
    capped = foretell(caught, spells.assign_attrs(contagion_cap=0.0))
    np.testing.assert_array_equal(capped, foretell(calm, spells))
    silent = calm.copy(deep=True)
    silent["defection_intercept"][:] = -40
    silent["contagion"][:] = 1000.0  # nobody leaves first, so nobody follows
    assert (foretell(silent, spells) == 1).all()


def test_a_new_mission_draws_its_own_effect(spells) -> None:
    draws = posterior(spells, 500, defection_intercept=np.log(0.03), planned_intercept=-40)
    draws["mission_effect"].loc[{"mission": "mnf_iraq"}] = 5.0
    assert foretell(draws, spells)[:, 0].max() < 0.3
    same = foretell(draws, spells, new_mission=True)
    draws["mission_sd"][:] = 1.0
    wide = foretell(draws, spells, new_mission=True)
    assert wide[:, 1].std() > 1.5 * same[:, 1].std()
    assert same[:, 0].mean() == pytest.approx(np.exp(-0.12), abs=0.02)


def test_the_same_seed_gives_the_same_answer(spells) -> None:
    draws = posterior(spells, 50, defection_intercept=-3, planned_intercept=-4, contagion=0.3)
    np.testing.assert_array_equal(foretell(draws, spells), foretell(draws, spells))


def test_an_unknown_mission_is_named(spells) -> None:
    with pytest.raises(DataError, match="atlantis"):
        foretell(posterior(spells, 1), spells, mission="atlantis")
