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
from forecast.constants import COMMON_TAILS, NATO_FROM, PLEDGE_FROM, WAR_BUDGETS
from forecast.priors.load import Priors
from forecast.priors.pledges import pledge_path
from forecast.simulation.rules import spending as rule
from forecast.simulation.rules.common import autoregress

Draws = Mapping[str, Floats]  # by name, (draw, ...)


def expected_change(p: Draws, panel: xr.Dataset) -> tuple[Floats, Floats]:
    """Return mean and scale of each observed change of the log share, both (draw, observation), in log points."""
    w = {name: values.to_numpy() for name, values in panel.data_vars.items()}
    years = panel["year"].to_numpy()
    i, t = w["country_of"], w["year_of"]
    before = np.zeros((p["kappa"].size, np.count_nonzero(years < PLEDGE_FROM)))
    response = np.concatenate([before, np.exp(p["log_response"])], axis=1)
    kappa, front, growth, election = (p[name][:, None] for name in ("kappa", "front", "growth", "election"))
    mean = rule.spending_change(
        w["level"],
        p["target"][:, i],
        kappa,
        p["loading"][:, i],
        p["factor"][:, t],
        response[:, t],
        w["gap"],
        front,
        w["front_gap"],
        growth,
        w["growth"],
        election,
        w["election"],
    )
    mean = mean + (years[t] == w["last_year"][i]) * w["last_noise"][i] * p["revision"][:, i]
    scale = rule.spread(p["scale"][:, i], p["volatility"][:, t])
    return mean, np.sqrt(scale**2 + w["estimate_variance"])


class Year(NamedTuple):
    """What all countries share in one year ahead, each (sample,); `volatility` is a logarithm."""

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
        growth = rule.growth(growth, mean, phi, bounce, sd, rng.normal(size=growth.shape))
        change = rule.spending_change(
            share,
            own["target"],
            one["kappa"],
            own["loading"],
            year.factor,
            year.response,
            member[:, None] * rule.gap(share, pledge),
            one["front"],
            panel["front"].values[:, None] * rule.gap(share, mark),
            one["growth"],
            rule.centred_growth(growth),
            one["election"],
            votes,
        )
        noise = rule.spread(own["scale"], year.volatility) * rng.standard_t(one["nu"], share.shape)
        share = np.clip(share + change + noise, floor, cap)
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
        scale = rule.innovation_scale(one["factor_scale"], one["factor_phi"])
        factor = autoregress(factor, 0.0, one["factor_phi"], scale, heavy) + war * one["factor_war"]
        noise = rng.normal(size=(2, size))
        law = (one["response_mean"], one["response_phi"], one["response_sd"])
        log_response = autoregress(log_response, *law, noise[0]) + war * one["response_war"]
        scale = rule.innovation_scale(one["volatility_sd"], one["volatility_phi"])
        volatility = autoregress(volatility, 0.0, one["volatility_phi"], scale, noise[1])
        yield Year(factor=factor, response=(origin >= NATO_FROM) * rule.response(log_response), volatility=volatility)
