"""Estimates from sampled paths with their Monte Carlo error: conditional means, probabilities and quantiles.

A conditional estimate is a ratio, so its error comes from its influence function (Hampel 1974). Paths that share a
parameter draw are not independent; the influence is therefore summed by draw. Terms of a difference are estimated on
the same paths, so the influences are subtracted path by path, and shared random numbers cancel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecast.array_types import Floats

_COVERAGE: Final = 0.95  # of the interval of the Monte Carlo error
_UNSEEN: Final = 3.0  # over n: upper 95 % limit of the probability of what none of n paths shows (the rule of three)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What one term needs of the paths of one scenario.

    Attributes
    ----------
    values : value of each path, (path,); for a probability 0 or 1.
    holds : whether the path meets the condition, (path,).
    soft : probability of the condition; None if it is certain.
    level : of a quantile; None for a mean or a probability.
    draw : number of the parameter draw of each path, (path,).
    """

    values: Floats
    holds: NDArray[np.bool_]
    soft: float | None
    level: float | None
    draw: NDArray[np.int64]

    def joined(self, more: "Sample") -> "Sample":
        """Return the sample with the paths of another sample of the same term added."""
        return Sample(
            values=np.concatenate([self.values, more.values]),
            holds=np.concatenate([self.holds, more.holds]),
            soft=self.soft,
            level=self.level,
            draw=np.concatenate([self.draw, more.draw]),
        )

    @property
    def support(self) -> int:
        """Number of paths that meet the condition; for a soft one, of those that meet it or do not, if fewer."""
        met = int(self.holds.sum())
        return met if self.soft is None else min(met, self.holds.size - met)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """An estimate with its Monte Carlo error.

    Attributes
    ----------
    value : the estimate.
    error : Monte Carlo standard error.
    lower, upper : interval that holds the exact value of the simulation in 95 % of samples.
    support : number of paths that meet the condition.
    paths : number of paths looked at.
    effective : number of independent paths that would give the same error.
    """

    value: float
    error: float
    lower: float
    upper: float
    support: int
    paths: int
    effective: float


def estimate(sample: Sample) -> Estimate:
    """Return the estimate of one term; the sample has at least two paths that meet its condition."""
    weights = _weights(sample)
    value = _weighted(sample, weights)
    error = _clustered(_influence(sample, weights, value), sample.draw)
    effective = _effective(sample, weights, value, error)
    lower, upper = _interval(sample, weights, value, error, effective)
    return Estimate(
        value=value,
        error=error,
        lower=lower,
        upper=upper,
        support=sample.support,
        paths=sample.values.size,
        effective=effective,
    )


def estimate_difference(first: Sample, second: Sample) -> Estimate:
    """Return the first term minus the second, both on the same paths.

    If no path differs, two probabilities may still differ by as much as the rule of three allows.
    """
    a, b = estimate(first), estimate(second)
    influence = _influence(first, _weights(first), a.value) - _influence(second, _weights(second), b.value)
    error, value = _clustered(influence, first.draw), a.value - b.value
    effective = min(a.effective, b.effective)
    lower, upper = _around(value, error, effective)
    if error == 0.0 and _is_probability(first) and _is_probability(second):
        lower, upper = -_UNSEEN / effective, _UNSEEN / effective
        error = upper / 2.0
    return Estimate(
        value=value,
        error=error,
        lower=lower,
        upper=upper,
        support=min(a.support, b.support),
        paths=a.paths,
        effective=effective,
    )


def _weights(sample: Sample) -> Floats:
    """Return the weight of each path, with mean 1; with a soft condition, paths on both sides have one."""
    met = sample.holds.mean()
    if sample.soft is None:
        return sample.holds / met
    return np.where(sample.holds, sample.soft / max(met, 1e-300), (1.0 - sample.soft) / max(1.0 - met, 1e-300))


