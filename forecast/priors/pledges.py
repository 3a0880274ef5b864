"""Pledges of defence spending: the path of the alliance and those of partners, year by year."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.priors.load import Priors

_PLEDGE_YEARS: Final = (2025, 2035)


def pledge_path(
    priors: Priors, years: Sequence[int] | NDArray[np.int64], last: float | None = None
) -> NDArray[np.float64]:
    """The pledge in percent of GDP: level to 2025, a straight line to 2035, level from then; `last` stands in for 2035.

    Sources: NATO, Wales Summit Declaration 2014; The Hague Summit Declaration 2025.
    """
    ends = [priors.value(f"spending.pledge_{year}") for year in _PLEDGE_YEARS]
    ends[-1] = ends[-1] if last is None else last
    return np.asarray(np.interp(np.asarray(years, dtype=float), _PLEDGE_YEARS, ends))


_OWN_PLEDGE_YEARS: Final = (2022, 2027, 2035)


def own_pledge(priors: Priors, name: str, years: Sequence[int]) -> Floats:
    """Target of the partner's spending, percent of GDP: straight lines between 2022, 2027 and 2035, level outside."""
    ends = [priors.value(f"dyads.{name}.pledge_{year}") for year in _OWN_PLEDGE_YEARS]
    return np.asarray(np.interp(np.asarray(years, dtype=float), _OWN_PLEDGE_YEARS, ends))
