"""Casualties match values computed by hand and the tables, and use no later data."""

import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from forecast.data.tables import Tables, known_at, load_tables
from forecast.data.withdrawal_covariates import casualties, death_rate, prospect_value, standardised
from forecast.priors.load import load_priors

PRIORS = load_priors(Path(__file__).parents[2] / "priors")
QUARTERS = np.arange(4 * 2001, 4 * 2012)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load_tables()


def value_in(values: np.ndarray, year: int, quarter: int) -> float:
    """Return the value of one quarter from a series over `QUARTERS`."""
    return float(values[4 * year + quarter - 1 - QUARTERS[0]])


def test_prospect_value() -> None:
    np.testing.assert_array_equal(prospect_value([-1.0, 0.0, 1.0], 2.0), [-1.0, 0.0, 2.0])


def test_reference_adapts_to_constant_losses() -> None:
    z = standardised(np.array([1.0, 3.0, 3.0, 3.0]), memory=0.25, spread=2.0)
    # the references are 1, 1, 1.5 and 1.875: each moves by a quarter of the distance to the last value
    np.testing.assert_allclose(z, [0.0, 1.0, 0.75, 0.5625])
    assert standardised(np.array([]), 0.25, 1.0).size == 0


def test_death_rate_of_iraq_matches_calculation_by_hand(tables) -> None:
    rate = death_rate(tables, "mnf_iraq", QUARTERS)
    # 2004: 849 and 22 dead (USA, GBR); head counts before April 2005: 150,000 and 8,800
    assert value_in(rate, 2005, 2) == pytest.approx(1000 * 871 / 158_800)
    # 2003: 486 and 53 dead in the 287 days from 20 March; head counts: 136,000, and the first British one of 8,300
    assert value_in(rate, 2004, 1) == pytest.approx(1000 * 539 / (287 / 365.25) / 144_300)
    assert np.isnan(value_in(rate, 2003, 4))  # the first year has not ended


def test_missions_without_yearly_figures_are_unknown(tables) -> None:
    names = np.array(["mnf_iraq", "unosom_ii", "kfor", "isaf"])
    v, known, spread = casualties(tables, names, QUARTERS, PRIORS)
    assert known.any(axis=1).tolist() == [True, False, False, True]
    assert (v[~known] == 0).all() and spread > 0
    assert not known[3, : 4 * 2].any()  # the mission ran for eleven days in 2001, which are left out


def test_death_rate_uses_no_later_data(tables) -> None:
    all_data = death_rate(tables, "mnf_iraq", QUARTERS)
    for year, quarter in ((2005, 1), (2006, 3)):
        day = date(year, 3 * quarter - 2, 1)
        earlier = death_rate(known_at(tables, day), "mnf_iraq", QUARTERS)
        before = QUARTERS <= 4 * year + quarter - 1
        np.testing.assert_array_equal(earlier[before], all_data[before])


def test_loss_aversion_is_fixed_at_its_median(tables) -> None:
    deaths = tables.mission_fatalities
    annual = deaths[(deaths["mission"] == "mnf_iraq") & (deaths["measure"] == "annual")]
    doubled = annual.assign(deaths=annual["deaths"] * (1 + (annual["date"].dt.year > 2003)))
    changed = dataclasses.replace(tables, mission_fatalities=doubled)
    v, known, spread = casualties(changed, np.array(["mnf_iraq"]), QUARTERS, PRIORS)
    x = np.log1p(death_rate(changed, "mnf_iraq", QUARTERS))[known[0]]
    z = standardised(x, PRIORS.value("withdrawal.casualty_memory"), spread)
    aversion = np.exp(PRIORS["withdrawal.loss_aversion"].params[0])
    np.testing.assert_allclose(v[0, known[0]], np.where(z > 0, aversion * z, z))
    assert aversion == pytest.approx(2.0, abs=1e-3)  # the priors state log 2 with four digits
