"""What models and kernel must agree upon: the bins of time in a mission and in office, and how heavy common tails are.

It stands apart from the records of the kernel, so that a change there does not unmake the fits.
"""

import numpy as np
from numpy.typing import NDArray

COMMON_TAILS = 4.0  # degrees of freedom of what moves all members at once
DURATION_EDGES = (0, 2, 4, 8, 12, 16, 24, 40)  # quarters since entry: first of each bin
TENURE_EDGES = (0, 2, 4, 8, 12, 16, 24, 40)  # quarters in office: first of each bin


def bin_table(edges: tuple[int, ...]) -> NDArray[np.int64]:
    """The bin of 0, 1, 2, ... quarters, up to the first of the last bin."""
    return np.searchsorted(edges, np.arange(edges[-1] + 1), side="right") - 1
