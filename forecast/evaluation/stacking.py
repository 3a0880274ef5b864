"""Stack forecasters: mix their samples with weights that gave the lowest CRPS on outcomes known at the time.

The CRPS of a mixture with weights w is w'd - w'E w / 2, where d_k is the mean distance of the samples of forecaster k
from the outcome, and E_kl the mean distance between samples of k and l (Gneiting and Raftery 2007, eq. 21). Its mean
over past forecasts is convex in w, so the weights follow from two small averages; no forecast is kept.
"""

from dataclasses import dataclass

import numpy as np

from forecast.array_types import Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Distances:
    """Hold what the CRPS of every mixture of K forecasters depends on, for forecasts of outcomes known from `known`.

    `to_outcome` (K,) and `between` (K, K) are means over the forecasts, in the outcome's unit; `size` counts them.
    """

    known: int
    size: int
    to_outcome: Floats
    between: Floats


def distances(samples: Floats, observed: Floats, known: int) -> Distances:
    """Return the distances of `samples` (K, forecast, S) from `observed` (forecast,) and from each other.

    Samples of one index may share noise, so those of neighbouring indices are compared.
    """
    to_outcome = np.abs(samples - observed[:, None]).mean(axis=(1, 2))
    shifted = np.roll(samples, 1, axis=-1)
    between = np.array([[np.abs(x - y).mean() for y in shifted] for x in samples])
    return Distances(known=known, size=observed.size, to_outcome=to_outcome, between=(between + between.T) / 2.0)


def stacking_weights(past: list[Distances], now: int, count: int) -> Floats:
    """Return the weights (count,), sum 1, of the lowest CRPS over the outcomes known at `now`; equal without any."""
    from scipy.optimize import minimize

    seen = [one for one in past if one.known <= now and one.size > 0]
    equal = np.full(count, 1.0 / count)
    if not seen:
        return equal
    sizes = np.array([one.size for one in seen], dtype=float)
    d = np.average([one.to_outcome for one in seen], axis=0, weights=sizes)
    e = np.average([one.between for one in seen], axis=0, weights=sizes)
    found = minimize(
        lambda w: float(w @ d - w @ e @ w / 2.0),
        equal,
        jac=lambda w: d - e @ w,
        bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-12},
    )
    weights = np.clip(found.x, 0.0, None)
    return np.asarray(weights / weights.sum())


def mixture(samples: Floats, weights: Floats, rng: np.random.Generator) -> Floats:
    """Return samples (forecast, S) of the mixture of `samples` (K, forecast, S); an index comes from one forecaster."""
    chosen = np.asarray(rng.choice(len(weights), size=samples.shape[-1], p=weights))
    return np.asarray(np.take_along_axis(samples, chosen[None, None, :], axis=0)[0])
