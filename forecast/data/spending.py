"""Yearly changes of defence spending by country: the data of the spending model and its forecasts.

The level is the logarithm of spending in percent of GDP. The figures have two definitions, and a change is always taken
within one of them. For an ally, changes up to 2014 come from `wdi` (World Bank, from SIPRI), and levels from 2014 and
changes from 2015 come from `nato`. Countries without NATO figures (Japan, South Korea) use `wdi` throughout.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import FIRST_YEAR, GROWTH_CENTER, NATO_FROM, PLEDGE_FROM, WAR_BUDGETS
from forecast.data.tables import Tables
from forecast.errors import DataError
from forecast.priors.load import Priors
from forecast.priors.pledges import pledge_path
from forecast.quarters import last_whole_year

_ON_CELLS: Final = (
    "change",
    "level",
    "gap",
    "gap_others",
    "front_gap",
    "growth",
    "growth_before",
    "election",
    "estimate_variance",
)
_LARGE_STEP: Final = 5.0  # the largest bundled change within a year is a factor of 3.3


def spending_panel(tables: Tables, priors: Priors) -> xr.Dataset:
    """Return one row for each country and year with a known change of the log share of GDP.

    Parameters
    ----------
    tables : source of spending, GDP, elections and membership.
    priors : source of the pledge and of the noise of estimates.

    Returns
    -------
    Dims `obs`, `country` (ISO 3166-1 alpha-3) and `year` (all from 1995 to the last whole year).
        On `obs`: `country_of` and `year_of` (positions); `change`, and `level` of the year before (log points); `gap`
        below the pledge (log points; allies only), `gap_others` (the same, other countries only) and `front_gap` below
        the mark of the front line (log points, front-line states only), all 0 before the pledge of 2014; `growth` (real
        GDP growth minus 0.02, a fraction) and `growth_before` (in the year before, 0 if unknown); `election` (0 or
        1); `estimate_variance` (log points squared, from levels that are estimates, except the last level of a
        country); `basis`.
        On `country`: `front` (0 or 1), `outside` (1 if not in NATO in the last year, else 0), `last_log_share` (log
        percent), `last_year`, `last_noise` (scale of the error of the last level over the country's own scale; 0
        if it is final), `last_basis`.
        On (`country`, `year`): `gdp_growth`, a fraction, NaN if unknown.
        Attribute `last_year`: the last whole year.

    Raises
    ------
    DataError
        If there is no change to fit, or a change has no GDP growth for its year. Changes later than the last known
        growth of their country are left out instead (`changes_before_growth`).
    """
    levels = _levels(tables)
    rows = _changes(levels)
    if rows.empty:
        raise DataError(
            f"defence_spending.csv: no change of spending from {FIRST_YEAR} to {tables.as_of}, "
            "expected at least one; add figures of neighbouring years"
        )
    rows = rows[~_before_growth(rows, tables)].reset_index(drop=True)
    growth = _growth(tables)
    rows["growth"] = _looked_up(growth, rows) - GROWTH_CENTER
    before = _looked_up(growth, rows.assign(year=rows["year"] - 1)) - GROWTH_CENTER
    rows["growth_before"] = np.nan_to_num(before)  # an unknown growth counts as usual
    missing = rows[rows["growth"].isna()]
    if not missing.empty:
        where = ", ".join(f"{r.country} {r.year}" for r in missing.head(5).itertuples())
        raise DataError(
            f"economy.csv: gdp_growth is blank for {where}, expected a number wherever spending is known; "
            "enter the number or remove the rows of spending"
        )
    countries = sorted(set(rows["country"]))
    front = _front(tables, countries)
    rows["gap"], rows["gap_others"] = _gaps(rows, tables, priors)
    rows["front_gap"] = _front_gap(rows, front, priors)
    votes = set(_vote_years(tables).itertuples(index=False, name=None))
    rows["election"] = [float(k in votes) for k in zip(rows["country"], rows["year"], strict=True)]
    last = _with_noise(levels[levels["country"].isin(countries)].groupby("country").last(), priors)
    rows["estimate_variance"] = _estimate_variance(rows, last, priors)
    years = np.arange(FIRST_YEAR, last_whole_year(tables.as_of) + 1)
    panel = _observations(rows).assign_coords(country=np.array(countries, dtype=object), year=years)
    return panel.assign(
        front=("country", front.to_numpy(dtype=float)),
        outside=("country", _outside(tables, countries, int(years[-1]))),
        last_log_share=("country", last["log_share"].to_numpy()),
        last_year=("country", last["year"].to_numpy()),
        last_noise=("country", last["noise"].to_numpy(dtype=float)),
        last_basis=("country", last["basis"].to_numpy(dtype=object)),
        gdp_growth=(("country", "year"), _growth_by_year(growth, countries, years)),
    ).assign_attrs(last_year=last_whole_year(tables.as_of))


def european_weights(tables: Tables) -> xr.DataArray:
    """Return the share of each European ally in their joint GDP, in the latest year known for all of them.

    European allies are the allies in Europe, without Turkey and without allies that have no figures of spending
    (Iceland).

    Returns
    -------
    Dim `country`, sum 1. Attribute `year`: the year of the GDP figures.

    Raises
    ------
    DataError
        If no year has the GDP of all European allies.
    """
    allies = tables.allies()
    members = set(allies.loc[allies["european"], "country"]) & set(_levels(tables)["country"])
    gdp = tables.economy.pivot(index="year", columns="country", values="gdp_usd")
    complete = gdp.reindex(columns=sorted(members)).dropna()
    if complete.empty:
        raise DataError(
            "economy.csv: no year has gdp_usd of all European allies, expected at least one; complete the latest year"
        )
    weights = complete.iloc[-1] / complete.iloc[-1].sum()
    return xr.DataArray(
        weights.to_numpy(),
        dims="country",
        coords={"country": weights.index.to_numpy(dtype=object)},
        attrs={"year": int(complete.index[-1])},
    )


def last_european_share(tables: Tables) -> float:
    """Return the GDP-weighted spending of the European allies in percent of GDP, each in its last observed year."""
    last = spending_history(tables).groupby("country")["share_gdp"].last()
    weights = european_weights(tables).to_series()
    return float((weights * last.reindex(weights.index)).sum())


def outside_bounds(tables: Tables, priors: Priors, countries: Iterable[str]) -> dict[str, float]:
    """Return the last share of GDP, in percent, of the countries whose share lies outside the bounds of the priors.

    The bounds `spending.floor` and `spending.cap` were set for allies at peace. A country outside them is forecast
    around its own level, far from most data behind the fit.
    """
    last = spending_history(tables).groupby("country")["share_gdp"].last().reindex(list(countries)).dropna()
    low, high = priors.value("spending.floor"), priors.value("spending.cap")
    return {str(country): float(share) for country, share in last[(last < low) | (last > high)].items()}


def large_steps(tables: Tables, countries: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return the last share of GDP and the one before, in percent, where they differ by a factor of 5 or more.

    War can raise spending so fast, and so can a slip of the decimal point in the last figure, which nothing follows.
    """
    history = spending_history(tables)
    last_two = history[history["country"].isin(list(countries))].groupby("country").tail(2)
    steps = {}
    for country, rows in last_two.groupby("country"):
        before, last = rows["share_gdp"].iloc[[0, -1]]
        if not 1 / _LARGE_STEP < last / before < _LARGE_STEP:
            steps[str(country)] = (float(last), float(before))
    return steps


