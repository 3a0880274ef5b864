"""Yearly changes of defence spending, country by country: what the spending model and its forecasts read.

The level is the logarithm of spending in percent of GDP. Two definitions exist: of an ally, changes to 2014 are read
from `wdi` (World Bank, from SIPRI), levels from 2014 and changes from 2015 from `nato`; a change is always taken within
one of them. Countries without figures of NATO (Japan, South Korea) stay on `wdi` throughout.
"""

from typing import Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.constants import FIRST_YEAR, GROWTH_CENTER, NATO_FROM, PLEDGE_FROM, WAR_BUDGETS
from forecast.data.tables import Tables
from forecast.errors import DataError
from forecast.priors.load import Priors
from forecast.priors.pledges import pledge_path
from forecast.quarters import last_whole_year


def spending_panel(tables: Tables, priors: Priors) -> xr.Dataset:
    """One row (dim `obs`) for every country and year with a change of the log share of GDP.

    Returns
    -------
    Dims `obs`, `country` (ISO 3166-1 alpha-3) and `year` (all from 1995 to the as-of year).
        On `obs`: `country_of` and `year_of` (positions), `change` and `level` (log points; `level` is
        that of the year before), `gap` (log points below the pledge, for members of NATO) and `front_gap` (below
        the mark of the front line, for those on it), both 0 before the pledge of 2014, `growth` (real growth
        of GDP less 2 %, a fraction), `election` (0/1), `estimate_variance` (log points squared, of levels that are
        estimates but not the country's last), `basis`.
        On `country`: `front`, `last_log_share`, `last_year`, `last_noise` (SD of the error of the last level, log
        points; 0 if it is final), `last_basis`.
        On (`country`, `year`): `gdp_growth`, a fraction, NaN if unknown. Attribute `last_year`, the last whole one.

    Raises
    ------
    DataError
        If nothing is left to fit, or a row of spending has no growth of GDP beside it.
    """
    levels = _levels(tables)
    rows = _changes(levels)
    if rows.empty:
        raise DataError(f"defence_spending: no change of spending from {FIRST_YEAR} to {tables.as_of}")
    growth = _growth(tables)
    rows["growth"] = _looked_up(growth, rows) - GROWTH_CENTER
    missing = rows[rows["growth"].isna()]
    if not missing.empty:
        where = ", ".join(f"{r.country} {r.year}" for r in missing.head(5).itertuples())
        raise DataError(
            f"economy: gdp_growth is blank for {where}, expected a number wherever spending is known; "
            "fill it in, or leave the rows of spending out"
        )
    countries = sorted(set(rows["country"]))
    front = _front(tables, countries)
    rows["gap"] = _gap(rows, tables, priors)
    rows["front_gap"] = _front_gap(rows, front, priors)
    votes = set(_vote_years(tables).itertuples(index=False, name=None))
    rows["election"] = [float(k in votes) for k in zip(rows["country"], rows["year"], strict=True)]
    last = _with_noise(levels[levels["country"].isin(countries)].groupby("country").last(), priors)
    rows["estimate_variance"] = _estimate_variance(rows, last, priors)
    years = np.arange(FIRST_YEAR, last_whole_year(tables.as_of) + 1)
    panel = _observations(rows).assign_coords(country=np.array(countries, dtype=object), year=years)
    return panel.assign(
        front=("country", front.to_numpy(dtype=float)),
        last_log_share=("country", last["log_share"].to_numpy()),
        last_year=("country", last["year"].to_numpy()),
        last_noise=("country", last["noise"].to_numpy(dtype=float)),
        last_basis=("country", last["basis"].to_numpy(dtype=object)),
        gdp_growth=(("country", "year"), _growth_by_year(growth, countries, years)),
    ).assign_attrs(last_year=last_whole_year(tables.as_of))


