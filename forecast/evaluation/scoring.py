"""Proper scores of forecasts, and whether a difference of scores is more than luck: numbers in, numbers out.

Lower is better for every score here. The last axis of a forecast holds its samples or its classes; all other axes
are those of what was observed.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.array_types import Floats
from forecast.names import VERDICTS

if TYPE_CHECKING:
    import xarray as xr


#: Central intervals whose cover is reported.
LEVELS: Final = (0.5, 0.8, 0.95)


def crps(samples: ArrayLike, observed: ArrayLike) -> Floats:
    """Continuous ranked probability score of the distribution of `samples` (..., S) at `observed` (...).

    E|X - y| - E|X - X'| / 2 with X, X' drawn from the samples, by their order (Gneiting and Raftery 2007, eq. 21;
    Jordan, Krueger and Lerch 2019): the mean gap between samples needs a sort, no pairs. In the unit of what is
    observed; for a point forecast it is the absolute error.
    """
    x = np.sort(np.asarray(samples, dtype=float), axis=-1)
    y = np.asarray(observed, dtype=float)
    size = x.shape[-1]
    weight = (2.0 * np.arange(1, size + 1) - size - 1.0) / size**2
    return np.asarray(np.abs(x - y[..., None]).mean(axis=-1) - (x * weight).sum(axis=-1))


def brier(p: ArrayLike, y: ArrayLike) -> Floats:
    """Squared error of the chance `p` of an event that happened (`y` = 1) or did not (Brier 1950)."""
    return np.asarray((np.asarray(p, dtype=float) - np.asarray(y, dtype=float)) ** 2)


def rps(p: ArrayLike, y: ArrayLike) -> Floats:
    """Ranked probability score of the chances `p` (..., K) of ordered classes; `y` (...) is the class seen, 0 to K-1.

    Sum over classes of the squared error of the cumulative chance (Epstein 1969), without division by K - 1.
    """
    below = np.cumsum(np.asarray(p, dtype=float), axis=-1)
    reached = np.asarray(y)[..., None] <= np.arange(below.shape[-1])
    return np.asarray(((below - reached) ** 2).sum(axis=-1))


def log_score_binary(p: ArrayLike, y: ArrayLike) -> Floats:
    """Minus the log of the chance given to what happened (Good 1952), in nats; infinite if that chance was 0."""
    p, y = np.asarray(p, dtype=float), np.asarray(y, dtype=float)
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(np.where(y > 0.5, p, 1.0 - p)))


def log_score_counts(samples: ArrayLike, observed: ArrayLike, most: ArrayLike) -> Floats:
    """Minus the log chance of the count seen, from sampled counts in 0 to `most`, in nats.

    The share of the samples that hit it, with one more observation spread over all counts, so that it is finite.
    """
    x, y = np.asarray(samples), np.asarray(observed)
    classes = np.asarray(most, dtype=float) + 1.0
    hits = (x == y[..., None]).sum(axis=-1)
    return np.asarray(-np.log((hits + 1.0 / classes) / (x.shape[-1] + 1.0)))


def pit(samples: ArrayLike, observed: ArrayLike, u: ArrayLike) -> Floats:
    """Where `observed` (...) falls among `samples` (..., S): the share below, and `u` in [0, 1] of those equal.

    Uniform if the forecast is right, for counts too when `u` is uniform (Czado, Gneiting and Held 2009). The sample
    seen counts as one more, so that the value is inside (0, 1).
    """
    x, y = np.asarray(samples, dtype=float), np.asarray(observed, dtype=float)[..., None]
    below, equal = (x < y).sum(axis=-1), (x == y).sum(axis=-1)
    return np.asarray((below + np.asarray(u) * (equal + 1.0)) / (x.shape[-1] + 1.0))


def covered(pit_values: ArrayLike, level: float) -> NDArray[np.bool_]:
    """Whether the central interval of that level held what was seen, told by its place among the samples."""
    return np.asarray(np.abs(np.asarray(pit_values, dtype=float) - 0.5) <= level / 2.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Paired:
    """Mean of paired differences; its standard error, t and two-sided p by clusters; NaN with one cluster."""

    mean: float
    se: float
    t: float
    p: float
    n: int
    clusters: int


def paired(difference: ArrayLike, cluster: ArrayLike) -> Paired:
    """Test that the mean `difference` of two scores is zero, when those of one `cluster` go together.

    The test of Diebold and Mariano (1995), with the variance of cluster sums in place of that of lags: forecasts from
    one origin share what came after it. The variance has the factor G / (G - 1) and t has G - 1 degrees of freedom, for
    there are few origins G (Cameron and Miller 2015).
    """
    from scipy.special import stdtr

    d = np.asarray(difference, dtype=float).ravel()
    names, of = np.unique(np.asarray(cluster).ravel(), return_inverse=True)
    n, groups = len(d), len(names)
    mean = float(d.mean()) if n else float("nan")
    if groups < 2:
        nan = float("nan")
        return Paired(mean=mean, se=nan, t=nan, p=nan, n=n, clusters=groups)
    sums = np.bincount(of, weights=d - mean)
    se = float(np.sqrt((sums**2).sum() * groups / (groups - 1.0)) / n)
    t = mean / se if se > 0.0 else float("nan")
    p = float(2.0 * stdtr(groups - 1, -abs(t)))
    return Paired(mean=mean, se=se, t=t, p=p, n=n, clusters=groups)


def reliability(p: ArrayLike, y: ArrayLike, bins: int) -> list[dict[str, Any]]:
    """Forecast and seen frequency in `bins` groups of nearly equal size, from the lowest chances to the highest.

    Each holds `n`, `forecast`, `seen` and the band `low`, `high` in which 95 % of the frequencies seen would lie if
    the chances were right (normal approximation; Broecker and Smith 2007).
    """
    p, y = np.asarray(p, dtype=float), np.asarray(y, dtype=float)
    out = []
    for group in np.array_split(np.argsort(p, kind="stable"), bins):
        if len(group):
            chance = p[group]
            reach = 1.96 * np.sqrt((chance * (1.0 - chance)).sum()) / len(group)
            mean = float(chance.mean())
            out.append(
                {
                    "n": len(group),
                    "forecast": mean,
                    "seen": float(y[group].mean()),
                    "low": max(0.0, mean - reach),
                    "high": min(1.0, mean + reach),
                }
            )
    return out


def verdict_rps(probability: "xr.DataArray", verdict: "xr.DataArray") -> "xr.DataArray":
    """Ranked probability score of forecasts (..., verdict): sum of squared errors of P(at most k), 0 is best."""
    import xarray as xr

    seen = xr.DataArray(np.arange(len(VERDICTS)), dims="verdict") >= verdict
    return ((probability.cumsum("verdict") - seen) ** 2).sum("verdict")
