"""Compute proper scores of forecasts, and test whether two sets of scores differ.

Lower is better for every score. The last axis of a forecast holds its samples or its classes; all other axes are the
axes of the outcome. Probabilities are between 0 and 1.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.array_types import Floats
from forecast.names import VERDICTS

if TYPE_CHECKING:
    import xarray as xr


def crps(samples: ArrayLike, observed: ArrayLike) -> Floats:
    """Return the continuous ranked probability score of `samples` (..., S) at `observed` (...), in the outcome's unit.

    The score is E|X - y| - E|X - X'| / 2 with X, X' drawn from the samples (Gneiting and Raftery 2007, eq. 21). Sorting
    the samples gives the second term without forming pairs (Jordan, Krueger and Lerch 2019). For a point forecast the
    score is the absolute error.
    """
    x = np.sort(np.asarray(samples, dtype=float), axis=-1)
    y = np.asarray(observed, dtype=float)
    size = x.shape[-1]
    weight = (2.0 * np.arange(1, size + 1) - size - 1.0) / size**2
    return np.asarray(np.abs(x - y[..., None]).mean(axis=-1) - (x * weight).sum(axis=-1))


def brier(p: ArrayLike, y: ArrayLike) -> Floats:
    """Return the squared error of the probability `p` of an event that happened (`y` = 1) or did not (Brier 1950)."""
    return np.asarray((np.asarray(p, dtype=float) - np.asarray(y, dtype=float)) ** 2)


def rps(p: ArrayLike, y: ArrayLike) -> Floats:
    """Return the ranked probability score of probabilities `p` (..., K) of ordered classes; `y` (...) is the outcome.

    The score is the sum over classes of the squared error of the cumulative probability (Epstein 1969), not divided by
    K - 1. Classes are numbered from 0 to K - 1.
    """
    below = np.cumsum(np.asarray(p, dtype=float), axis=-1)
    reached = np.asarray(y)[..., None] <= np.arange(below.shape[-1])
    return np.asarray(((below - reached) ** 2).sum(axis=-1))


def log_score_binary(p: ArrayLike, y: ArrayLike) -> Floats:
    """Return minus the log probability of the outcome (Good 1952), in nats; infinite if that probability was 0."""
    p, y = np.asarray(p, dtype=float), np.asarray(y, dtype=float)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(np.where(y > 0.5, p, 1.0 - p)))


def log_score_counts(samples: ArrayLike, observed: ArrayLike, most: ArrayLike) -> Floats:
    """Return minus the log probability of the observed count, from sampled counts between 0 and `most`, in nats.

    The probability is the share of the samples equal to the outcome. One more sample is spread evenly over all counts,
    so the score is finite.
    """
    x, y = np.asarray(samples), np.asarray(observed)
    classes = np.asarray(most, dtype=float) + 1.0
    hits = (x == y[..., None]).sum(axis=-1)
    return np.asarray(-np.log((hits + 1.0 / classes) / (x.shape[-1] + 1.0)))


def pit(samples: ArrayLike, observed: ArrayLike, u: ArrayLike) -> Floats:
    """Return the probability integral transform: the share of `samples` (..., S) below `observed` (...).

    The fraction `u` in [0, 1] of the samples equal to the outcome counts as below. The value is uniform if the forecast
    is correct, for counts too if `u` is uniform (Czado, Gneiting and Held 2009). The outcome counts as one more sample,
    so the value is inside (0, 1).
    """
    x, y = np.asarray(samples, dtype=float), np.asarray(observed, dtype=float)[..., None]
    below, equal = (x < y).sum(axis=-1), (x == y).sum(axis=-1)
    return np.asarray((below + np.asarray(u) * (equal + 1.0)) / (x.shape[-1] + 1.0))


def covered(pit_values: ArrayLike, level: float) -> NDArray[np.bool_]:
    """Return whether the central interval of probability `level` contained the outcome, given its PIT value."""
    return np.asarray(np.abs(np.asarray(pit_values, dtype=float) - 0.5) <= level / 2.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Paired:
    """Hold the mean of paired differences, its clustered standard error, t and two-sided p; NaN with one cluster."""

    mean: float
    se: float
    t: float
    p: float
    n: int
    clusters: int


def paired(difference: ArrayLike, cluster: ArrayLike) -> Paired:
    """Test that the mean `difference` of two scores is zero, when differences within one `cluster` are dependent.

    This is the test of Diebold and Mariano (1995) with a clustered variance instead of a lag variance, because
    forecasts from one origin share the events after it. With G clusters, the variance has the factor G / (G - 1) and t
    has G - 1 degrees of freedom, because G is small (Cameron and Miller 2015).
    """
    from scipy.special import stdtr

    d = np.asarray(difference, dtype=float).ravel()
    names, cluster_of = np.unique(np.asarray(cluster).ravel(), return_inverse=True)
    n, groups = len(d), len(names)
    mean = float(d.mean()) if n else float("nan")
    if groups < 2:
        nan = float("nan")
        return Paired(mean=mean, se=nan, t=nan, p=nan, n=n, clusters=groups)
    sums = np.bincount(cluster_of, weights=d - mean)
    se = float(np.sqrt((sums**2).sum() * groups / (groups - 1.0)) / n)
    t = mean / se if se > 0.0 else float("nan")
    p = float(2.0 * stdtr(groups - 1, -abs(t)))
    return Paired(mean=mean, se=se, t=t, p=p, n=n, clusters=groups)


def reliability(p: ArrayLike, y: ArrayLike, bins: int) -> list[dict[str, Any]]:
    """Return forecast and observed frequencies in `bins` groups of nearly equal size, ordered by probability.

    Each group holds `n`, `forecast`, `seen` (the observed frequency) and the band `low` to `high`. If the probabilities
    are correct, 95 % of observed frequencies are inside the band (normal approximation; Broecker and Smith 2007).
    """
    p, y = np.asarray(p, dtype=float), np.asarray(y, dtype=float)
    groups = []
    for group in np.array_split(np.argsort(p, kind="stable"), bins):
        if len(group):
            chance = p[group]
            reach = 1.96 * np.sqrt((chance * (1.0 - chance)).sum()) / len(group)
            mean = float(chance.mean())
            groups.append(
                {
                    "n": len(group),
                    "forecast": mean,
                    "seen": float(y[group].mean()),
                    "low": max(0.0, mean - reach),
                    "high": min(1.0, mean + reach),
                }
            )
    return groups


def verdict_rps(probability: "xr.DataArray", verdict: "xr.DataArray") -> "xr.DataArray":
    """Return the ranked probability score of forecasts (..., verdict): the sum of squared errors of P(at most k)."""
    import xarray as xr

    reached = xr.DataArray(np.arange(len(VERDICTS)), dims="verdict") >= verdict
    return ((probability.cumsum("verdict") - reached) ** 2).sum("verdict")
