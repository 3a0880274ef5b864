"""Covariates of known contingents: leaders, elections, casualties, combat age and cuts, from their first quarter."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.data.deployments import event_counts, mission_spells
from forecast.data.tables import load_tables
from forecast.priors.load import load_priors


@pytest.fixture(scope="module")
def spells() -> xr.Dataset:
    return mission_spells(load_tables(), load_priors(Path(__file__).parents[2] / "priors"))


def of_contingent(spells: xr.Dataset, mission: str, country: str, name: str) -> dict[int, float]:
    """Return a covariate of the first spell of a country in a mission, by quarter."""
    m = list(spells["mission"].values).index(mission)
    c = list(spells["country"].values).index(country)
    s = np.flatnonzero((spells["mission_of"].values == m) & (spells["country_of"].values == c))[0]
    rows = spells.isel(row=spells["spell_of"].values == s)
    return dict(zip(rows["row_quarter"].values.tolist(), rows[name].values.tolist(), strict=True))


def test_rotating_chair_is_no_change_of_leader(spells) -> None:
    assert not any(of_contingent(spells, "eufor_althea", "CHE", "leader_change").values())
    switzerland = spells["country"].values[spells["country_of"].values] == "CHE"
    assert spells["no_leaders"].values[switzerland].all()


def test_only_the_final_round_is_ahead(spells) -> None:
    # both rounds of the Lithuanian election of May 2009 are in one quarter; the next election is in 2014
    ahead = of_contingent(spells, "isaf", "LTU", "election_ahead")
    assert [ahead[4 * 2008 + k] for k in range(7)] == [0, 1, 1, 1, 1, 1, 0]


def test_cuts_count_from_the_next_quarter(spells) -> None:
    reduced = of_contingent(spells, "mnf_iraq", "KOR", "ever_reduced")  # the cut is observed in February 2007
    assert [reduced[q] for q in (8028, 8029, 8034)] == [0, 1, 1]
    assert not any(of_contingent(spells, "mnf_iraq", "ESP", "ever_reduced").values())


def test_combat_age_counts_from_the_start_of_the_mission(spells) -> None:
    age = of_contingent(spells, "mnf_iraq", "KOR", "combat_age")
    assert (age[8013], age[8034]) == (1, 22)  # since the first quarter of 2003
    assert not any(of_contingent(spells, "kfor", "ESP", "combat_age").values())
    assert spells["combat_age"].max() == 40  # the maximum


def test_casualties_count_from_the_next_year(spells) -> None:
    values = of_contingent(spells, "mnf_iraq", "POL", "casualties")
    assert values[4 * 2003 + 3] == 0 and values[4 * 2005] > 0
    assert not any(of_contingent(spells, "kfor", "ESP", "casualties").values())


def test_events_of_reduction_are_cuts(spells) -> None:
    counts = event_counts(spells)
    assert counts.loc["reduction", "defection"] == spells["cuts"].sum() == 68
    both = counts.loc[["combat_drift", "noncombat"]].sum()
    assert both["defection"] == counts.loc["defection_intercept", "defection"]
