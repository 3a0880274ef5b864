"""Test whether ranks are uniform, with one test for the whole empirical distribution function.

Take N ranks from 0 to L and let K_j be the number of ranks below j. If the ranks are uniform, K_j has the distribution
Binomial(N, j / (L + 1)). The test statistic is the smallest two-sided tail probability of K_j over all j; its
distribution is found by simulation. Source: Saeilynoja, Buerkner and Vehtari (2022), Statistics and Computing 32.
"""

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

LENGTH: Final = 99  # draws that a rank is computed among
_REPLICATES: Final = 20_000  # simulated sets of uniform ranks; 1 / _REPLICATES is about the smallest p-value


def rank(true_value: float, draws: NDArray[np.float64]) -> int:
    """Return how many of `LENGTH` draws, taken evenly from `draws` (draw,), are below `true_value`."""
    taken = draws[np.arange(LENGTH) * draws.size // LENGTH]
    return int((taken < true_value).sum())


def p_value(ranks: Any) -> float:
    """Return the p-value of the hypothesis that `ranks` (integers from 0 to `LENGTH`) are uniform."""
    ranks = np.asarray(ranks, dtype=np.int64)
    tail = _smallest_tail(ranks[None, :])[0]
    smaller = np.searchsorted(_null(ranks.size), tail * (1 + 1e-9), side="right")
    return float((smaller + 1) / (_REPLICATES + 1))


def _smallest_tail(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the test statistic of each row of `ranks` (set, rank)."""
    sets, size = ranks.shape
    flat = ranks + (LENGTH + 1) * np.arange(sets)[:, None]
    counts = np.bincount(flat.ravel(), minlength=sets * (LENGTH + 1)).reshape(sets, LENGTH + 1)
    below = counts.cumsum(axis=1)[:, :-1]
    tails: NDArray[np.float64] = _tails(size)[np.arange(LENGTH), below]
    return tails.min(axis=1)


@cache
def _tails(size: int) -> NDArray[np.float64]:
    """Return the two-sided tail probability of each count (columns) of ranks below 1 ... `LENGTH` (rows)."""
    counts = np.arange(size + 1)
    chance = np.arange(1, LENGTH + 1)[:, None] / (LENGTH + 1)
    down, up = binom.cdf(counts, size, chance), binom.sf(counts - 1, size, chance)
    return np.asarray(2.0 * np.minimum(down, up))


@cache
def _null(size: int) -> NDArray[np.float64]:
    """Return the sorted statistics of `_REPLICATES` sets of `size` uniform ranks."""
    rng = np.random.default_rng(size)
    return np.sort(_smallest_tail(rng.integers(0, LENGTH + 1, (_REPLICATES, size))))
