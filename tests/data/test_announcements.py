"""Announced budgets: which plan is in force, the path that it promises, and what nobody can know yet."""

import dataclasses
import math
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data.announcements import announced_paths, plans_in_force
from forecast.data.tables import Tables, known_at, load_tables
from tests.support import delivery
from tests.support import fake_posteriors as our

GROWTH, INFLATION = 0.02, 0.03


@cache
def at(year: int) -> Tables:
    return known_at(load_tables(), date(year, 12, 31))


def path(country: str, year: int, plans: pd.DataFrame | None = None, steps: int = 5) -> list[float]:
    """Return the announced shares of a country after a year, percent of GDP; empty without a plan."""
    tables = at(year) if plans is None else dataclasses.replace(at(year), announcements=plans)
    paths = announced_paths(tables, GROWTH, INFLATION, steps)
    known = paths.sel(country=country).to_numpy() if country in paths["country"] else np.empty(0)
    return [float(x) for x in np.exp(known)]


def share(country: str, year: int, basis: str) -> float:
    figures = load_tables().defence_spending.set_index(["country", "year", "basis"])["share_gdp"]
    return float(figures[country, year, basis])


def test_shares_are_interpolated_from_the_last_known_one() -> None:
    start = share("ROU", 2015, "nato")
    assert path("ROU", 2015)[:3] == pytest.approx([math.sqrt(start * 2.0), 2.0, 2.0])  # 2 % from 2017 to 2027
    assert path("ROU", 2015, steps=14)[11] == pytest.approx(2.0)
    assert np.isnan(path("ROU", 2015, steps=14)[12:]).all()
    # a promised year in the past: the plan goes on between promised years, whatever came of it
    assert path("POL", 2021)[0] == pytest.approx(2.1 * (2.5 / 2.1) ** 0.2)


def test_changes_start_at_the_base_year() -> None:
    cut = share("NLD", 2010, "wdi") * 0.88 * math.exp(-5 * (GROWTH + INFLATION))
    assert path("NLD", 2011)[3] == pytest.approx(cut)  # 12 % less money in 2015 than in 2010
    real = share("GBR", 2010, "wdi") * 0.92 * math.exp(-4 * GROWTH)
    assert path("GBR", 2010)[3] == pytest.approx(real)
    other_count = share("ESP", 2017, "nato") * 1.5 / 0.86
    assert path("ESP", 2018, steps=6)[5] == pytest.approx(other_count)


def test_the_latest_announcement_replaces_earlier_ones_and_expires() -> None:
    assert path("SVK", 2018)[3] == pytest.approx(math.sqrt(1.7 * 1.7 * (2.0 / 1.7) ** (2 / 3)))  # 2 % by 2024
    assert path("SVK", 2019)[2] == pytest.approx(2.0)  # by 2022
    assert path("ESP", 2013) == []  # the budget of 2013 is over
    assert set(plans_in_force(at(2008))["country"]) == {"CAN", "GBR", "HRV", "NOR", "CZE"}


def test_base_and_level_have_one_basis() -> None:
    """Canada counts 1.2 % in 2016 where NATO counts less; the announced rise is a rise of NATO's figure."""
    assert path("CAN", 2017, steps=9)[8] == pytest.approx(share("CAN", 2016, "nato") * 1.4 / 1.2)


def test_later_announcements_are_hidden() -> None:
    for year in (2003, 2010, 2021, 2022):
        rows = at(year).announcements
        assert (rows["announced"].dt.year <= year).all()
    assert path("DEU", 2021)[0] != pytest.approx(2.0)
    assert path("DEU", 2022)[0] == pytest.approx(2.0)


@settings(max_examples=25, deadline=None)
@given(
    value=st.floats(0.3, 6.0),
    target=st.integers(2024, 2040),
    kind=st.sampled_from(["share", "real", "nominal"]),
)
def test_a_path_is_straight_and_finite_up_to_its_last_year(value: float, target: int, kind: str) -> None:
    plan = at(2022).announcements.query("country == 'FRA'").tail(1)
    number, base_year = (value, pd.NA) if kind == "share" else (100 * (value / 2 - 1), 2022)
    plan = plan.assign(
        target_year=target, kind=kind, value=number, base=np.nan, base_year=pd.array([base_year], "Int64")
    )
    levels = np.log(path("FRA", 2022, plan, steps=20))
    ahead = target - 2022
    assert np.isfinite(levels[:ahead]).all() and np.isnan(levels[ahead:]).all()
    steps = np.diff(np.concatenate([[math.log(share("FRA", 2022, "nato"))], levels[:ahead]]))
    assert np.allclose(steps, steps[0])


def test_every_country_has_spending_and_every_row_an_end() -> None:
    rows = load_tables().announcements
    assert set(rows["country"]) <= set(load_tables().defence_spending["country"])
    assert (rows["target_year"] >= rows["announced"].dt.year).all()
    assert rows["announced"].dt.year.between(2002, 2025).all()
    plans = rows.drop_duplicates(["country", "announced"])
    assert len(plans) >= 60 and plans["country"].nunique() >= 25


def test_the_page_states_how_much_was_delivered() -> None:
    page = (our.ROOT / "docs" / "spending.md").read_text("utf-8")
    for line in delivery.table(delivery.deliveries(load_tables(), our.priors())):
        assert line in page, line
    rows = load_tables().announcements
    plans, opened = rows.drop_duplicates(["country", "announced"]), (rows["verified"] == "opened").sum()
    assert f"{len(rows)} announced years of {len(plans)} announcements" in page
    assert f"({opened} years)" in page and f"({len(rows) - opened})" in page
