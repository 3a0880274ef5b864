"""Compute proper scores of forecasts, and test whether two sets of scores differ.

Lower is better for every score. The last axis of a forecast holds its samples or its classes; all other axes are the
axes of the outcome. Probabilities are between 0 and 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.array_types import Floats


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


def crps_of_histogram(values: ArrayLike, counts: ArrayLike, observed: float) -> float:
    """Return the CRPS of a distribution with mass `counts` (K,) at increasing `values` (K,), in the outcome's unit.

    The score is the integral of the squared difference between the distribution function and the step at the outcome.
    """
    x, mass = np.asarray(values, dtype=float), np.asarray(counts, dtype=float)
    below = np.concatenate([[0.0], np.cumsum(mass) / mass.sum()])
    edges = np.sort(np.append(x, observed))
    reached = below[np.searchsorted(x, edges[:-1], side="right")]
    return float((np.diff(edges) * (reached - (edges[:-1] >= observed)) ** 2).sum())


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


def energy_score(samples: Floats, observed: Floats) -> float:
    """Return the energy score of joint `samples` (K, S) of a vector at `observed` (K,), in the unit of the vector.

    The score is E|X - y| - E|X - X'| / 2 with Euclidean distances (Gneiting and Raftery 2007, section 4.3). It mostly
    measures the margins; `variogram_score` measures how the components move together.
    """
    from scipy.spatial.distance import pdist

    size = samples.shape[1]
    distance = np.linalg.norm(samples - observed[:, None], axis=0).mean()
    return float(distance - pdist(samples.T).sum() / size**2)


def variogram_score(samples: Floats, observed: Floats, order: float = 0.5) -> float:
    """Return the variogram score of joint `samples` (K, S) at `observed` (K,), a mean over all ordered pairs.

    For each pair, the score squares the error of the expected absolute difference to the power `order` (Scheuerer and
    Hamill 2015, Monthly Weather Review 143).
    """
    expected = np.stack([(np.abs(x - samples) ** order).mean(axis=1) for x in samples])
    actual = np.abs(observed[:, None] - observed) ** order
    return float(((actual - expected) ** 2).mean())


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
    """Hold the mean of paired differences, its standard error, t and two-sided p; NaN with too few clusters.

    `p_newey_west` is the p value under another estimate of the variance; NaN for clusters without an order in time.
    """

    mean: float
    se: float
    t: float
    p: float
    p_newey_west: float
    n: int
    clusters: int


def paired(difference: ArrayLike, cluster: ArrayLike, *, in_time: bool = False) -> Paired:
    """Test that the mean `difference` of two scores is zero, when differences within one `cluster` are dependent.

    This is the test of Diebold and Mariano (1995). The variance is that of the cluster sums.

    Without an order in time the G clusters are independent: the variance has the factor G / (G - 1) and t has G - 1
    degrees of freedom, because G is small (Cameron and Miller 2015).

    Clusters in time, such as origins, depend on each other, because horizons of several years overlap. The long-run
    variance is then the equally weighted cosine estimate with B = 0.4 G^(2/3) terms, and t has B degrees of freedom
    (Lazarus, Lewis, Stock and Watson 2018, Journal of Business and Economic Statistics 36). `p_newey_west` uses
    Bartlett weights with 1.3 sqrt(G) lags from the same source and normal critical values (Newey and West 1987, from
    statsmodels); it rejects too often in samples as small as these.

    Parameters
    ----------
    difference, cluster : difference of the scores and name of the cluster, (forecast,).
    in_time : whether the sorted names of the clusters are their order in time.
    """
    d = np.asarray(difference, dtype=float).ravel()
    names, cluster_of = np.unique(np.asarray(cluster).ravel(), return_inverse=True)
    n, groups = len(d), len(names)
    mean, nan = float(d.mean()) if n else float("nan"), float("nan")
    if groups < (3 if in_time else 2):
        return Paired(mean=mean, se=nan, t=nan, p=nan, p_newey_west=nan, n=n, clusters=groups)
    sums = np.bincount(cluster_of, weights=d - mean)
    variance, freedom, p_newey_west = float((sums**2).sum() / (groups - 1.0)), groups - 1, nan
    if in_time:
        variance, freedom = cosine_variance(sums)
        p_newey_west = _newey_west_p(sums, mean * n / groups)
    se = float(np.sqrt(groups * variance) / n)
    t = _ratio(mean, se)
    p = _p_value(t, freedom)
    return Paired(mean=mean, se=se, t=t, p=p, p_newey_west=p_newey_west, n=n, clusters=groups)


def _ratio(mean: float, se: float) -> float:
    """Return t = mean / se; NaN for a standard error of 0."""
    return mean / se if se > 0.0 else float("nan")


def _p_value(t: float, freedom: float) -> float:
    """Return the two-sided p value of t."""
    from scipy.special import stdtr

    return float(2.0 * stdtr(freedom, -abs(t)))


def _newey_west_p(sums: Floats, mean: float) -> float:
    """Return the p value of a series with this mean and these deviations from it; NaN if it does not vary."""
    from statsmodels.tsa.stattools import diebold_mariano_test

    if not sums.any():
        return float("nan")
    zeros = np.zeros_like(sums)
    lags = min(int(np.ceil(1.3 * np.sqrt(sums.size))), sums.size - 1)
    test = diebold_mariano_test(zeros, sums + mean, zeros, lags=lags, criterion=lambda y, loss: loss)
    return float(test.pvalue)


def cosine_variance(z: Floats) -> tuple[float, int]:
    """Return the equally weighted cosine estimate of the long-run variance of a centred series, and its terms B."""
    size = len(z)
    terms = max(2, round(0.4 * size ** (2 / 3)))
    angle = np.pi * np.outer(np.arange(1, terms + 1), np.arange(size) + 0.5) / size
    return float(((np.sqrt(2.0 / size) * np.cos(angle) @ z) ** 2).mean()), terms


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
