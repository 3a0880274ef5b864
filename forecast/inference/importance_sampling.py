"""Reweight stored draws by Pareto-smoothed importance sampling (PSIS): power scaling and leave-one-out.

Source: Vehtari, Gelman and Gabry 2017, Statistics and Computing 27.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from forecast.array_types import Floats
from forecast.inference.arviz_functions import arviz

#: Pareto k above which the weights are unreliable and the model should be fitted again (Vehtari et al. 2017).
MAX_PARETO_K: Final = 0.7


class LeaveOneOut(NamedTuple):
    """The predictive distribution of each observation, given all others."""

    log_density: Floats  # (observation,) log predictive density
    pareto_k: Floats  # (observation,) reliable up to `MAX_PARETO_K`
    log_weights: Floats  # (observation, chain * draw), normalised


def leave_one_out(log_likelihood: Any) -> LeaveOneOut:
    """Return the log predictive density of each observation without it, the Pareto k and the weights of the draws.

    Parameters
    ----------
    log_likelihood
        Pointwise log-likelihood, (chain, draw, observation). The draws of a single chain count as independent. With
        several chains, their relative efficiency is estimated from the log-likelihood of the first observation; it
        sets the length of the tail that is smoothed.
    """
    values = np.asarray(log_likelihood)
    by_observation = np.ascontiguousarray(values.reshape(-1, values.shape[-1]).T)
    log_weights, pareto_k = _array_stats().psislw(by_observation, r_eff=_relative_efficiency(values[..., 0]))
    log_weights = log_weights - np.logaddexp.reduce(log_weights, axis=1, keepdims=True)
    log_density = np.logaddexp.reduce(log_weights + by_observation, axis=1)
    return LeaveOneOut(log_density, np.asarray(pareto_k), log_weights)


def _relative_efficiency(values: Floats) -> float:
    """Return the effective sample size of the mean of `values` (chain, draw) over the number of draws."""
    if values.shape[0] == 1:
        return 1.0
    with arviz() as az:
        ess = az.ess(xr.Dataset({"value": (("chain", "draw"), values)}), method="mean")
    return float(ess["value"]) / values.size


def power_scaled(log_density: Floats, alpha: float) -> tuple[Floats, float]:
    """Return normalised log weights of draws whose `log_density` is raised to the power `alpha`, and Pareto k."""
    # psislw subtracts its argument: it is made for leaving an observation out
    log_weights, k = _array_stats().psislw((1.0 - alpha) * log_density)
    return np.asarray(log_weights - np.logaddexp.reduce(log_weights)), float(k)


def power_scaling_diagnostic(
    values: Floats, lower: Floats, upper: Floats, lower_alpha: float, upper_alpha: float
) -> float:
    """Return the power-scaling sensitivity of the distribution of `values` (Kallioinen et al. 2024).

    Parameters
    ----------
    values
        Draws of a quantity, (draw,).
    lower, upper
        Log weights of the draws under the powers `lower_alpha` and `upper_alpha`, (draw,).
    """
    weights = [np.exp(log_weights)[None, :] for log_weights in (lower, upper)]
    return float(_array_stats().power_scale_sense(values[None, :], *weights, lower_alpha, upper_alpha))


def _array_stats() -> Any:
    """Return ArviZ's statistics on NumPy arrays, which have no settings; its methods carry no types."""
    with arviz():
        from arviz_stats.base.array import array_stats

    return array_stats
