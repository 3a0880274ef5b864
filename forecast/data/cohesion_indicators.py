"""Fifteen yearly indicators of eight of the eleven sub-factors of cohesion.

Each indicator is signed so that higher means more cohesive, and standardised as (value - center) / scale. `center` and
`scale` are its mean and standard deviation (SD) over the years of the tables up to 2025. They are fixed here, so a new
year does not change earlier values. The sub-factors `mena`, `nato_eu` and `alliance_wide` have no indicator. Their
posterior comes from their prior and from the other sub-factors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.constants import NATO_FROM, UNITED_NATIONS
from forecast.data.tables import Tables
from forecast.errors import DataError
from forecast.names import FACTORS, VERDICTS
from forecast.priors.scenarios import Grid
from forecast.quarters import last_whole_year

FIRST_YEAR: Final = 1985  # first year of the panel
GUIDELINE: Final = 2.0  # percent of GDP: the NATO guideline for defence spending
US_CENTER: Final = 2.66  # mean ideal point of the United States, 1985-2024
MIN_LEVEL: Final = 3  # least number of countries polled in a year for a level
MIN_SPREAD: Final = 6  # least number of countries polled in a year for a spread


@dataclass(frozen=True, kw_only=True, slots=True)
class Indicator:
    """One indicator of a sub-factor.

    Parameters
    ----------
    subfactor : name of the sub-factor.
    sign : +1 if a higher value means more cohesion, else -1.
    center, scale : mean and SD of the raw values, in the unit of the indicator.
    meaning : what it measures, with the unit.
    """

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
        meaning="log of Russia's share of news on geopolitical risk: one adversary or several",
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
        meaning="disagreement on Russia: log ratio of the SD between allies to its usual value",
    ),
    "china_spread": Indicator(
        subfactor="china",
        sign=-1,
        center=0.21,
        scale=0.3,
        meaning="disagreement on China: log ratio of the SD between allies to its usual value",
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
    """Return the indicators known at the as-of date, in long form.

    Returns
    -------
    Dims `year` (1985 to the last whole year), `indicator`, `factor`, `subfactor` (in the order of the factors), `obs`
        (one known value) and `anchor` (one dated verdict).
        On `obs`: `value` and its standard error `error`, in SDs of the indicator (`error` is 0 if unknown), and the
        positions `year_of` and `indicator_of`.
        On `subfactor`: the position `factor_of`. On `indicator`: the position `subfactor_of`.
        On `year`: `us_position` and `us_error`, the ideal point of the United States and its standard error in the
        unit of `un_gap`; NaN if unknown.
        On `anchor`: `anchor_year` (position) and `verdict` (position in `names.VERDICTS`).

    Raises
    ------
    DataError
        If `priors/scenarios/factors.toml` lacks the sub-factor of an indicator, or no value is known.
    """
    subfactors = [sub for factor in FACTORS for sub in grid.factors[factor]]
    missing = sorted({i.subfactor for i in INDICATORS.values()} - set(subfactors))
    if missing:
        raise DataError(
            f"factors.toml: sub-factors {', '.join(missing)} have indicators but are missing; add them to the file"
        )
    years = np.arange(FIRST_YEAR, last_whole_year(tables.as_of) + 1)
    rows = pd.concat([_signed(name, tables) for name in INDICATORS], ignore_index=True)
    rows = rows[rows["year"].isin(years)]
    if rows.empty:
        raise DataError(
            f"tables: no indicator of cohesion from {FIRST_YEAR} to {tables.as_of}, expected some; use a later day"
        )
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
    """Return `indicator`, `year`, `value` and `error` of one indicator, signed and standardised."""
    indicator, raw = INDICATORS[name], raw_series(name, tables)
    return pd.DataFrame(
        {
            "indicator": name,
            "year": raw.index.to_numpy(dtype=np.int64),
            "value": indicator.sign * (raw["value"].to_numpy(dtype=float) - indicator.center) / indicator.scale,
            "error": raw["error"].to_numpy(dtype=float) / indicator.scale,
        }
    )


def raw_series(name: str, tables: Tables) -> pd.DataFrame:
    """Return `value` and `error` (NaN if unknown) by year, in the unit of the indicator, not signed or scaled."""
    series = _SERIES[name](tables)
    table = series if isinstance(series, pd.DataFrame) else series.to_frame("value")
    return table.reindex(columns=["value", "error"]).dropna(subset="value")


def allied(frame: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return the rows of `frame` (with `country` and `year`) in which the country counts as an ally."""
    return frame if frame.empty else frame[tables.was_ally(frame["country"], frame["year"])]


def alignment_distance(tables: Tables, years: int = 5) -> pd.Series:
    """Return the mean distance of each ally from the median ally in the UN General Assembly, in ideal points.

    The mean is over the last `years` known years. The series is indexed by country and sorted.
    """
    votes = allied(tables.alignment, tables)
    votes = votes[votes["year"] > votes["year"].max() - years]
    median = votes.groupby("year")["ideal_point"].transform("median")
    distance: pd.Series = (votes["ideal_point"] - median).abs()
    return distance.groupby(votes["country"]).mean().sort_values()


def gini(shares: pd.Series) -> float:
    """Return the Gini index: the mean absolute difference of all pairs, divided by twice the mean."""
    x = np.sort(shares.to_numpy(dtype=float))
    rank = 2.0 * np.arange(1, x.size + 1) - x.size - 1.0
    return float((rank * x).sum() / (x.size * x.sum()))


def _focus(tables: Tables) -> pd.Series:
    news = tables.threat.pivot(index="year", columns="indicator", values="value")
    return (news["gprc"] / news["gpr"]).map(np.log)


