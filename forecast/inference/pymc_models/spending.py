"""Build the spending model: yearly changes of the log share of GDP that countries spend on defence.

For country i and year t, let s be the log share of GDP in the year before. Let g+ be the gap to the pledge of a member
of NATO (of another country, the part `response_others` of it), and h+ the gap of a front-line country to the front-line
mark. The change of s, in log points, is

    change = -kappa (s - target_i) + loading_i factor_t + response_t (g+ + front h+) + growth (GDP growth - 2 %)
             + growth_lag (GDP growth of the year before - 2 %) + election + noise

The factor is a stationary AR(1) of scale `factor_scale` with Student-t(4) innovations; it carries common trends. The
log response is an AR(1) around `response_mean` that starts with the pledge of 2014. The model has no dummies of
periods. The first budgets made during the war in Ukraine shift the log response by `response_war` and the factor by
`factor_war`, but only in data that include the war. Both shifts then decay as other shocks do.

The noise is Student-t with nu degrees of freedom. Its scale is the product of a country's scale and a volatility common
to all countries, whose log is an AR(1). If the publisher calls a country's last level an estimate, the error of that
level is a parameter, in units of the country's scale; other estimated levels add their variance to the noise. The model
has no drift by country, which could not be identified beside a free target.

Members of NATO and other countries have their own pull kappa, degrees of freedom nu and mean log scale.
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
    """Return the model of `panel` (from `forecast.data.spending.spending_panel`).

    All observations are data vectors, so a compiled model can be given those of another panel.
    """
    coords = {name: panel[name].to_numpy() for name in ("country", "year")}
    dims = {"war": ("year",), "last_noise": ("country",), "outside": ("country",)}
    with pm.Model(coords=coords | {"pledge_year": pledge_years(coords["year"])}) as model:
        data = {
            name: pm.Data(f"{name}_seen", values, dims=dims.get(name, ("country", "year")))
            for name, values in vectors_on_grid(panel, panel).items()
        }
        outside = data["outside"]
        kappa, pull = _by_group("kappa", outside, priors)
        center = variable(priors["spending.target_mean"])
        target = _target(center, priors)[:, None]
        loading = _loading(priors)[:, None]
        factor = _factor(kappa * center, data["war"], priors)[None, :]
        front = variable(priors["spending.front"])
        response = _response(data["war"], priors)[None, :]
        growth, lag, election = (variable(priors[f"spending.{name}"]) for name in ("growth", "growth_lag", "election"))
        mean = spending_change(
            data["level"],
            target,
            pm.Deterministic("pull", pull, dims="country")[:, None],
            loading,
            factor,
            response,
            data["gap"] + variable(priors["spending.response_others"]) * data["gap_others"],
            front,
            data["front_gap"],
            growth,
            data["growth"],
            lag,
            data["growth_before"],
            election,
            data["election"],
        )
        error = pm.StudentT("revision", nu=COMMON_TAILS, mu=0.0, sigma=1.0, dims="country")
        country_scale = _scale(outside, priors)
        mean += data["is_last"] * (data["last_noise"] * country_scale * error)[:, None]
        tails = pm.Deterministic("tails", 2.0 + _by_group("nu_minus_two", outside, priors)[1], dims="country")
        scale = country_scale[:, None] * pt.exp(_volatility(priors))[None, :]
        sigma = pt.sqrt(scale**2 + data["estimate_variance"])
        density = pm.logp(pm.StudentT.dist(nu=tails[:, None], mu=mean, sigma=sigma), data["change"])
        pm.Potential("change_density", (data["seen"] * density).sum())
    return model


def _by_group(name: str, outside: Any, priors: Priors) -> tuple[Any, Any]:
    """Return a parameter of members, a scalar, and the parameter of each country, (country,), by its group."""
    members, others = (variable(priors[f"spending.{name}{group}"]) for group in ("", "_others"))
    return members, members + outside * (others - members)


def _target(center: Any, priors: Priors) -> Any:
    """Return the targets, log of percent of GDP, (country,).

    The parametrisation is non-centred, because the data of one country say little about its target.
    """
    spread = variable(priors["spending.target_sd"])
    z = pm.Normal("target_z", 0.0, 1.0, dims="country")
    return pm.Deterministic("target", np.log(TARGET_CENTER) + center + spread * z, dims="country")


def _scale(outside: Any, priors: Priors) -> Any:
    """Return the scales of the noise in log points, (country,).

    The parametrisation is centred, because thirty years of data identify the scale of each country well.
    """
    spread = variable(priors["spending.log_scale_sd"])
    _, mean = _by_group("log_scale_mean", outside, priors)
    log_scale = pm.Normal("log_scale", mean, spread, dims="country")
    return pm.Deterministic("scale", pt.exp(log_scale), dims="country")


def _loading(priors: Priors) -> Any:
    """Return the loadings on the factor, (country,); they are positive with mean 1, which fixes its sign and scale."""
    spread = variable(priors["spending.loading_sd"])
    z = pm.Normal("loading_z", 0.0, 1.0, dims="country")
    return pm.Deterministic("loading", pt.exp(spread * z - spread**2 / 2), dims="country")


def _factor(drift: Any, war: Any, priors: Priors) -> Any:
    """Return the common factor, (year,), a stationary AR(1): f_t = phi f_(t-1) + innovation.

    The data determine the sum of the factor and `drift`, the pull towards the mean target, but hardly distinguish the
    two. The sampler therefore moves the sum, and a potential adds the density of the factor.
    """
    phi = variable(priors["spending.factor_phi"])
    size = variable(priors["spending.factor_scale"])
    factor = pm.Deterministic("factor", pm.Flat("factor_with_drift", dims="year") - drift, dims="year")
    expected = pt.concatenate([pt.zeros(1), phi * factor[:-1]])
    expected += variable(priors["spending.factor_war"]) * war
    scale = _innovation_scale(phi, size, len(pm.modelcontext(None).coords["year"]))
    density = pm.logp(pm.StudentT.dist(nu=COMMON_TAILS, mu=expected, sigma=scale), factor)
    pm.Potential("factor_density", density.sum())
    return factor


def _innovation_scale(phi: Any, size: Any, years: int) -> Any:
    """Return the scales of the innovations of the factor, (year,); the first year is stationary."""
    return size * pt.where(np.arange(years) == 0, 1.0, pt.sqrt(1.0 - phi**2))


def drawn_forwards(model: pm.Model) -> dict[Any, Any]:
    """Return what has the prior of the sum of factor and drift, which the sampler moves as a flat variable."""
    names = ("kappa", "target_mean", "factor_phi", "factor_scale", "factor_war", "war_seen")
    kappa, center, phi, size, shift, war = (model[name] for name in names)
    years = len(model.coords["year"])
    shocks = _innovation_scale(phi, size, years) * pm.StudentT.dist(nu=COMMON_TAILS, mu=0.0, sigma=1.0, shape=years)
    return {model["factor_with_drift"]: kappa * center + _autoregression(phi, shift * war + shocks, years)}


def _response(war: Any, priors: Priors) -> Any:
    """Return the part of a gap closed in each year, (year,): 0 before the pledge, then exp of an AR(1)."""
    mean, phi, sd, shift = (variable(priors[f"spending.response_{x}"]) for x in ("mean", "phi", "sd", "war"))
    z = pm.Normal("response_z", 0.0, 1.0, dims="pledge_year")
    coords = pm.modelcontext(None).coords
    years, pledged = len(coords["year"]), len(coords["pledge_year"])
    before = min(years, PLEDGE_FROM - coords["year"][0])
    shock = pt.zeros(pledged) if before == years else shift * war[before:]
    deviation = _autoregression(phi, sd * z + shock, pledged)
    log_response = pm.Deterministic("log_response", mean + deviation, dims="pledge_year")
    return pt.concatenate([pt.zeros(before), pt.exp(log_response)[: years - before]])


def _volatility(priors: Priors) -> Any:
    """Return the log of the common volatility, (year,), a stationary AR(1) around 0."""
    phi, sd = (variable(priors[f"spending.volatility_{x}"]) for x in ("phi", "sd"))
    z = pm.Normal("volatility_z", 0.0, 1.0, dims="year")
    years = len(pm.modelcontext(None).coords["year"])
    innovation = pt.where(np.arange(years) == 0, 1.0, pt.sqrt(1.0 - phi**2)) * z
    return pm.Deterministic("volatility", sd * _autoregression(phi, innovation, years), dims="year")


def _autoregression(phi: Any, innovations: Any, size: int) -> Any:
    """Return x_t = phi x_(t-1) + innovation_t, (size,), from x = 0, as a weighted sum of all innovations up to t."""
    lag = np.subtract.outer(np.arange(size), np.arange(size))
    weight = pt.where(lag >= 0, pt.power(phi, np.maximum(lag, 0)), 0.0)
    return pt.sum(weight * innovations[None, :], axis=-1)
