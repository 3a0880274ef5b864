"""Build the withdrawal model: the rates at which contributors leave a mission, for two competing causes.

The rates of defection and of planned withdrawal are constant within a quarter. Let u be the effect of the mission, v
the effect of the contributor, and b the bin of quarters since its entry. The log rates per quarter are

    defection = intercept + framework + noncombat + u + v + lead + duration_b + leader change
                + election ahead + 10 * contagion * share + lead gone
                + casualties * felt losses + drift * quarters in combat + ever reduced
    planned   = intercept + load * (u + v) + lead + duration_b + ending

The coded cause of an exit may be wrong. If p is the probability that the exit was a defection, its likelihood uses the
rate p * rate of defection + (1 - p) * rate of planned withdrawal. A compiled model can be given any vectors of
`forecast.data.exposure.data_vectors`.
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from numpy.typing import NDArray
from pytensor.gradient import grad

from forecast.data.exposure import ExposureTable, data_vectors, exposure_table
from forecast.inference.pymc_models.distributions import parameters, variable
from forecast.priors.load import Priors
from forecast.simulation.rules import withdrawal as rule


def build(spells: xr.Dataset, priors: Priors) -> pm.Model:
    """Return the model of `spells` (from `forecast.data.deployments.mission_spells`).

    An exit on a known day contributes the density of its coded cause on that day. An exit within a bracket contributes
    the probability of leaving for that cause within the bracket. A cause left open (`unknown`, and `reduced`: the main
    contingent left, token staff stayed) has p = 1/2, which is the sum over both causes up to a constant factor. The
    data vector `keep` multiplies the log-likelihood of each spell; 0 leaves a spell out.
    """
    table, vectors = exposure_table(spells), data_vectors(spells)
    coords = {name: spells[name].to_numpy() for name in ("mission", "country", "duration_bin")}
    with pm.Model(coords=coords | {"spell": np.arange(spells.sizes["spell"])}) as model:
        data = {name: pm.Data(name, values) for name, values in vectors.items()}
        levels = _spell_levels(spells, priors)
        patterns = _pattern_effects(table, priors)
        pm.Potential(
            "log_likelihood",
            -_exposure(table, levels, patterns, data)
            + _exact_exits(levels, patterns, data)
            + _bracketed_exits(table, levels, patterns, data),
        )
    return model


def _spell_levels(spells: xr.Dataset, priors: Priors) -> tuple[Any, Any]:
    """Return the parts of both log rates that are constant for a spell, each (spell,)."""
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
    """Return the normal effects of missions or of countries, one for each member of `dim`."""
    scale = variable(priors[f"withdrawal.{dim}_sd"])
    z = pm.Normal(f"{dim}_effect_z", dims=dim)
    return pm.Deterministic(f"{dim}_effect", scale * z, dims=dim)


def _duration(cause: str, bins: int, priors: Priors) -> Any:
    """Return the effect of duration on a log rate, (duration_bin,): a random walk centred on zero."""
    scale = variable(priors[f"withdrawal.duration_scale_{cause}"])
    steps = pm.Normal(f"duration_{cause}_z", shape=bins - 1)
    walk = pt.concatenate([pt.zeros(1), pt.cumsum(steps)])
    centred = scale * (walk - pt.mean(walk))
    return pm.Deterministic(f"duration_{cause}", centred, dims="duration_bin")


def _pattern_effects(table: ExposureTable, priors: Priors) -> tuple[Any, Any]:
    """Return the time-varying parts of both log rates, one value for each pattern of covariates."""
    bins = len(pm.modelcontext(None).coords["duration_bin"])
    covariates = {name: values.to_numpy(dtype=float) for name, values in table.patterns["d"].items()}

    def effect(name: str) -> Any:
        return variable(priors[f"withdrawal.{name}"])

    defection = _duration("defection", bins, priors)[table.patterns["d"]["duration"].to_numpy()]
    defection = rule.add_politics(
        defection,
        effect("leader_change"),
        covariates["leader_change"],
        effect("election_ahead"),
        covariates["election_ahead"],
    )
    defection = rule.add_partners(
        defection, effect("contagion"), covariates["contagion"], effect("lead_gone"), covariates["lead_gone"]
    )
    defection = rule.add_casualties(defection, effect("casualties"), covariates["casualties"])
    defection = rule.add_reduction(defection, effect("ever_reduced"), covariates["ever_reduced"])
    defection = rule.add_combat(defection, _drift(priors), covariates["combat_age"])
    ending = table.patterns["p"]
    planned = _duration("planned", bins, priors)[ending["duration"].to_numpy()]
    planned = rule.planned_log_rate(planned, effect("ending"), ending["ending"].to_numpy())
    return defection, planned


def _drift(priors: Priors) -> Any:
    """Return the drift per quarter in combat, sampled in standard deviations of its prior.

    Chains start within one unit of zero, and the drift is multiplied by up to forty quarters. If the drift itself were
    sampled, a start at 1 would give rates e^40 times too high, from which a chain may never recover.
    """
    p = parameters(priors["withdrawal.combat_drift"])
    mean, sd = p[0], p[1]
    z = pm.Normal("combat_drift_z", 0.0, 1.0)
    return pm.Deterministic("combat_drift", mean + sd * z)


def _exposure(table: ExposureTable, levels: Any, patterns: Any, data: dict[str, Any]) -> Any:
    """Return the cumulative hazard of both causes over all spells, each to its end or the start of its bracket."""
    defection, planned = (data["keep"] * pt.exp(level) for level in levels)
    rate = defection[table.spell] * pt.exp(patterns[0])[table.pattern]
    planned_exposure = pt.sum(data["exposure_p"] * pt.exp(patterns[1])[None, :], axis=-1)
    return pt.sum(rate * data["exposure_d"]) + pt.sum(planned * planned_exposure)


def _exact_exits(levels: Any, patterns: Any, data: dict[str, Any]) -> Any:
    """Return the sum of log rates on known days of exit, weighted by the probability of each cause."""
    p = data["p_defect"]
    defection = pt.exp(levels[0] + patterns[0][data["exit_d"]])
    planned = pt.exp(levels[1] + patterns[1][data["exit_p"]])
    return pt.sum(data["keep"] * data["exact"] * pt.log(p * defection + (1 - p) * planned))


def _bracketed_exits(table: ExposureTable, levels: Any, patterns: Any, data: dict[str, Any]) -> Any:
    """Return the sum of log probabilities of an exit for the coded cause in a bracket, given presence at its start."""
    pieces = table.rows[table.rows["in_bracket"]].sort_values("spell_of", kind="stable")
    spell_of, pattern_d, pattern_p = (pieces[name].to_numpy() for name in ("spell_of", "d", "p"))
    spell, first, bracket = np.unique(spell_of, return_index=True, return_inverse=True)
    if len(spell) == 0:
        return 0.0
    defection = pt.exp(levels[0][spell_of] + patterns[0][pattern_d])
    planned = pt.exp(levels[1][spell_of] + patterns[1][pattern_p])
    both = defection + planned
    p = data["p_defect"][spell_of]
    coded_rate = p * defection + (1 - p) * planned
    hazard = both * pieces["length"].to_numpy()
    before = pt.cumsum(hazard) - hazard
    before -= before[first][bracket]  # only within its bracket
    chance = pt.exp(-before) * coded_rate / both * -pt.expm1(-hazard)
    by_bracket = pt.inc_subtensor(pt.zeros(len(spell))[bracket], chance)
    return pt.sum((data["keep"] * data["bracketed"])[spell] * pt.log(by_bracket))


def spell_log_likelihood(spells: xr.Dataset, priors: Priors, draws: xr.Dataset) -> NDArray[np.float64]:
    """Return the log-likelihood of every spell, (chain, draw, spell).

    The log-likelihood of the model is linear in the data vector `keep`, so its derivative by `keep` is the part of each
    spell. The scored likelihood is therefore the fitted one. A spell that ends on a known day gives a density per
    quarter, a spell that ends within a bracket a probability.

    Parameters
    ----------
    spells : the data of the fit.
    priors : the priors of the fit.
    draws : posterior draws of all free variables, dims `chain` and `draw`.
    """
    model = build(spells, priors)
    (total,) = model.potentials
    parts = grad(total, model["keep"])
    free = model.free_RVs
    # interpreted, because a thousand calls take less time than compiling the function
    run = pm.compile(free, parts, mode="FAST_COMPILE", on_unused_input="ignore")
    values = [draws[v.name].transpose("chain", "draw", ...).to_numpy() for v in free]
    shape = (draws.sizes["chain"], draws.sizes["draw"])
    likelihoods = np.empty((*shape, spells.sizes["spell"]))
    for index in np.ndindex(*shape):
        arguments: list[Any] = [v[index] for v in values]
        likelihoods[index] = run(*arguments)
    return likelihoods