def _poll(question: str, measure: Callable[[pd.DataFrame], pd.DataFrame]) -> Any:
    def series(tables: Tables) -> pd.DataFrame:
        answers = tables.public_opinion[tables.public_opinion["indicator"] == question]
        if question.startswith("us_"):
            answers = answers[answers["country"] != "USA"]
        return measure(allied(answers, tables))

    return series


def _summits(tables: Tables) -> pd.Series:
    days = tables.alliance_events.loc[tables.alliance_events["kind"] == "summit", "date"]
    years = range(FIRST_YEAR, last_whole_year(tables.as_of) + 1)
    counts: pd.Series = days.dt.year.value_counts()
    return counts.reindex(years, fill_value=0)


def _equipment(tables: Tables) -> pd.Series:
    return allied(tables.equipment_share, tables).groupby("year")["equipment_share"].median()


def _spending(tables: Tables, basis: str) -> pd.DataFrame:
    rows = tables.defence_spending
    return allied(rows[rows["basis"] == basis], tables)


def _at_pledge(tables: Tables) -> pd.Series:
    rows = _spending(tables, "nato")
    rows = rows[rows["year"] >= NATO_FROM].assign(reached=lambda x: x["share_gdp"] >= GUIDELINE)
    share: pd.Series = rows.groupby("year")["reached"].mean().astype(float)
    return share


def _gini(tables: Tables) -> pd.Series:
    return _spending(tables, "wdi").groupby("year")["share_gdp"].apply(gini)


def _mean(column: str, *countries: str) -> Callable[[Tables], pd.Series]:
    def series(tables: Tables) -> pd.Series:
        rows = allied(tables.democracy, tables)
        chosen = rows[rows["country"].isin(countries)] if countries else rows
        return chosen.groupby("year")[column].mean()

    return series


def _un_gap(tables: Tables) -> pd.DataFrame:
    """Return the ideal point of the United States minus the mean of the other allies, and its standard error."""
    votes = allied(tables.alignment, tables).assign(
        variance=lambda x: x["ideal_point_sd"] ** 2, usa=lambda x: x["country"] == "USA"
    )
    usa = votes[votes["usa"]].set_index("year")
    others = (
        votes[~votes["usa"]]
        .groupby("year")
        .agg(mean=("ideal_point", "mean"), variance=("variance", "sum"), size=("country", "size"))
    )
    error = np.sqrt(usa["variance"] + others["variance"] / others["size"] ** 2)
    return pd.DataFrame({"value": usa["ideal_point"] - others["mean"], "error": error})


def _two_way(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the `effect` of their year and their `residual`, in logits.

    Country and year effects are fitted by least squares. Countries polled in one year only are left out, because they
    say nothing about differences between years.
    """
    polled_again = shares.groupby("country")["year"].transform("nunique") > 1
    rows = shares[polled_again].reset_index(drop=True)
    if rows.empty:
        return rows.assign(effect=0.0, residual=0.0)
    share = rows["value"].to_numpy(dtype=float) / 100.0
    y = np.log(share / (1.0 - share))
    countries = pd.get_dummies(rows["country"], dtype=float).to_numpy()
    years = pd.get_dummies(rows["year"], dtype=float)
    # the additional row makes the country effects sum to 0
    design = np.vstack(
        [
            np.hstack([countries, years.to_numpy()]),
            np.r_[np.ones(countries.shape[1]), np.zeros(years.shape[1])],
        ]
    )
    effects, *_ = np.linalg.lstsq(design, np.r_[y, 0.0], rcond=None)
    year_effects = dict(zip(years.columns, effects[countries.shape[1] :], strict=True))
    effect = rows["year"].map(year_effects).to_numpy(dtype=float)
    return rows.assign(effect=effect, residual=y - design[:-1] @ effects)


def level(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the level of opinion by year: the year effects `value` and their standard errors `error`, in logits.

    The standard error is the residual SD divided by the square root of the number of countries. It covers the sampling
    of respondents and changes that are specific to a country.

    Parameters
    ----------
    shares : rows with `country`, `year` and `value` (percent).

    Returns
    -------
    One row for each year with at least `MIN_LEVEL` countries, with a mean country effect of 0. Empty if no country was
        polled in two years.
    """
    fitted = _two_way(shares)
    if fitted.empty:
        return pd.DataFrame(columns=["value", "error"], dtype=float)
    freedom = len(fitted) - fitted["country"].nunique() - fitted["year"].nunique() + 1
    noise = np.sqrt((fitted["residual"] ** 2).sum() / max(freedom, 1))
    levels = fitted.groupby("year").agg(value=("effect", "first"), countries=("country", "size"))
    levels["error"] = noise / np.sqrt(levels["countries"])
    return levels.loc[levels["countries"] >= MIN_LEVEL, ["value", "error"]]


def spread(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the disagreement by year: the log ratio `value` of two SDs between countries, and its standard error.

    The first SD is between the answers of the year. The second is between the usual answers of the same countries,
    which are their means over all years. The standard error `error` is the jackknife over countries (Efron and
    Tibshirani 1993, ch. 11).

    Parameters
    ----------
    shares : rows with `country`, `year` and `value` (percent).

    Returns
    -------
    One row for each year with at least `MIN_SPREAD` countries.
    """
    usual = shares.groupby("country")["value"].mean()
    rows = {}
    for year, answers in shares.groupby("year"):
        if len(answers) >= MIN_SPREAD:
            actual, mean = answers["value"].to_numpy(), usual[answers["country"]].to_numpy()
            ratio = np.log(actual.std(ddof=1) / mean.std(ddof=1))
            n = len(answers)
            without = [np.log(np.delete(actual, i).std(ddof=1) / np.delete(mean, i).std(ddof=1)) for i in range(n)]
            rows[year] = {"value": ratio, "error": np.sqrt((n - 1) * np.var(without))}
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
