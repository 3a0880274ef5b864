"""The spending panel matches the tables: one basis for each change, and gaps, fronts and elections by hand."""

import dataclasses
from datetime import date
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.data.spending import (
    european_weights,
    large_steps,
    last_growth,
    outside_bounds,
    spending_history,
    spending_panel,
)
from forecast.data.tables import Tables, known_at, load_tables
from forecast.errors import DataError
from forecast.priors.load import Priors, load_priors
from forecast.priors.pledges import pledge_path
from tests.support import fake_posteriors
from tests.support.table_faults import overlay


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load_tables()


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors(Path(__file__).parents[2] / "priors")


@pytest.fixture(scope="module")
def panel(tables: Tables, priors: Priors) -> xr.Dataset:
    return spending_panel(tables, priors)


@pytest.fixture(scope="module")
def frame(panel: xr.Dataset) -> pd.DataFrame:
    rows = panel[[name for name in panel if panel[name].dims == ("obs",)]].to_dataframe()
    rows["country"] = panel["country"].to_numpy()[rows["country_of"]]
    rows["year"] = panel["year"].to_numpy()[rows["year_of"]]
    return rows.set_index(["country", "year"])


def test_countries_and_years(panel: xr.Dataset) -> None:
    countries = set(panel["country"].values)
    assert len(countries) == 33  # 32 allies less Iceland, with Japan and South Korea
    assert {"JPN", "KOR"} < countries
    assert "ISL" not in countries
    assert panel["year"].values.tolist() == list(range(1995, 2026))


def test_change_stays_within_one_basis(frame: pd.DataFrame) -> None:
    year = frame.index.get_level_values("year")
    partner = frame.index.get_level_values("country").isin(["JPN", "KOR"])
    assert (frame.loc[(year <= 2014) | partner, "basis"] == "wdi").all()
    assert (frame.loc[(year >= 2015) & ~partner, "basis"] == "nato").all()


def test_one_row_for_each_pair_of_consecutive_years(tables: Tables, frame: pd.DataFrame) -> None:
    shares = tables.defence_spending.set_index(["country", "year", "basis"])["share_gdp"]
    allies = set(tables.allies()["country"])
    expected = 0
    for country in {*allies, "JPN", "KOR"}:
        for year in range(1995, 2026):
            basis = "wdi" if year <= 2014 or country in ("JPN", "KOR") else "nato"
            expected += (country, year, basis) in shares.index and (
                country,
                year - 1,
                basis,
            ) in shares.index
    assert len(frame) == expected == 1007


def test_germany_in_2018(frame: pd.DataFrame) -> None:
    row = frame.loc[("DEU", 2018)]  # 1.2072 % in 2017, 1.2261 % in 2018, growth 1.1357 %
    assert row["change"] == pytest.approx(log(1.2261 / 1.2072))
    assert row["level"] == pytest.approx(log(1.2072))
    assert row["gap"] == pytest.approx(log(2.0 / 1.2072))
    assert row["front_gap"] == 0
    assert row["growth"] == pytest.approx(0.011357 - 0.02)
    assert row["election"] == 0  # votes were held in 2017 and 2021
    assert frame.loc[("DEU", 2017), "election"] == frame.loc[("DEU", 2021), "election"] == 1


def test_estimate_variance(frame: pd.DataFrame, priors: Priors) -> None:
    variance = priors.value("spending.estimate_noise") ** 2
    assert frame.loc[("POL", 2023), "estimate_variance"] == 0
    assert frame.loc[("POL", 2024), "estimate_variance"] == pytest.approx(variance)
    # in 2025 only the level of 2024 counts, because the error of the last level is a parameter
    assert frame.loc[("POL", 2025), "estimate_variance"] == pytest.approx(variance)


def test_gap_is_for_allies_below_the_pledge(frame: pd.DataFrame) -> None:
    gap = frame["gap"]
    country, year = (frame.index.get_level_values(name) for name in ("country", "year"))
    assert (gap[country.isin(["JPN", "KOR"])] == 0).all()
    assert (gap[year < 2015] == 0).all()
    assert (gap[frame["level"] >= log(2.0)] == 0).all()
    assert gap["FIN", 2022] == 0 < gap["FIN", 2023]  # accession 2023-04-04, 1.69 % in 2022
    assert gap["SWE", 2023] == 0 < gap["SWE", 2024]  # accession 2024-03-07, 1.68 % in 2023
    assert gap["MNE", 2016] == 0 < gap["MNE", 2017]


def test_front_gap_starts_with_the_pledge(frame: pd.DataFrame) -> None:
    estonia = frame.loc[("EST", 2022)]
    assert estonia["front_gap"] == pytest.approx(log(5.0) - estonia["level"])
    year = frame.index.get_level_values("year")
    assert (frame.loc[year < 2015, "front_gap"] == 0).all()
    assert frame.loc[("EST", 2015), "front_gap"] > 0
    assert frame.loc[("FIN", 2016), "front_gap"] > 0  # on the front line before it joined
    assert frame.loc["PRT", "front_gap"].max() == frame.loc["JPN", "front_gap"].max() == 0


