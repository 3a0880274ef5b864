"""What the tables show of cohesion, year by year: fifteen indicators of eight of the eleven sub-factors.

An indicator is signed so that up is cohesive, and measured as (value - center) / scale with the fixed numbers written
here: its mean and SD over the years of the tables up to 2025, so that a new year does not move the old ones. The
sub-factors `mena`, `nato_eu` and `alliance_wide` have no table and so no indicator: their posterior is what their prior
and their neighbours say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.constants import UNITED_NATIONS
from forecast.data.tables import Tables
from forecast.errors import DataError
from forecast.names import FACTORS, VERDICTS
from forecast.priors.scenarios import Grid
from forecast.quarters import last_whole_year

FIRST_YEAR: Final = 1985
GUIDELINE: Final = 2.0  # percent of GDP


US_CENTER: Final = 2.66  # ideal point of the United States, mean of 1985-2024


@dataclass(frozen=True, kw_only=True, slots=True)
class Indicator:
    """One indicator: sub-factor, sign (+1 where more is more cohesive), center and scale, and what it measures."""

    subfactor: str
    sign: int
    center: float
    scale: float
    meaning: str


INDICATORS: Final[Mapping[str, Indicator]] = {
    "russia_focus": Indicator(
        subfactor="russia",
        sign=1,
        center=-4.85,
        scale=0.385,
        meaning="one enemy or many: log of Russia's part in news of geopolitical risk",
    ),
    "russia_view": Indicator(
        subfactor="russia",
        sign=1,
        center=0.29,
        scale=0.71,
        meaning="unfavourable views of Russia, logit, country effects removed",
    ),
    "russia_spread": Indicator(
        subfactor="russia",
        sign=-1,
        center=0.27,
        scale=0.36,
        meaning="disagreement on Russia: log SD between allies beside their usual one",
    ),
    "china_spread": Indicator(
        subfactor="china",
        sign=-1,
        center=0.21,
        scale=0.3,
        meaning="disagreement on China: log SD between allies beside their usual one",
    ),
    "summits": Indicator(
        subfactor="political_adaptation",
        sign=1,
        center=0.7,
        scale=0.56,
        meaning="summits of heads of state or government in the year",
    ),
    "nato_view": Indicator(
        subfactor="political_adaptation",
        sign=1,
        center=0.36,
        scale=0.14,
        meaning="favourable views of NATO, logit, country effects removed",
    ),
    "equipment": Indicator(
        subfactor="military_adaptation",
        sign=1,
        center=18.6,
        scale=6.0,
        meaning="median share of equipment in defence spending, percent",
    ),
    "at_pledge": Indicator(
        subfactor="burden_sharing",
        sign=1,
        center=0.29,
        scale=0.26,
        meaning="share of allies at 2 % of GDP or more, NATO's definition",
    ),
    "burden_gini": Indicator(
        subfactor="burden_sharing",
        sign=-1,
        center=0.214,
        scale=0.017,
        meaning="Gini index of spending shares between allies, World Bank's definition",
    ),
    "populists": Indicator(
        subfactor="populism",
        sign=-1,
        center=20.2,
        scale=9.0,
        meaning="mean vote share of populist parties, percent",
    ),
    "liberal_democracy": Indicator(
        subfactor="populism",
        sign=1,
        center=0.75,
        scale=0.038,
        meaning="mean liberal democracy of the allies",
    ),
    "democracy_tur_usa": Indicator(
        subfactor="backsliding",
        sign=1,
        center=0.668,
        scale=0.07,
        meaning="mean electoral democracy of Turkey and the United States",
    ),
    "us_leader": Indicator(
        subfactor="national",
        sign=1,
        center=-0.36,
        scale=1.28,
        meaning="confidence in the US president, logit, country effects removed",
    ),
    "us_view": Indicator(
        subfactor="national",
        sign=1,
        center=0.18,
        scale=0.41,
        meaning="favourable views of the United States, logit, country effects removed",
    ),
    UNITED_NATIONS: Indicator(
        subfactor="national",
        sign=-1,
        center=1.47,
        scale=0.16,
        meaning="distance of the mean ally from the United States in the UN General Assembly",
    ),
}


def indicator_panel(tables: Tables, grid: Grid) -> xr.Dataset:
    """The indicators known at the as-of date.

    Returns
    -------
    Dims `year` (1985 to the last whole one), `indicator`, `factor`, `subfactor` (in the order of the factors), `obs`,
        `anchor`. On `obs`: `value` and `error` (SD units of the indicator; error 0 where none is known), `year_of`,
        `indicator_of`. On `subfactor`: `factor_of`; on `indicator`: `subfactor_of`. On `year`: `us_position` and
        `us_error`, the ideal point of the United States in the same units as `un_gap`, NaN if unknown. On `anchor`:
        `anchor_year` (position) and `verdict` (position in `names.VERDICTS`).

    Raises
    ------
    DataError
        If an indicator's sub-factor is not among those of `priors/scenarios/factors.toml`, or nothing is left.
    """
    subfactors = [sub for factor in FACTORS for sub in grid.factors[factor]]
    stray = sorted({i.subfactor for i in INDICATORS.values()} - set(subfactors))
    if stray:
        raise DataError(f"factors.toml: sub-factors {', '.join(stray)} have indicators but are missing; put them back")
    years = np.arange(FIRST_YEAR, last_whole_year(tables.as_of) + 1)
    rows = pd.concat([_signed(name, tables) for name in INDICATORS], ignore_index=True)
    rows = rows[rows["year"].isin(years)]
    if rows.empty:
        raise DataError(f"no indicator of cohesion from {FIRST_YEAR} to {tables.as_of}")
    gap = INDICATORS[UNITED_NATIONS]
    usa = tables.alignment[tables.alignment["country"] == "USA"].set_index("year").reindex(years)
    anchors = tables.cohesion_anchors[tables.cohesion_anchors["year"].isin(years)]
    of_subfactor = [subfactors.index(i.subfactor) for i in INDICATORS.values()]
    data = {
        "value": ("obs", rows["value"].to_numpy(dtype=float)),
        "error": ("obs", rows["error"].fillna(0.0).to_numpy(dtype=float)),
        "year_of": ("obs", rows["year"].to_numpy(dtype=np.int64) - FIRST_YEAR),
        "indicator_of": ("obs", [list(INDICATORS).index(name) for name in rows["indicator"]]),
        "factor_of": ("subfactor", np.repeat(np.arange(4), [len(grid.factors[f]) for f in FACTORS])),
        "subfactor_of": ("indicator", of_subfactor),
        "us_position": ("year", (usa["ideal_point"].to_numpy() - US_CENTER) / gap.scale),
        "us_error": ("year", usa["ideal_point_sd"].to_numpy() / gap.scale),
        "anchor_year": ("anchor", anchors["year"].to_numpy(dtype=np.int64) - FIRST_YEAR),
        "verdict": ("anchor", [VERDICTS.index(v) for v in anchors["verdict"]]),
    }
    coords = {
        "year": years,
        "indicator": list(INDICATORS),
        "factor": list(FACTORS),
        "subfactor": subfactors,
        "anchor": [f"{r.year}{r.quarter}" for r in anchors.itertuples()],
    }
    return xr.Dataset(data, coords)


def _signed(name: str, tables: Tables) -> pd.DataFrame:
    """`indicator`, `year`, `value`, `error` of one indicator, signed and scaled."""
    own, raw = INDICATORS[name], raw_series(name, tables)
    return pd.DataFrame(
        {
            "indicator": name,
            "year": raw.index.to_numpy(dtype=np.int64),
            "value": own.sign * (raw["value"].to_numpy(dtype=float) - own.center) / own.scale,
            "error": raw["error"].to_numpy(dtype=float) / own.scale,
        }
    )


def raw_series(name: str, tables: Tables) -> pd.DataFrame:
    """`value` and `error` (NaN if not known) by year, in the indicator's own unit, neither signed nor scaled."""
    found = _SERIES[name](tables)
    table = found if isinstance(found, pd.DataFrame) else found.to_frame("value")
    return table.reindex(columns=["value", "error"]).dropna(subset="value")


