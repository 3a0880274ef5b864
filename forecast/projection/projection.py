"""A projection that is ready to simulate, shared by the main run, its checks and its sensitivity analysis."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.models.cohesion import Samples
from forecast.priors.load import Priors
from forecast.progress import Report, silent
from forecast.projection.batches import SimulationSpec, split_paths
from forecast.projection.execution import Executor, run_batches, simulate_paths
from forecast.projection.monte_carlo_error import Estimates, Projected, project
from forecast.projection.summaries import estimates
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.roster import Roster

SAMPLED_AT_A_TIME: Final = 500  # paths that are stored quarter by quarter at a time; a tally takes less memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Projection:
    """The simulation of a plan, with the labels, priors and samples behind its arrays.

    Parameters
    ----------
    spec
        The simulation, with the parameter draws of the plan.
    neutral_draws
        The same draws with the factors of cohesion starting at 0 and their weights from the priors.
    start
        Start of the factors in `spec`: `neutral` or `posterior`.
    samples
        Draws of each model by name, from which the parameter draws were assembled.
    roster
        Labels of all axes.
    priors
        Priors and scenarios.
    executor
        Where paths are simulated.
    paths_per_draw
        Paths for each parameter draw in `simulate`.
    """

    spec: SimulationSpec
    neutral_draws: Draws
    start: str
    samples: Mapping[str, Samples]
    roster: Roster
    priors: Priors
    executor: Executor
    paths_per_draw: int = 1

    def estimate(self, tally: Tally) -> Estimates:
        """Return every estimate of a settled tally, by name."""
        return estimates(tally, self.roster)

    def project(self, paths: range, report: Report, joint_paths: int | None = None) -> Projected:
        """Simulate paths of the plan; store `joint_paths` of them quarter by quarter (by default as in `spec`)."""
        spec = self.spec if joint_paths is None else replace(self.spec, joint_paths=joint_paths)
        return project(spec, paths, self.estimate, self.executor, report)

    def all_sampled(self) -> SimulationSpec:
        """Return the plan's simulation with one path for each parameter draw stored quarter by quarter."""
        return replace(self.spec, joint_paths=self.spec.draws.parameters.size)

    def simulate(
        self, *, static: StaticInputs | None = None, draws: Draws | None = None, quarters: int | None = None
    ) -> Tally:
        """Simulate `paths_per_draw` paths for each parameter draw.

        Parameters
        ----------
        static
            Static inputs; by default those of the plan.
        draws
            Parameter draws; by default those of the plan.
        quarters
            Length; by default as in the plan.
        """
        spec = self._spec(static, draws, quarters)
        paths = self.paths_per_draw * spec.draws.parameters.size
        return simulate_paths(replace(spec, joint_paths=0), paths, self.executor, silent)[0]

    def sample(
        self,
        take: Callable[[SampledPaths], NDArray[Any]],
        *,
        static: StaticInputs | None = None,
        draws: Draws | None = None,
        quarters: int | None = None,
    ) -> NDArray[Any]:
        """Simulate paths as `simulate` and return what `take` takes of them, paths first; it is all that is kept."""
        spec = self._spec(static, draws, quarters)
        batches = split_paths(np.arange(spec.joint_paths), SAMPLED_AT_A_TIME)
        parts = {at: take(sampled).copy() for at, _, sampled in run_batches(batches, spec, self.executor, silent)}
        return np.concatenate([parts[at] for at in range(len(batches))])

    def _spec(self, static: StaticInputs | None, draws: Draws | None, quarters: int | None) -> SimulationSpec:
        """Return the simulation of `paths_per_draw` paths for each parameter draw, all of them sampled."""
        draws = self.spec.draws if draws is None else draws
        return SimulationSpec(
            static=self.spec.static if static is None else static,
            draws=draws,
            quarters=self.spec.quarters if quarters is None else quarters,
            joint_paths=self.paths_per_draw * draws.parameters.size,
            seed=self.spec.seed,
        )
