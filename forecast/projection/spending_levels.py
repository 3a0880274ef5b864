"""How often European spending reaches a level, and how far it stays below one, from the stored histograms.

A bin of the histogram is 1 % wide. The paths in the bin that contains the level are spread evenly over its logarithms,
as for the quantiles. The Monte Carlo error takes over the ratio of the stored error of the mean to its error under
independent paths, because paths share parameter draws.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.simulation.histograms import SHARE_STEP


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Probability of at least a level, and mean shortfall below it, each with the standard deviation over paths."""

    reached: Floats
    reached_sd: Floats
    shortfall: Floats  # percent of GDP; 0 on paths that reach the level
    shortfall_sd: Floats


def against_level(counts: NDArray[np.integer], values: Floats, level: float) -> Level:
    """Compare histograms of spending with a level.

    Parameters
    ----------
    counts : number of paths by bin, (..., bins).
    values : middle of each bin, percent of GDP, (bins,).
    level : level, percent of GDP.
    """
    shares = counts / counts.sum(axis=-1, keepdims=True)
    middle = np.log(values)
    lower, upper = middle - SHARE_STEP / 2, middle + SHARE_STEP / 2
    cut = np.clip(np.log(level), lower, upper)
    below = (cut - lower) / SHARE_STEP
    short = level - np.exp((lower + cut) / 2)  # of the paths of the bin that are below
    reached = np.clip(shares @ (1.0 - below), 0.0, 1.0)
    shortfall, square = shares @ (below * short), shares @ (below * short**2)
    return Level(
        reached=reached,
        reached_sd=np.sqrt(reached * (1.0 - reached)),
        shortfall=shortfall,
        shortfall_sd=np.sqrt(np.maximum(square - shortfall**2, 0.0)),
    )


def error_ratio(counts: NDArray[np.integer], values: Floats, error_of_mean: Floats) -> Floats:
    """Return the error of the mean over the standard deviation between paths; 0 where all paths are in one bin."""
    shares = counts / counts.sum(axis=-1, keepdims=True)
    mean = shares @ values
    sd = np.sqrt(np.maximum(shares @ values**2 - mean**2, 0.0))
    known = sd > 1e-9 * mean
    return np.where(known, error_of_mean / np.where(known, sd, 1.0), 0.0)