def _weighted(sample: Sample, weights: Floats) -> float:
    """Return the weighted mean, or the weighted quantile: the smallest value that reaches the level."""
    if sample.level is None:
        return float(np.mean(weights * sample.values))
    return float(weighted_quantiles(sample.values, weights, [sample.level])[0])


def weighted_quantiles(values: Floats, weights: Floats, levels: Sequence[float]) -> Floats:
    """Return the smallest value at which the weights, (n,), reach each level of their sum, (level,)."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    places = np.searchsorted(reached, np.asarray(levels) - 1e-12)
    return np.asarray(values[order][np.minimum(places, order.size - 1)], dtype=float)


def _influence(sample: Sample, weights: Floats, value: float) -> Floats:
    """Return the influence of each path on the estimate, (path,), with mean 0."""
    if sample.level is None:
        return _of_mean(sample, weights, sample.values)
    below = (sample.values <= value).astype(float)
    return -_of_mean(sample, weights, below) / _density(sample, weights)


def _of_mean(sample: Sample, weights: Floats, values: Floats) -> Floats:
    """Return the influence of each path on the weighted mean of `values`; each side of a soft condition is a mean."""
    if sample.soft is None:
        return weights * (values - np.mean(weights * values))
    inside, outside = sample.holds, ~sample.holds
    centre = np.where(inside, values[inside].mean(), values[outside].mean())
    return weights * (values - centre)


def _density(sample: Sample, weights: Floats) -> float:
    """Return the density at a quantile, from the values around it that lie one standard error away."""
    assert sample.level is not None
    spread = np.sqrt(sample.level * (1.0 - sample.level) / max(sample.support, 2))
    levels = np.clip([sample.level - spread, sample.level + spread], 0.0, 1.0)
    low, high = (_weighted(replace(sample, level=float(p)), weights) for p in levels)
    return float((levels[1] - levels[0]) / max(high - low, 1e-12))


def _clustered(influence: Floats, draw: NDArray[np.int64]) -> float:
    """Return the standard error of a mean whose influence is summed by parameter draw."""
    _, place = np.unique(draw, return_inverse=True)
    sums = np.bincount(place, influence)
    groups = sums.size
    return float(np.sqrt(np.sum(sums**2) * groups / max(groups - 1, 1))) / influence.size


def _effective(sample: Sample, weights: Floats, value: float, error: float) -> float:
    """Return the number of independent paths that give the same error; without variance, the number of draws."""
    if sample.level is None:
        variance = float(np.mean(weights * (sample.values - value) ** 2))
    else:
        variance = sample.level * (1.0 - sample.level) / _density(sample, weights) ** 2
    if error == 0.0 or variance == 0.0:
        return float(np.unique(sample.draw[sample.holds]).size)
    return min(variance / error**2, float(sample.values.size))


def _interval(sample: Sample, weights: Floats, value: float, error: float, effective: float) -> tuple[float, float]:
    """Return the interval of an estimate: of a probability by Jeffreys, else by Student's t."""
    from scipy.special import betaincinv  # `scipy.stats` takes a second to load

    tail = (1.0 - _COVERAGE) / 2
    if _is_probability(sample):
        met = value * effective
        lower = 0.0 if value == 0.0 else float(betaincinv(met + 0.5, effective - met + 0.5, tail))
        upper = 1.0 if value == 1.0 else float(betaincinv(met + 0.5, effective - met + 0.5, 1.0 - tail))
        return lower, upper
    return _around(value, error, effective)


def _is_probability(sample: Sample) -> bool:
    return sample.level is None and bool(np.isin(sample.values, (0.0, 1.0)).all())


def _around(value: float, error: float, effective: float) -> tuple[float, float]:
    """Return the interval of Student's t around a value."""
    from scipy.special import stdtrit

    reach = float(stdtrit(max(effective - 1.0, 1.0), (1.0 + _COVERAGE) / 2)) * error
    return value - reach, value + reach
