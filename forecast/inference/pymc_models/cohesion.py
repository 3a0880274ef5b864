"""Build the cohesion model: fifteen indicators of eleven sub-factors, four factors, an index and expert verdicts.

Let g be common to all sub-factors, h_f common to those of factor f, u_k and e_f specific. All are AR(1) with the same
yearly persistence phi and SD 1:

    sub-factor  S_k = sd (sqrt(rho) g + sqrt(1 - rho - c) h_f + sqrt(c) u_k)
    factor      F_f = mean of its S_k + sd sqrt(c (1 - 1/K_f)) e_f
    indicator   x_j = intercept_j + loading_j S_k(j) + noise_j
    index       C   = sum of weight_f F_f;  verdict by ordered probit on C, at the anchors alone

Every S and F has stationary SD sd, and two factors have correlation rho, as in the simulation. Here c is the share of
variance that is specific to a sub-factor and K_f the number of sub-factors of factor f. The indicator of voting in the
United Nations General Assembly is a gap to the United States; it also depends on the path of the United States, which
their position shows.
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from forecast.constants import UNITED_NATIONS
from forecast.inference.pymc_models.distributions import variable
from forecast.priors.load import Priors


def build(panel: xr.Dataset, priors: Priors) -> pm.Model:
    """Return the model of `panel` (from `forecast.data.cohesion_indicators.indicator_panel`).

    A compiled model can be given other values of its data vectors: the indicators `value`, the position of the United
    States `us_position` (in the years that have one), and the verdicts `verdict` at the anchors, with weights `keep` (0
    leaves an anchor out).
    """
    coords = {d: panel[d].to_numpy() for d in ("year", "factor", "subfactor", "indicator")}
    coords |= {"anchor": panel["anchor"].to_numpy(), "obs": np.arange(panel.sizes["obs"])}
    with pm.Model(coords=coords) as model:
        subfactor, factor = _states(panel, priors)
        _indicators(panel, priors, subfactor)
        _verdicts(panel, priors, factor)
    return model


def yearly_phi(priors: Priors) -> float:
    """Return the yearly persistence of the factors, `factor_phi` to the power 4."""
    return priors.value("alliance.factor_phi") ** 4


def _walk(name: str, years: int, series: int, phi: float) -> Any:
    """Return stationary AR(1) paths of SD 1, (year, series): x_t = phi^t (z_0 + sqrt(1 - phi^2) sum of phi^-s z_s)."""
    z = pm.Normal(name, 0.0, 1.0, shape=(years, series))
    t = np.arange(years)[:, None]
    size = np.where(t == 0, 1.0, np.sqrt(1.0 - phi**2)) * phi**-t
    return phi**t * pt.cumsum(size * z, axis=0)


def _states(panel: xr.Dataset, priors: Priors) -> tuple[Any, Any]:
    """Return sub-factors (year, subfactor) and factors (year, factor), sign units."""
    factor_of = panel["factor_of"].to_numpy()
    counts = np.bincount(factor_of)
    factors, subs = counts.size, factor_of.size
    sd, common = (priors.value(f"alliance.factor_{x}") for x in ("sd", "correlation"))
    own = priors.value("cohesion.own_share")
    walk = _walk("walk_hidden", panel.sizes["year"], 1 + 2 * factors + subs, yearly_phi(priors))
    shared = np.sqrt(common) * walk[:, :1]
    shared = shared + np.sqrt(1.0 - common - own) * walk[:, 1 : 1 + factors]
    specific = walk[:, 1 + 2 * factors :]
    subfactor = sd * (shared[:, factor_of] + np.sqrt(own) * specific)
    subfactor = pm.Deterministic("subfactor_state", subfactor, dims=("year", "subfactor"))
    ends = np.cumsum(counts)
    means = [subfactor[:, b - n : b].mean(axis=1) for n, b in zip(counts, ends, strict=True)]
    rest = sd * np.sqrt(own * (1.0 - 1.0 / counts)) * walk[:, 1 + factors : 1 + 2 * factors]
    factor = pt.stack(means, axis=1) + rest
    return subfactor, pm.Deterministic("factor_state", factor, dims=("year", "factor"))


def _indicators(panel: xr.Dataset, priors: Priors, subfactor: Any) -> None:
    """Add the likelihood of the indicators; a known measurement error adds to the variance of the noise."""
    loading, noise, intercept = (
        variable(priors[f"cohesion.{name}"], dims="indicator") for name in ("loading", "noise", "intercept")
    )
    j, t = panel["indicator_of"].to_numpy(), panel["year_of"].to_numpy()
    position = t * panel.sizes["subfactor"] + panel["subfactor_of"].to_numpy()[j]
    mean = intercept[j] + loading[j] * subfactor.flatten()[position]
    is_un = panel["indicator"].to_numpy()[j] == UNITED_NATIONS
    mean = mean - is_un * variable(priors["cohesion.us_swing"]) * _us_path(panel, priors)[t]
    sigma = pt.sqrt(noise[j] ** 2 + panel["error"].to_numpy() ** 2)
    observed = pm.Data("value", panel["value"].to_numpy(), dims="obs")
    pm.Normal("value_seen", mean, sigma, observed=observed, dims="obs")


def _us_path(panel: xr.Dataset, priors: Priors) -> Any:
    """Return the position of the United States in the General Assembly by year, in the units of the gap."""
    size = variable(priors["cohesion.us_path_sd"])
    walk = _walk("us_walk_hidden", panel.sizes["year"], 1, yearly_phi(priors))[:, 0]
    path = pm.Deterministic("us_path", size * walk, dims="year")
    years = np.flatnonzero(panel["us_position"].notnull().to_numpy())
    position, error = (panel[name].to_numpy()[years] for name in ("us_position", "us_error"))
    observed = pm.Data("us_position", position)
    pm.Normal("us_position_seen", path[years], error, observed=observed)
    return path


def _verdicts(panel: xr.Dataset, priors: Priors, factor: Any) -> None:
    """Add the likelihood of the verdicts: P(Weak) = Phi((low - C) / s), P(Strong) = Phi((C - high) / s).

    Fragmented has the remaining probability.
    """
    weights = variable(priors["alliance.factor_weights"], dims="factor")
    low = variable(priors["alliance.cut_lower"])
    high = low + variable(priors["alliance.cut_gap"])
    spread = variable(priors["alliance.rater_sd"])
    keep = pm.Data("keep", np.ones(panel.sizes["anchor"]), dims="anchor")
    index = pt.sum(weights * factor[panel["anchor_year"].to_numpy()], axis=1)
    below, above = (_log_phi((cut - index) / spread) for cut in (low, high))
    strong = _log_phi((index - high) / spread)
    between = above + pt.log1mexp(pt.minimum(below - above, -1e-12))
    verdict = pm.Data("verdict", panel["verdict"].to_numpy().astype(float), dims="anchor")
    density = pt.eq(verdict, 0) * below + pt.eq(verdict, 1) * between + pt.eq(verdict, 2) * strong
    pm.Potential("verdict_density", pt.sum(keep * density))


def _log_phi(x: Any) -> Any:
    return pm.logcdf(pm.Normal.dist(), x)
