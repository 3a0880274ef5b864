"""Build the leadership model: the probability per quarter that the chief executive of a country changes.

Let E and A be indicators of an election that selects the leader, in the quarter and in the quarter before it. P marks
the last two quarters before the term ends. N marks the quarters of A whose leader took office in the quarter of the
election, and L those whose leader was in office before it and could not stand in it. For country i the probability p
follows

    logit p = intercept + effect_i + election E + after A + after_new N + limited L + before P
              + offset effect_i (E + A) + tenure[bin]

The effect of tenure is a random walk over the bins of quarters in office, centred on zero.
"""

import itertools
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from forecast.data.leaders import POSITIONS, grouped
from forecast.inference.pymc_models.distributions import variable
from forecast.priors.load import Priors
from forecast.simulation.rules.leadership import turnover_log_odds


def build(data: xr.Dataset, priors: Priors) -> pm.Model:
    """Return the model of `data` (from `forecast.data.leaders.leader_quarters`).

    Quarters with the same covariates form one cell with a count of quarters and of changes. The likelihood equals the
    product over single quarters. Both counts are data vectors, so a compiled model can be given fewer rows.
    """
    cells = grouped(data)
    coords = {name: data[name].to_numpy() for name in ("country", "tenure_bin")}
    with pm.Model(coords=coords | {"cell": np.arange(len(cells))}) as model:
        effect = _country_effect(priors)[cells["country_of"].to_numpy()]
        intercept, offset, *effects = (
            variable(priors[f"leadership.{name}"]) for name in ("intercept", "offset", *POSITIONS)
        )
        terms = zip(effects, (cells[name].to_numpy() for name in POSITIONS), strict=True)
        tenure = _tenure(data.sizes["tenure_bin"], priors)[cells["bin_of"].to_numpy()]
        logit = turnover_log_odds(intercept, effect, offset, *itertools.chain.from_iterable(terms), tenure)
        changes = pm.Data("changes", cells["changes"].to_numpy(), dims="cell")
        quarters = pm.Data("quarters", cells["quarters"].to_numpy(), dims="cell")
        # pm.Binomial also computes binomial coefficients, which are slow and depend on no parameter
        density = changes * logit - quarters * pt.softplus(logit)
        pm.Potential("changes_density", density.sum())
    return model


def _country_effect(priors: Priors) -> Any:
    """Return the effect of each country on the log odds, (country,), relative to the other countries."""
    spread = variable(priors["leadership.country_sd"])
    z = pm.Normal("country_effect_z", 0.0, 1.0, dims="country")
    return pm.Deterministic("country_effect", spread * z, dims="country")


def _tenure(bins: int, priors: Priors) -> Any:
    """Return the effect of tenure, (tenure_bin,): a random walk without its mean, which belongs to the intercept."""
    scale = variable(priors["leadership.tenure_scale"])
    steps = pm.Normal("tenure_z", 0.0, 1.0, shape=bins - 1)
    walk = pt.concatenate([pt.zeros(1), scale * pt.cumsum(steps)])
    return pm.Deterministic("tenure", walk - walk.mean(), dims="tenure_bin")
