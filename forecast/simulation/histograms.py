"""Convert values to histogram bins and back, and read quantiles off by at most one bin.

The bins are finer than the printed digits. Counts have 32 bits, which limits the number of paths of a plan.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.simulation.elementary import whole
from forecast.simulation.jit import device, entry
from forecast.simulation.lanes import floor, maximum, minimum

COHESION_LOW, COHESION_STEP, COHESION_BINS = -4.0, 0.02, 400  # sign units
SHARE_LOW, SHARE_STEP, SHARE_BINS = math.log(0.1), 0.01, 640  # log of percent of GDP, from 0.1 to 60 %
SURVIVAL_STEP, SURVIVAL_BINS = 0.005, 201


@device
def bin_index(x, low, step, bins):
    """Return the bin of x; values outside the range fall into the first or the last bin."""
    return whole(minimum(maximum(floor((x - low) / step), 0.0), bins - 1.0))


@device
def cohesion_bin(x):
    """Return the bin of a cohesion index."""
    return bin_index(x, COHESION_LOW, COHESION_STEP, COHESION_BINS)


@device
def share_bin(log_share):
    """Return the bin of the log of a spending share in percent of GDP."""
    return bin_index(log_share, SHARE_LOW, SHARE_STEP, SHARE_BINS)


@device
def survival_bin(x):
    """Return the bin of a point of a survival curve, 0 to 1."""
    return bin_index(x + 0.5 * SURVIVAL_STEP, 0.0, SURVIVAL_STEP, SURVIVAL_BINS)


def cohesion_values() -> NDArray[np.float64]:
    """Return the middle of each bin of the cohesion index, sign units."""
    return np.asarray(COHESION_LOW + COHESION_STEP * (np.arange(COHESION_BINS) + 0.5))


def share_values() -> NDArray[np.float64]:
    """Return the middle of each bin of a spending share, percent of GDP."""
    return np.exp(SHARE_LOW + SHARE_STEP * (np.arange(SHARE_BINS) + 0.5))


def survival_values() -> NDArray[np.float64]:
    """Return the value of each bin of a survival curve: multiples of 0.005, so 0 and 1 are exact."""
    return np.asarray(SURVIVAL_STEP * np.arange(SURVIVAL_BINS))


def quantiles(
    counts: NDArray[Any],
    values: NDArray[np.float64],
    levels: tuple[float, ...],
    step: float = 0.0,
) -> NDArray[np.float64]:
    """Return quantiles of histograms: the value of the bin in which the cumulative count first reaches the level.

    Parameters
    ----------
    counts
        Histograms, (..., bins).
    values
        Value of each bin, (bins,).
    levels
        Levels of the quantiles, 0 to 1.
    step
        Width of the bins: each quantile is placed within its bin as if the paths in the bin were spread evenly.
        With 0 it keeps the bin's value.

    Returns
    -------
    Quantiles, (..., levels); NaN where a histogram is empty.
    """
    rows = np.ascontiguousarray(counts, np.int32).reshape(-1, values.size)
    order = np.argsort(levels)
    ascending = np.empty((len(rows), len(levels)))
    read_quantiles(rows, values, np.asarray(levels, float)[order], float(step), ascending)
    result = np.empty_like(ascending)
    result[:, order] = ascending
    return result.reshape(*counts.shape[:-1], len(levels))


@entry
def read_quantiles(rows, values, levels, step, result):
    """Write the quantiles of each row of counts into `result`; `levels` are ascending."""
    for row in range(rows.shape[0]):
        total = 0
        for b in range(values.size):
            total += rows[row, b]
        b, below = 0, 0
        for i in range(levels.size):
            rank = max(math.ceil(levels[i] * total - 1e-9), 1)
            while b < values.size - 1 and below + rows[row, b] < rank:
                below += rows[row, b]
                b += 1
            inside = max(rows[row, b], 1)
            place = values[b] + step * ((rank - below - 0.5) / inside - 0.5)
            result[row, i] = place if total > 0 else math.nan
