"""Histograms: which bin a value falls into, what a bin stands for, and quantiles read back, off by at most one bin.

The bins are finer than the digits that are printed. Counts have 32 bits: a plan may not ask for more paths than fit.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.simulation.jit import device, entry

COHESION_LOW, COHESION_STEP, COHESION_BINS = -4.0, 0.02, 400
SHARE_LOW, SHARE_STEP, SHARE_BINS = math.log(0.2), 0.01, 370  # log of percent of GDP
SURVIVAL_STEP, SURVIVAL_BINS = 0.005, 201


@device
def bin_index(x, low, step, bins):
    """The histogram bin of x; what lies outside falls into the first or the last."""
    return min(max(math.floor((x - low) / step), 0), bins - 1)


@device
def cohesion_bin(x):
    """The bin of a cohesion index."""
    return bin_index(x, COHESION_LOW, COHESION_STEP, COHESION_BINS)


@device
def share_bin(log_share):
    """The bin of the log of a spending share."""
    return bin_index(log_share, SHARE_LOW, SHARE_STEP, SHARE_BINS)


@device
def survival_bin(x):
    """The bin of a survival curve."""
    return bin_index(x + 0.5 * SURVIVAL_STEP, 0.0, SURVIVAL_STEP, SURVIVAL_BINS)


def cohesion_values() -> NDArray[np.float64]:
    """Middle of each bin of the cohesion index, sign units."""
    return np.asarray(COHESION_LOW + COHESION_STEP * (np.arange(COHESION_BINS) + 0.5))


def share_values() -> NDArray[np.float64]:
    """Middle of each bin of a spending share, percent of GDP."""
    return np.exp(SHARE_LOW + SHARE_STEP * (np.arange(SHARE_BINS) + 0.5))


def survival_values() -> NDArray[np.float64]:
    """Value of each bin of a survival curve; bins are centred on multiples of .005, so 0 and 1 are exact."""
    return np.asarray(SURVIVAL_STEP * np.arange(SURVIVAL_BINS))


def quantiles(
    counts: NDArray[Any],
    values: NDArray[np.float64],
    levels: tuple[float, ...],
    step: float = 0.0,
) -> NDArray[np.float64]:
    """Quantiles of histograms: the value of the bin in which the cumulative count first reaches the level.

    counts (..., bins), values (bins,) -> (..., levels). NaN where a histogram is empty. With the width `step` of the
    bins the quantile is placed within its bin, as if the paths in it were spread evenly; 0 keeps the bin's value.
    """
    rows = np.ascontiguousarray(counts, np.int32).reshape(-1, values.size)
    order = np.argsort(levels)
    found = np.empty((len(rows), len(levels)))
    read_quantiles(rows, values, np.asarray(levels, float)[order], float(step), found)
    out = np.empty_like(found)
    out[:, order] = found
    return out.reshape(*counts.shape[:-1], len(levels))


@entry
def read_quantiles(rows, values, levels, step, out):
    """The quantiles of each row, its levels in ascending order; see `quantiles`."""
    for row in range(rows.shape[0]):
        total = 0
        for b in range(values.size):
            total += rows[row, b]
        at, below = 0, 0
        for i in range(levels.size):
            rank = max(math.ceil(levels[i] * total - 1e-9), 1)
            while at < values.size - 1 and below + rows[row, at] < rank:
                below += rows[row, at]
                at += 1
            inside = max(rows[row, at], 1)
            place = values[at] + step * ((rank - below - 0.5) / inside - 0.5)
            out[row, i] = place if total > 0 else math.nan
