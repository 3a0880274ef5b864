"""Reweight stored draws by Pareto-smoothed importance sampling (PSIS): power scaling and leave-one-out.

Source: Vehtari, Gelman and Gabry 2017, Statistics and Computing 27.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from forecast.array_types import Floats
from forecast.inference.arviz_functions import array_stats, arviz

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
        several chains, their relative efficiency is estimated for each observation from its likelihood; it sets the
        length of the tail that is smoothed.
    """
    values = np.asarray(log_likelihood)
    by_observation = np.ascontiguousarray(values.reshape(-1, values.shape[-1]).T)
    psislw, efficiency = array_stats().psislw, _relative_efficiency(values)
    smoothed = [psislw(row, r_eff=one) for row, one in zip(by_observation, efficiency, strict=True)]
    log_weights, pareto_k = (np.array(part) for part in zip(*smoothed, strict=True))
    log_weights = log_weights - np.logaddexp.reduce(log_weights, axis=1, keepdims=True)
    log_density = np.logaddexp.reduce(log_weights + by_observation, axis=1)
    return LeaveOneOut(log_density, pareto_k, log_weights)


def _relative_efficiency(log_likelihood: Floats) -> Floats:
    """Return the effective sample size of the mean likelihood of each observation over the number of draws.

    `log_likelihood` is (chain, draw, observation); the result (observation,) is 1 for a single chain. The weights of an
    observation left out are 1 / likelihood, so its likelihood is what the chains must have explored (Vehtari, Gelman
    and Gabry 2017, section 2.1).
    """
    chains, draws, size = log_likelihood.shape
    if chains == 1:
        return np.ones(size)
    likelihood = np.exp(log_likelihood - log_likelihood.max(axis=(0, 1)))
    with arviz() as az:
        ess = az.ess(xr.Dataset({"value": (("chain", "draw", "observation"), likelihood)}), method="mean")
    return np.asarray(ess["value"].to_numpy() / (chains * draws))


def power_scaled(log_density: Floats, alpha: float) -> tuple[Floats, float]:
    """Return normalised log weights of draws whose `log_density` is raised to the power `alpha`, and Pareto k."""
    # psislw subtracts its argument: it is made for leaving an observation out
    log_weights, k = array_stats().psislw((1.0 - alpha) * log_density)
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
    return float(array_stats().power_scale_sense(values[None, :], *weights, lower_alpha, upper_alpha))