def european_weights(tables: Tables) -> xr.DataArray:
    """Shares of the European allies' GDP (dim `country`, sum 1), in the latest year known for all of them.

    European are the allies in Europe without Turkey; those without figures of spending (Iceland) are left out.

    Raises DataError if no year has the GDP of all of them.
    """
    nato = tables.members[(tables.members["alliance"] == "NATO") & tables.members["left"].isna()]
    members = set(nato.loc[nato["european"], "country"]) & set(_levels(tables)["country"])
    gdp = tables.economy.pivot(index="year", columns="country", values="gdp_usd")
    whole = gdp.reindex(columns=sorted(members)).dropna()
    if whole.empty:
        raise DataError("economy: no year has gdp_usd of all European allies; fill in the latest year")
    weights = whole.iloc[-1] / whole.iloc[-1].sum()
    return xr.DataArray(
        weights.to_numpy(),
        dims="country",
        coords={"country": weights.index.to_numpy(dtype=object)},
        attrs={"year": int(whole.index[-1])},
    )


def last_european_share(tables: Tables) -> float:
    """GDP-weighted share of the European allies, each in its last observed year; percent of GDP."""
    last = spending_history(tables).groupby("country")["share_gdp"].last()
    weights = european_weights(tables).to_series()
    return float((weights * last.reindex(weights.index)).sum())


def last_growth(tables: Tables) -> pd.Series:
    """Real growth of GDP in the last known year, a fraction, by country."""
    return _growth(tables).groupby("country").last()


def spending_history(tables: Tables) -> pd.DataFrame:
    """`country`, `year`, `basis`, `share_gdp` (percent of GDP): the figures in use, sorted."""
    levels = _levels(tables).drop_duplicates(["country", "year"], keep="last")
    return levels[["country", "year", "basis", "share_gdp"]].reset_index(drop=True)


def _levels(tables: Tables) -> pd.DataFrame:
    """The figures in use, with log share and whether it is an estimate; of an ally 2014 stands twice, `nato` last."""
    known = tables.defence_spending
    has_nato = known["country"].isin(known.loc[known["basis"] == "nato", "country"])
    late, early = known["year"] >= NATO_FROM, known["year"] <= NATO_FROM
    wanted = np.where(known["basis"] == "nato", late, (known["basis"] == "wdi") & (early | ~has_nato))
    levels = known[wanted].sort_values(["country", "year", "basis"], ascending=[True, True, False])
    return levels.assign(
        log_share=np.log(levels["share_gdp"]),
        estimate=levels["estimate"].fillna(False).astype(bool),
    )


def _changes(levels: pd.DataFrame) -> pd.DataFrame:
    """Changes between neighbouring years of one basis; `estimates` counts the estimates of the two levels."""
    own = levels.groupby(["country", "basis"])
    rows = levels.assign(
        level=own["log_share"].shift(),
        estimate_before=own["estimate"].shift(fill_value=False).astype(bool),
        neighbours=own["year"].diff() == 1,
    )
    rows = rows[rows["neighbours"] & (rows["year"] >= FIRST_YEAR)].copy()
    rows["change"] = rows["log_share"] - rows["level"]
    return rows.reset_index(drop=True)


def _gap(rows: pd.DataFrame, tables: Tables, priors: Priors) -> NDArray[np.float64]:
    """Log points below the pledge a year before.

    0 above it, before there was one, and outside NATO (members from the year of accession).
    """
    nato = tables.members[tables.members["alliance"] == "NATO"].set_index("country")
    since = rows["country"].map(nato["in_force"].dt.year)
    until = rows["country"].map(nato["left"].dt.year)
    member = (since <= rows["year"]) & ~(until <= rows["year"]) & (rows["year"] >= PLEDGE_FROM)
    short = np.log(pledge_path(priors, rows["year"].to_numpy())) - rows["level"]
    return np.asarray(member * np.maximum(0.0, short), dtype=float)


def _front_gap(rows: pd.DataFrame, front: pd.Series, priors: Priors) -> NDArray[np.float64]:
    """Log points below the mark of the front line, for countries on it, from the first year of the pledge."""
    there = rows["country"].map(front) & (rows["year"] >= PLEDGE_FROM)
    short = np.log(priors.value("spending.front_mark")) - rows["level"]
    return np.asarray(there * np.maximum(0.0, short), dtype=float)


def _with_noise(last: pd.DataFrame, priors: Priors) -> pd.DataFrame:
    """The last levels with the SD of their error: an estimate of a year that is not over is off by far more."""
    noise = priors.value("spending.nowcast_noise")
    return last.assign(noise=np.where(last["estimate"], noise, 0.0))


