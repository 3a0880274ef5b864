"""Sensitivity of the headlines to each group of priors, by power scaling and importance weights.

A group is one file of priors. Its top-level priors are raised to the power alpha; effects below them follow. The
weights of the paths are Pareto-smoothed, and nothing is sampled again. Source: Kallioinen, Paananen, Buerkner and
Vehtari 2024, Statistics and Computing 34; they call a number insensitive if its diagnostic is below 0.05.
"""

from typing import Any

import numpy as np
from scipy.special import ndtr

from forecast import names
from forecast.array_types import Floats
from forecast.inference.importance_sampling import power_scaled, power_scaling_diagnostic
from forecast.models.cohesion import Samples
from forecast.priors.load import Priors
from forecast.progress import silent
from forecast.projection.batches import split_paths, with_cells
from forecast.projection.execution import run_batches
from forecast.projection.projection import SAMPLED_AT_A_TIME, Projection
from forecast.random_streams import generator
from forecast.simulation.arrays import Draws
from forecast.simulation.tallies import SampledPaths
from forecast.workspace.roster import Roster

LOWER, UPPER = 0.8, 1.25  # powers; 1 = the prior as it is


def prior_sensitivity(projection: Projection) -> dict[str, Any]:
    """Return the effect of each group of priors on each headline.

    The paths are those of the cells without a design, one for each parameter draw.

    Returns
    -------
    dict
        `means` has the mean of each headline. `groups` has for each group the largest Pareto k of its weights, and
        the `power_scaling_effect` on each headline. The result is empty if the plan lacks cells without a design.
    """
    roster, priors, seed = projection.roster, projection.priors, projection.spec.seed
    if roster.reference[1] not in roster.designs:
        return {}
    size = projection.spec.draws.parameters.size
    headlines = _headlines_by_path(projection, size)
    samples = projection.samples
    if projection.start == "posterior":  # weights and cut points come from the cohesion model
        samples = {**samples, "alliance": samples["cohesion"]}
    groups: dict[str, Any] = {}
    for group in sorted({name.split(".")[0] for name in priors.by_name}):
        density = log_density(group, priors, samples.get(group, {}), seed, size)
        if density is None:
            continue
        lower, k_lower = power_scaled(density, LOWER)
        upper, k_upper = power_scaled(density, UPPER)
        effects = {name: power_scaling_effect(values, lower, upper) for name, values in headlines.items()}
        groups[group] = {"pareto_k": max(k_lower, k_upper), "headlines": effects}
    return {"means": {k: float(v.mean()) for k, v in headlines.items()}, "groups": groups}


def _headlines_by_path(projection: Projection, paths: int) -> dict[str, Floats]:
    """Simulate the cells without a design and return the value of each headline on each path."""
    roster, draws = projection.roster, projection.spec.draws
    keep = [n for n, (_, design) in enumerate(roster.cells) if design == roster.reference[1]]
    spec = with_cells(projection.all_sampled(), keep)
    batches = split_paths(np.arange(paths), SAMPLED_AT_A_TIME)
    values: dict[int, dict[str, Floats]] = {}
    for position, _, sampled in run_batches(batches, spec, projection.executor, silent):
        batch_draws = draws._replace(parameters=draws.parameters[batches[position]])
        values[position] = headline_values(sampled, batch_draws, roster, projection.priors)
    return {name: np.concatenate([values[i][name] for i in range(len(batches))]) for name in values[0]}


def log_density(group: str, priors: Priors, samples: Samples, seed: int, size: int) -> Floats | None:
    """Return the log density of a group's top-level priors at each draw, without constants; None without a prior.

    A parameter that no model has fitted is evaluated at the prior draw that the projection uses.
    """
    total, any_prior = np.zeros(size), False
    for name, prior in priors.section(group).items():
        if prior.dist == "Constant":
            continue
        values = samples.get(name)
        points = prior.sample(generator(seed, prior.name), size) if values is None else values.values
        density = prior.log_density(points)
        total, any_prior = total + density.reshape(size, -1).sum(axis=1), True  # a vector counts with all elements
    return total if any_prior else None


def headline_values(joint: SampledPaths, draws: Draws, roster: Roster, priors: Priors) -> dict[str, Floats]:
    """Return the value of each headline on each path, (J,).

    One headline for each war is the probability of its own verdict given the index of cohesion. Another is European
    spending at the end, in percent of GDP. One for each hypothetical mission is the share of contributors left after
    five years.

    Parameters
    ----------
    joint
        J sampled paths; cell n is war n.
    draws
        The J parameter draws of these paths.
    roster
        Labels of all axes.
    priors
        Priors and scenarios.
    """
    values: dict[str, Floats] = {}
    parameters = draws.parameters
    for n, war in enumerate(roster.wars):
        if not (verdict := priors.grid.wars[war].verdict):
            continue
        index = joint.cohesion[:, n, roster.verdict_at].astype(float)
        weak = ndtr((parameters["verdict_low"] - index) / parameters["rater_sd"])
        strong = ndtr((index - parameters["verdict_high"]) / parameters["rater_sd"])
        probability = {"Weak": weak, "Fragmented": 1.0 - weak - strong, "Strong": strong}[verdict]
        values[f"probability of {verdict}, {war}"] = np.asarray(probability)
    share = joint.european[:, 0, -1].astype(float)
    values[f"European share in {roster.years[-1]}, percent of GDP"] = share
    for s, mission in enumerate(roster.missions):
        horizon = mission.start + names.FIVE_YEARS
        if mission.hypothetical and horizon < joint.survival.shape[-1]:
            flags = joint.survival[:, 0, s, names.CURVES.index("nominal_by_count"), horizon]
            values[f"nominal participation by count after five years, {mission.name}"] = flags.astype(float)
    return values


def power_scaling_effect(values: Floats, lower: Floats, upper: Floats) -> dict[str, float]:
    """Return the effect of a prior twice as strong on the mean of a headline.

    Parameters
    ----------
    values
        The headline on each path, (J,).
    lower, upper
        Log weights of the paths, (J,), under the powers `LOWER` and `UPPER`.

    Returns
    -------
    dict
        `doubling`: change of the mean (central difference in log2 alpha). `mcse`: its Monte Carlo standard error.
        `diagnostic`: the power-scaling diagnostic.
    """
    slope = (np.exp(upper) - np.exp(lower)) / (np.log2(UPPER) - np.log2(LOWER))
    middle = float(values.mean())
    return {
        "doubling": float(np.sum(slope * values)),
        "mcse": float(np.sqrt(np.sum((slope * (values - middle)) ** 2))),
        "diagnostic": power_scaling_diagnostic(values, lower, upper, LOWER, UPPER),
    }
