"""Simulate further paths of a stored run: the same plan, parameter draws, seed and addresses of random numbers."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.archive.query import MorePaths, Numbers, Scenario
from forecast.data.library_options import default_options
from forecast.errors import RunError
from forecast.pipeline.prepare import build_projection, build_run_data
from forecast.pipeline.restore import inputs_of_run
from forecast.progress import Report, Stages
from forecast.projection.batches import SimulationSpec, split_paths, with_cells
from forecast.projection.execution import BATCH_SIZE, Executor, run_batches
from forecast.projection.labelled_tree import joint_dataset
from forecast.simulation.tallies import SampledPaths
from forecast.storage.runs import DEGRADED, Run
from forecast.workspace.inputs import Inputs
from forecast.workspace.roster import Roster

#: Paths of one scenario that a query may use.
MOST: Final = 1_000_000
_AT_A_TIME: Final = 20_000  # paths; they are kept only until the query has read them


def more_paths(home: Path, run: Run, stages: Stages, executor: Executor) -> MorePaths:
    """Return the function that simulates the next paths of a run in given scenarios.

    The inputs of the run are restored when it is first called, from what the run and `runs/tables/` keep, so the
    workspace may have other tables and priors by now.

    Parameters
    ----------
    home : folder of the workspace.
    run : published run.
    stages : receives the progress.
    executor : where paths are simulated.

    Returns
    -------
    The function. It raises RunError if the inputs cannot be restored, if versions have changed since the run, or after
    `MOST` paths.
    """
    prepared = cache(partial(_specification, home, run, executor))

    def simulate(scenarios: list[Scenario], first: int) -> tuple[list[xr.Dataset], NDArray[np.int64]]:
        spec, roster = prepared()
        if first >= MOST:
            raise RunError(f"query: {MOST:,} paths are not enough; allow a larger --error, or ask for less")
        numbers = np.arange(first, min(first + _AT_A_TIME, MOST))
        chosen = [(scenario[names.WAR], scenario[names.DESIGN]) for scenario in scenarios]
        with stages(f"paths {first:,} to {numbers[-1] + 1:,}") as report:
            joint = simulate_scenarios(spec, roster, chosen, numbers, executor, report)
        datasets = []
        for k, (war, design) in enumerate(chosen):
            one = SampledPaths(*(values[:, k : k + 1] for values in joint))
            labelled = joint_dataset(one, replace(roster, wars=(war,), designs=(design,)))
            datasets.append(labelled.isel({names.WAR: 0, names.DESIGN: 0}))
        return datasets, numbers

    return simulate


def _specification(home: Path, run: Run, executor: Executor) -> tuple[SimulationSpec, Roster]:
    """Return the simulation of a run and its labels."""
    inputs = unchanged_inputs(home, run)
    return specifications(run, inputs, executor)(inputs.plan.seed), inputs.roster


@default_options()
def unchanged_inputs(home: Path, run: Run) -> Inputs:
    """Return the inputs of a run, restored; raises RunError if the models or the simulation have changed since."""
    inputs = inputs_of_run(home, run)
    if inputs.run_id != run.id.removesuffix(f"-{DEGRADED}"):
        raise RunError(
            f"{run.path}: the models or the simulation have changed since the run, so no more paths of it can be "
            f"simulated; see what moved with `forecast verify {run.id} --rerun`, or run the plan again"
        )
    return inputs


@default_options()
def specifications(run: Run, inputs: Inputs, executor: Executor) -> Callable[[int], SimulationSpec]:
    """Return the function that makes the simulation of a run under a seed; see `pipeline.prepare.build_projection`."""
    posteriors = {}
    for model in names.MODELS:
        with run.posterior(model) as tree:
            posteriors[model] = tree.load()
    data = build_run_data(inputs)
    return lambda seed: build_projection(inputs, data, posteriors, seed, executor).spec


def simulate_scenarios(
    spec: SimulationSpec,
    roster: Roster,
    scenarios: list[tuple[str, str]],
    numbers: Numbers,
    executor: Executor,
    report: Report,
) -> SampledPaths:
    """Return the paths of these numbers, whole, in these scenarios (war, design), in the order given."""
    cells = [roster.cells.index(scenario) for scenario in scenarios]
    of_cells = replace(with_cells(spec, cells), joint_paths=MOST)
    batches = split_paths(numbers, min(BATCH_SIZE, -(-numbers.size // executor.threads)))
    parts = {at: sampled for at, _, sampled in run_batches(batches, of_cells, executor, report)}
    in_order = [parts[at] for at in sorted(parts)]
    return SampledPaths(*(np.concatenate(series) for series in zip(*in_order, strict=True)))