def changes_before_growth(tables: Tables) -> list[str]:
    """Return, as in `FRA 2026`, each change of spending that no fit uses, because the growth of its year is not known.

    Figures of spending are often published before those of GDP. The level is used as the start of the projection.
    """
    rows = _changes(_levels(tables))
    rows = rows if rows.empty else rows[_before_growth(rows, tables)]
    return [f"{row.country} {row.year}" for row in rows.itertuples()]


def last_growth(tables: Tables) -> pd.Series:
    """Return the real GDP growth of each country in its last known year, a fraction."""
    return _growth(tables).groupby("country").last()


def spending_history(tables: Tables) -> pd.DataFrame:
    """Return the figures in use: `country`, `year`, `basis` and `share_gdp` (percent of GDP), sorted."""
    levels = _levels(tables).drop_duplicates(["country", "year"], keep="last")
    return levels[["country", "year", "basis", "share_gdp"]].reset_index(drop=True)


def _levels(tables: Tables) -> pd.DataFrame:
    """Return the figures in use with `log_share` and `estimate`; 2014 appears twice for an ally, with `nato` last.

    A figure of 0 (no armed forces) has no logarithm and is not in use.
    """
    known = tables.defence_spending
    known = known[known["share_gdp"] > 0]
    has_nato = known["country"].isin(known.loc[known["basis"] == "nato", "country"])
    late, early = known["year"] >= NATO_FROM, known["year"] <= NATO_FROM
    wanted = np.where(known["basis"] == "nato", late, (known["basis"] == "wdi") & (early | ~has_nato))
    levels = known[wanted].sort_values(["country", "year", "basis"], ascending=[True, True, False])
    return levels.assign(
        log_share=np.log(levels["share_gdp"]),
        estimate=levels["estimate"].fillna(False).astype(bool),
    )