def _estimate_variance(rows: pd.DataFrame, last: pd.DataFrame, priors: Priors) -> NDArray[np.float64]:
    """Variance a change has from estimates among its two levels; the error of the last level is a parameter instead."""
    is_last = rows["year"] == rows["country"].map(last["year"])
    estimates = (rows["estimate"] & ~is_last).astype(float) + rows["estimate_before"].astype(float)
    return np.asarray(priors.value("spending.estimate_noise") ** 2 * estimates, dtype=float)


def _front(tables: Tables, countries: list[str]) -> pd.Series:
    """True for countries on the front line, in the order given; False for those that are in no alliance."""
    front = tables.members.groupby("country")["frontline"].any()
    return front.reindex(countries, fill_value=False)


def _vote_years(tables: Tables) -> pd.DataFrame:
    """`country` and `year` in which an election that selects the leader was held."""
    votes = tables.elections
    held = votes[votes["selects_leader"] & (votes["date"] <= pd.Timestamp(tables.as_of))]
    return pd.DataFrame({"country": held["country"], "year": held["date"].dt.year}).drop_duplicates()


def _growth(tables: Tables) -> pd.Series:
    """Real growth of GDP as a fraction, by country and year, blanks left out."""
    economy = tables.economy.dropna(subset="gdp_growth")
    return economy.set_index(["country", "year"])["gdp_growth"].sort_index() / 100.0


def _looked_up(growth: pd.Series, rows: pd.DataFrame) -> NDArray[np.float64]:
    return growth.reindex(pd.MultiIndex.from_frame(rows[["country", "year"]])).to_numpy()


def _observations(rows: pd.DataFrame) -> xr.Dataset:
    """The rows as arrays on `obs`."""
    year = rows["year"].to_numpy()
    columns = {
        "country_of": pd.Categorical(rows["country"]).codes.astype(np.int64),  # in sorted order
        "year_of": year - FIRST_YEAR,
    }
    for name in ("change", "level", "gap", "front_gap", "growth", "election", "estimate_variance"):
        columns[name] = rows[name].to_numpy(dtype=float)
    columns["basis"] = rows["basis"].to_numpy(dtype=object)
    return xr.Dataset({name: ("obs", np.asarray(values)) for name, values in columns.items()})


def _growth_by_year(growth: pd.Series, countries: list[str], years: NDArray[np.int64]) -> NDArray[np.float64]:
    """Growth by country and year, NaN if unknown."""
    return growth.unstack("country").reindex(index=years, columns=countries).to_numpy().T


_ON_CELLS: Final = ("change", "level", "gap", "front_gap", "growth", "election", "estimate_variance")


def vectors_on_grid(panel: xr.Dataset, grid: xr.Dataset) -> dict[str, NDArray[np.float64]]:
    """The panel on the countries and years of `grid`, another panel or the same, as the model's data vectors.

    By country and year, 0 where `seen` is 0: the columns of the panel, and `is_last`, 1 in the country's last year.
    By country: `last_noise`. By year: `war`, 1 in that of the first budgets made in it, once it has begun. One compiled
    model can so be given what was known earlier.
    """
    countries, years = grid["country"].to_numpy(), grid["year"].to_numpy()
    own = panel["country"].to_numpy()
    row = np.searchsorted(countries, own)[panel["country_of"].to_numpy()]
    column = panel["year"].to_numpy()[panel["year_of"].to_numpy()] - years[0]
    shape: tuple[int, ...] = (countries.size, years.size)
    out: dict[str, NDArray[np.float64]] = {name: np.zeros(shape) for name in (*_ON_CELLS, "seen", "is_last")}
    for name in _ON_CELLS:
        out[name][row, column] = panel[name].to_numpy()
    out["seen"][row, column] = 1.0
    last = panel["last_year"].to_numpy() - years[0]
    out["is_last"][np.searchsorted(countries, own), last] = 1.0
    begun = panel.attrs["last_year"] >= WAR_BUDGETS - 1
    out["war"] = np.where(begun & (years == WAR_BUDGETS), 1.0, 0.0)
    out["last_noise"] = np.zeros(countries.size)
    out["last_noise"][np.searchsorted(countries, own)] = panel["last_noise"].to_numpy()
    return out


def pledge_years(years: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those from the first year of the pledge to the last of `years`; the first one at least."""
    return np.arange(PLEDGE_FROM, max(PLEDGE_FROM, int(years[-1])) + 1)
