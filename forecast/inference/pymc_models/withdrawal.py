"""Who leaves a mission, when, and why: two competing causes, a rate constant within each quarter and contributor.

With u a mission's and v a contributor's own effect, b the duration bin, rates per quarter:

    log rate of defection = level + framework + noncombat + u + v + is lead + duration_b + leader change
                            + election ahead + 10 * contagion * share + lead gone
                            + casualties * felt losses + drift * quarters in combat + ever reduced
    log rate of planned   = level + load * (u + v) + is lead + duration_b + ending

The coded cause of an exit is right with a chance p only: its likelihood is p * rate of defection + (1 - p) * rate of
planned, where p is that of a defection. Everything in `forecast.data.exposure.data_vectors` is data of the compiled
model.
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from numpy.typing import NDArray
from pytensor.gradient import grad

from forecast.data.exposure import ExposureTable, data_vectors, exposure_table
from forecast.inference.pymc_models.distributions import variable
from forecast.priors.load import Priors
from forecast.simulation.rules import withdrawal as rule


def build(spells: xr.Dataset, priors: Priors) -> pm.Model:
    """The model of `spells` (from `forecast.data.deployments.mission_spells`).

    An exit on a known day gives the density of its coded cause there; within a bracket, the chance to leave for that
    cause within it. A cause left open (`unknown`, and `reduced`: the main contingent left, token staff stayed) has
    p = 1/2, which is the sum over both causes but for a constant. The data vector `keep` multiplies each spell's
    log-likelihood: 0 leaves a spell out.
    """
    found, vectors = exposure_table(spells), data_vectors(spells)
    coords = {name: spells[name].to_numpy() for name in ("mission", "country", "duration_bin")}
    with pm.Model(coords=coords | {"spell": np.arange(spells.sizes["spell"])}) as model:
        data = {name: pm.Data(name, values) for name, values in vectors.items()}
        levels = _spell_levels(spells, priors)
        patterns = _pattern_effects(found, priors)
        pm.Potential(
            "log_likelihood",
            -_exposure(found, levels, patterns, data)
            + _exact_exits(levels, patterns, data)
            + _bracketed_exits(found, levels, patterns, data),
        )
    return model


def _spell_levels(spells: xr.Dataset, priors: Priors) -> tuple[Any, Any]:
    """Log rates of both causes that hold for a whole spell."""
    mission, country = spells["mission_of"].to_numpy(), spells["country_of"].to_numpy()
    frailty = _effects("mission", priors)[mission] + _effects("country", priors)[country]
    terms = rule.mission_terms(
        *(
            term
            for name in ("nato", "un", "eu", "noncombat")
            for term in (variable(priors[f"withdrawal.{name}"]), spells[name].to_numpy().astype(float))
        )
    )
    intercept = variable(priors["withdrawal.defection_intercept"])
    planned = variable(priors["withdrawal.planned_intercept"])
    load = variable(priors["withdrawal.frailty_load"])
    is_lead = spells["country"].to_numpy()[country] == spells["lead"].to_numpy()[mission]
    lead = variable(priors["withdrawal.lead"]) * is_lead.astype(float)
    return (
        rule.defection_level(intercept, terms[mission], frailty, lead),
        rule.planned_level(planned, load, frailty, lead),
    )


def _effects(dim: str, priors: Priors) -> Any:
    scale = variable(priors[f"withdrawal.{dim}_sd"])
    z = pm.Normal(f"{dim}_effect_z", dims=dim)
    return pm.Deterministic(f"{dim}_effect", scale * z, dims=dim)


def _duration(cause: str, bins: int, priors: Priors) -> Any:
    """A random walk over the duration bins, centred; the level stays with the intercept."""
    scale = variable(priors[f"withdrawal.duration_scale_{cause}"])
    steps = pm.Normal(f"duration_{cause}_z", shape=bins - 1)
    walk = pt.concatenate([pt.zeros(1), pt.cumsum(steps)])
    centred = scale * (walk - pt.mean(walk))
    return pm.Deterministic(f"duration_{cause}", centred, dims="duration_bin")


def _pattern_effects(found: ExposureTable, priors: Priors) -> tuple[Any, Any]:
    """Log rate ratios of both causes, one for each distinct pattern."""
    bins = len(pm.modelcontext(None).coords["duration_bin"])
    seen = {name: values.to_numpy(dtype=float) for name, values in found.patterns["d"].items()}

    def effect(name: str) -> Any:
        return variable(priors[f"withdrawal.{name}"])

    defection = _duration("defection", bins, priors)[found.patterns["d"]["duration"].to_numpy()]
    defection = rule.add_politics(
        defection, effect("leader_change"), seen["leader_change"], effect("election_ahead"), seen["election_ahead"]
    )
    defection = rule.add_partners(
        defection, effect("contagion"), seen["contagion"], effect("lead_gone"), seen["lead_gone"]
    )
    defection = rule.add_casualties(defection, effect("casualties"), seen["casualties"])
    defection = rule.add_reduction(defection, effect("ever_reduced"), seen["ever_reduced"])
    defection = rule.add_combat(defection, _drift(priors), seen["combat_age"])
    ending = found.patterns["p"]
    planned = _duration("planned", bins, priors)[ending["duration"].to_numpy()]
    planned = rule.planned_log_rate(planned, effect("ending"), ending["ending"].to_numpy())
    return defection, planned


def _drift(priors: Priors) -> Any:
    """The drift in combat, drawn in units of its belief, for it is multiplied by up to forty quarters.

    Chains start about one unit away. One away from a plain drift, rates are e^40 times too high, and such a chain may
    never come back.
    """
    mean, sd = priors["withdrawal.combat_drift"].params
    step = pm.Normal("combat_drift_z", 0.0, 1.0)
    return pm.Deterministic("combat_drift", mean + sd * step)


def _exposure(found: ExposureTable, levels: Any, patterns: Any, data: dict[str, Any]) -> Any:
    """Cumulative hazard of both causes up to the end of each spell, or to where its bracket begins."""
    defection, planned = (data["keep"] * pt.exp(level) for level in levels)
    rate = defection[found.spell] * pt.exp(patterns[0])[found.pattern]
    own = pt.sum(data["exposure_p"] * pt.exp(patterns[1])[None, :], axis=-1)
    return pt.sum(rate * data["exposure_d"]) + pt.sum(planned * own)


def _exact_exits(levels: Any, patterns: Any, data: dict[str, Any]) -> Any:
    """Log of the rates of both causes at the day of the exit, weighted by the chance of each."""
    p = data["p_defect"]
    defection = pt.exp(levels[0] + patterns[0][data["exit_d"]])
    planned = pt.exp(levels[1] + patterns[1][data["exit_p"]])
    return pt.sum(data["keep"] * data["exact"] * pt.log(p * defection + (1 - p) * planned))


def _bracketed_exits(found: ExposureTable, levels: Any, patterns: Any, data: dict[str, Any]) -> Any:
    """Log chance to leave for the cause within the bracket, given presence where it begins."""
    pieces = found.rows[found.rows["in_bracket"]].sort_values("spell_of", kind="stable")
    of, seen_d, seen_p = (pieces[name].to_numpy() for name in ("spell_of", "d", "p"))
    spell, first, bracket = np.unique(of, return_index=True, return_inverse=True)
    if len(spell) == 0:
        return 0.0
    defection = pt.exp(levels[0][of] + patterns[0][seen_d])
    planned = pt.exp(levels[1][of] + patterns[1][seen_p])
    both = defection + planned
    p = data["p_defect"][of]
    of_cause = p * defection + (1 - p) * planned
    hazard = both * pieces["length"].to_numpy()
    before = pt.cumsum(hazard) - hazard
    before -= before[first][bracket]  # only within its bracket
    chance = pt.exp(-before) * of_cause / both * -pt.expm1(-hazard)
    whole = pt.inc_subtensor(pt.zeros(len(spell))[bracket], chance)
    return pt.sum((data["keep"] * data["bracketed"])[spell] * pt.log(whole))


def spell_log_likelihood(spells: xr.Dataset, priors: Priors, draws: xr.Dataset) -> NDArray[np.float64]:
    """Log-likelihood of every spell by (chain, draw, spell); `draws` are of the model built on `spells`.

    It is linear in the data vector `keep`, so its derivative by `keep` holds the part of each spell: what is scored
    cannot differ from what was fitted. A spell that ends on a known day gives a density per quarter, one that ends
    within a bracket a probability.
    """
    model = build(spells, priors)
    (total,) = model.potentials
    parts = grad(total, model["keep"])
    free = model.free_RVs
    # interpreted: a thousand calls take less time than compiling it
    run = pm.compile(free, parts, mode="FAST_COMPILE", on_unused_input="ignore")
    values = [draws[v.name].transpose("chain", "draw", ...).to_numpy() for v in free]
    shape = (draws.sizes["chain"], draws.sizes["draw"])
    out = np.empty((*shape, spells.sizes["spell"]))
    for at in np.ndindex(*shape):
        arguments: list[Any] = [v[at] for v in values]
        out[at] = run(*arguments)
    return out
