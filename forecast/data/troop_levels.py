"""How many troops a contributor has in a mission, from what was published; and the cuts that show between two levels.

Levels estimated from the size of units (`geopko_unitsize`: a battalion counts as 650) tell who is there, not how many:
they are no head counts, and no cut is read from them.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.tables import Tables
from forecast.priors.load import Priors

_ESTIMATED: Final = "geopko_unitsize"
_RECENT_YEARS: Final = 3  # a troop level older than this is no longer used


def head_counts(tables: Tables) -> pd.DataFrame:
    """One line for each mission, country and date with a published head count: `troops`, the mean over sources."""
    levels = tables.troop_levels[tables.troop_levels["source"] != _ESTIMATED]
    return levels.groupby(["mission", "country", "date"])["troops"].mean().reset_index()


def level_windows(tables: Tables, priors: Priors) -> pd.DataFrame:
    """Time between two consecutive head counts of a contingent that was there at both, and whether it was cut.

    Columns: `mission`, `country`, `spell`, dates `start` and `end`, `before`, `after`, `peak` (highest count so far),
    `reduced`. A cut is a drop by `reduction_share` of the peak, or by `reduction_troops` if that is also at least
    `reduction_noise` of what was there (large totals are rounded when published), from a peak of `reduction_smallest`
    or more. Residual rows have no windows.
    """
    counts = head_counts(tables)
    rows = tables.deployments[~tables.deployments["residual"]]
    there = counts.merge(rows[["mission", "country", "spell", "entry", "exit", "last_obs"]])
    until = there["exit"].fillna(pd.Timestamp(tables.as_of))
    there = there[(there["entry"] <= there["date"]) & (there["date"] < until)]
    there = there[there["troops"] > 0].sort_values(["mission", "country", "spell", "date"])
    series = there.groupby(["mission", "country", "spell"])
    out = there[["mission", "country", "spell"]].assign(
        start=series["date"].shift(),
        end=there["date"],
        before=series["troops"].shift(),
        after=there["troops"],
        peak=series["troops"].cummax(),
    )
    out = out[out["start"].notna()].reset_index(drop=True)
    return out.assign(reduced=is_reduction(out["before"], out["after"], out["peak"], priors))


def is_reduction(before: Any, after: Any, peak: Any, priors: Priors) -> Any:
    """Whether a fall from `before` to `after` troops is a reduction; who is gone altogether has left, not reduced."""
    drop = np.asarray(before, float) - np.asarray(after, float)
    deep = drop >= priors.value("withdrawal.reduction_share") * np.asarray(peak, float)
    large = drop >= priors.value("withdrawal.reduction_troops")
    large &= drop >= priors.value("withdrawal.reduction_noise") * np.asarray(before, float)
    counts = np.asarray(peak, float) >= priors.value("withdrawal.reduction_smallest")
    return (deep | large) & counts & (np.asarray(after) > 0)


def latest_troops(rows: pd.DataFrame, levels: pd.DataFrame, day: pd.Timestamp) -> tuple[Any, NDArray[Any]]:
    """Latest level of the last three years, else peak, else the median of the others, else 1; and which it was."""
    recent = levels["date"] > day - pd.DateOffset(years=_RECENT_YEARS)
    levels = levels[levels["mission"].isin(rows["mission"]) & (levels["date"] <= day) & recent]
    levels = levels[levels["date"] == levels.groupby("country")["date"].transform("max")]
    level = rows["country"].map(levels.groupby("country")["troops"].mean()).astype(float)
    level = level.where(level > 0)
    peak = rows["peak_troops"].astype(float)
    troops = level.fillna(peak.where(peak > 0))
    source = np.where(level.notna(), "level", np.where(troops.notna(), "peak", "median"))
    return troops.fillna(troops.median()).fillna(1.0), source
