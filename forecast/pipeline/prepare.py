"""Prepare a run: data, parameter draws and the simulation to be made of them, and its size."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters
from forecast.data.spending import spending_panel
from forecast.models import alliance_exit
from forecast.models.cohesion import Samples
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import warm_up
from forecast.projection.parameter_draws.assemble import assemble, posterior_samples
from forecast.projection.resources import Size, refuse_what_does_not_fit, size_of
from forecast.projection.static_inputs import build_static_inputs
from forecast.simulation.arrays import StaticInputs
from forecast.simulation.buffers import blank_draws
from forecast.workspace.inputs import Inputs


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What the tables give to the projection."""

    layout: StaticInputs
    panel: xr.Dataset
    spells: xr.Dataset
    indicators: xr.Dataset


def prepare(inputs: Inputs) -> Material:
    """Build all that models and projection read, so that what cannot be built is told before the first fit."""
    leader_quarters(inputs.tables)
    return Material(
        layout=build_static_inputs(inputs.tables, inputs.priors, inputs.plan, inputs.roster),
        panel=spending_panel(inputs.tables, inputs.priors),
        spells=mission_spells(inputs.tables, inputs.priors),
        indicators=indicator_panel(inputs.tables, inputs.priors.grid),
    )


def simulation_spec(
    inputs: Inputs, material: Material, trees: Mapping[str, xr.DataTree], seed: int
) -> tuple[dict[str, Samples], SimulationSpec]:
    """Draws of all models, and what the paths under a seed share."""
    plan, samples = inputs.plan, _samples(trees, inputs, seed)
    draws = assemble(samples, material.panel, inputs.priors, inputs.roster, plan.seed, seed, plan.start)
    return samples, SimulationSpec(
        layout=material.layout,
        draws=draws,
        quarters=plan.quarters,
        joint_paths=plan.joint_paths,
        seed=seed,
    )


def _samples(trees: Mapping[str, xr.DataTree], inputs: Inputs, seed: int) -> dict[str, Samples]:
    """Draws of all models; those of cohesion, which rest on labels and weights, are the plan's own whatever the seed.

    So are rates of exit. They count as judgement when headlines are made twice.
    """
    plan = inputs.plan
    judged = posterior_samples({"cohesion": trees["cohesion"]}, plan.draws, plan.seed)
    judged["rates"] = alliance_exit.samples(inputs.priors, inputs.tables, plan.draws, plan.seed)
    return posterior_samples(trees, plan.draws, seed) | judged


def size_before(inputs: Inputs, threads: int) -> Size:
    """What the projection of a plan will need; refused if it would not fit."""
    size = size_of(inputs.plan, prepare(inputs).layout, threads, timed=True)
    refuse_what_does_not_fit(size, inputs.plan, inputs.home)
    return size


def warm_kernel(inputs: Inputs) -> float:
    """Compile the kernel into its cache; seconds it took."""
    begun = time.perf_counter()
    layout = build_static_inputs(inputs.tables, inputs.priors, inputs.plan, inputs.roster)
    warm_up(layout, blank_draws(layout), inputs.plan.quarters, inputs.plan.seed)
    return time.perf_counter() - begun
