"""Losses of a mission as its contributors feel them: against what they have grown used to, and losses more than relief.

x = log(1 + deaths of the last twelve months per 1,000 troops); R follows x slowly (the adaptive reference); z = (x - R)
over the spread of x; v(z) = z below the reference and lambda z above it (Kahneman and Tversky 1979; McInnis 2020).
A series by year exists for Iraq and Afghanistan alone; elsewhere v is 0, which says that nothing is known.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data import Tables
from forecast.priors import Beliefs
from forecast.troops import head_counts

Floats = NDArray[np.float64]
_YEAR_DAYS: Final = 365.25
_SMALLEST_PART: Final = 0.5


def felt(z: Any, loss_aversion: float) -> Floats:
    """v(z) = z if z < 0, else lambda z."""
    z = np.asarray(z, dtype=float)
    return np.asarray(np.where(z < 0, z, loss_aversion * z))


def standardised(x: Floats, memory: float, spread: float) -> Floats:
    """z of a series by quarter: its distance from the reference, which starts at the first value and then adapts.

    R' = R + memory (x - R), after the quarter: a lasting toll is one day no news.
    """
    reference, out = x[0] if len(x) else 0.0, np.empty(len(x))
    for t, now in enumerate(x):
        out[t] = (now - reference) / spread
        reference += memory * (now - reference)
    return out


def death_rate(tables: Tables, mission: str, quarters: NDArray[np.int64]) -> Floats:
    """Deaths in the last whole year before each quarter per 1,000 troops, a year; NaN where no series says.

    Only contributors with yearly figures count, above and below the line. In its first year a mission ran for a part:
    deaths are scaled up, and the year is left out if that part is below a half. Nothing later than the quarter's first
    day is used, but for troops before the first head count, for which that count stands in.
    """
    deaths = tables.mission_fatalities
    deaths = deaths[(deaths["mission"] == mission) & (deaths["measure"] == "annual")]
    out = np.full(len(quarters), np.nan)
    if deaths.empty:
        return out
    begin = pd.Timestamp(tables.missions.set_index("mission")["start"].loc[mission])
    counts = head_counts(tables)
    counts = counts[(counts["mission"] == mission) & counts["country"].isin(deaths["country"])]
    series = {country: own for country, own in counts.groupby("country")}
    for year, toll in deaths.groupby(deaths["date"].dt.year):
        part = min(1.0, (pd.Timestamp(year + 1, 1, 1) - begin).days / _YEAR_DAYS)
        for t in np.flatnonzero(quarters // 4 == year + 1):
            day = pd.Timestamp(year + 1, 3 * (int(quarters[t]) % 4) + 1, 1)
            troops = sum(_troops_at(series[c], day) for c in toll["country"] if c in series)
            if troops > 0 and part >= _SMALLEST_PART:
                out[t] = 1000.0 * toll["deaths"].sum() / part / troops
    return out


def _troops_at(series: pd.DataFrame, day: pd.Timestamp) -> float:
    """The last head count before a day, or the first one."""
    before = int((series["date"] < day).sum())
    return float(series["troops"].iloc[max(before - 1, 0)])


def casualties(
    tables: Tables, missions: NDArray[Any], quarters: NDArray[np.int64], beliefs: Beliefs
) -> tuple[Floats, NDArray[np.bool_], float]:
    """v(z) by mission and quarter (0 where nothing is known), whether it is known, and the spread of x over all.

    lambda stands at its prior median: with two missions it cannot be learnt.
    """
    memory = beliefs.value("withdrawal.casualty_memory")
    aversion = float(np.exp(beliefs["withdrawal.loss_aversion"].params[0]))
    rates = np.stack([death_rate(tables, str(m), quarters) for m in missions])
    x, known = np.log1p(rates), ~np.isnan(rates)
    spread = float(np.std(x[known])) if known.sum() > 1 else 1.0
    out = np.zeros_like(x)
    for m in range(len(missions)):
        z = standardised(x[m, known[m]], memory, spread or 1.0)
        out[m, known[m]] = felt(z, aversion)
    return out, known, spread
