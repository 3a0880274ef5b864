"""The Kaplan-Meier estimator: how many contributors are still in a mission after so many years.

Time is measured from each contributor's own entry; the end of a mission is censoring.
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
    """Stay of each contingent in years and whether it `left`; the end of the mission is censoring.

    Every exit counts, whatever its cause, at its stored date (the midpoint of a bracket).
    """
    mine = contingents_of_mission(spells, mission)
    return pd.DataFrame(
        {
            "country": spells["country"].to_numpy()[spells["country_of"].to_numpy()[mine]],
            "years": (spells["end"] - spells["entry"]).to_numpy()[mine] / 4.0,
            "left": spells["kind"].to_numpy()[mine] != STAYED,
        }
    )


def kaplan_meier(durations: pd.DataFrame) -> pd.DataFrame:
    """Product-limit estimate (Kaplan and Meier 1958) from columns `years` and `left`.

    One line for each time of an exit: `years`, `at_risk`, `exits`, `share` still there just after.
    Who is censored at the time of an exit was at risk of it.
    """
    years, left = durations["years"].to_numpy(), durations["left"].to_numpy(dtype=bool)
    times, exits = np.unique(years[left], return_counts=True)
    at_risk = (years[None, :] >= times[:, None]).sum(axis=1)
    share = np.cumprod(1.0 - exits / at_risk)
    return pd.DataFrame({"years": times, "at_risk": at_risk, "exits": exits, "share": share})


def share_after(curve: pd.DataFrame, years: Sequence[float]) -> Floats:
    """Height of a `kaplan_meier` curve at each of `years`; 1 before the first exit."""
    steps = np.concatenate([[1.0], curve["share"].to_numpy()])
    return steps[np.searchsorted(curve["years"].to_numpy(), years, side="right")]


def contingents_of_mission(spells: xr.Dataset, mission: str) -> NDArray[np.int64]:
    """Positions of the contingents of `mission` in `spells`; raises DataError if there are none."""
    known = spells["mission"].to_numpy()
    if mission not in known:
        raise DataError(f"no contingents in mission {mission!r}, expected one of {', '.join(known)}")
    code = int(np.flatnonzero(known == mission)[0])
    return np.flatnonzero(spells["mission_of"].to_numpy() == code)
