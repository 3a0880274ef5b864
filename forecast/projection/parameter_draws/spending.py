"""Draws of the parameters of spenders: allies pursue the pledge of the alliance, partners a pledge of their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from forecast.array_types import Floats
from forecast.constants import GROWTH_CENTER, TARGET_CENTER
from forecast.inference.draws import select
from forecast.priors.draws import PriorDraws
from forecast.priors.load import Priors
from forecast.priors.pledges import own_pledge, pledge_path
from forecast.random_streams import generator
from forecast.simulation import records as state
from forecast.simulation.records import records
from forecast.simulation.rules import spending as rule
from forecast.workspace.roster import Roster

Pledge = Callable[[int], float]  # returns the pledge in a year, percent of GDP


def pledges(priors: Priors, roster: Roster) -> tuple[dict[str, Pledge], dict[str, Pledge]]:
    """Return the pledges of the dyads' partners and of the members."""
    partners = {dyad.partner: partial(_partner_pledge, priors, dyad.name) for dyad in roster.dyads}
    return dict(partners), dict.fromkeys(roster.members, partial(_alliance_pledge, priors))


def _partner_pledge(priors: Priors, name: str, year: int) -> float:
    """Return the pledge of the partner of a dyad, percent of GDP."""
    return float(own_pledge(priors, name, [year])[0])


def _alliance_pledge(priors: Priors, year: int) -> float:
    """Return the pledge of the alliance, percent of GDP."""
    return float(pledge_path(priors, [year])[0])


@dataclass(frozen=True, slots=True)
class _SpendingFit:
    """The spending model: its draws by name, the parameters made of them, and its data."""

    samples: Mapping[str, xr.DataArray]
    parameters: Any
    panel: xr.Dataset


def spenders(
    samples: Mapping[str, xr.DataArray],
    parameters: Any,
    panel: xr.Dataset,
    prior_draws: PriorDraws,
    pledges: Mapping[str, Pledge],
) -> Any:
    """Return the parameters of countries that spend, (P, M), in the order of `pledges`.

    Parameters
    ----------
    samples
        Draws of the spending model by name.
    parameters
        Parameters without a country, (P,), already filled from these draws.
    panel
        Data of the spending model.
    prior_draws
        Draws for what the fit leaves open.
    pledges
        Pledge of each country by year, percent of GDP.
    """
    size, countries = prior_draws.size, list(pledges)
    rows = records(state.MEMBER_PARAMETER, size, len(countries))
    if not countries:
        return rows
    z = np.stack([prior_draws.unseen(f"{country}", 3) for country in countries], axis=1)
    mean, sd = samples["target_mean"].values, samples["target_sd"].values
    rows["target"] = select(
        samples["target"],
        "country",
        countries,
        np.log(TARGET_CENTER) + mean[:, None] + sd[:, None] * z[..., 0],
    )
    mean, sd = samples["log_scale_mean"].values, samples["log_scale_sd"].values
    rows["scale"] = select(
        samples["scale"],
        "country",
        countries,
        np.exp(mean[:, None] + sd[:, None] * z[..., 1]),
    )
    for name, of_members in (("pull", samples["kappa"]), ("tails", 2.0 + samples["nu_minus_two"])):
        # a country that is not in the panel has no spending in the projection, so its group does not matter
        unseen = np.repeat(of_members.values[:, None], len(countries), axis=1)
        rows[name] = select(samples[name], "country", countries, unseen)
    sd = samples["loading_sd"].values[:, None]
    rows["loading"] = select(samples["loading"], "country", countries, np.exp(sd * z[..., 2] - sd**2 / 2))
    reliability = prior_draws.priors["announcements.weight"]
    fit = _SpendingFit(samples, parameters, panel)
    for column, country in enumerate(countries):
        own = replace(reliability, name=f"{reliability.name} {country}")  # each country has draws of its own
        rows["announced_weight"][:, column] = prior_draws.draw(own)
        rows["start"][:, column] = _start_share(country, rows[:, column], fit, prior_draws, pledges[country])
    return rows


def _start_share(country: str, rows: Any, fit: _SpendingFit, prior_draws: PriorDraws, pledge_in: Pledge) -> Floats:
    """Return the log share of GDP in the year before the first projected one, (P,); NaN without spending.

    The error of a level that its publisher calls an estimate is a parameter of the fit. Missing last years are
    simulated from the last observed one, and so is their growth of GDP where it is unknown.

    Parameters
    ----------
    country
        Code of the country.
    rows
        Its parameters, (P,).
    fit
        The spending model.
    prior_draws
        Gives the seed of the shocks in missing years.
    pledge_in
        Its pledge by year, percent of GDP.
    """
    samples, parameters, panel = fit.samples, fit.parameters, fit.panel
    if country not in panel["country"].values:
        return np.full(prior_draws.size, np.nan)
    last = panel.sel(country=country)
    noise = float(last["last_noise"])
    error = rows["scale"] * samples["revision"].sel(country=country).values if noise > 0.0 else 0.0
    share: Floats = float(last["last_log_share"]) - noise * error + np.zeros(prior_draws.size)
    mark = np.log(prior_draws.priors.value("spending.front_mark"))
    growth = _growth_by_year(country, last, prior_draws)
    for year in range(int(last["last_year"]) + 1, int(panel.attrs["last_year"]) + 1):
        shock = generator(prior_draws.unseen_seed, f"missing {country} {year}").standard_t(rows["tails"])
        change = rule.spending_change(
            share,
            rows["target"],
            rows["pull"],
            rows["loading"],
            samples["factor"].sel(year=year).values,
            rule.response(samples["log_response"].sel(pledge_year=year).values),
            rule.gap(share, np.log(pledge_in(year))),
            parameters["front"],
            float(last["front"]) * rule.gap(share, mark),
            parameters["growth"],
            rule.centred_growth(growth[year]),
            parameters["growth_lag"],
            rule.centred_growth(np.nan_to_num(growth[year - 1], nan=GROWTH_CENTER)),
            parameters["election_spending"],
            0.0,
        )
        share = share + change + rule.spread(rows["scale"], samples["volatility"].sel(year=year).values) * shock
    return share


def _growth_by_year(country: str, panel: xr.Dataset, prior_draws: PriorDraws) -> dict[int, Floats]:
    """Return the growth of a country by year, (P,), fractions; NaN before its first year.

    Years without a figure after a known one are simulated as in the projection.
    """
    mean, phi, bounce, sd = (prior_draws.priors.value(f"spending.growth_{x}") for x in ("mean", "phi", "bounce", "sd"))
    growth, by_year = np.full(prior_draws.size, np.nan), {}
    for year, known in zip(panel["year"].values, panel["gdp_growth"].values, strict=True):
        if np.isnan(known):
            shock = generator(prior_draws.unseen_seed, f"growth {country} {year}").standard_normal(prior_draws.size)
            growth = rule.growth(growth, mean, phi, bounce, sd, shock)
        else:
            growth = np.full(prior_draws.size, known)
        by_year[int(year)] = growth
    return by_year
