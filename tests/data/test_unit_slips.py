"""A figure in a wrong unit is named with its neighbours; true figures pass, however extreme."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.spending import spending_history, spending_panel
from forecast.data.table_schema import TABLES, Column
from forecast.data.tables import load_tables
from forecast.data.unit_slips import report_unit_slips
from forecast.evaluation.backtests.spending import outcomes
from tests.support import fake_posteriors as our
from tests.support.table_faults import faults_of, overlay

STEADY = [(name, column) for name, spec in TABLES.items() for column in spec.columns if column.steady]
HEADS = {name: ",".join(spec.names) for name, spec in TABLES.items()}


def slips(name: str, rows: pd.DataFrame) -> list[str]:
    faults: list[str] = []
    report_unit_slips(
        TABLES[name], getattr(our.tables(), name).assign(_at="bundled"), rows.assign(_at="own.csv line 2"), faults
    )
    return faults


@cache
def calm_figures(name: str, column: str) -> pd.DataFrame:
    """Return the last figures of the bundled series in which these change by less than a factor of 3."""
    bundled = getattr(our.tables(), name)
    figures = bundled[bundled[column].fillna(0) > 0].groupby(TABLES[name].series).tail(8)
    series = figures.groupby(TABLES[name].series)[column]
    calm = (series.transform("size") > 5) & (series.transform("max") < 3 * series.transform("min"))
    return figures[calm]


@pytest.mark.case("B10")
@pytest.mark.parametrize(("name", "column"), STEADY, ids=lambda at: at if isinstance(at, str) else at.name)
@given(data=st.data(), factor=st.sampled_from([1e-6, 1e-3, 1e3, 1e6, 0.01, 100.0]))
@settings(max_examples=4, deadline=None)
def test_a_bundled_figure_in_another_unit_is_found(
    name: str, column: Column, data: st.DataObject, factor: float
) -> None:
    figures = calm_figures(name, column.name)
    row = figures.iloc[[data.draw(st.integers(0, len(figures) - 1))]]
    factor = factor if column.steady != 300 or factor in (1e-6, 1e-3, 1e3, 1e6) else 1e3  # head counts may fall to 1 %
    (fault,) = slips(name, row.assign(**{column.name: row[column.name].astype(float) * factor}))
    assert fault.startswith("own.csv line 2 (") and f": {column.name} is " in fault
    assert f"expected {column.unit} as in its neighbours (" in fault and "leave the row out" in fault


@pytest.mark.parametrize("name", sorted({name for name, _ in STEADY}))
def test_bundled_figures_are_in_one_unit(name: str) -> None:
    assert slips(name, getattr(our.tables(), name)) == []
    if name != "troop_levels":  # sources disagree about some contingents
        faults: list[str] = []
        rows = getattr(our.tables(), name).assign(_at="own.csv line 2")
        report_unit_slips(TABLES[name], rows.iloc[:0], rows, faults)
        assert faults == []


@pytest.mark.case("B10")
@pytest.mark.parametrize(
    ("name", "column"),
    [(name, column) for name, column in STEADY if column.lone],
    ids=lambda at: getattr(at, "name", at),
)
@given(data=st.data(), factor=st.sampled_from([0.1, 10.0]))
@settings(max_examples=4, deadline=None)
def test_a_bundled_figure_with_a_moved_point_is_found(
    name: str, column: Column, data: st.DataObject, factor: float
) -> None:
    """Also in the first and the last year of a series, because the bundled figure of that year is known."""
    figures = calm_figures(name, column.name)
    possible = figures[figures[column.name] * factor < (column.high or np.inf)]
    factor, figures = (0.1, figures) if possible.empty else (factor, possible)
    row = figures.iloc[[data.draw(st.integers(0, len(figures) - 1))]]
    (fault,) = slips(name, row.assign(**{column.name: row[column.name].astype(float) * factor}))
    assert f": {column.name} is " in fault and f"expected {column.unit} as in its neighbours (" in fault


@pytest.mark.case("B10")
def test_one_figure_of_a_new_series_that_stands_out_is_found(tmp_path: Path) -> None:
    rows = [f"KWT,{year},wdi,{50 if year == 2003 else 5},,m" for year in range(2000, 2008)]
    message = faults_of(overlay(tmp_path, defence_spending="\n".join([HEADS["defence_spending"], *rows, ""])))
    assert "line 5 (KWT, 2003, wdi): share_gdp is '50'" in message and "\n" not in message


GROWTH = {year: row for year, row in our.tables().economy.set_index(["country", "year"])["gdp_growth"]["JPN"].items()}


@pytest.mark.case("B10")
@pytest.mark.parametrize("slip", [0.01, 0.1, 10.0, 100.0, "index"])
@pytest.mark.parametrize("year", [year for year in (1961, 1990, 2024) if abs(GROWTH.get(year, 0.0)) >= 0.5])
def test_growth_that_is_a_bundled_figure_in_another_unit(tmp_path: Path, slip: float | str, year: int) -> None:
    growth = 100 + GROWTH[year] if slip == "index" else GROWTH[year] * float(slip)
    if not -80 <= growth <= 150:
        return
    message = faults_of(overlay(tmp_path, economy=f"{HEADS['economy']}\nJPN,{year},{growth:.3f},,94000000,m\n"))
    assert f"(JPN, {year}): gdp_growth is " in message and "as in the bundled row; correct its unit" in message


@pytest.mark.case("B10")
@pytest.mark.parametrize(
    ("growth", "words"),
    [
        (lambda year: 0.02 + 0.001 * (year % 7), "4 years within 0.3 of 0 are probably fractions"),
        (lambda year: 102 + 0.1 * (year % 7), "but gdp_usd became 1.03 times that of the year before"),
        (lambda year: 100 * (2 + 0.1 * (year % 5)) if year % 9 == 0 else 2.0, "gdp_growth is"),
    ],
)
def test_growth_of_a_new_country_in_another_unit(tmp_path: Path, growth: Any, words: str) -> None:
    rows = [f"GMB,{y},{growth(y)},{1e9 * 1.03 ** (y - 2000):.0f},2000000,m" for y in range(2000, 2020)]
    assert words in faults_of(overlay(tmp_path, economy="\n".join([HEADS["economy"], *rows, ""])))


@pytest.mark.case("B83")
def test_true_booms_and_slumps_are_read(tmp_path: Path) -> None:
    rows = "KWT,1991,-41,11000000000,1900000,m\nKWT,1992,82.8,19900000000,1600000,m\nGMB,2012,0,1e9,2000000,m\n"
    assert load_tables(overlay(tmp_path, economy=f"{HEADS['economy']}\n{rows}")).overlaid == ("economy",)


@pytest.mark.case("B10")
def test_fractions_and_thousands_are_named_with_their_neighbours(tmp_path: Path) -> None:
    folder = overlay(
        tmp_path,
        defence_spending=f"{HEADS['defence_spending']}\nFRA,2024,nato,0.0203,false,m\nDEU,2025,nato,0.024,true,m\n",
        economy=f"{HEADS['economy']}\nDEU,2024,-0.2,4660000,83500,m\n",
        troop_levels=f"{HEADS['troop_levels']}\nkfor,ITA,2025-12-01,1,m\n",
    )
    faults = faults_of(folder).splitlines()[1:]
    assert len(faults) == 5
    assert (
        "line 2 (FRA, 2024, nato): share_gdp is '0.0203', expected percent of GDP as in its neighbours (" in faults[0]
    )
    assert " in 2024" in faults[0] and faults[0].endswith("or leave the row out if the figure is right")
    assert "(DEU, 2025, nato)" in faults[1]
    assert "gdp_usd is '4660000', expected US dollars" in faults[2] and "population is '83500'" in faults[3]
    assert "troops is '1', expected persons" in faults[4]


def test_a_figure_is_compared_with_its_own_time(tmp_path: Path) -> None:
    rows = "GMB,1966,1,45000000,400000,m\nGMB,2024,1,2400000000,2700000,m\n"  # a true growth by a factor of 53
    assert load_tables(overlay(tmp_path, economy=f"{HEADS['economy']}\n{rows}")).overlaid == ("economy",)


def test_a_new_series_is_compared_with_itself(tmp_path: Path) -> None:
    rows = [
        f"KWT,{year},wdi,{share},,m" for year, share in zip(range(2000, 2008), [7, 7, 0.07, 6, 5, 4, 4, 4], strict=True)
    ]
    head = HEADS["defence_spending"]
    message = faults_of(overlay(tmp_path, defence_spending="\n".join([head, *rows, ""])))
    assert "line 4 (KWT, 2002, wdi): share_gdp is '0.07'" in message and "\n" not in message


@pytest.mark.case("B83")
@pytest.mark.parametrize(
    "rows",
    [
        "KWT,1989,wdi,8.5,,m\nKWT,1990,wdi,48.5,,m\nKWT,1991,wdi,117.3,,m\nKWT,1992,wdi,31.8,,m\nKWT,1993,wdi,12.4,,m\n",
        "CRI,2019,wdi,0,,m\nCRI,2020,wdi,0,,m\n",
        "UKR,2022,wdi,25.6,,m\nUKR,2023,wdi,36.65,,m\nUKR,2024,wdi,34.5,,m\n",
        "ERI,1999,wdi,34.4,,m\nERI,2000,wdi,32.7,,m\n",
    ],
)
def test_true_extremes_are_read(tmp_path: Path, rows: str) -> None:
    countries = f"{HEADS['countries']}\nCRI,Costa Rica,central_america,m\nERI,Eritrea,east_africa,m\n"
    folder = overlay(tmp_path, countries=countries, defence_spending=f"{HEADS['defence_spending']}\n{rows}")
    assert load_tables(folder).overlaid == ("countries", "defence_spending")


@pytest.mark.case("B83")
def test_a_figure_of_zero_is_in_no_model(tmp_path: Path) -> None:
    rows = "CRI,2018,wdi,0,,m\nCRI,2019,wdi,0,,m\nJPN,2024,wdi,0,,m\n"
    countries = f"{HEADS['countries']}\nCRI,Costa Rica,central_america,m\n"
    tables = load_tables(
        overlay(tmp_path, countries=countries, defence_spending=f"{HEADS['defence_spending']}\n{rows}")
    )
    panel = spending_panel(tables, our.priors())
    assert "CRI" not in panel["country"].values and np.isfinite(panel["change"].values).all()
    assert not np.isinf(outcomes(tables, 2010)).any(axis=None)
    japan = spending_history(tables).set_index("country").loc["JPN"]
    assert japan["year"].max() == 2023
