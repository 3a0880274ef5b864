"""How much of what they announced the countries delivered: the numbers of the table in `docs/spending.md`."""

import dataclasses
from datetime import date

import numpy as np
import pandas as pd

from forecast.data.announcements import announced_paths, plans_in_force
from forecast.data.tables import Tables
from forecast.evaluation.backtests.spending import outcomes
from forecast.priors.load import Priors

SMALLEST = 0.05  # log points; the ratio of a smaller change says little
HORIZONS = {"1 year": (1, 1), "2-3 years": (2, 3), "4-6 years": (4, 6), "7 years or more": (7, 99)}


def deliveries(tables: Tables, priors: Priors) -> pd.DataFrame:
    """Return one row for each announcement and year announced, judged at the end of the year of the announcement.

    Columns: country, origin, horizon (years), announced and realised change of the log share since the origin. Only
    the years that the announcement names count, and only those with a known outcome.
    """
    growth, inflation = priors.value("spending.growth_mean"), priors.value("announcements.inflation")
    rows = []
    for origin in range(2002, tables.as_of.year):
        known = _known(tables, date(origin, 12, 31))
        plans = plans_in_force(known)
        fresh = plans[(plans["announced"].dt.year == origin) & (plans["target_year"] > origin)]
        paths, shares = announced_paths(known, growth, inflation, 40), outcomes(tables, origin)
        for country, year in fresh[["country", "target_year"]].itertuples(index=False):
            if year in shares and origin in shares and country in paths["country"] and country in shares.index:
                start, end = (float(shares.loc[country, y]) for y in (origin, year))
                rows.append(
                    (country, origin, year - origin, float(paths.sel(country=country, year=year)) - start, end - start)
                )
    frame = pd.DataFrame(rows, columns=["country", "origin", "horizon", "announced", "realised"])
    return frame[np.isfinite(frame["realised"])]


def _known(tables: Tables, day: date) -> Tables:
    """Return the tables with the announcements and figures of a day; much faster than `known_at`."""
    plans, figures = tables.announcements, tables.defence_spending
    return dataclasses.replace(
        tables,
        as_of=day,
        announcements=plans[plans["announced"] <= pd.Timestamp(day)],
        defence_spending=figures[figures["year"] <= day.year],
    )


def table(cases: pd.DataFrame) -> list[str]:
    """Return the rows of the page's table: rises by horizon, and cuts."""
    large = cases[cases["announced"].abs() >= SMALLEST]
    rises = large[large["announced"] > 0]
    parts = {f"rise, {label} ahead": rises[rises["horizon"].between(*span)] for label, span in HORIZONS.items()}
    parts |= {"rise, all": rises, "cut, all": large[large["announced"] < 0]}
    return [_line(name, part) for name, part in parts.items()]


def _line(name: str, part: pd.DataFrame) -> str:
    ratio = part["realised"] / part["announced"]
    low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
    met = np.mean(part["realised"] * np.sign(part["announced"]) >= part["announced"].abs() - SMALLEST / 2)
    wrong = np.mean(ratio <= 0)
    return (
        f"| {name} | {len(part)} | {part['country'].nunique()} | {middle:.2f} | {low:.2f} to {high:.2f} | "
        f"{100 * met:.0f} % | {100 * wrong:.0f} % |"
    )
