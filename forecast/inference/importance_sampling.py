"""Importance sampling on stored draws: power scaling of priors and likelihood, and leave-one-out."""

import warnings
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.names import POSTERIOR


def power_scaled(log_density: NDArray[np.float64], alpha: float) -> tuple[NDArray[np.float64], float]:
    """Log weights, summing to 1, of draws whose `log_density` is raised to the power `alpha`; and Pareto k."""
    # psislw is made for leaving out: what it is given it takes off
    log_weights, k = _array_stats().psislw((1.0 - alpha) * log_density)
    return np.asarray(log_weights - np.logaddexp.reduce(log_weights)), float(k)


def power_scaling_diagnostic(
    values: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    lower_alpha: float,
    upper_alpha: float,
) -> float:
    """How fast the distribution of `values` changes under the two sets of log weights (Kallioinen et al. 2024)."""
    weighted = [np.exp(w)[None, :] for w in (lower, upper)]
    found = _array_stats().power_scale_sense(values[None, :], *weighted, lower_alpha, upper_alpha)
    return float(found)


def _array_stats() -> Any:
    """ArviZ on bare arrays; its methods have no types."""
    import arviz_stats.base

    return vars(arviz_stats.base)["array_stats"]


def leave_one_out(log_likelihood: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log predictive density of each observation without it, and the Pareto k of its weights, by PSIS.

    `log_likelihood` has shape (chain, draw, observation). Source: Vehtari, Gelman and Gabry 2017, Statistics and
    Computing 27. Where k is above .7 the value is not to be trusted; fit anew without the observation.
    """
    import arviz as az

    values = xr.DataArray(log_likelihood, dims=("chain", "draw", "obs"))
    tree = xr.DataTree.from_dict(
        {
            POSTERIOR: xr.Dataset({"level": values.isel(obs=0, drop=True)}),
            "log_likelihood": xr.Dataset({"seen": values}),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of large k: who asks decides what to do
        found = az.loo(tree, pointwise=True)
    return found.elpd_i.to_numpy().copy(), found.pareto_k.to_numpy().copy()
