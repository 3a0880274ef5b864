"""How defence spending moves: a slow pull to an own target, a common factor, the answer to a pledge, heavy tails.

For country i and year t, with s the log share of GDP, g+ the gap to the pledge of a member of NATO, and h+ the gap to
the mark of the front line of a country on it:

    change = -kappa (s - target_i) + loading_i factor_t + response_t (g+ + front h+) + growth (GDP growth - 2 %)
             + election + noise

Nothing is a dummy of a period. The factor is an AR(1) of scale `factor_scale` with Student-t(4) innovations, which
carries trends. The log of the response is an AR(1) around
`response_mean` that begins with the pledge of 2014: what one regime taught is carried to the next, and after the last
year it returns slowly to its mean. The first budgets made in the war in Ukraine shift it by `response_war` and the
factor by `factor_war`, but only for those who know of the war; then both fade as they do otherwise. The noise is
Student-t with nu degrees of freedom, a scale of the country's own and a common volatility by year, whose log is an
AR(1) too. The error of a last level that its publisher calls an estimate is a parameter; other estimates add their
variance. There is no drift of a country's own: beside a free target it is not identified.
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from forecast.constants import COMMON_TAILS, PLEDGE_FROM, TARGET_CENTER
from forecast.data.spending import pledge_years, vectors_on_grid
from forecast.inference.pymc_models.distributions import variable
from forecast.priors.load import Priors
from forecast.simulation.rules.spending import spending_change


def build(panel: xr.Dataset, priors: Priors) -> pm.Model:
    """The model of `panel` (from `forecast.data.spending.spending_panel`).

    All of `data` are data vectors, so that a compiled model can be given others.
    """
    coords = {name: panel[name].to_numpy() for name in ("country", "year")}
    dims = {"war": ("year",), "last_noise": ("country",)}
    with pm.Model(coords=coords | {"pledge_year": pledge_years(coords["year"])}) as model:
        seen = {
            name: pm.Data(f"{name}_seen", values, dims=dims.get(name, ("country", "year")))
            for name, values in vectors_on_grid(panel, panel).items()
        }
        kappa = variable(priors["spending.kappa"])
        center = variable(priors["spending.target_mean"])
        target = _target(center, priors)[:, None]
        loading = _loading(priors)[:, None]
        factor = _factor(kappa * center, seen["war"], priors)[None, :]
        front = variable(priors["spending.front"])
        response = _response(seen["war"], priors)[None, :]
        growth, election = (variable(priors[f"spending.{name}"]) for name in ("growth", "election"))
        mean = spending_change(
            seen["level"],
            target,
            kappa,
            loading,
            factor,
            response,
            seen["gap"],
            front,
            seen["front_gap"],
            growth,
            seen["growth"],
            election,
            seen["election"],
        )
        error = pm.StudentT("revision", nu=COMMON_TAILS, mu=0.0, sigma=1.0, dims="country")
        mean += seen["is_last"] * (seen["last_noise"] * error)[:, None]
        nu = pm.Deterministic("nu", 2.0 + variable(priors["spending.nu_minus_two"]))
        scale = _scale(priors)[:, None] * pt.exp(_volatility(priors))[None, :]
        sigma = pt.sqrt(scale**2 + seen["estimate_variance"])
        density = pm.logp(pm.StudentT.dist(nu=nu, mu=mean, sigma=sigma), seen["change"])
        pm.Potential("change_density", (seen["seen"] * density).sum())
    return model


def _target(center: Any, priors: Priors) -> Any:
    """Targets, log of percent of GDP: little is seen of each, so they are written as steps from the center."""
    spread = variable(priors["spending.target_sd"])
    z = pm.Normal("target_z", 0.0, 1.0, dims="country")
    return pm.Deterministic("target", np.log(TARGET_CENTER) + center + spread * z, dims="country")


def _scale(priors: Priors) -> Any:
    """Scales of the noise: thirty years tell much of each, so they are drawn directly."""
    mean, spread = (variable(priors[f"spending.log_scale_{x}"]) for x in ("mean", "sd"))
    log_scale = pm.Normal("log_scale", mean, spread, dims="country")
    return pm.Deterministic("scale", pt.exp(log_scale), dims="country")


def _loading(priors: Priors) -> Any:
    """Loadings on the factor: positive with mean 1, which fixes its sign and size."""
    spread = variable(priors["spending.loading_sd"])
    z = pm.Normal("loading_z", 0.0, 1.0, dims="country")
    return pm.Deterministic("loading", pt.exp(spread * z - spread**2 / 2), dims="country")


def _factor(drift: Any, war: Any, priors: Priors) -> Any:
    """The common factor, a stationary AR(1): f_t = phi f_(t-1) + innovation.

    The data see the sum of factor and `drift`, the pull towards the mean target, and hardly tell the two apart. So
    that sum is what is sampled; the density of the factor within it stands in a potential.
    """
    phi = variable(priors["spending.factor_phi"])
    size = variable(priors["spending.factor_scale"])
    factor = pm.Deterministic("factor", pm.Flat("factor_with_drift", dims="year") - drift, dims="year")
    expected = pt.concatenate([pt.zeros(1), phi * factor[:-1]])
    expected += variable(priors["spending.factor_war"]) * war
    first = np.arange(len(pm.modelcontext(None).coords["year"])) == 0
    scale = size * pt.where(first, 1.0, pt.sqrt(1.0 - phi**2))
    density = pm.logp(pm.StudentT.dist(nu=COMMON_TAILS, mu=expected, sigma=scale), factor)
    pm.Potential("factor_density", density.sum())
    return factor


def _response(war: Any, priors: Priors) -> Any:
    """What part of a gap is closed in a year: 0 before the pledge, a lognormal autoregression from then."""
    mean, phi, sd, shift = (variable(priors[f"spending.response_{x}"]) for x in ("mean", "phi", "sd", "war"))
    step = pm.Normal("response_z", 0.0, 1.0, dims="pledge_year")
    coords = pm.modelcontext(None).coords
    years, pledged = len(coords["year"]), len(coords["pledge_year"])
    before = min(years, PLEDGE_FROM - coords["year"][0])
    shock = pt.zeros(pledged) if before == years else shift * war[before:]
    wander = _autoregression(phi, sd * step + shock, pledged)
    log_response = pm.Deterministic("log_response", mean + wander, dims="pledge_year")
    return pt.concatenate([pt.zeros(before), pt.exp(log_response)[: years - before]])


def _volatility(priors: Priors) -> Any:
    """Log of the common volatility, a stationary AR(1) around 0."""
    phi, sd = (variable(priors[f"spending.volatility_{x}"]) for x in ("phi", "sd"))
    step = pm.Normal("volatility_z", 0.0, 1.0, dims="year")
    years = len(pm.modelcontext(None).coords["year"])
    innovation = pt.where(np.arange(years) == 0, 1.0, pt.sqrt(1.0 - phi**2)) * step
    return pm.Deterministic("volatility", sd * _autoregression(phi, innovation, years), dims="year")


def _autoregression(phi: Any, innovations: Any, size: int) -> Any:
    """x_t = phi x_(t-1) + innovation_t with x = 0 before the first, as a sum over all innovations so far."""
    lag = np.subtract.outer(np.arange(size), np.arange(size))
    weight = pt.where(lag >= 0, pt.power(phi, np.maximum(lag, 0)), 0.0)
    return pt.sum(weight * innovations[None, :], axis=-1)
