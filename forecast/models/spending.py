"""How defence spending moves: a slow pull to an own target, a common factor, the pledge, the front line, heavy tails.

For country i and year t, with s the log share of GDP and g+ the gap to the pledge of a member of NATO:

    change = -kappa (s - target_i) + loading_i factor_t + gap_wales g+ [2015-21] + gap_surge g+ [2022-]
             + (front_wales [2015-21] + front_surge [2022-]) front_i + growth (GDP growth - 2 %) + election + noise

The noise is Student-t with nu degrees of freedom and a scale of the country's own; a level that its publisher calls
an estimate adds its variance. The factor is an AR(1) of stationary SD `factor_scale`. There is no drift of a country's
own: beside a free target it is not identified.
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from forecast.models.variables import variable
from forecast.panel import TARGET_CENTER
from forecast.priors import Beliefs

#: Coefficients of the columns of the panel with the same name.
_EFFECTS = ("gap_wales", "gap_surge", "front_wales", "front_surge", "growth", "election")


def build(panel: xr.Dataset, beliefs: Beliefs) -> pm.Model:
    """The model of `panel` (from `forecast.panel.spending_panel`).

    The observed changes are the data vector `change`, so that a compiled model can be given others.
    """
    coords = {name: panel[name].to_numpy() for name in ("country", "year")}
    with pm.Model(coords=coords | {"obs": np.arange(panel.sizes["obs"])}) as model:
        kappa = variable(beliefs["spending.kappa"])
        center = variable(beliefs["spending.target_mean"])
        country, year = panel["country_of"].to_numpy(), panel["year_of"].to_numpy()
        mean = kappa * (_target(center, beliefs)[country] - panel["level"].to_numpy())
        mean += _loading(beliefs)[country] * _factor(kappa * center, beliefs)[year]
        for name in _EFFECTS:
            mean += variable(beliefs[f"spending.{name}"]) * panel[name].to_numpy()
        # the prior speaks of what exceeds 2, so that the noise has a variance
        nu = pm.Deterministic("nu", 2.0 + variable(beliefs["spending.nu"], "nu_raw"))
        sigma = pt.sqrt(_scale(beliefs)[country] ** 2 + panel["estimate_variance"].to_numpy())
        observed = pm.Data("change", panel["change"].to_numpy(), dims="obs")
        pm.StudentT("change_seen", nu=nu, mu=mean, sigma=sigma, observed=observed, dims="obs")
    return model


def _target(center: Any, beliefs: Beliefs) -> Any:
    """Targets, log of percent of GDP: little is seen of each, so they are written as steps from the center."""
    spread = variable(beliefs["spending.target_sd"])
    raw = pm.Normal("target_raw", 0.0, 1.0, dims="country")
    return pm.Deterministic("target", np.log(TARGET_CENTER) + center + spread * raw, dims="country")


def _scale(beliefs: Beliefs) -> Any:
    """Scales of the noise: thirty years tell much of each, so they are drawn directly."""
    mean, spread = (variable(beliefs[f"spending.log_scale_{x}"]) for x in ("mean", "sd"))
    log_scale = pm.Normal("log_scale", mean, spread, dims="country")
    return pm.Deterministic("scale", pt.exp(log_scale), dims="country")


def _loading(beliefs: Beliefs) -> Any:
    """Loadings on the factor: positive with mean 1, which fixes its sign and size."""
    spread = variable(beliefs["spending.loading_sd"])
    raw = pm.Normal("loading_raw", 0.0, 1.0, dims="country")
    return pm.Deterministic("loading", pt.exp(spread * raw - spread**2 / 2), dims="country")


def _factor(drift: Any, beliefs: Beliefs) -> Any:
    """The common factor, a stationary AR(1): f_t = phi f_(t-1) + innovation.

    The data see the sum of factor and `drift`, the pull towards the mean target, and hardly tell the two apart. So
    that sum is what is sampled; the density of the factor within it stands in a potential.
    """
    phi = variable(beliefs["spending.factor_phi"])
    size = variable(beliefs["spending.factor_scale"])
    factor = pm.Deterministic("factor", pm.Flat("factor_raw", dims="year") - drift, dims="year")
    expected = pt.concatenate([pt.zeros(1), phi * factor[:-1]])
    first = np.arange(len(pm.modelcontext(None).coords["year"])) == 0
    sigma = size * pt.where(first, 1.0, pt.sqrt(1.0 - phi**2))
    pm.Potential("factor_density", pm.logp(pm.Normal.dist(expected, sigma), factor).sum())
    return factor
