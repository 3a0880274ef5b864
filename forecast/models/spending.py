"""The spending model in NumPy: the mean and scale of a change, and paths simulated from an origin.

The simulation kernel does the same with scenarios; a back-test needs one model alone, at many origins. Growth of GDP is
forecast, not known; elections come at their usual rate; nothing responds to a pledge before there is one.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.constants import COMMON_TAILS, GROWTH_CENTER, NATO_FROM, PLEDGE_FROM, WAR_BUDGETS
from forecast.priors.load import Priors
from forecast.priors.pledges import pledge_path

Draws = Mapping[str, Floats]  # by name, (draw, ...)


def expected_change(p: Draws, panel: xr.Dataset) -> tuple[Floats, Floats]:
    """Mean and scale of each change, (draw, observation): the equation of `forecast.inference.pymc_models.spending`."""
    w = {name: values.to_numpy() for name, values in panel.data_vars.items()}
    years = panel["year"].to_numpy()
    i, t = w["country_of"], w["year_of"]
    expected = p["kappa"][:, None] * (p["target"][:, i] - w["level"])
    expected += p["loading"][:, i] * p["factor"][:, t]
    before = np.zeros((p["kappa"].size, np.count_nonzero(years < PLEDGE_FROM)))
    response = np.concatenate([before, np.exp(p["log_response"])], axis=1)
    expected += response[:, t] * (w["gap"] + p["front"][:, None] * w["front_gap"])
    for name in ("growth", "election"):
        expected += p[name][:, None] * w[name]
    expected += (years[t] == w["last_year"][i]) * w["last_noise"][i] * p["revision"][:, i]
    own = p["scale"][:, i] * np.exp(p["volatility"][:, t])
    return expected, np.sqrt(own**2 + w["estimate_variance"])


class Year(NamedTuple):
    """What all countries share in one year ahead, each (sample,)."""

    factor: Floats
    response: Floats
    volatility: Floats


def spending_paths(
    draws: Mapping[str, xr.DataArray],
    panel: xr.Dataset,
    member: NDArray[np.bool_],
    priors: Priors,
    steps: int,
    rng: np.random.Generator,
) -> Floats:
    """Log shares (country, step, sample) of the years after the last of `panel`, one path a draw.

    `draws` hold dim `sample` first and may know more countries and years than the panel; `member` marks the countries
    of the panel that are in NATO. A country whose last level is older than the panel's last year gives NaN.
    """
    origin, names = int(panel.attrs["last_year"]), panel["country"].to_numpy()
    one = {name: x.values for name, x in draws.items() if x.ndim == 1}
    own = {name: draws[name].sel(country=names).values.T for name in ("target", "scale", "loading", "revision")}
    start = panel["last_log_share"].where(panel["last_year"] == origin).values
    share = start[:, None] - panel["last_noise"].values[:, None] * own["revision"]
    growth = np.repeat(panel["gdp_growth"].sel(year=origin).values[:, None], share.shape[1], axis=1)
    mean, phi, bounce, sd = (priors.value(f"spending.growth_{x}") for x in ("mean", "phi", "bounce", "sd"))
    votes = float(panel["election"].mean())
    floor, cap, mark = (np.log(priors.value(f"spending.{x}")) for x in ("floor", "cap", "front_mark"))
    out = np.empty((names.size, steps, share.shape[1]))
    for step, year in enumerate(_years(draws, one, origin, steps, rng)):
        pledge = np.log(pledge_path(priors, [origin + 1 + step]))[0]
        growth = next_growth(growth, mean, phi, bounce, sd, rng.normal(size=growth.shape))
        gap = member[:, None] * np.maximum(0.0, pledge - share)
        front_gap = panel["front"].values[:, None] * np.maximum(0.0, mark - share)
        change = (
            one["kappa"] * (own["target"] - share)
            + own["loading"] * year.factor
            + year.response * (gap + one["front"] * front_gap)
            + one["growth"] * (growth - GROWTH_CENTER)
            + one["election"] * votes
            + own["scale"] * year.volatility * rng.standard_t(one["nu"], share.shape)
        )
        share = np.clip(share + change, floor, cap)
        out[:, step] = share
    return out


def _years(
    draws: Mapping[str, xr.DataArray],
    one: Mapping[str, Floats],
    origin: int,
    steps: int,
    rng: np.random.Generator,
) -> Iterator[Year]:
    """The years ahead, from the last one known; the pledge of 2014 was made in its September."""
    factor, volatility = (draws[x].sel(year=origin).values for x in ("factor", "volatility"))
    log_response = one["response_mean"]
    if origin >= PLEDGE_FROM:
        log_response = draws["log_response"].sel(pledge_year=origin).values
    size = factor.size
    for year in range(origin + 1, origin + 1 + steps):
        war = float(year == WAR_BUDGETS and origin == WAR_BUDGETS - 1)
        heavy = rng.standard_t(COMMON_TAILS, size)
        factor = (
            one["factor_phi"] * factor
            + _innovation(one, "factor_phi", "factor_scale") * heavy
            + war * one["factor_war"]
        )
        noise = rng.normal(size=(2, size))
        log_response = (
            one["response_mean"]
            + one["response_phi"] * (log_response - one["response_mean"])
            + one["response_sd"] * noise[0]
            + war * one["response_war"]
        )
        unrest = _innovation(one, "volatility_phi", "volatility_sd")
        volatility = one["volatility_phi"] * volatility + unrest * noise[1]
        yield Year(
            factor=factor,
            response=(origin >= NATO_FROM) * np.minimum(1.0, np.exp(log_response)),
            volatility=np.exp(volatility),
        )


def next_growth(growth: Floats, mean: float, phi: float, bounce: float, sd: float, noise: Floats) -> Floats:
    """Growth of next year: g' = mean + phi (g - mean) + bounce max(0, -g) + sd z; a slump is followed by a rebound."""
    back = bounce * np.maximum(0.0, -growth)
    return np.asarray(mean + phi * (growth - mean) + back + sd * noise)


def _innovation(one: Mapping[str, Floats], phi: str, scale: str) -> Floats:
    """Scale of an innovation of a stationary AR(1) of that scale."""
    return np.asarray(one[scale] * np.sqrt(1.0 - one[phi] ** 2))
