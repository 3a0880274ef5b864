"""Describe the calibration problem of a model: an invented data set, prior draws, and an independent simulator.

The covariates are invented once and stay fixed. A likelihood is conditional on its covariates, so simulation-based
calibration is valid for any of them. The module named like each model defines its problem.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from forecast.priors.load import Priors
from forecast.priors.prior import Prior

#: One value of each parameter: a number, or an array over countries, years, ...
Parameters = dict[str, Any]
#: Many values of each parameter; the first axis is the draw.
Draws = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationProblem:
    """Hold what simulation-based calibration needs to know about a model."""

    data: xr.Dataset  # what the model is built on; outcomes are placeholders
    draw: Callable[[Priors, np.random.Generator], Parameters]
    simulate: Callable[[xr.Dataset, Parameters, np.random.Generator], xr.Dataset]  # fills in the outcomes
    data_vectors: Callable[[xr.Dataset], dict[str, np.ndarray[Any, Any]]]  # data vectors of the model
    derived: Callable[
        [xr.Dataset, Draws], dict[str, np.ndarray[Any, Any]]
    ]  # quantities ranked in addition to the scalar parameters
    simulator_faults: Mapping[
        str, Callable[[Parameters], Parameters]
    ]  # by name; each returns the parameters that a wrong simulator uses
    other_priors: Mapping[str, Prior] = field(
        default_factory=dict
    )  # priors that differ from those of the published fits

    def priors(self, priors: Priors) -> Priors:
        """Return the priors that true parameters are drawn from and the model is built on."""
        return replace(priors, by_name={**priors.by_name, **self.other_priors})


def draw_scalars(priors: Priors, section: str, names: tuple[str, ...], rng: np.random.Generator) -> Parameters:
    """Return one draw of each prior of `section`, by its short name."""
    return {name: float(priors[f"{section}.{name}"].sample(rng, 1)[0]) for name in names}


def as_draws(true_parameters: Parameters) -> Draws:
    """Return the true parameters as a single draw."""
    return {name: np.asarray(value)[None] for name, value in true_parameters.items()}
