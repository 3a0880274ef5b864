"""From posteriors and beliefs to the parameter draws of the core.

Each model gives its own draws, independent of the others (modular fits). A country or mission that a fit has not seen
gets a population draw. What no table can teach (signs, weights, cut points, modes) is drawn from its belief.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import cohesion
from forecast.belief import Prior
from forecast.core import state
from forecast.core.state import Draws, records
from forecast.names import FACTORS
from forecast.panel import GROWTH_CENTER, TARGET_CENTER, pledge_path
from forecast.parameters_alliance import put_designs, put_events, put_exits
from forecast.parameters_missions import circumstances, mission_parameters, put_missions
from forecast.posterior import draws_by_name, select
from forecast.priors import Beliefs
from forecast.roster import Roster, address

Samples = Mapping[str, xr.DataArray]
Floats = NDArray[np.float64]


def generator(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one belief or model, addressed by its name."""
    return np.random.Generator(np.random.Philox(key=[seed, address(name)]))


def posterior_samples(trees: Mapping[str, xr.DataTree], size: int, seed: int) -> dict[str, Samples]:
    """`size` draws of every variable of every model."""
    return {name: draws_by_name(tree, size, generator(seed, name)) for name, tree in trees.items()}


def prior_withdrawal(beliefs: Beliefs, size: int, seed: int) -> Samples:
    """The withdrawal model before it saw a table: draws under the same names as its posterior."""
    out: dict[str, Any] = {}
    for name, prior in beliefs.section("withdrawal").items():
        out[name] = prior.sample(generator(seed, f"prior {prior.name}"), size)
    for cause in ("defection", "planned"):
        steps = generator(seed, f"prior duration {cause}").normal(
            size=(size, len(state.DURATION_EDGES))
        )
        walk = np.cumsum(steps * out[f"duration_scale_{cause}"][:, None], axis=1)
        out[f"duration_{cause}"] = walk - walk.mean(axis=1, keepdims=True)
    samples = {
        name: xr.DataArray(values, dims=["sample", "bin"][: values.ndim])
        for name, values in out.items()
    }
    for frailty, dim in (("mission_effect", "mission"), ("country_effect", "country")):
        empty = np.empty((size, 0))
        samples[frailty] = xr.DataArray(empty, dims=["sample", dim], coords={dim: []})
    return samples


def assemble(
    samples: Mapping[str, Samples],
    panel: xr.Dataset,
    beliefs: Beliefs,
    roster: Roster,
    seed: int,
    unseen_seed: int | None = None,
    start: str = "neutral",
) -> Draws:
    """All parameter draws, one row each, in the records of the core.

    `seed` addresses beliefs without data, `unseen_seed` (the same unless given) what a fit leaves open. `start` is that
    of the factors of cohesion: `neutral` (all 0, weights and cut points as believed) or `posterior` (as fitted).
    """
    size = samples["spending"]["kappa"].size
    believed = _Believed(beliefs, seed, seed if unseen_seed is None else unseen_seed, size)
    parameters = records(state.PARAMETER, size)
    parameters["usa_election"] = believed["leadership.usa_election"]
    parameters["cohesion_effect"] = believed["withdrawal.cohesion"]
    _put_spending(parameters, samples["spending"])
    _put_leadership(parameters, samples["leadership"])
    _put_withdrawal(parameters, samples["withdrawal"])
    _put_alliance(parameters, believed)
    put_events(parameters, believed.__getitem__, beliefs)
    put_exits(parameters, samples["rates"], beliefs)
    if start == "posterior":
        _put_cohesion(parameters, samples["cohesion"])
    put_missions(parameters, samples["withdrawal"], beliefs, believed.__getitem__)
    return Draws(
        parameters=parameters,
        members=_members(samples["spending"], parameters, panel, believed, roster),
        countries=_countries(samples["leadership"], believed, roster),
        missions=mission_parameters(roster, size, believed.__getitem__),
        contingents=_contingents(samples["withdrawal"], believed, roster),
        cells=_cells(believed, roster),
    )


class _Believed:
    """Draws of beliefs by name, each from its own addressed generator, so that none depends on another's use."""

    def __init__(self, beliefs: Beliefs, seed: int, unseen_seed: int, size: int) -> None:
        self.beliefs, self.size, self.seed, self.unseen_seed = beliefs, size, seed, unseen_seed

    def __getitem__(self, name: str) -> Floats:
        return self.draw(self.beliefs[name])

    def draw(self, prior: Prior) -> Floats:
        return prior.sample(generator(self.seed, prior.name), self.size)

    def noise(self, name: str, *shape: int) -> Floats:
        """Standard normals behind a belief."""
        return generator(self.seed, name).normal(size=(self.size, *shape))

    def unseen(self, name: str, *shape: int) -> Floats:
        """Standard normals behind what a fit leaves open."""
        return generator(self.unseen_seed, name).normal(size=(self.size, *shape))


def _put_spending(parameters: Any, samples: Samples) -> None:
    for name in (
        "kappa", "nu", "year_scale", "response_mean", "response_phi", "response_sd", "front",
        "volatility_phi", "volatility_sd", "growth",
    ):  # fmt: skip
        parameters[name] = samples[name].values
    parameters["response_start"] = samples["log_response"].isel(pledge_year=-1).values
    parameters["election_spending"] = samples["election"].values
    for name in ("phi", "scale"):
        parameters[f"common_{name}"] = samples[f"factor_{name}"].values
    parameters["common_start"] = samples["factor"].isel(year=-1).values
    parameters["volatility_start"] = samples["volatility"].isel(year=-1).values


