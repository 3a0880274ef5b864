"""Prepare a run: its data, its fits, and the projection that they lead to."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from forecast import names
from forecast.inference.datasets import data_of
from forecast.models import alliance_exit
from forecast.models.cohesion import Samples
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import Executor, load_kernel
from forecast.projection.parameter_draws.assemble import assemble_draws, posterior_samples, start_from_posterior
from forecast.projection.projection import Projection
from forecast.projection.resources import Size, projection_size, require_resources
from forecast.projection.static_inputs import build_static_inputs
from forecast.simulation.arrays import StaticInputs
from forecast.simulation.buffers import blank_draws
from forecast.workspace.inputs import Inputs


@dataclass(frozen=True, kw_only=True, slots=True)
class RunData:
    """Everything that a run derives from the tables."""

    static: StaticInputs
    panel: xr.Dataset  # spending
    spells: xr.Dataset  # contingents
    indicators: xr.Dataset  # cohesion


def build_run_data(inputs: Inputs) -> RunData:
    """Build all data sets of models and projection, so that a fault in them is found before the first fit."""
    data = {model: data_of(model, inputs.tables, inputs.priors) for model in names.MODELS}
    return RunData(
        static=build_static_inputs(inputs.tables, inputs.priors, inputs.plan, inputs.roster),
        panel=data["spending"],
        spells=data["withdrawal"],
        indicators=data["cohesion"],
    )


def build_projection(
    inputs: Inputs, data: RunData, posteriors: Mapping[str, xr.DataTree], seed: int, executor: Executor
) -> Projection:
    """Return the projection of a plan.

    Parameters
    ----------
    inputs
        Plan, tables, priors and roster.
    data
        Data sets of the run.
    posteriors
        Fit of each model.
    seed
        Seed of the posterior draws, of what the fits leave open, and of all shocks. Priors without data are drawn
        under the plan's own seed.
    executor
        Where paths are simulated.
    """
    plan, samples = inputs.plan, _samples(posteriors, inputs, seed)
    neutral_draws = assemble_draws(samples, data.panel, inputs.priors, inputs.roster, plan.seed, seed)
    from_posterior = plan.start == "posterior"
    spec = SimulationSpec(
        static=data.static,
        draws=start_from_posterior(neutral_draws, samples["cohesion"]) if from_posterior else neutral_draws,
        quarters=plan.quarters,
        joint_paths=plan.joint_paths,
        seed=seed,
    )
    return Projection(
        spec=spec,
        neutral_draws=neutral_draws,
        start=plan.start,
        samples=samples,
        roster=inputs.roster,
        priors=inputs.priors,
        executor=executor,
    )


def _samples(posteriors: Mapping[str, xr.DataTree], inputs: Inputs, seed: int) -> dict[str, Samples]:
    """Return draws of all models by name.

    Draws of the cohesion model and of the rates of exit use the plan's own seed, whatever `seed` is. Both rest on
    judgement, so the two runs of the judgement share must have them in common.
    """
    plan = inputs.plan
    judgement = posterior_samples({"cohesion": posteriors["cohesion"]}, plan.draws, plan.seed)
    judgement["rates"] = alliance_exit.samples(inputs.priors, inputs.tables, plan.draws, plan.seed)
    return posterior_samples(posteriors, plan.draws, seed) | judgement


def checked_size(inputs: Inputs, threads: int) -> Size:
    """Return the resources that a plan needs; raise RunError if memory or disk space is too small."""
    size = projection_size(inputs.plan, build_run_data(inputs).static, threads, timed=True)
    require_resources(size, inputs.plan, inputs.home)
    return size


def warm_kernel(inputs: Inputs) -> float:
    """Compile the kernel into its cache and return the seconds it took."""
    begun = time.perf_counter()
    static = build_static_inputs(inputs.tables, inputs.priors, inputs.plan, inputs.roster)
    load_kernel(static, blank_draws(static), inputs.plan.quarters, inputs.plan.seed)
    return time.perf_counter() - begun
