"""A model in small: an invented data set, prior draws, and a simulator written apart from the likelihood.

The covariates are invented once and stand still: a likelihood is conditional on them, so calibration by simulation
holds for any. Each model has such a description in a file of its own, `small_<model>.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from forecast.priors.load import Priors
from forecast.priors.prior import Prior

#: One value of each quantity: numbers for parameters of the whole model, arrays for those of a country, year, ...
Parameters = dict[str, Any]
#: The same with one axis more, the draws, in front.
Draws = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationProblem:
    """What calibration needs to know of a model."""

    data: xr.Dataset  # what the model is built on; its outcomes only hold places
    draw: Callable[[Priors, np.random.Generator], Parameters]
    simulate: Callable[[xr.Dataset, Parameters, np.random.Generator], xr.Dataset]  # outcomes put in
    data_vectors: Callable[[xr.Dataset], dict[str, np.ndarray[Any, Any]]]  # data vectors of the model
    derived: Callable[[xr.Dataset, Draws], dict[str, np.ndarray[Any, Any]]]  # ranked beside the numbers
    simulator_faults: Mapping[str, Callable[[Parameters], Parameters]]  # name -> the truth a wrong simulator uses
    believed: Mapping[str, Prior] = field(default_factory=dict)  # in place of beliefs, in small

    def priors(self, priors: Priors) -> Priors:
        """The beliefs that truths are drawn from and the model is built on."""
        return replace(priors, by_name={**priors.by_name, **self.believed})


def one_of(priors: Priors, section: str, names: tuple[str, ...], rng: np.random.Generator) -> Parameters:
    """One draw of each belief, by its short name."""
    return {name: float(priors[f"{section}.{name}"].sample(rng, 1)[0]) for name in names}


def as_draws(true_parameters: Parameters) -> Draws:
    """The truth as a single draw."""
    return {name: np.asarray(value)[None] for name, value in true_parameters.items()}
