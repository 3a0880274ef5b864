"""When chief executives change: a chance a quarter, set by the calendar of elections, the country and time in office.

For country i, in a quarter with E an election that selects the leader, A one a quarter ago, P one in the next two:

    logit p = intercept + effect_i + election E + after A + before P + offset effect_i (E + A) + tenure[bin]

Tenure is a random walk over the bins of quarters in office, centred on zero.
"""

import itertools
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from forecast.data.leaders import grouped
from forecast.inference.pymc_models.distributions import variable
from forecast.priors.load import Priors
from forecast.simulation.rules.leadership import turnover_log_odds


def build(data: xr.Dataset, priors: Priors) -> pm.Model:
    """The model of `data` (from `forecast.data.leaders.leader_quarters`).

    Quarters with the same covariates are counted together; the likelihood is that of single quarters. The observed
    counts are the data vectors `quarters` and `changes`, so that a compiled model can be given those of fewer rows.
    """
    cells = grouped(data)
    coords = {name: data[name].to_numpy() for name in ("country", "tenure_bin")}
    with pm.Model(coords=coords | {"cell": np.arange(len(cells))}) as model:
        effect = _country_effect(priors)[cells["country_of"].to_numpy()]
        calendar = ("election", "after", "before")
        intercept, offset, *effects = (
            variable(priors[f"leadership.{name}"]) for name in ("intercept", "offset", *calendar)
        )
        terms = zip(effects, (cells[name].to_numpy() for name in calendar), strict=True)
        tenure = _tenure(data.sizes["tenure_bin"], priors)[cells["bin_of"].to_numpy()]
        logit = turnover_log_odds(intercept, effect, offset, *itertools.chain.from_iterable(terms), tenure)
        changes = pm.Data("changes", cells["changes"].to_numpy(), dims="cell")
        quarters = pm.Data("quarters", cells["quarters"].to_numpy(), dims="cell")
        # as pm.Binomial, but for its coefficients: they depend on no parameter and took most of the time
        density = changes * logit - quarters * pt.softplus(logit)
        pm.Potential("changes_density", density.sum())
    return model


def _country_effect(priors: Priors) -> Any:
    """How restless each country is, beside the others."""
    spread = variable(priors["leadership.country_sd"])
    z = pm.Normal("country_effect_z", 0.0, 1.0, dims="country")
    return pm.Deterministic("country_effect", spread * z, dims="country")


def _tenure(bins: int, priors: Priors) -> Any:
    """A random walk over the bins, its mean taken off: the level is the intercept's."""
    scale = variable(priors["leadership.tenure_scale"])
    steps = pm.Normal("tenure_z", 0.0, 1.0, shape=bins - 1)
    walk = pt.concatenate([pt.zeros(1), scale * pt.cumsum(steps)])
    return pm.Deterministic("tenure", walk - walk.mean(), dims="tenure_bin")
