"""Time-varying covariates of withdrawal, by mission and by contributor.

Leaders and elections are those of the leadership model and of the projection (`forecast.data.leaders`), so the fit and
the forecast use the same events. What other contributors do takes effect in the next quarter, so no event in a quarter
explains itself.

Casualties enter as a prospect-theory value (Kahneman and Tversky 1979; McInnis 2020). Let x be log(1 + deaths of the
last twelve months per 1,000 troops), and R a reference level that adapts slowly to x. Then z = (x - R) / SD(x), and the
value is v(z) = z if z < 0, else lambda z. Yearly deaths are known for Iraq and Afghanistan only. Elsewhere v is 0,
which means that nothing is known.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import DURATION_EDGES
from forecast.data.leaders import leader_calendar
from forecast.data.tables import Tables
from forecast.data.troop_levels import head_counts
from forecast.priors.load import Priors
from forecast.quarters import quarter_clock, quarter_number

_LOOK_AHEAD: Final = 4  # quarters in which an election or the end of a mission counts as ahead
POLITICS_FROM: Final = quarter_number("1990Q1")  # first quarter with a record of leaders and elections
_YEAR_DAYS: Final = 365.25
_SMALLEST_PART: Final = 0.5  # least fraction of its first year that a mission must have run for its deaths to count


def political_covariates(tables: Tables, countries: NDArray[Any], quarters: NDArray[np.int64]) -> dict[str, Any]:
    """Return the political covariates by country and quarter, as variables of a data set.

    Parameters
    ----------
    tables : source of leaders and elections.
    countries : ISO 3166-1 alpha-3 codes, (country,).
    quarters : consecutive quarter numbers, (quarter,).

    Returns
    -------
    `leader_change_by_quarter` : whether the leader changed in this quarter or the last.
    `election_ahead_by_quarter` : whether an election is held in this quarter or the next four.
        Both are (country, quarter), and false if nothing is known.
    """
    extended = np.arange(quarters[0] - 1, quarters[-1] + _LOOK_AHEAD + 1)
    changes, votes = leader_calendar(tables, countries, extended)
    size = len(quarters)
    change = changes[:, 1 : size + 1] | changes[:, :size]
    ahead = np.any([votes[:, k : size + k] for k in range(1, _LOOK_AHEAD + 2)], axis=0)
    dims = ("country", "quarter")
    return {"leader_change_by_quarter": (dims, change), "election_ahead_by_quarter": (dims, ahead)}


def usual_politics(tables: Tables, countries: Sequence[str]) -> pd.DataFrame:
    """Return the share of quarters since 1990 with each of the `political_covariates`, by country.

    The columns are `leader_change` and `election_ahead`. They are 0 if nothing is known.
    """
    last = quarter_number(tables.as_of)
    quarters = np.arange(min(POLITICS_FROM, last), last + 1)
    covariates = political_covariates(tables, np.asarray(countries, dtype=str), quarters)
    shares = {name.removesuffix("_by_quarter"): values.mean(axis=1) for name, (_, values) in covariates.items()}
    return pd.DataFrame(shares, index=list(countries))


def mission_covariates(
    spells: pd.DataFrame, missions: pd.DataFrame, quarters: NDArray[np.int64], cap: float
) -> dict[str, Any]:
    """Return the covariates of whole missions, as variables of a data set.

    Parameters
    ----------
    spells : spells of all missions, in quarters (`data.deployments`).
    missions : rows of the table `missions`, one for each mission.
    quarters : consecutive quarter numbers, (quarter,).
    cap : largest contagion.

    Returns
    -------
    (mission, quarter), under `<name>_by_quarter`:
        `contagion`, the exits of the last two quarters as a share of all contributors so far, at most `cap`;
        `lead_gone`, whether the lead country has left; `ending`, whether the mission ends within a year;
        `contributors`, the number of countries so far; `combat_age`, quarters since the start of a combat mission, up
        to the edge of the last duration bin.
    (mission,): `framework`, the flags `nato`, `un`, `eu` and `noncombat`, and `lead` (empty if it never contributed).
    """
    ever, exits, gone = _arrivals_and_exits(spells, missions["lead"].to_numpy(), quarters)
    before = np.pad(exits, ((0, 0), (2, 0)))
    share = np.minimum(cap, (before[:, 1:-1] + before[:, :-2]) / np.maximum(ever, 1))
    closes = np.floor(quarter_clock(missions["end"]))[:, None]
    opens = np.floor(quarter_clock(missions["start"]))[:, None]
    combat = (missions["intensity"] == "combat").to_numpy()
    dims = ("mission", "quarter")
    framework = missions["framework"].to_numpy(dtype=str)
    leads = missions["lead"].where(missions["lead"].isin(spells["country"]), "")
    return {
        "contagion_by_quarter": (dims, share),
        "lead_gone_by_quarter": (dims, gone > 0),
        "ending_by_quarter": (dims, (quarters <= closes) & (closes + 1 - quarters <= _LOOK_AHEAD)),
        "contributors_by_quarter": (dims, ever),
        "combat_age_by_quarter": (
            dims,
            combat[:, None] * np.clip(quarters - opens, 0.0, DURATION_EDGES[-1]),
        ),
        "framework": ("mission", framework),
        **{name: ("mission", framework == name) for name in ("nato", "un", "eu")},
        "noncombat": ("mission", ~combat),
        "lead": ("mission", leads.to_numpy(dtype=str)),
    }


def _arrivals_and_exits(
    spells: pd.DataFrame, leads: NDArray[Any], quarters: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return contributors before each quarter, exits in it, and whether the lead has left; all (mission, quarter)."""
    shape = (len(leads), len(quarters))
    ever, exits, gone = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for m in range(len(leads)):
        rows = spells[spells["m"] == m]
        entered = np.floor(rows.groupby("country")["start"].min().to_numpy())
        ever[m] = (entered[:, None] < quarters).sum(axis=0)
        left = rows[rows["left"]]
        exits[m] = (np.floor(left["end"].to_numpy())[:, None] == quarters).sum(axis=0)
        lead = rows[rows["country"] == leads[m]]
        began = np.floor(lead["start"].to_numpy())[:, None] < quarters
        ended = np.floor(lead["end"].to_numpy())[:, None] < quarters
        ended &= lead["left"].to_numpy()[:, None]
        gone[m] = began.any(axis=0) & ~(began & ~ended).any(axis=0)
    return ever, exits, gone


