"""From posteriors and beliefs to the parameter draws of the core.

Each model gives its own draws, independent of the others (modular fits). A country or mission that a fit has not seen
gets a population draw. What no table can teach (signs, weights, cut points, modes) is drawn from its belief.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from forecast.constants import DURATION_EDGES
from forecast.inference.draws import draws_by_name, select
from forecast.models import cohesion
from forecast.models.cohesion import Samples
from forecast.names import FACTORS
from forecast.priors.draws import PriorDraws
from forecast.priors.load import Priors
from forecast.projection.parameter_draws.alliance import put_designs, put_events, put_exits
from forecast.projection.parameter_draws.dyads import dyad_cells, dyad_draws
from forecast.projection.parameter_draws.missions import (
    circumstances,
    mission_parameters,
    put_missions,
)
from forecast.projection.parameter_draws.spending import pledges, spenders
from forecast.random_streams import generator
from forecast.simulation import records as state
from forecast.simulation.arrays import Draws
from forecast.simulation.records import records
from forecast.simulation.rules import withdrawal as rule
from forecast.workspace.roster import Roster


def posterior_samples(trees: Mapping[str, xr.DataTree], size: int, seed: int) -> dict[str, Samples]:
    """`size` draws of every variable of every model."""
    return {name: draws_by_name(tree, size, generator(seed, name)) for name, tree in trees.items()}


def prior_withdrawal(priors: Priors, size: int, seed: int) -> Samples:
    """The withdrawal model before it saw a table: draws under the same names as its posterior."""
    out: dict[str, Any] = {}
    for name, prior in priors.section("withdrawal").items():
        out[name] = prior.sample(generator(seed, f"prior {prior.name}"), size)
    for cause in ("defection", "planned"):
        rng = generator(seed, f"prior duration {cause}")
        steps = rng.normal(size=(size, len(DURATION_EDGES)))
        walk = np.cumsum(steps * out[f"duration_scale_{cause}"][:, None], axis=1)
        out[f"duration_{cause}"] = walk - walk.mean(axis=1, keepdims=True)
    samples = {name: xr.DataArray(values, dims=["sample", "bin"][: values.ndim]) for name, values in out.items()}
    for frailty, dim in (("mission_effect", "mission"), ("country_effect", "country")):
        empty = np.empty((size, 0))
        samples[frailty] = xr.DataArray(empty, dims=["sample", dim], coords={dim: []})
    return samples


def assemble(
    samples: Mapping[str, Samples],
    panel: xr.Dataset,
    priors: Priors,
    roster: Roster,
    seed: int,
    unseen_seed: int | None = None,
    start: str = "neutral",
) -> Draws:
    """All parameter draws, one row each, in the records of the core.

    `seed` addresses beliefs without data, `unseen_seed` (the same unless given) what a fit leaves open: countries and
    missions it has not seen, revisions of estimates. `start` of the factors is `neutral` (all 0) or `posterior`.
    """
    size = samples["spending"]["kappa"].size
    believed = PriorDraws(priors, seed, seed if unseen_seed is None else unseen_seed, size)
    parameters = records(state.PARAMETER, size)
    parameters["usa_election"] = believed["leadership.usa_election"]
    parameters["cohesion_effect"] = believed["withdrawal.cohesion"]
    _put_spending(parameters, samples["spending"])
    _put_leadership(parameters, samples["leadership"])
    _put_alliance(parameters, believed)
    put_events(parameters, believed.__getitem__, priors)
    put_exits(parameters, samples["rates"], priors)
    if start == "posterior":
        _put_cohesion(parameters, samples["cohesion"])
    put_missions(parameters, samples["withdrawal"], priors, believed.__getitem__)
    dyads, outlook = dyad_draws(believed.__getitem__, priors, roster, size)
    spending, (own, common) = samples["spending"], pledges(priors, roster)
    return Draws(
        parameters=parameters,
        members=spenders(spending, parameters, panel, believed, common),
        countries=_countries(samples["leadership"], believed, roster),
        missions=mission_parameters(roster, size, believed.__getitem__),
        contingents=_contingents(samples["withdrawal"], believed, roster),
        cells=_cells(believed, roster),
        dyads=dyads,
        partners=spenders(spending, parameters, panel, believed, own),
        outlook=outlook,
        dyad_cells=dyad_cells(
            {d: believed.draw(priors.grid.designs[d].asia_signal) for d in roster.designs},
            roster,
        ),
    )


def _put_spending(parameters: Any, samples: Samples) -> None:
    for name in (
        "kappa",
        "nu",
        "response_mean",
        "response_phi",
        "response_sd",
        "front",
        "volatility_phi",
        "volatility_sd",
        "growth",
    ):
        parameters[name] = samples[name].values
    parameters["response_start"] = samples["log_response"].isel(pledge_year=-1).values
    parameters["election_spending"] = samples["election"].values
    for name in ("phi", "scale"):
        parameters[f"common_{name}"] = samples[f"factor_{name}"].values
    parameters["common_start"] = samples["factor"].isel(year=-1).values
    parameters["volatility_start"] = samples["volatility"].isel(year=-1).values


def _put_leadership(parameters: Any, samples: Samples) -> None:
    for name in ("intercept", "offset", "election", "after", "before"):
        parameters[f"turnover_{name}"] = samples[name].values
    parameters["tenure"] = samples["tenure"].values


def _put_alliance(parameters: Any, believed: PriorDraws) -> None:
    parameters["weights"] = believed["alliance.factor_weights"]
    parameters["verdict_low"] = believed["alliance.cut_lower"]
    parameters["verdict_high"] = parameters["verdict_low"] + believed["alliance.cut_gap"]
    parameters["rater_sd"] = believed["alliance.rater_sd"]
    for factor in ("institutions", "leadership"):
        shock = believed[f"missions.collapse_{factor}"]
        parameters["collapse_shock"][:, FACTORS.index(factor)] = shock


def _put_cohesion(parameters: Any, samples: Samples) -> None:
    parameters["factor_start"] = cohesion.start(samples).values
    parameters["weights"] = samples["factor_weights"].values
    parameters["verdict_low"] = samples["cut_lower"].values
    parameters["verdict_high"] = parameters["verdict_low"] + samples["cut_gap"].values
    parameters["rater_sd"] = samples["rater_sd"].values


def _countries(samples: Samples, believed: PriorDraws, roster: Roster) -> Any:
    size, countries = believed.size, list(roster.countries)
    out = records(state.COUNTRY_PARAMETER, size, len(countries))
    z = np.stack([believed.unseen(f"leader {c}") for c in countries], axis=1)
    unseen = samples["country_sd"].values[:, None] * z
    out["turnover_effect"] = select(samples["country_effect"], "country", countries, unseen)
    return out


def _contingents(samples: Samples, believed: PriorDraws, roster: Roster) -> Any:
    """Log-hazards without time-varying terms.

    Hypothetical missions share one draw of the mission effect, so that two of them differ by what the plan says alone.
    """
    size = believed.size
    contributors = list(roster.contributors)
    z = np.stack([believed.unseen(f"contributor {c}") for c in contributors], axis=1)
    unseen = samples["country_sd"].values[:, None] * z
    country = select(samples["country_effect"], "country", contributors, unseen)
    widest = max(len(mission.contributors) for mission in roster.missions)
    out = records(state.CONTINGENT_PARAMETER, size, len(roster.missions), widest)
    out["circumstances"] = circumstances(roster, size, widest, believed.__getitem__)
    for s, mission in enumerate(roster.missions):
        who = "hypothetical" if mission.hypothetical else mission.name
        new = samples["mission_sd"].values * believed.unseen(f"mission {who}")
        effect = select(samples["mission_effect"], "mission", [mission.name], new[:, None])
        terms = rule.mission_terms(
            *(
                term
                for name in ("nato", "un", "eu")
                for term in (samples[name].values, float(mission.framework == name))
            ),
            samples["noncombat"].values,
            0.0 if mission.combat else 1.0,
        )[:, None]
        lead = samples["lead"].values[:, None] * np.array([c == mission.lead for c in mission.contributors])
        frailty = effect + country[:, [contributors.index(c) for c in mission.contributors]]
        columns = slice(0, len(mission.contributors))
        intercept, load = samples["planned_intercept"].values[:, None], samples["frailty_load"].values[:, None]
        level = rule.defection_level(samples["defection_intercept"].values[:, None], terms, frailty, lead)
        out["defection"][:, s, columns] = level
        out["planned"][:, s, columns] = rule.planned_level(intercept, load, frailty, lead)
    return out


def _cells(believed: PriorDraws, roster: Roster) -> Any:
    """Shifts of war and design: delta = scale * sign + sd * e, with one e for all wars and one for all designs."""
    grid = believed.priors.grid
    out = records(state.CELL_PARAMETER, believed.size, len(roster.cells))
    scale = believed["alliance.sign_scale"][:, None]
    sd = {
        composite: believed.priors.value(f"alliance.sign_sd_{'composite' if composite else 'pure'}")
        for composite in (True, False)
    }
    war_noise = believed.noise("shift of war", len(FACTORS))
    design_noise = believed.noise("shift of design", len(FACTORS))
    for n, (war_name, design_name) in enumerate(roster.cells):
        war, design = grid.wars[war_name], grid.designs[design_name]
        if not war.is_reference:
            signs = np.array([war.signs[f] for f in FACTORS])
            spread = np.array([sd[war.composite[f]] for f in FACTORS])
            out["war_shift"][:, n] = scale * signs + spread * war_noise
        for f, factor in enumerate(FACTORS):
            if factor in design.shift:
                shift = design.shift[factor]
                width = shift.params[1] if shift.dist == "Normal" else 0.0
                out["design_shift"][:, n, f] = shift.params[0] + width * design_noise[:, f]
        out["retrenchment"][:, n] = believed.draw(design.retrenchment)
    put_designs(out, believed.draw, grid, roster)
    return out
