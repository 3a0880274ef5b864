"""What holds in a quarter for a mission or for a contributor: the covariates of withdrawal that move.

Leaders and votes are those of the leadership model and of the projection (`forecast.tenure`), so fit and forecast speak
of the same events. What others did counts from the next quarter on, so nothing in a quarter explains itself.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.core.conventions import DURATION_EDGES
from forecast.data import Tables
from forecast.tenure import leader_calendar

_LOOK_AHEAD: Final = 4  # quarters: an election ahead, the end of a mission ahead


def quarter_clock(dates: "pd.Series[Any]") -> NDArray[np.float64]:
    """Quarters since the year 0 at noon of each date; NaN for a missing one."""
    period = dates.dt.to_period("Q").dt
    first, last = period.start_time, period.end_time
    part = ((dates - first).dt.days + 0.5) / ((last - first).dt.days + 1)
    return np.asarray(4 * dates.dt.year + dates.dt.quarter - 1 + part, dtype=float)


def politics(
    tables: Tables, countries: NDArray[Any], quarters: NDArray[np.int64]
) -> dict[str, Any]:
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