def prospect_value(z: Any, loss_aversion: float) -> Floats:
    """Return v(z) = z if z < 0, else lambda z, where lambda is `loss_aversion`; the shape is that of `z`."""
    z = np.asarray(z, dtype=float)
    return np.asarray(np.where(z < 0, z, loss_aversion * z))


def standardised(x: Floats, memory: float, spread: float) -> Floats:
    """Return z, the distance of a series from its adaptive reference in units of `spread`.

    The reference R starts at the first value and becomes R + memory (x - R) after each quarter. A constant toll
    therefore comes to count as normal.

    Parameters
    ----------
    x : log deaths by quarter, (quarter,).
    memory : share of the distance that the reference moves in a quarter.
    spread : SD of x over all known quarters.

    Returns
    -------
    (quarter,).
    """
    reference, z = x[0] if len(x) else 0.0, np.empty(len(x))
    for t, current in enumerate(x):
        z[t] = (current - reference) / spread
        reference += memory * (current - reference)
    return z


def death_rate(tables: Tables, mission: str, quarters: NDArray[np.int64]) -> Floats:
    """Return the deaths in the last whole calendar year before each quarter, per 1,000 troops and year.

    Only contributors with yearly figures count, in the numerator and in the denominator. Deaths in the first year of a
    mission are scaled to a whole year. They are left out if the mission ran for less than half of that year. Nothing
    later than the first day of the quarter is used, with one exception: the first head count also stands for the time
    before it.

    Parameters
    ----------
    tables : source of deaths, head counts and the start of the mission.
    mission : name of the mission.
    quarters : quarter numbers, (quarter,).

    Returns
    -------
    (quarter,), NaN where no yearly figures are known.
    """
    deaths = tables.mission_fatalities
    deaths = deaths[(deaths["mission"] == mission) & (deaths["measure"] == "annual")]
    rate = np.full(len(quarters), np.nan)
    if deaths.empty:
        return rate
    begin = pd.Timestamp(tables.missions.set_index("mission")["start"].loc[mission])
    counts = head_counts(tables)
    counts = counts[(counts["mission"] == mission) & counts["country"].isin(deaths["country"])]
    series = {country: rows for country, rows in counts.groupby("country")}
    for year, year_deaths in deaths.groupby(deaths["date"].dt.year):
        part = min(1.0, (pd.Timestamp(year + 1, 1, 1) - begin).days / _YEAR_DAYS)
        for t in np.flatnonzero(quarters // 4 == year + 1):
            day = pd.Timestamp(year + 1, 3 * (int(quarters[t]) % 4) + 1, 1)
            troops = sum(_troops_at(series[c], day) for c in year_deaths["country"] if c in series)
            if troops > 0 and part >= _SMALLEST_PART:
                rate[t] = 1000.0 * year_deaths["deaths"].sum() / part / troops
    return rate


def _troops_at(series: pd.DataFrame, day: pd.Timestamp) -> float:
    """Return the last head count before a day, or the first one if there is none before."""
    before = int((series["date"] < day).sum())
    return float(series["troops"].iloc[max(before - 1, 0)])


def casualties(
    tables: Tables, missions: NDArray[Any], quarters: NDArray[np.int64], priors: Priors
) -> tuple[Floats, NDArray[np.bool_], float]:
    """Return the value v(z) of casualties, where it is known, and the SD of x.

    lambda is fixed at its prior median, because two missions cannot identify it.

    Parameters
    ----------
    tables : source of deaths and head counts.
    missions : names of the missions, (mission,).
    quarters : quarter numbers, (quarter,).
    priors : source of the memory of the reference and of lambda.

    Returns
    -------
    v(z), (mission, quarter), 0 where nothing is known; a mask of what is known, (mission, quarter); and the SD of x.
    """
    memory = priors.value("withdrawal.casualty_memory")
    aversion = float(np.exp(priors["withdrawal.loss_aversion"].params[0]))
    rates = np.stack([death_rate(tables, str(m), quarters) for m in missions])
    x, known = np.log1p(rates), ~np.isnan(rates)
    spread = float(np.std(x[known])) if known.sum() > 1 else 1.0
    value = np.zeros_like(x)
    for m in range(len(missions)):
        z = standardised(x[m, known[m]], memory, spread or 1.0)
        value[m, known[m]] = prospect_value(z, aversion)
    return value, known, spread