def allied(frame: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Rows with `country` and `year` in which the country was a member of NATO all year or joined in it."""
    if frame.empty:
        return frame
    nato = tables.members[tables.members["alliance"] == "NATO"].set_index("country")
    since = frame["country"].map(nato["in_force"].dt.year)
    until = frame["country"].map(nato["left"].dt.year)
    return frame[(since <= frame["year"]) & ~(until <= frame["year"])]


def alignment_distance(tables: Tables, years: int = 5) -> pd.Series:
    """Mean distance of each ally from the others' median in the UN General Assembly, over the last years known."""
    votes = allied(tables.alignment, tables)
    votes = votes[votes["year"] > votes["year"].max() - years]
    middle = votes.groupby("year")["ideal_point"].transform("median")
    distance: pd.Series = (votes["ideal_point"] - middle).abs()
    return distance.groupby(votes["country"]).mean().sort_values()


def gini(shares: pd.Series) -> float:
    """Mean absolute difference of all pairs over twice the mean."""
    x = np.sort(shares.to_numpy(dtype=float))
    rank = 2.0 * np.arange(1, x.size + 1) - x.size - 1.0
    return float((rank * x).sum() / (x.size * x.sum()))


def _focus(tables: Tables) -> pd.Series:
    news = tables.threat.pivot(index="year", columns="indicator", values="value")
    return (news["gprc"] / news["gpr"]).map(np.log)


def _poll(question: str, measure: Callable[[pd.DataFrame], pd.DataFrame]) -> Any:
    def found(tables: Tables) -> pd.DataFrame:
        asked = tables.public_opinion[tables.public_opinion["indicator"] == question]
        if question.startswith("us_"):
            asked = asked[asked["country"] != "USA"]
        return measure(allied(asked, tables))

    return found


def _summits(tables: Tables) -> pd.Series:
    days = tables.alliance_events.loc[tables.alliance_events["kind"] == "summit", "date"]
    years = range(FIRST_YEAR, last_whole_year(tables.as_of) + 1)
    counted: pd.Series = days.dt.year.value_counts()
    return counted.reindex(years, fill_value=0)


def _equipment(tables: Tables) -> pd.Series:
    return allied(tables.equipment_share, tables).groupby("year")["equipment_share"].median()


def _spending(tables: Tables, basis: str) -> pd.DataFrame:
    rows = tables.defence_spending
    return allied(rows[rows["basis"] == basis], tables)


def _at_pledge(tables: Tables) -> pd.Series:
    rows = _spending(tables, "nato")
    rows = rows[rows["year"] >= 2014].assign(reached=lambda x: x["share_gdp"] >= GUIDELINE)
    share: pd.Series = rows.groupby("year")["reached"].mean().astype(float)
    return share


def _gini(tables: Tables) -> pd.Series:
    return _spending(tables, "wdi").groupby("year")["share_gdp"].apply(gini)


def _mean(column: str, *countries: str) -> Callable[[Tables], pd.Series]:
    def found(tables: Tables) -> pd.Series:
        rows = allied(tables.democracy, tables)
        chosen = rows[rows["country"].isin(countries)] if countries else rows
        return chosen.groupby("year")[column].mean()

    return found


def _un_gap(tables: Tables) -> pd.DataFrame:
    """Ideal point of the United States less the mean of the other allies, and its standard error."""
    votes = allied(tables.alignment, tables).assign(
        variance=lambda x: x["ideal_point_sd"] ** 2, usa=lambda x: x["country"] == "USA"
    )
    own = votes[votes["usa"]].set_index("year")
    others = (
        votes[~votes["usa"]]
        .groupby("year")
        .agg(mean=("ideal_point", "mean"), variance=("variance", "sum"), size=("country", "size"))
    )
    error = np.sqrt(own["variance"] + others["variance"] / others["size"] ** 2)
    return pd.DataFrame({"value": own["ideal_point"] - others["mean"], "error": error})


def _two_way(shares: pd.DataFrame) -> pd.DataFrame:
    """Rows with the `effect` of their year and their `residual`; only countries asked twice or more tell of years."""
    often = shares.groupby("country")["year"].transform("nunique") > 1
    rows = shares[often].reset_index(drop=True)
    if rows.empty:
        return rows.assign(effect=0.0, residual=0.0)
    share = rows["value"].to_numpy(dtype=float) / 100.0
    y = np.log(share / (1.0 - share))
    countries = pd.get_dummies(rows["country"], dtype=float).to_numpy()
    years = pd.get_dummies(rows["year"], dtype=float)
    # one row more: the country effects add up to nothing
    design = np.vstack(
        [
            np.hstack([countries, years.to_numpy()]),
            np.r_[np.ones(countries.shape[1]), np.zeros(years.shape[1])],
        ]
    )
    effects, *_ = np.linalg.lstsq(design, np.r_[y, 0.0], rcond=None)
    of_year = dict(zip(years.columns, effects[countries.shape[1] :], strict=True))
    effect = rows["year"].map(of_year).to_numpy(dtype=float)
    return rows.assign(effect=effect, residual=y - design[:-1] @ effects)


MIN_LEVEL: Final = 3  # countries that must have been asked for a year to count


def level(shares: pd.DataFrame) -> pd.DataFrame:
    """`value` and `error` by year of the year effects, logits with mean country effect 0.

    `shares` has `country`, `year`, `value` (percent). The error is the residual SD over the root of the number of
    countries: it holds the sampling of persons and each country's own turns. Empty where no two years share a country.
    """
    fitted = _two_way(shares)
    if fitted.empty:
        return pd.DataFrame(columns=["value", "error"], dtype=float)
    freedom = len(fitted) - fitted["country"].nunique() - fitted["year"].nunique() + 1
    noise = np.sqrt((fitted["residual"] ** 2).sum() / max(freedom, 1))
    found = fitted.groupby("year").agg(value=("effect", "first"), asked=("country", "size"))
    found["error"] = noise / np.sqrt(found["asked"])
    return found.loc[found["asked"] >= MIN_LEVEL, ["value", "error"]]


MIN_SPREAD: Final = 6


def spread(shares: pd.DataFrame) -> pd.DataFrame:
    """`value` and `error` by year: log of the SD between the allies asked, over what their usual positions would give.

    Positions are percent. The error is the jackknife over countries (Efron and Tibshirani 1993, ch. 11).
    """
    usual = shares.groupby("country")["value"].mean()
    rows = {}
    for year, asked in shares.groupby("year"):
        if len(asked) >= MIN_SPREAD:
            now, then = asked["value"].to_numpy(), usual[asked["country"]].to_numpy()
            whole = np.log(now.std(ddof=1) / then.std(ddof=1))
            n = len(asked)
            each = [np.log(np.delete(now, i).std(ddof=1) / np.delete(then, i).std(ddof=1)) for i in range(n)]
            rows[year] = {"value": whole, "error": np.sqrt((n - 1) * np.var(each))}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "error"], dtype=float)


_SERIES: Final[Mapping[str, Callable[[Tables], pd.Series | pd.DataFrame]]] = {
    "russia_focus": _focus,
    "russia_view": _poll("russia_unfavorable", level),
    "russia_spread": _poll("russia_unfavorable", spread),
    "china_spread": _poll("china_unfavorable", spread),
    "summits": _summits,
    "nato_view": _poll("nato_favorable", level),
    "equipment": _equipment,
    "at_pledge": _at_pledge,
    "burden_gini": _gini,
    "populists": _mean("populist_vote_share"),
    "liberal_democracy": _mean("liberal_democracy"),
    "democracy_tur_usa": _mean("electoral_democracy", "TUR", "USA"),
    "us_leader": _poll("us_president_confidence", level),
    "us_view": _poll("us_favorable", level),
    UNITED_NATIONS: _un_gap,
}
