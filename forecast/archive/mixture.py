"""Mix the scenarios of a run with dated weights, and find the weights that a number would need.

A mixture is the exact weighted sum: probabilities and means are summed, and quantiles are read from the weighted
histogram of all paths. Two errors are kept apart. The Monte Carlo error is the weighted sum of the errors of the
scenarios; as their paths share random numbers, this is its upper limit. The uncertainty of the weights follows from
the moments of their Dirichlet distributions.

The weights that a number needs are those nearest to the given ones in relative entropy (exponential tilting; Csiszar
1975, Annals of Probability 3).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from forecast import names
from forecast.archive.headline_values import Estimates, Kind, find_kind
from forecast.array_types import Floats
from forecast.errors import RunError
from forecast.priors.weights import ScenarioWeights

_COVERAGE: Final = 0.95  # of the intervals of both errors
_TAIL: Final = (1.0 - names.INTERVAL) / 2
_TIE: Final = 1e-6  # paths by which rounding may miss a rank


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """One error of a mixture: standard deviation, and an interval of 95 %."""

    sd: float
    lower: float
    upper: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixed:
    """A headline of the mixture.

    Attributes
    ----------
    kind : the headline.
    value : the number.
    lower, upper : 80 % interval of the forecast; None for a probability.
    monte_carlo : error from the finite number of paths and draws.
    weights : error from the uncertainty of the weights.
    least, most : smallest and largest number among the scenarios with weight.
    """

    kind: Kind
    value: float
    lower: float | None
    upper: float | None
    monte_carlo: Spread
    weights: Spread
    least: float
    most: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Tilt:
    """The weights nearest to the given ones under which a headline has a certain number.

    Attributes
    ----------
    kind : the headline.
    before, target : its number under the given weights and under the new ones.
    weights : new weight of each scenario, (N,).
    relative_entropy : of the new weights to the given ones, nats.
    """

    kind: Kind
    before: float
    target: float
    weights: Floats
    relative_entropy: float


def mix(estimates: Sequence[Estimates], weights: ScenarioWeights) -> list[Mixed]:
    """Return every headline of the mixture."""
    return [_mixed(one, weights) for one in estimates]


def mixed_value(estimates: Estimates, mean: Floats) -> float:
    """Return the number of a headline under weights, (N,)."""
    if estimates.kind.statistic == names.MEDIAN:
        return _quantile(estimates, mean, 0.5)
    return float(mean @ estimates.values)


def tilt(estimates: Sequence[Estimates], weights: ScenarioWeights, target: str) -> Tilt:
    """Return the weights that a target such as `verdict Weak 2027Q4 = 0.5` needs.

    Raises
    ------
    RunError
        If the target names no headline or is out of reach for every mixture of the scenarios with weight.
    """
    words, _, text = target.rpartition("=")
    try:
        wanted = float(text)
    except ValueError:
        raise RunError(f"target {target!r}: expected a headline, =, and a number, as in 'verdict Weak = 0.5'") from None
    by_kind = {one.kind: one for one in estimates}
    one = by_kind[find_kind(list(by_kind), words)]
    base, is_median = weights.mean, one.kind.statistic == names.MEDIAN
    # a median is x where the probability of less than x is one half, and that is linear in the weights
    values, level = (_below(one, wanted), 0.5) if is_median else (one.values, wanted)
    new = tilted(base, values, level)
    if new is None:
        reached = one.values[base > 0.0]
        low, high = float(reached.min()), float(reached.max())
        # a rounded bound is shown only if it can be reached
        ends = [text if low <= float(text := f"{end:.4g}") <= high else f"{end!r}" for end in (low, high)]
        raise RunError(
            f"target {target!r}: out of reach, expected {ends[0]} to {ends[1]}, the range of the scenarios with "
            "weight; change the target, or give weight to other scenarios"
        )
    used = new > 0.0
    return Tilt(
        kind=one.kind,
        before=mixed_value(one, base),
        target=wanted,
        weights=new,
        relative_entropy=float(np.sum(new[used] * np.log(new[used] / base[used]))),
    )


def tilted(base: Floats, values: Floats, level: float) -> Floats | None:
    """Return the weights of least relative entropy to `base` with the mean `level` of `values`; None if out of reach.

    They are proportional to base * exp(strength * values), and the mean rises with the strength.
    """
    from scipy.optimize import brentq

    used = base > 0.0
    low, high = values[used].min(), values[used].max()
    if not low <= level <= high:
        return None
    if level in (low, high):
        end = np.where(used & (values == level), base, 0.0)
        return np.asarray(end / end.sum())
    scaled = np.where(used, (values - level) / (high - low), 0.0)

    def weights_at(strength: float) -> Floats:
        exponent = strength * scaled
        raw = np.where(used, base * np.exp(exponent - exponent[used].max()), 0.0)
        return np.asarray(raw / raw.sum())

    reach = 1.0
    while weights_at(-reach) @ scaled > 0.0 or weights_at(reach) @ scaled < 0.0:
        reach *= 2.0
    return weights_at(brentq(lambda strength: float(weights_at(strength) @ scaled), -reach, reach, xtol=1e-14))


def mixed_rows(mixed: Sequence[Mixed]) -> list[dict[str, Any]]:
    """Return one plain record for each headline of a mixture, for JSON and tables."""
    return [
        {
            **{name: getattr(one.kind, name) for name in ("target", "unit_id", "horizon", "statistic", "category")},
            "unit": one.kind.unit,
            "value": one.value,
            "lower": one.lower,
            "upper": one.upper,
            **{
                f"{source}_{name}": getattr(spread, name)
                for source, spread in (("mcse", one.monte_carlo), ("weights", one.weights))
                for name in ("sd", "lower", "upper")
            },
            "least": one.least,
            "most": one.most,
        }
        for one in mixed
    ]


def tilt_rows(tilt: Tilt, weights: ScenarioWeights) -> dict[str, Any]:
    """Return a plain record of a tilt with one row for each scenario, for JSON."""
    pairs = zip(weights.scenarios, weights.mean, tilt.weights, strict=True)
    return {
        "headline": tilt.kind.name,
        "before": tilt.before,
        "target": tilt.target,
        "relative_entropy": tilt.relative_entropy,
        "weights": [
            {names.WAR: war, names.DESIGN: design, "given": float(given), "needed": float(needed)}
            for (war, design), given, needed in pairs
        ],
    }


def _mixed(one: Estimates, weights: ScenarioWeights) -> Mixed:
    mean, used = weights.mean, weights.mean > 0.0
    value = mixed_value(one, mean)
    least, most = float(one.values[used].min()), float(one.values[used].max())
    if one.kind.statistic == names.MEDIAN:
        share = _below(one, value)
        of_weights = _quantile_sd(one, mean, _sd(share, weights))
        of_paths = _quantile_sd(one, mean, float(mean @ _level_errors(one, share)))
    else:
        of_weights = _sd(one.values, weights)
        of_paths = float(mean[used] @ one.errors[used])
    ends = (0.0, 1.0) if one.kind.is_share else (-np.inf, np.inf)
    return Mixed(
        kind=one.kind,
        value=value,
        lower=None if one.counts is None else _quantile(one, mean, _TAIL),
        upper=None if one.counts is None else _quantile(one, mean, 1.0 - _TAIL),
        monte_carlo=_spread(value, of_paths, *ends),
        weights=_spread(value, of_weights, least, most),
        least=least,
        most=most,
    )


def _sd(values: Floats, weights: ScenarioWeights) -> float:
    """Return the standard deviation of a weighted sum that is due to the weights."""
    return math.sqrt(max(float(values @ weights.covariance @ values), 0.0))  # rounding may make a 0 negative


def _spread(value: float, sd: float, low: float, high: float) -> Spread:
    """Return an interval of 95 % with a mean, a standard deviation and ends: of a Beta distribution, else normal."""
    from scipy.special import betaincinv, ndtri

    tails = np.array([(1.0 - _COVERAGE) / 2, (1.0 + _COVERAGE) / 2])
    width = high - low
    if sd == 0.0 or not low < value < high:
        lower, upper = value, value
    elif not np.isfinite(width):
        lower, upper = value + sd * ndtri(tails)
    else:
        m = (value - low) / width
        total = m * (1.0 - m) / min(sd / width, 0.999 * np.sqrt(m * (1.0 - m))) ** 2 - 1.0
        lower, upper = low + width * betaincinv(m * total, (1.0 - m) * total, tails)
    return Spread(sd=sd, lower=float(lower), upper=float(upper))


def _quantile(one: Estimates, mean: Floats, level: float) -> float:
    """Return a quantile of the mixture, placed in its bin as for a single scenario."""
    assert one.counts is not None and one.bins is not None
    counts = mean @ one.counts
    reached = np.cumsum(counts)
    wanted = level * round(reached[-1])
    place = min(int(np.searchsorted(reached, max(wanted, 1.0) - _TIE)), counts.size - 1)
    below, rank = reached[place] - counts[place], min(np.ceil(wanted - _TIE), reached[place])
    inside = (rank - below - 0.5) / max(counts[place], 1.0) - 0.5
    return _in_unit(one, one.bins[place] + one.step * float(np.clip(inside, -0.5, 0.5)))


def _in_unit(one: Estimates, value: float) -> float:
    """Return a value of a bin in the unit of the headline."""
    return float(np.exp(value)) if one.step else float(value)


def _below(one: Estimates, value: float) -> Floats:
    """Return the share of paths below a value in each scenario, (N,); paths are spread evenly within a bin."""
    assert one.counts is not None and one.bins is not None
    x = np.log(max(value, 1e-300)) if one.step else value
    inside = np.clip((x - one.bins) / one.step + 0.5, 0.0, 1.0) if one.step else (one.bins <= x).astype(float)
    return np.asarray(one.counts @ inside / one.counts.sum(axis=1))


def _level_errors(one: Estimates, share: Floats) -> Floats:
    """Return the Monte Carlo standard error of the share of paths below a value, (N,).

    It is sqrt(p (1 - p)) m / s, with s the standard deviation of the paths and m the error of their mean, which
    reflects that paths share draws (as in `projection.monte_carlo_error.lumpy_quantile_errors`).
    """
    assert one.counts is not None and one.bins is not None and one.mean_errors is not None
    values = np.exp(one.bins) if one.step else one.bins
    total = one.counts.sum(axis=1)
    mean, square = one.counts @ values / total, one.counts @ values**2 / total
    sd = np.sqrt(np.maximum(square - mean**2, 1e-12))
    return np.asarray(np.sqrt(share * (1.0 - share)) * one.mean_errors / sd)


def _quantile_sd(one: Estimates, mean: Floats, of_level: float) -> float:
    """Return half the distance between the quantiles one standard error of the level away (Woodruff 1952)."""
    low, high = (_quantile(one, mean, float(np.clip(0.5 + step, 0.0, 1.0))) for step in (-of_level, of_level))
    return (high - low) / 2
