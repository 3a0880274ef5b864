"""The Kaplan-Meier estimate of the share of contributors that are still in a mission after a number of years.

Time is measured from the entry of each contributor; the end of a mission censors its stay.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import STAYED
from forecast.errors import DataError


def contributor_durations(spells: xr.Dataset, mission: str) -> pd.DataFrame:
    """Return `country`, `years` of stay and whether it `left`, one row for each contingent of a mission.

    The end of the mission censors a stay. Exits for any cause count, at their stored date (the midpoint of a bracket).
    """
    rows = contingents_of_mission(spells, mission)
    return pd.DataFrame(
        {
            "country": spells["country"].to_numpy()[spells["country_of"].to_numpy()[rows]],
            "years": (spells["end"] - spells["entry"]).to_numpy()[rows] / 4.0,
            "left": spells["kind"].to_numpy()[rows] != STAYED,
        }
    )


def kaplan_meier(durations: pd.DataFrame) -> pd.DataFrame:
    """Return the product-limit estimate (Kaplan and Meier 1958), from the columns `years` and `left`.

    The table has one row for each time of an exit: `years`, `at_risk`, `exits`, and the `share` still present just
    after. A contributor that is censored at the time of an exit counts as at risk of it.
    """
    years, left = durations["years"].to_numpy(), durations["left"].to_numpy(dtype=bool)
    times, exits = np.unique(years[left], return_counts=True)
    at_risk = (years[None, :] >= times[:, None]).sum(axis=1)
    share = np.cumprod(1.0 - exits / at_risk)
    return pd.DataFrame({"years": times, "at_risk": at_risk, "exits": exits, "share": share})


def share_after(curve: pd.DataFrame, years: Sequence[float] | Floats) -> Floats:
    """Return the share of a `kaplan_meier` curve at each of `years`; it is 1 before the first exit."""
    steps = np.concatenate([[1.0], curve["share"].to_numpy()])
    return steps[np.searchsorted(curve["years"].to_numpy(), years, side="right")]


def share_given_served(curve: pd.DataFrame, served: Sequence[float], years: float) -> float:
    """Return the mean share of contributors still present `years` from now, given how long each has served.

    The share of a contributor is S(served + years) / S(served). A contributor that has served longer than any in the
    curve has no estimate and is left out; without any estimate the result is NaN.

    Parameters
    ----------
    curve : what `kaplan_meier` returns.
    served : years since the entry of each contributor.
    years : time from now, in years.
    """
    now, later = (share_after(curve, np.asarray(served) + ahead) for ahead in (0.0, years))
    known = now > 0.0
    return float((later[known] / now[known]).mean()) if known.any() else np.nan


def curve_hazard(durations: pd.DataFrame, begin: Floats, end: Floats, fewest: int) -> Floats:
    """Return log S(begin) - log S(end), the hazard that a Kaplan-Meier curve gives between two times served.

    The curve has no estimate, and the hazard is NaN, where fewer than `fewest` contributors stayed longer than `end`.

    Parameters
    ----------
    durations : what the curve is made of, with the columns `years` and `left`.
    begin, end : years served, arrays of one shape; the result has the same.
    fewest : fewest contributors that the estimate needs, at least 1.
    """
    curve, years = kaplan_meier(durations), np.sort(durations["years"].to_numpy())
    known = len(years) - np.searchsorted(years, end, side="right") >= fewest
    now, later = (np.where(known, share_after(curve, time), 1.0) for time in (begin, end))
    return np.where(known, np.log(now / later), np.nan)


def framework_durations(spells: xr.Dataset, framework: str) -> pd.DataFrame:
    """Return the `contributor_durations` of all missions of a framework; no rows if there are none."""
    known = spells["mission"].to_numpy()[spells["framework"].to_numpy() == framework]
    pieces = [contributor_durations(spells, str(mission)) for mission in known]
    return pd.concat(pieces) if pieces else pd.DataFrame({"years": np.empty(0), "left": np.empty(0, dtype=bool)})


def contingents_of_mission(spells: xr.Dataset, mission: str) -> NDArray[np.int64]:
    """Return the positions of the contingents of `mission` in `spells`, or raise DataError if there are none."""
    known = spells["mission"].to_numpy()
    if mission not in known:
        raise DataError(f"no contingents in mission {mission!r}, expected one of {', '.join(known)}")
    code = int(np.flatnonzero(known == mission)[0])
    return np.flatnonzero(spells["mission_of"].to_numpy() == code)
