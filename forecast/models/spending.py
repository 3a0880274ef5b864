"""The spending model in NumPy: the mean and scale of a change, and paths simulated from an origin.

The paths serve back-tests, which need this model alone at many origins; the kernel simulates the same equation with
scenarios. In the paths, growth of GDP is simulated and elections have their mean frequency. There is no response to a
pledge before the first pledge.
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
    before = np.zeros((len(p["growth"]), np.count_nonzero(years < PLEDGE_FROM)))
    response = np.concatenate([before, np.exp(p["log_response"])], axis=1)
    front, growth, lag, election = (p[name][:, None] for name in ("front", "growth", "growth_lag", "election"))
    mean = rule.spending_change(
        w["level"],
        p["target"][:, i],
        p["pull"][:, i],
        p["loading"][:, i],
        p["factor"][:, t],
        response[:, t],
        w["gap"] + p["response_others"][:, None] * w["gap_others"],
        front,
        w["front_gap"],
        growth,
        w["growth"],
        lag,
        w["growth_before"],
        election,
        w["election"],
    )
    mean = mean + (years[t] == w["last_year"][i]) * w["last_noise"][i] * p["scale"][:, i] * p["revision"][:, i]
    scale = rule.spread(p["scale"][:, i], p["volatility"][:, t])
    return mean, np.sqrt(scale**2 + w["estimate_variance"])


class Year(NamedTuple):
    """Hold what all countries share in one future year, each (sample,); `volatility` is a logarithm."""

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
    """Return simulated log shares of GDP in the years after the last of `panel`, (country, step, sample).

    There is one path for each draw. A country whose last level is older than the panel's last year gives NaN.

    Parameters
    ----------
    draws : posterior by name, dim `sample` first; it may have more countries and years than the panel.
    panel : what `forecast.data.spending.spending_panel` returns.
    member : whether each country of the panel is in NATO, (country,).
    priors : source of the constants of growth, pledge, floor and cap.
    steps : number of years.
    rng : generator of all shocks.
    """
    origin, names = int(panel.attrs["last_year"]), panel["country"].to_numpy()
    scalars = {name: x.values for name, x in draws.items() if x.ndim == 1}
    of_country = ("target", "pull", "scale", "loading", "tails", "revision")
    by_country = {name: draws[name].sel(country=names).values.T for name in of_country}
    start = panel["last_log_share"].where(panel["last_year"] == origin).values
    share = start[:, None] - panel["last_noise"].values[:, None] * by_country["scale"] * by_country["revision"]
    growth = np.repeat(panel["gdp_growth"].sel(year=origin).values[:, None], share.shape[1], axis=1)
    mean, phi, bounce, sd = (priors.value(f"spending.growth_{x}") for x in ("mean", "phi", "bounce", "sd"))
    votes = float(panel["election"].mean())
    floor, cap, mark = (np.log(priors.value(f"spending.{x}")) for x in ("floor", "cap", "front_mark"))
    bound = np.where(member[:, None], 1.0, scalars["response_others"])
    paths = np.empty((names.size, steps, share.shape[1]))
    for step, year in enumerate(_years(draws, scalars, origin, steps, rng)):
        pledge = np.log(pledge_path(priors, [origin + 1 + step]))[0]
        before = growth
        growth = rule.growth(growth, mean, phi, bounce, sd, rng.normal(size=growth.shape))
        change = rule.spending_change(
            share,
            by_country["target"],
            by_country["pull"],
            by_country["loading"],
            year.factor,
            year.response,
            bound * rule.gap(share, pledge),
            scalars["front"],
            panel["front"].values[:, None] * rule.gap(share, mark),
            scalars["growth"],
            rule.centred_growth(growth),
            scalars["growth_lag"],
            rule.centred_growth(before),
            scalars["election"],
            votes,
        )
        noise = rule.spread(by_country["scale"], year.volatility) * rng.standard_t(by_country["tails"])
        share = rule.bounded(share + change + noise, start[:, None], floor, cap)
        paths[:, step] = share
    return paths


def _years(
    draws: Mapping[str, xr.DataArray],
    scalars: Mapping[str, Floats],
    origin: int,
    steps: int,
    rng: np.random.Generator,
) -> Iterator[Year]:
    """Yield factor, response and volatility of each year after `origin`, for every draw.

    The response is 0 if the origin precedes the pledge of September 2014. The war in Ukraine shifts factor and response
    in the year of its first budgets, and only if the origin is the year before, when the war was known.
    """
    factor, volatility = (draws[x].sel(year=origin).values for x in ("factor", "volatility"))
    log_response = scalars["response_mean"]
    if origin >= PLEDGE_FROM:
        log_response = draws["log_response"].sel(pledge_year=origin).values
    size = factor.size
    for year in range(origin + 1, origin + 1 + steps):
        war = float(year == WAR_BUDGETS and origin == WAR_BUDGETS - 1)
        heavy_tailed = rng.standard_t(COMMON_TAILS, size)
        scale = rule.innovation_scale(scalars["factor_scale"], scalars["factor_phi"])
        factor = autoregress(factor, 0.0, scalars["factor_phi"], scale, heavy_tailed) + war * scalars["factor_war"]
        noise = rng.normal(size=(2, size))
        autoregression = (scalars["response_mean"], scalars["response_phi"], scalars["response_sd"])
        log_response = autoregress(log_response, *autoregression, noise[0]) + war * scalars["response_war"]
        scale = rule.innovation_scale(scalars["volatility_sd"], scalars["volatility_phi"])
        volatility = autoregress(volatility, 0.0, scalars["volatility_phi"], scale, noise[1])
        yield Year(factor=factor, response=(origin >= NATO_FROM) * rule.response(log_response), volatility=volatility)
