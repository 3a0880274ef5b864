"""Constants that data, models and simulation share: fixed years, codes and the bins of elapsed time."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

QUARTERS_PER_YEAR: Final = 4
COMMON_TAILS: Final = 4.0  # degrees of freedom of the Student-t shocks that all members share

# Spending
TARGET_CENTER: Final = 1.7  # percent of GDP: targets enter as log(target / 1.7)
FIRST_YEAR: Final = 1995  # year of the first modelled change; the level of the year before is its first lag
NATO_FROM: Final = 2014  # year of the first level taken from NATO's figures: the year of the Wales pledge
PLEDGE_FROM: Final = 2015  # year of the first change that can respond to a pledge; no forecast knows of it before 2014
WAR_BUDGETS: Final = 2023  # year of the first budgets made after Russia invaded the whole of Ukraine in February 2022
GROWTH_CENTER: Final = 0.02  # GDP growth enters as its difference from 2 % a year (a fraction)

# Withdrawal: codes of `kind`, how a spell ended. An exit of open cause is a defection or a planned exit.
STAYED, DEFECTION, PLANNED, OPEN_CAUSE = 0, 1, 2, 3

# Cohesion
UNITED_NATIONS: Final = "un_gap"  # name of the indicator in which the United States has a path of its own

# Leaders
EARLY_BINS: Final = 3  # hazards of an early vote: one quarter before the deadline, two quarters, and earlier

# Bins of elapsed time: quarters since a contingent entered its mission, or since a leader took office
DURATION_EDGES: Final = (0, 2, 4, 8, 12, 16, 24, 40)  # quarters: the first of each bin
DURATION_BINS: Final = (*(f"{first}-{end}" for first, end in pairwise(DURATION_EDGES)), f"{DURATION_EDGES[-1]}+")


def duration_bin(quarters: Any) -> NDArray[np.int64]:
    """Return the index in `DURATION_BINS` of each number of whole elapsed quarters; negative numbers count as 0."""
    edges = np.searchsorted(DURATION_EDGES, np.maximum(quarters, 0), side="right")
    return np.asarray(edges - 1, dtype=np.int64)


def bin_table(edges: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the bin index of 0, 1, 2, ... quarters, up to the first quarter of the last bin."""
    return np.searchsorted(edges, np.arange(edges[-1] + 1), side="right") - 1
