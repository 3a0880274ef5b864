"""Assemble the parameter draws of the simulation from posteriors and priors.

The draws of each model are independent of the other models (modular fits). A country or mission that a fit has not
seen gets a draw from the population. Parameters without data (signs, weights, cut points, modes) are drawn from their
priors.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from forecast.constants import DURATION_EDGES
from forecast.data.leaders import POSITIONS
from forecast.inference.draws import draws_by_name, select
from forecast.models import cohesion
from forecast.models.cohesion import Samples
from forecast.names import FACTORS
from forecast.priors.draws import PriorDraws
from forecast.priors.load import Priors
from forecast.projection.parameter_draws.alliance import put_designs, put_events, put_exits
from forecast.projection.parameter_draws.dyads import dyad_cells, dyad_draws
from forecast.projection.parameter_draws.missions import circumstances, mission_parameters, put_missions
from forecast.projection.parameter_draws.spending import pledges, spenders
from forecast.random_streams import generator
from forecast.simulation import records as state
from forecast.simulation.arrays import Draws
from forecast.simulation.records import records
from forecast.simulation.rules import withdrawal as rule
from forecast.workspace.roster import Roster


def posterior_samples(trees: Mapping[str, xr.DataTree], size: int, seed: int) -> dict[str, Samples]:
    """Return `size` draws of every variable of every model, dim `sample` first."""
    return {name: draws_by_name(tree, size, generator(seed, name)) for name, tree in trees.items()}


def prior_withdrawal(priors: Priors, size: int, seed: int) -> Samples:
    """Return prior draws of the withdrawal model, under the names of its posterior."""
    values: dict[str, Any] = {}
    for name, prior in priors.section("withdrawal").items():
        values[name] = prior.sample(generator(seed, f"prior {prior.name}"), size)
    for cause in ("defection", "planned"):
        rng = generator(seed, f"prior duration {cause}")
        steps = rng.normal(size=(size, len(DURATION_EDGES)))
        walk = np.cumsum(steps * values[f"duration_scale_{cause}"][:, None], axis=1)
        values[f"duration_{cause}"] = walk - walk.mean(axis=1, keepdims=True)
    samples = {name: xr.DataArray(array, dims=["sample", "bin"][: array.ndim]) for name, array in values.items()}
    for frailty, dim in (("mission_effect", "mission"), ("country_effect", "country")):
        empty = np.empty((size, 0))
        samples[frailty] = xr.DataArray(empty, dims=["sample", dim], coords={dim: []})
    return samples


def assemble_draws(
    samples: Mapping[str, Samples],
    panel: xr.Dataset,
    priors: Priors,
    roster: Roster,
    seed: int,
    unseen_seed: int | None = None,
) -> Draws:
    """Return all parameter draws, one row each, with the factors of cohesion starting at 0.

    Parameters
    ----------
    samples
        P draws of each model by name.
    panel
        Data of the spending model.
    priors
        Priors and scenarios.
    roster
        Labels of all axes.
    seed
        Seed of the priors without data.
    unseen_seed
        Seed of what a fit leaves open: countries and missions it has not seen, revisions of estimates. By default
        `seed`.
    """
    size = samples["spending"]["growth"].size
    prior_draws = PriorDraws(priors, seed, seed if unseen_seed is None else unseen_seed, size)
    draw = prior_draws.__getitem__
    parameters = records(state.PARAMETER, size)
    parameters["usa_election"] = draw("leadership.usa_election")
    parameters["cohesion_effect"] = draw("withdrawal.cohesion")
    _put_spending(parameters, samples["spending"])
    _put_leadership(parameters, samples["leadership"])
    _put_alliance(parameters, prior_draws)
    put_events(parameters, draw, priors)
    put_exits(parameters, samples["rates"], priors)
    put_missions(parameters, samples["withdrawal"], priors, draw)
    dyads, outlook = dyad_draws(draw, priors, roster, size)
    spending, (partner_pledges, member_pledges) = samples["spending"], pledges(priors, roster)
    return Draws(
        parameters=parameters,
        members=spenders(spending, parameters, panel, prior_draws, member_pledges),
        countries=_countries(samples["leadership"], prior_draws, roster),
        missions=mission_parameters(roster, size, draw),
        contingents=_contingents(samples["withdrawal"], prior_draws, roster),
        cells=_cells(prior_draws, roster),
        dyads=dyads,
        partners=spenders(spending, parameters, panel, prior_draws, partner_pledges),
        outlook=outlook,
        dyad_cells=dyad_cells(
            {d: prior_draws.draw(priors.grid.designs[d].asia_signal) for d in roster.designs},
            roster,
        ),
    )


def start_from_posterior(draws: Draws, samples: Samples) -> Draws:
    """Return draws whose factors start where the cohesion model estimates them now, with its weights and cut points.

    `samples` are draws of the cohesion model.
    """
    parameters = draws.parameters.copy()
    parameters["factor_start"] = cohesion.start(samples).values
    parameters["weights"] = samples["factor_weights"].values
    parameters["verdict_low"] = samples["cut_lower"].values
    parameters["verdict_high"] = parameters["verdict_low"] + samples["cut_gap"].values
    parameters["rater_sd"] = samples["rater_sd"].values
    return draws._replace(parameters=parameters)


def _put_spending(parameters: Any, samples: Samples) -> None:
    """Fill in the parameters of spending that no country has of its own."""
    for name in (
        "response_mean",
        "response_phi",
        "response_sd",
        "front",
        "volatility_phi",
        "volatility_sd",
        "growth",
        "growth_lag",
    ):
        parameters[name] = samples[name].values
    parameters["response_start"] = samples["log_response"].isel(pledge_year=-1).values
    parameters["election_spending"] = samples["election"].values
    for name in ("phi", "scale"):
        parameters[f"common_{name}"] = samples[f"factor_{name}"].values
    parameters["common_start"] = samples["factor"].isel(year=-1).values
    parameters["volatility_start"] = samples["volatility"].isel(year=-1).values


def _put_leadership(parameters: Any, samples: Samples) -> None:
    """Fill in the terms of turnover that no country has of its own."""
    for name in ("intercept", "offset", *POSITIONS):
        parameters[f"turnover_{name}"] = samples[name].values
    parameters["tenure"] = samples["tenure"].values


def _put_alliance(parameters: Any, prior_draws: PriorDraws) -> None:
    """Fill in weights, cut points and the effect of a collapsed NATO mission, all from priors."""
    parameters["weights"] = prior_draws["alliance.factor_weights"]
    parameters["verdict_low"] = prior_draws["alliance.cut_lower"]
    parameters["verdict_high"] = parameters["verdict_low"] + prior_draws["alliance.cut_gap"]
    parameters["rater_sd"] = prior_draws["alliance.rater_sd"]
    for factor in ("institutions", "leadership"):
        shock = prior_draws[f"missions.collapse_{factor}"]
        parameters["collapse_shock"][:, FACTORS.index(factor)] = shock


def _countries(samples: Samples, prior_draws: PriorDraws, roster: Roster) -> Any:
    """Return the effect of each country on the log odds of turnover, (P, K)."""
    size, countries = prior_draws.size, list(roster.countries)
    rows = records(state.COUNTRY_PARAMETER, size, len(countries))
    z = np.stack([prior_draws.unseen(f"leader {c}") for c in countries], axis=1)
    unseen = samples["country_sd"].values[:, None] * z
    rows["turnover_effect"] = select(samples["country_effect"], "country", countries, unseen)
    return rows


def _contingents(samples: Samples, prior_draws: PriorDraws, roster: Roster) -> Any:
    """Return the log hazards of each contingent without time-varying terms, (P, S, C).

    Hypothetical missions share one draw of the mission effect. They differ only in what the plan says of them.
    """
    size = prior_draws.size
    contributors = list(roster.contributors)
    z = np.stack([prior_draws.unseen(f"contributor {c}") for c in contributors], axis=1)
    unseen = samples["country_sd"].values[:, None] * z
    country = select(samples["country_effect"], "country", contributors, unseen)
    widest = max(len(mission.contributors) for mission in roster.missions)
    rows = records(state.CONTINGENT_PARAMETER, size, len(roster.missions), widest)
    rows["circumstances"] = circumstances(roster, size, widest, prior_draws.__getitem__)
    for s, mission in enumerate(roster.missions):
        effect_name = "hypothetical" if mission.hypothetical else mission.name
        unseen_mission = samples["mission_sd"].values * prior_draws.unseen(f"mission {effect_name}")
        effect = select(samples["mission_effect"], "mission", [mission.name], unseen_mission[:, None])
        terms = rule.mission_terms(
            samples["nato"].values,
            float(mission.framework == "nato"),
            samples["un"].values,
            float(mission.framework == "un"),
            samples["eu"].values,
            float(mission.framework == "eu"),
            samples["noncombat"].values,
            0.0 if mission.combat else 1.0,
        )[:, None]
        lead = samples["lead"].values[:, None] * np.array([c == mission.lead for c in mission.contributors])
        frailty = effect + country[:, [contributors.index(c) for c in mission.contributors]]
        columns = slice(0, len(mission.contributors))
        intercept, load = samples["planned_intercept"].values[:, None], samples["frailty_load"].values[:, None]
        rows["planned"][:, s, columns] = rule.planned_level(intercept, load, frailty, lead)
        intercept = samples["defection_intercept"].values[:, None]
        rows["defection"][:, s, columns] = rule.defection_level(intercept, terms, frailty, lead)
    return rows


def _cells(prior_draws: PriorDraws, roster: Roster) -> Any:
    """Return the shifts of the factors by war and design, (P, N).

    delta = scale * sign + sd * e, with one e for all wars and one for all designs.
    """
    grid = prior_draws.priors.grid
    rows = records(state.CELL_PARAMETER, prior_draws.size, len(roster.cells))
    scale = prior_draws["alliance.sign_scale"][:, None]
    sd = {
        composite: prior_draws.priors.value(f"alliance.sign_sd_{'composite' if composite else 'pure'}")
        for composite in (True, False)
    }
    war_noise = prior_draws.noise("shift of war", len(FACTORS))
    design_noise = prior_draws.noise("shift of design", len(FACTORS))
    for n, (war_name, design_name) in enumerate(roster.cells):
        war, design = grid.wars[war_name], grid.designs[design_name]
        if not war.is_reference:
            signs = np.array([war.signs[f] for f in FACTORS])
            spread = np.array([sd[war.composite[f]] for f in FACTORS])
            rows["war_shift"][:, n] = scale * signs + spread * war_noise
        for f, factor in enumerate(FACTORS):
            if factor in design.shift:
                shift = design.shift[factor]
                width = shift.params[1] if shift.dist == "Normal" else 0.0
                rows["design_shift"][:, n, f] = shift.params[0] + width * design_noise[:, f]
        rows["retrenchment"][:, n] = prior_draws.draw(design.retrenchment)
    put_designs(rows, prior_draws.draw, grid, roster)
    return rows
