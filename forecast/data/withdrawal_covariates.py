"""Time-varying covariates of withdrawal, for each mission and contributor.

Leaders and elections are those of the leadership model and of the projection (`forecast.data.leaders`), so fit and
forecast use the same events. What other contributors did counts from the next quarter on, so nothing in a quarter
explains itself.

Losses: x = log(1 + deaths of the last twelve months per 1,000 troops); R follows x slowly (the adaptive reference);
z = (x - R) over the spread of x; v(z) = z below the reference and lambda z above it (Kahneman and Tversky 1979; McInnis
2020). A yearly series exists for Iraq and Afghanistan only; elsewhere v is 0, which means that nothing is known.
"""

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
from forecast.quarters import quarter_clock

_LOOK_AHEAD: Final = 4  # quarters: an election ahead, the end of a mission ahead


def politics(tables: Tables, countries: NDArray[Any], quarters: NDArray[np.int64]) -> dict[str, Any]:
    """A change of leader in this quarter or the last; an election in this quarter or the next four; 0 if not known."""
    wide = np.arange(quarters[0] - 1, quarters[-1] + _LOOK_AHEAD + 1)
    changes, votes = leader_calendar(tables, countries, wide)
    size = len(quarters)
    change = changes[:, 1 : size + 1] | changes[:, :size]
    ahead = np.any([votes[:, k : size + k] for k in range(1, _LOOK_AHEAD + 2)], axis=0)
    dims = ("country", "quarter")
    return {"leader_change_by_quarter": (dims, change), "election_ahead_by_quarter": (dims, ahead)}


def of_missions(
    spells: pd.DataFrame, missions: pd.DataFrame, quarters: NDArray[np.int64], cap: float
) -> dict[str, Any]:
    """What holds for a whole mission, by quarter: contagion, lead gone, ending, contributors so far, age in combat.

    `combat_age` counts quarters since the start of a combat mission, up to the edge of the last duration bin.
    """
    ever, exits, gone = _comings_and_goings(spells, missions["lead"].to_numpy(), quarters)
    before = np.pad(exits, ((0, 0), (2, 0)))
    share = np.minimum(cap, (before[:, 1:-1] + before[:, :-2]) / np.maximum(ever, 1))
    closes = np.floor(quarter_clock(missions["end"]))[:, None]
    opens = np.floor(quarter_clock(missions["start"]))[:, None]
    combat = (missions["intensity"] == "combat").to_numpy()
    by = ("mission", "quarter")
    framework = missions["framework"].to_numpy(dtype=str)
    leads = missions["lead"].where(missions["lead"].isin(spells["country"]), "")
    return {
        "contagion_by_quarter": (by, share),
        "lead_gone_by_quarter": (by, gone > 0),
        "ending_by_quarter": (by, (quarters <= closes) & (closes + 1 - quarters <= _LOOK_AHEAD)),
        "contributors_by_quarter": (by, ever),
        "combat_age_by_quarter": (
            by,
            combat[:, None] * np.clip(quarters - opens, 0.0, DURATION_EDGES[-1]),
        ),
        "framework": ("mission", framework),
        **{name: ("mission", framework == name) for name in ("nato", "un", "eu")},
        "noncombat": ("mission", ~combat),
        "lead": ("mission", leads.to_numpy(dtype=str)),
    }


def _comings_and_goings(
    spells: pd.DataFrame, leads: NDArray[Any], quarters: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """By mission and quarter: contributors there ever were, exits, and whether the lead is gone."""
    shape = (len(leads), len(quarters))
    ever, exits, gone = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for m in range(len(leads)):
        mine = spells[spells["m"] == m]
        entered = np.floor(mine.groupby("country")["start"].min().to_numpy())
        ever[m] = (entered[:, None] < quarters).sum(axis=0)
        left = mine[mine["left"]]
        exits[m] = (np.floor(left["end"].to_numpy())[:, None] == quarters).sum(axis=0)
        lead = mine[mine["country"] == leads[m]]
        began = np.floor(lead["start"].to_numpy())[:, None] < quarters
        ended = np.floor(lead["end"].to_numpy())[:, None] < quarters
        ended &= lead["left"].to_numpy()[:, None]
        gone[m] = began.any(axis=0) & ~(began & ~ended).any(axis=0)
    return ever, exits, gone


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
    tables: Tables, missions: NDArray[Any], quarters: NDArray[np.int64], priors: Priors
) -> tuple[Floats, NDArray[np.bool_], float]:
    """v(z) by mission and quarter (0 where nothing is known), whether it is known, and the spread of x over all.

    lambda stands at its prior median: with two missions it cannot be learnt.
    """
    memory = priors.value("withdrawal.casualty_memory")
    aversion = float(np.exp(priors["withdrawal.loss_aversion"].params[0]))
    rates = np.stack([death_rate(tables, str(m), quarters) for m in missions])
    x, known = np.log1p(rates), ~np.isnan(rates)
    spread = float(np.std(x[known])) if known.sum() > 1 else 1.0
    out = np.zeros_like(x)
    for m in range(len(missions)):
        z = standardised(x[m, known[m]], memory, spread or 1.0)
        out[m, known[m]] = felt(z, aversion)
    return out, known, spread