def _changes(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the changes between consecutive years of one basis."""
    series = levels.groupby(["country", "basis"])
    rows = levels.assign(
        level=series["log_share"].shift(),
        estimate_before=series["estimate"].shift(fill_value=False).astype(bool),
        consecutive=series["year"].diff() == 1,
    )
    rows = rows[rows["consecutive"] & (rows["year"] >= FIRST_YEAR)].copy()
    rows["change"] = rows["log_share"] - rows["level"]
    return rows.reset_index(drop=True)


def _before_growth(rows: pd.DataFrame, tables: Tables) -> "pd.Series[bool]":
    """Return, row by row, whether the year is later than the last known growth of the country."""
    last = _growth(tables).reset_index().groupby("country")["year"].max()
    return rows["year"] > rows["country"].map(last)


def _gaps(rows: pd.DataFrame, tables: Tables, priors: Priors) -> tuple[Floats, Floats]:
    """Return the log points by which the level of the year before is below the pledge, of allies and of others.

    Both are 0 above the pledge, before 2015, and for countries of the other group in that year.
    """
    ally = tables.was_ally(rows["country"], rows["year"]).to_numpy()
    shortfall = np.log(pledge_path(priors, rows["year"].to_numpy())) - rows["level"].to_numpy()
    gap = (rows["year"].to_numpy() >= PLEDGE_FROM) * np.maximum(0.0, shortfall)
    return np.asarray(ally * gap, dtype=float), np.asarray(~ally * gap, dtype=float)


def _front_gap(rows: pd.DataFrame, front: pd.Series, priors: Priors) -> Floats:
    """Return the log points below the mark of the front line, for front-line states from 2015, else 0."""
    on_front = rows["country"].map(front) & (rows["year"] >= PLEDGE_FROM)
    shortfall = np.log(priors.value("spending.front_mark")) - rows["level"]
    return np.asarray(on_front * np.maximum(0.0, shortfall), dtype=float)


def _with_noise(last: pd.DataFrame, priors: Priors) -> pd.DataFrame:
    """Return the last levels with `noise`, the scale of their error over the country's: 0 unless it is an estimate."""
    noise = priors.value("spending.nowcast_noise")
    return last.assign(noise=np.where(last["estimate"], noise, 0.0))


def _estimate_variance(rows: pd.DataFrame, last: pd.DataFrame, priors: Priors) -> Floats:
    """Return the variance of each change due to estimates; the error of a last level is a parameter instead."""
    is_last = rows["year"] == rows["country"].map(last["year"])
    estimates = (rows["estimate"] & ~is_last).astype(float) + rows["estimate_before"].astype(float)
    return np.asarray(priors.value("spending.estimate_noise") ** 2 * estimates, dtype=float)


def _outside(tables: Tables, countries: list[str], year: int) -> Floats:
    """Return 1 for each country that is not in NATO in `year`, else 0."""
    member = tables.was_ally(pd.Series(countries), pd.Series(year, range(len(countries))))
    return np.asarray(~member.to_numpy(), dtype=float)


def _front(tables: Tables, countries: list[str]) -> pd.Series:
    """Return whether each country is on the front line; False for countries in no alliance."""
    front = tables.members.groupby("country")["frontline"].any()
    return front.reindex(countries, fill_value=False)


def _vote_years(tables: Tables) -> pd.DataFrame:
    """Return `country` and `year` of the elections held that select the leader."""
    votes = tables.elections
    held = votes[votes["selects_leader"] & (votes["date"] <= pd.Timestamp(tables.as_of))]
    return pd.DataFrame({"country": held["country"], "year": held["date"].dt.year}).drop_duplicates()


def _growth(tables: Tables) -> pd.Series:
    """Return the known real GDP growth by country and year, a fraction."""
    economy = tables.economy.dropna(subset="gdp_growth")
    return economy.set_index(["country", "year"])["gdp_growth"].sort_index() / 100.0


def _looked_up(growth: pd.Series, rows: pd.DataFrame) -> Floats:
    return growth.reindex(pd.MultiIndex.from_frame(rows[["country", "year"]])).to_numpy()


def _observations(rows: pd.DataFrame) -> xr.Dataset:
    """Return the rows as a data set with dim `obs`."""
    year = rows["year"].to_numpy()
    columns = {
        "country_of": pd.Categorical(rows["country"]).codes.astype(np.int64),  # in sorted order
        "year_of": year - FIRST_YEAR,
    }
    for name in _ON_CELLS:
        columns[name] = rows[name].to_numpy(dtype=float)
    columns["basis"] = rows["basis"].to_numpy(dtype=object)
    return xr.Dataset({name: ("obs", np.asarray(values)) for name, values in columns.items()})


def _growth_by_year(growth: pd.Series, countries: list[str], years: NDArray[np.int64]) -> Floats:
    """Return GDP growth, (country, year), NaN if unknown."""
    return growth.unstack("country").reindex(index=years, columns=countries).to_numpy().T


def vectors_on_grid(panel: xr.Dataset, grid: xr.Dataset) -> dict[str, Floats]:
    """Return the data vectors of the spending model on the countries and years of `grid`.

    A back-test passes the full panel as `grid`, so the model that was compiled for it can be refitted to earlier data.

    Parameters
    ----------
    panel : data set of `spending_panel`, as known on some day.
    grid : data set of `spending_panel` that covers `panel`; may be `panel` itself.

    Returns
    -------
    (country, year): the variables of `panel` on `obs`; `seen`, 1 where they are known; and `is_last`, 1 in the last
        year of the country. All are 0 where `seen` is 0.
    (country,): `last_noise`; `outside`, 0 or 1.
    (year,): `war`, 1 in the year of the first budgets made in the war, if `panel` reaches its first year (2022).
    """
    countries, years = grid["country"].to_numpy(), grid["year"].to_numpy()
    panel_countries = panel["country"].to_numpy()
    row = np.searchsorted(countries, panel_countries)[panel["country_of"].to_numpy()]
    column = panel["year"].to_numpy()[panel["year_of"].to_numpy()] - years[0]
    shape: tuple[int, ...] = (countries.size, years.size)
    vectors: dict[str, Floats] = {name: np.zeros(shape) for name in (*_ON_CELLS, "seen", "is_last")}
    for name in _ON_CELLS:
        vectors[name][row, column] = panel[name].to_numpy()
    vectors["seen"][row, column] = 1.0
    last = panel["last_year"].to_numpy() - years[0]
    vectors["is_last"][np.searchsorted(countries, panel_countries), last] = 1.0
    begun = panel.attrs["last_year"] >= WAR_BUDGETS - 1
    vectors["war"] = np.where(begun & (years == WAR_BUDGETS), 1.0, 0.0)
    for name in ("last_noise", "outside"):
        vectors[name] = np.zeros(countries.size)
        vectors[name][np.searchsorted(countries, panel_countries)] = panel[name].to_numpy()
    return vectors


def pledge_years(years: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the years from the first year of the pledge to the last of `years`; at least the first one."""
    return np.arange(PLEDGE_FROM, max(PLEDGE_FROM, int(years[-1])) + 1)
