"""Are ranks uniform? The empirical distribution of ranks against bands that hold at all points at once.

With N ranks from 0 to L, and K_j of them below j, K_j is Binomial(N, j / (L + 1)) if the ranks are uniform. The
smallest two-sided tail of K_j over all j is the test statistic; its own distribution is found by simulation.
Source: Saeilynoja, Buerkner and Vehtari 2022, Statistics and Computing 32.
"""

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

LENGTH: Final = 99  # draws a rank is taken among
_REPLICATES: Final = 20_000  # uniform sets of ranks; the smallest p-value that can be told is one in so many


def rank(true_parameters: float, draws: NDArray[np.float64]) -> int:
    """How many of `LENGTH` draws, taken evenly from `draws` (one axis), lie below the truth."""
    taken = draws[np.arange(LENGTH) * draws.size // LENGTH]
    return int((taken < true_parameters).sum())


def p_value(ranks: Any) -> float:
    """Chance that so many uniform ranks stray so far from uniformity somewhere; `ranks` are whole, 0 to `LENGTH`."""
    ranks = np.asarray(ranks, dtype=np.int64)
    tail = _smallest_tail(ranks[None, :])[0]
    below = np.searchsorted(_null(ranks.size), tail * (1 + 1e-9), side="right")
    return float((below + 1) / (_REPLICATES + 1))


def band(size: int, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper edge of the band for the share of `size` ranks below 1 ... `LENGTH`, left with chance `level`."""
    tail = float(np.quantile(_null(size), level))
    steps = np.arange(1, LENGTH + 1) / (LENGTH + 1)
    lower = binom.ppf(tail / 2, size, steps) / size
    return lower, binom.isf(tail / 2, size, steps) / size


def _smallest_tail(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """The statistic of each row of ranks."""
    sets, size = ranks.shape
    places = ranks + (LENGTH + 1) * np.arange(sets)[:, None]
    counts = np.bincount(places.ravel(), minlength=sets * (LENGTH + 1)).reshape(sets, LENGTH + 1)
    below = counts.cumsum(axis=1)[:, :-1]
    tails: NDArray[np.float64] = _tails(size)[np.arange(LENGTH), below]
    return tails.min(axis=1)


@cache
def _tails(size: int) -> NDArray[np.float64]:
    """Two-sided tail of each count (columns) of ranks below 1 ... `LENGTH` (rows)."""
    counts = np.arange(size + 1)
    chance = np.arange(1, LENGTH + 1)[:, None] / (LENGTH + 1)
    down, up = binom.cdf(counts, size, chance), binom.sf(counts - 1, size, chance)
    return np.asarray(2.0 * np.minimum(down, up))


@cache
def _null(size: int) -> NDArray[np.float64]:
    """The statistic of uniform ranks, sorted."""
    rng = np.random.default_rng(size)
    return np.sort(_smallest_tail(rng.integers(0, LENGTH + 1, (_REPLICATES, size))))
