"""How far each group of beliefs moves the headlines: the prior is raised to a power, the paths are weighted anew.

A group is a file of beliefs. Its top-level priors are scaled by the power alpha (effects below them follow), the
weights of the paths are Pareto-smoothed, and nothing is sampled again. Source: Kallioinen, Paananen, Buerkner and
Vehtari 2024, Statistics and Computing 34; below .05 their diagnostic calls a number insensitive.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from scipy.special import ndtr

from forecast import names
from forecast.array_types import Floats
from forecast.inference.importance_sampling import power_scaled, power_scaling_diagnostic
from forecast.models.cohesion import Samples
from forecast.priors.load import Priors
from forecast.progress import silent
from forecast.projection.batches import SimulationSpec, cut, with_cells
from forecast.projection.execution import run_batches
from forecast.random_streams import generator
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths
from forecast.workspace.plan import Plan
from forecast.workspace.roster import Roster

LOWER, UPPER = 0.8, 1.25  # powers, 1 = the prior as it is
SENSITIVE: Final = 0.05
PART: Final = 500  # paths that are whole at a time


def sensitivity(
    plan: Plan,
    priors: Priors,
    samples: Mapping[str, Samples],
    layout: StaticInputs,
    draws: Draws,
    roster: Roster,
    threads: int,
) -> dict[str, Any]:
    """For each headline and each file of beliefs: what a prior twice as strong does, the diagnostic, Pareto k.

    The paths are those of the cells without a design, one for each draw of the parameters; empty without such cells.
    """
    if names.DESIGNS[0] not in roster.designs:
        return {}
    keep = [n for n, (_, design) in enumerate(roster.cells) if design == names.DESIGNS[0]]
    whole = SimulationSpec(layout=layout, draws=draws, quarters=plan.quarters, joint_paths=plan.draws, seed=plan.seed)
    spec = with_cells(whole, keep)
    parts = cut(np.arange(plan.draws), PART)
    told: dict[int, dict[str, Floats]] = {}
    for i, _, joint in run_batches(parts, spec, threads=threads, report=silent):
        own = draws._replace(parameters=draws.parameters[parts[i]])
        told[i] = headline_values(joint, own, roster, priors)
    headlines = {name: np.concatenate([told[i][name] for i in range(len(parts))]) for name in told[0]}
    if plan.start == "posterior":  # weights and cut points stand where the cohesion model has them
        samples = {**samples, "alliance": samples["cohesion"]}
    found: dict[str, Any] = {}
    for group in sorted({name.split(".")[0] for name in priors.by_name}):
        density = log_density(group, priors, samples.get(group, {}), plan.seed, plan.draws)
        if density is None:
            continue
        lower, k_lower = power_scaled(density, LOWER)
        upper, k_upper = power_scaled(density, UPPER)
        found[group] = {"pareto_k": max(k_lower, k_upper), "headlines": {}}
        for name, values in headlines.items():
            found[group]["headlines"][name] = _effect(values, lower, upper)
    return {"means": {k: float(v.mean()) for k, v in headlines.items()}, "groups": found}


def log_density(group: str, priors: Priors, samples: Samples, seed: int, size: int) -> Floats | None:
    """Log density of all top-level priors of a group at each draw, without constants; None if it has no prior.

    A belief that no table teaches stands at the draw that the projection uses.
    """
    total, any_prior = np.zeros(size), False
    for name, prior in priors.section(group).items():
        if prior.dist == "Constant":
            continue
        values = samples.get(name)
        at = prior.sample(generator(seed, prior.name), size) if values is None else values.values
        density = prior.log_density(at)  # of one that stands for several, all of them
        total, any_prior = total + density.reshape(size, -1).sum(axis=1), True
    return total if any_prior else None


def headline_values(joint: SampledPaths, draws: Draws, roster: Roster, priors: Priors) -> dict[str, Floats]:
    """One value a path: chance of each war's own verdict given the index, spending at the end, flags at five years."""
    found: dict[str, Floats] = {}
    one = draws.parameters
    for n, war in enumerate(roster.wars):
        if not (verdict := priors.grid.wars[war].verdict):
            continue
        index = joint.cohesion[:, n, roster.verdict_at].astype(float)
        weak = ndtr((one["verdict_low"] - index) / one["rater_sd"])
        strong = ndtr((index - one["verdict_high"]) / one["rater_sd"])
        chance = {"Weak": weak, "Fragmented": 1.0 - weak - strong, "Strong": strong}[verdict]
        found[f"probability of {verdict}, {war}"] = np.asarray(chance)
    share = joint.european[:, 0, -1].astype(float)
    found[f"European share in {roster.years[-1]}, percent of GDP"] = share
    for s, mission in enumerate(roster.missions):
        at = mission.start + names.FIVE_YEARS
        if mission.hypothetical and at < joint.survival.shape[-1]:
            flags = joint.survival[:, 0, s, names.CURVES.index("flags_by_count"), at]
            found[f"flags after five years, {mission.name}"] = flags.astype(float)
    return found


def _effect(values: Floats, lower: Floats, upper: Floats) -> dict[str, float]:
    """Change of the mean for a prior twice as strong (central difference in log2 alpha), its error, the diagnostic."""
    slope = (np.exp(upper) - np.exp(lower)) / (np.log2(UPPER) - np.log2(LOWER))
    middle = float(values.mean())
    return {
        "doubling": float(np.sum(slope * values)),
        "mcse": float(np.sqrt(np.sum((slope * (values - middle)) ** 2))),
        "diagnostic": power_scaling_diagnostic(values, lower, upper, LOWER, UPPER),
    }