def test_start_of_the_projection(panel: xr.Dataset) -> None:
    poland, hungary, japan = (panel.sel(country=c) for c in ("POL", "HUN", "JPN"))
    assert float(poland["last_log_share"]) == pytest.approx(log(4.48))
    assert (int(poland["last_year"]), float(poland["last_noise"])) == (2025, 1.0)
    assert float(japan["last_noise"]) == 0.0
    assert (int(hungary["last_year"]), str(hungary["last_basis"].item())) == (2024, "nato")
    assert (int(japan["last_year"]), str(japan["last_basis"].item())) == (2024, "wdi")
    assert float(panel["gdp_growth"].sel(country="DEU", year=2018)) == pytest.approx(0.011357)
    assert panel.attrs["last_year"] == 2025


def test_weights_of_the_european_allies(tables: Tables) -> None:
    weights = european_weights(tables)
    assert float(weights.sum()) == pytest.approx(1.0)
    assert not {"TUR", "USA", "CAN", "ISL", "JPN"} & set(weights["country"].values)
    assert weights.sizes["country"] == 28
    gdp = tables.economy[tables.economy["year"] == weights.attrs["year"]].set_index("country")["gdp_usd"]
    ratio = float(weights.sel(country="DEU") / weights.sel(country="FRA"))
    assert ratio == pytest.approx(gdp["DEU"] / gdp["FRA"])


def test_pledge_path(priors: Priors) -> None:
    path = pledge_path(priors, [2014, 2025, 2026, 2030, 2035, 2060])
    np.testing.assert_allclose(path, [2.0, 2.0, 2.15, 2.75, 3.5, 3.5])


def test_history_and_growth(tables: Tables) -> None:
    history = spending_history(tables).set_index(["country", "year"])
    assert history.index.is_unique
    assert history.loc[("DEU", 2013), "share_gdp"] == 1.1621  # wdi
    assert history.loc[("DEU", 2018), "share_gdp"] == 1.2261  # nato, current edition
    assert last_growth(tables)["HUN"] == pytest.approx(0.005095)


def test_earlier_day_hides_later_years(tables: Tables, priors: Priors) -> None:
    early = spending_panel(known_at(tables, date(2016, 12, 31)), priors)
    assert early["year"].values[-1] == early.attrs["last_year"] == 2016
    assert int(early["last_year"].max()) == 2016
    assert early["gap"].values[early["year_of"].values == 2016 - 1995].any()
    assert not early["last_noise"].any()


def test_missing_growth_raises(tables: Tables, priors: Priors) -> None:
    economy = tables.economy.copy()
    economy.loc[(economy["country"] == "POL") & (economy["year"] == 2010), "gdp_growth"] = np.nan
    with pytest.raises(DataError, match="gdp_growth is blank for POL 2010"):
        spending_panel(dataclasses.replace(tables, economy=economy), priors)


def test_no_spending_raises(tables: Tables, priors: Priors) -> None:
    nothing = dataclasses.replace(tables, defence_spending=tables.defence_spending.iloc[:0])
    with pytest.raises(DataError, match="no change of spending"):
        spending_panel(nothing, priors)
    with pytest.raises(DataError, match="gdp_usd"):
        european_weights(nothing)


def test_a_level_outside_the_bounds_of_the_priors_is_named(tables, priors) -> None:
    assert outside_bounds(tables, priors, ["DEU", "POL", "USA"]) == {}
    rows = tables.defence_spending
    high = rows.assign(share_gdp=rows["share_gdp"].where(rows["country"] != "POL", 25.0))
    unusual = dataclasses.replace(tables, defence_spending=high)
    assert outside_bounds(unusual, priors, ["DEU", "POL", "XXX"]) == {"POL": 25.0}


@pytest.mark.case("B10")
@pytest.mark.parametrize(("share", "is_large"), [(14.0, True), (0.35, True), (6.0, False), (0.6, False)])
def test_a_last_figure_far_from_the_one_before(tmp_path: Path, share: float, is_large: bool) -> None:
    rows = f"country,year,basis,share_gdp,estimate,source\nFRA,2025,nato,{share},true,own\n"
    steps = large_steps(load_tables(overlay(tmp_path, defence_spending=rows)), ["FRA", "DEU", "ISL"])
    assert list(steps) == ["FRA"] * is_large
    assert steps.get("FRA", (share, 2.0318)) == pytest.approx((share, 2.0318), abs=0.01)


def test_no_bundled_last_figure_is_far_from_the_one_before() -> None:
    assert large_steps(fake_posteriors.tables(), fake_posteriors.tables().countries["country"]) == {}