def _put_leadership(parameters: Any, samples: Samples) -> None:
    for name in ("election", "after", "before"):
        parameters[f"turnover_{name}"] = samples[name].values
    parameters["tenure"] = samples["tenure"].values


def _put_withdrawal(parameters: Any, samples: Samples) -> None:
    for name in ("leader_change", "election_ahead", "contagion", "lead_gone", "ending",
                 "duration_defection", "duration_planned"):  # fmt: skip
        parameters[name] = samples[name].values


def _put_alliance(parameters: Any, believed: _Believed) -> None:
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


def _members(
    samples: Samples, parameters: Any, panel: xr.Dataset, believed: _Believed, roster: Roster
) -> Any:
    size, members = believed.size, list(roster.members)
    out = records(state.MEMBER_PARAMETER, size, len(members))
    z = np.stack([believed.unseen(f"{m}", 3) for m in members], axis=1)
    mean, spread = samples["target_mean"].values, samples["target_sd"].values
    out["target"] = select(
        samples["target"], "country", members,
        np.log(TARGET_CENTER) + mean[:, None] + spread[:, None] * z[..., 0],
    )  # fmt: skip
    mean, spread = samples["log_scale_mean"].values, samples["log_scale_sd"].values
    out["scale"] = select(
        samples["scale"], "country", members,
        np.exp(mean[:, None] + spread[:, None] * z[..., 1]),
    )  # fmt: skip
    spread = samples["loading_sd"].values[:, None]
    out["loading"] = select(
        samples["loading"], "country", members, np.exp(spread * z[..., 2] - spread**2 / 2)
    )
    for column, member in enumerate(members):
        out["start"][:, column] = _start(
            member, out[:, column], parameters, samples, panel, believed
        )
    return out


def _start(
    member: str, own: Any, parameters: Any, samples: Samples, panel: xr.Dataset, believed: _Believed
) -> Floats:
    """Log share in the year before the first projected one, NaN without spending.

    The error of a level that its publisher calls an estimate is a parameter of the fit; a missing last year is
    simulated from the last observed one.
    """
    nothing = np.full(believed.size, np.nan)
    if member not in panel["country"].values:
        return nothing
    last = panel.sel(country=member)
    noise = float(last["last_noise"])
    error = samples["revision"].sel(country=member).values if noise > 0.0 else 0.0
    share: Floats = float(last["last_log_share"]) - noise * error + np.zeros(believed.size)
    mark = np.log(believed.beliefs.value("spending.front_mark"))
    for year in range(int(last["last_year"]) + 1, int(panel.attrs["last_year"]) + 1):
        pledge = np.log(pledge_path(believed.beliefs, [year]))[0]
        common = samples["common"].sel(year=year).values
        volatility = np.exp(samples["volatility"].sel(year=year).values)
        response = np.minimum(1.0, np.exp(samples["log_response"].sel(pledge_year=year).values))
        growth = float(panel["gdp_growth"].sel(country=member, year=year)) - GROWTH_CENTER
        noise = generator(believed.unseen_seed, f"missing {member} {year}").standard_t(
            parameters["nu"]
        )
        share = (
            share
            - parameters["kappa"] * (share - own["target"])
            + own["loading"] * common
            + response * np.maximum(0.0, pledge - share)
            + response * parameters["front"] * float(last["front"]) * np.maximum(0.0, mark - share)
            + parameters["growth"] * growth
            + own["scale"] * volatility * noise
        )
    return share


def _countries(samples: Samples, believed: _Believed, roster: Roster) -> Any:
    size, countries = believed.size, list(roster.countries)
    out = records(state.COUNTRY_PARAMETER, size, len(countries))
    z = np.stack([believed.unseen(f"leader {c}") for c in countries], axis=1)
    unseen = samples["country_sd"].values[:, None] * z
    effect = select(samples["country_effect"], "country", countries, unseen)
    out["turnover"] = samples["intercept"].values[:, None] + effect
    out["turnover_offset"] = samples["offset"].values[:, None] * effect
    return out


def _contingents(samples: Samples, believed: _Believed, roster: Roster) -> Any:
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
        base = samples["defection_intercept"].values + (
            samples[mission.framework].values if mission.framework != "ad_hoc" else 0.0
        )
        base = base + (0.0 if mission.combat else samples["noncombat"].values)
        lead = samples["lead"].values[:, None] * np.array(
            [c == mission.lead for c in mission.contributors]
        )
        frailty = effect + country[:, [contributors.index(c) for c in mission.contributors]]
        columns = slice(0, len(mission.contributors))
        out["defection"][:, s, columns] = base[:, None] + frailty + lead
        out["planned"][:, s, columns] = (
            samples["planned_intercept"].values[:, None]
            + samples["frailty_load"].values[:, None] * frailty
            + lead
        )
    return out


def _cells(believed: _Believed, roster: Roster) -> Any:
    """Shifts of war and design: delta = scale * sign + sd * e, with one e for all wars and one for all designs."""
    grid = believed.beliefs.grid
    out = records(state.CELL_PARAMETER, believed.size, len(roster.cells))
    scale = believed["alliance.sign_scale"][:, None]
    sd = {
        composite: believed.beliefs.value(
            f"alliance.sign_sd_{'composite' if composite else 'pure'}"
        )
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
