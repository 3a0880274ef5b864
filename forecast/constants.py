"""Model constants shared by data, models and simulation: bins, edges and fixed reference years."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

COMMON_TAILS = 4.0  # degrees of freedom of what moves all members at once
DURATION_EDGES = (0, 2, 4, 8, 12, 16, 24, 40)  # quarters since entry: first of each bin
TENURE_EDGES = (0, 2, 4, 8, 12, 16, 24, 40)  # quarters in office: first of each bin


def bin_table(edges: tuple[int, ...]) -> NDArray[np.int64]:
    """The bin of 0, 1, 2, ... quarters, up to the first of the last bin."""
    return np.searchsorted(edges, np.arange(edges[-1] + 1), side="right") - 1


TARGET_CENTER: Final = 1.7  # percent of GDP: targets are measured as log(target / 1.7)
FIRST_YEAR: Final = 1995  # of the changes; the level of the year before is the first lag
NATO_FROM: Final = 2014  # first level read from the figures of NATO: the year of the Wales pledge
PLEDGE_FROM: Final = 2015  # first change that answers a pledge: nobody's forecast may know of it before 2014
WAR_BUDGETS: Final = 2023  # first budgets made after Russia invaded the whole of Ukraine in February 2022
GROWTH_CENTER: Final = 0.02  # growth enters as its distance from 2 % a year


TENURE_BINS: Final = ("0-2", "2-4", "4-8", "8-12", "12-16", "16-24", "24-40", "40+")


def tenure_bin(quarters: Any) -> NDArray[np.int64]:
    """Index of the tenure bin after so many whole quarters in office."""
    return np.asarray(np.searchsorted(TENURE_EDGES, quarters, side="right") - 1, dtype=np.int64)


#: Labels of the bins of quarters since entry.
DURATION_BINS: Final = ("0-2", "2-4", "4-8", "8-12", "12-16", "16-24", "24-40", "40+")
#: Codes of `kind`: how a spell ended. A cause left open may be either.
STAYED, DEFECTION, PLANNED, OPEN_CAUSE = 0, 1, 2, 3


def duration_bin(served: Any) -> NDArray[np.int64]:
    """Index of the duration bin after so many whole quarters since entry."""
    return np.asarray(np.searchsorted(DURATION_EDGES, np.maximum(served, 0), side="right") - 1)


UNITED_NATIONS: Final = "un_gap"  # the indicator in which the United States has a path of its own
