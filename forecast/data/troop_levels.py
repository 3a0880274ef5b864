"""Published troop levels of contributors in missions, and the cuts between two levels.

Levels estimated from the size of units (`geopko_unitsize`, in which a battalion counts as 650 persons) show who is
present, not how many. They are not head counts, and no cut is inferred from them.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.data.tables import Tables
from forecast.priors.load import Priors

_ESTIMATED: Final = "geopko_unitsize"
_RECENT_YEARS: Final = 3  # years: the report names older troop levels


def head_counts(tables: Tables) -> pd.DataFrame:
    """Return the published head counts: one row for each `mission`, `country` and `date`, and `troops` (persons).

    `troops` is the mean over sources.
    """
    levels = tables.troop_levels[tables.troop_levels["source"] != _ESTIMATED]
    return levels.groupby(["mission", "country", "date"])["troops"].mean().reset_index()


def level_windows(tables: Tables, priors: Priors) -> pd.DataFrame:
    """Return the windows between two consecutive head counts of a main contingent, and whether it was cut in each.

    The contingent is present at both counts.

    Returns
    -------
    Columns `mission`, `country`, `spell`, `start` and `end` (dates), `before`, `after` and `peak` (persons; `peak` is
        the highest count up to `end`), and `reduced` (see `is_reduction`).
    """
    counts = head_counts(tables)
    rows = tables.main_contingents()
    present = counts.merge(rows[["mission", "country", "spell", "entry", "exit", "last_obs"]])
    until = present["exit"].fillna(pd.Timestamp(tables.as_of))
    present = present[(present["entry"] <= present["date"]) & (present["date"] < until)]
    present = present[present["troops"] > 0].sort_values(["mission", "country", "spell", "date"])
    series = present.groupby(["mission", "country", "spell"])
    windows = present[["mission", "country", "spell"]].assign(
        start=series["date"].shift(),
        end=present["date"],
        before=series["troops"].shift(),
        after=present["troops"],
        peak=series["troops"].cummax(),
    )
    windows = windows[windows["start"].notna()].reset_index(drop=True)
    return windows.assign(reduced=is_reduction(windows["before"], windows["after"], windows["peak"], priors))


def is_reduction(before: Any, after: Any, peak: Any, priors: Priors) -> Any:
    """Return whether a change from `before` to `after` troops is a cut; a fall to 0 is an exit, not a cut.

    A cut is a fall by at least `withdrawal.reduction_share` of the peak. A fall by `withdrawal.reduction_troops` is one
    too if it is at least the share `withdrawal.reduction_noise` of `before`, because large totals are published
    rounded. The peak must be at least `withdrawal.reduction_smallest`.

    Parameters
    ----------
    before, after, peak : persons; numbers or arrays of one shape.
    priors : source of the four limits.
    """
    drop = np.asarray(before, float) - np.asarray(after, float)
    deep = drop >= priors.value("withdrawal.reduction_share") * np.asarray(peak, float)
    large = drop >= priors.value("withdrawal.reduction_troops")
    large &= drop >= priors.value("withdrawal.reduction_noise") * np.asarray(before, float)
    large_enough = np.asarray(peak, float) >= priors.value("withdrawal.reduction_smallest")
    return (deep | large) & large_enough & (np.asarray(after) > 0)


def latest_troops(rows: pd.DataFrame, levels: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Return the troops of each contingent of a mission on a day, and where each number comes from.

    The number is the mean over sources of the latest level since the contingent entered. Without one it is the peak of
    the spell times what the other contingents have kept of their peaks (median), since missions shrink over the years.
    Without a peak it is the median of the other contingents, then 1.

    Parameters
    ----------
    rows : deployments of one mission.
    levels : table `troop_levels`.
    day : day of the forecast.

    Returns
    -------
    On the index of `rows`: `troops` (persons), `troops_from` (`level`, `peak` or `median`), `level_date` (NaT without a
        level), and `troops_old` (the level is older than three years, or there is none).
    """
    levels = levels[levels["mission"].isin(rows["mission"]) & (levels["date"] <= day) & (levels["troops"] > 0)]
    levels = levels.merge(rows[["country", "entry"]])
    levels = levels[levels["date"] >= levels["entry"]]
    levels = levels[levels["date"] == levels.groupby("country")["date"].transform("max")]
    latest = levels.groupby("country").agg(troops=("troops", "mean"), date=("date", "first"))
    latest = latest.reindex(rows["country"]).set_axis(rows.index)
    level, date = latest["troops"].astype(float), pd.to_datetime(latest["date"])
    peak = rows["peak_troops"].astype(float)
    peak = peak.where(peak > 0)
    kept = (level / peak).median()
    troops = level.fillna(peak * (1.0 if np.isnan(kept) else min(kept, 1.0)))
    return pd.DataFrame(
        {
            "troops": troops.fillna(troops.median()).fillna(1.0),
            "troops_from": np.where(level.notna(), "level", np.where(peak.notna(), "peak", "median")),
            "level_date": date,
            "troops_old": ~(date > day - pd.DateOffset(years=_RECENT_YEARS)),
        }
    )
