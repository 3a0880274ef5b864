"""Announced defence budgets: the path of spending that the latest announcement of each country promises.

An announcement states a share of GDP, or a change in real terms or in money, for one or more years. The latest
announcement of a country replaces its earlier ones, and is in force until its last year.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.array_types import Floats
from forecast.data.spending import spending_history
from forecast.data.tables import Tables
from forecast.quarters import last_whole_year

#: Kinds of announcement besides `real`, the change since the base year at constant prices.
SHARE, NOMINAL = "share", "nominal"
_PERCENT: Final = 100.0


def plans_in_force(tables: Tables) -> pd.DataFrame:
    """Return the rows of the latest announcement of each country, if its last year is still ahead."""
    rows = tables.announcements
    latest = rows[rows["announced"] == rows.groupby("country")["announced"].transform("max")]
    last = latest.groupby("country")["target_year"].transform("max")
    return latest[last > last_whole_year(tables.as_of)]


def announced_paths(tables: Tables, growth: float, inflation: float, steps: int) -> xr.DataArray:
    """Return the announced log share of GDP in the years after the last whole year; NaN after the plan's last year.

    Years between two announced ones are interpolated. A plan without a year in the past starts at the last known
    share. A share that its source counts otherwise than the tables (`base`), and a change, start at the country's
    known share in the base year.

    Parameters
    ----------
    tables : what is known at the as-of date.
    growth, inflation : growth of GDP a year in real terms and rise of prices a year, both fractions, which turn a
        change into a share of GDP.
    steps : number of years.

    Returns
    -------
    Dims `country` (those with a plan in force and a known share) and `year`; log percent of GDP.
    """
    origin = last_whole_year(tables.as_of)
    years = np.arange(origin + 1, origin + 1 + steps)
    known = _known_levels(tables)
    paths: dict[str, Floats] = {}
    for country, plan in plans_in_force(tables).groupby("country"):
        if country not in known:
            continue
        levels = known[str(country)]
        rows = plan.to_dict("records")
        targets = {int(row["target_year"]): _target(row, levels, growth, inflation) for row in rows}
        if min(targets) > origin:
            targets[origin] = float(levels.iloc[-1])
        when = sorted(targets)
        path = np.interp(years, when, [targets[year] for year in when])
        paths[str(country)] = np.where(years <= when[-1], path, np.nan)
    values = np.array(list(paths.values())).reshape(len(paths), steps)
    return xr.DataArray(
        values, dims=("country", "year"), coords={"country": np.array(list(paths), dtype=object), "year": years}
    )


def _known_levels(tables: Tables) -> dict[str, pd.Series]:
    """Return the log shares of each country by year, on the basis of its last figure where that basis has the year."""
    used = spending_history(tables)
    basis = used.groupby("country")["basis"].last()
    figures = tables.defence_spending
    same = figures[(figures["basis"] == figures["country"].map(basis)) & (figures["share_gdp"] > 0)]
    both = pd.concat([same[used.columns], used]).drop_duplicates(["country", "year"]).sort_values(["country", "year"])
    return {str(country): np.log(rows.set_index("year")["share_gdp"]) for country, rows in both.groupby("country")}


def _target(row: Mapping[Any, Any], levels: pd.Series, growth: float, inflation: float) -> float:
    """Return the announced log share of one row; the base year without a figure takes the last figure before it."""
    value = float(row["value"])
    if pd.isna(row["base_year"]):
        return math.log(value)
    before = levels[levels.index <= row["base_year"]]
    start = float(before.iloc[-1] if len(before) else levels.iloc[0])
    if row["kind"] == SHARE:
        return start + math.log(value / row["base"])
    rate = growth + (inflation if row["kind"] == NOMINAL else 0.0)
    return start + math.log1p(value / _PERCENT) - rate * (int(row["target_year"]) - int(row["base_year"]))
