"""Run simulation experiments: project a plan with one thing changed, to test a requirement.

All experiments use the same random numbers (same seed, same paths), so two results differ only by what was changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.data.spending import spending_panel
from forecast.errors import ForecastError
from forecast.evaluation.score_store import find_variants
from forecast.inference.digests import model_digest
from forecast.models import alliance_exit
from forecast.models.cohesion import Samples
from forecast.names import EVENTS, INDICES, MECHANISMS, MODELS, THREAT_PAIR
from forecast.progress import silent
from forecast.projection.batches import SimulationSpec, with_cells
from forecast.projection.execution import Executor, simulate_paths
from forecast.projection.parameter_draws.assemble import assemble_draws, posterior_samples, prior_withdrawal
from forecast.projection.static_inputs import build_static_inputs
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.inputs import Inputs
from forecast.workspace.roster import Roster

#: War and design of a cell; None is the reference.
Cell = tuple[str | None, str | None]
#: Wars and designs of which the sources speak. A requirement that names one applies only where the workspace has it.
WIN, LOSE, STALEMATE = *THREAT_PAIR, "stalemate"
USUAL, CHINA, LABOUR = "business_as_usual", "global_vs_china", "division_of_labour"
DEMOCRACY = "democracy_international"


class NoScenario(ForecastError):
    """A requirement speaks of a scenario that the plan does not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExperimentResult:
    """Hold the tallies of the cells of an experiment, and all of its paths."""

    cells: tuple[Cell, ...]
    tally: Tally
    joint: SampledPaths

    @property
    def paths(self) -> int:
        """Return the number of paths."""
        return int(self.tally.paths.sum())

    def cohesion(self, war: str | None = None, design: str | None = None) -> NDArray[Any]:
        """Return the cohesion index (path, quarter), in sign units."""
        return self.joint.cohesion[:, self.cells.index((war, design))]

    def european(self, war: str | None = None, design: str | None = None) -> NDArray[Any]:
        """Return the spending of the European allies (path, year), in percent of GDP."""
        return self.joint.european[:, self.cells.index((war, design))]

    def index(self, name: str, war: str | None = None, design: str | None = None) -> NDArray[Any]:
        """Return a measure of the alliance (path, quarter), one of `names.INDICES`."""
        return self.joint.measures[:, self.cells.index((war, design)), :, INDICES.index(name)]

    def happened(self, name: str, war: str | None = None, design: str | None = None) -> NDArray[Any]:
        """Return the probability (quarter,) that an event, one of `names.EVENTS`, has occurred by then."""
        counts = self.tally.event[self.cells.index((war, design)), :, EVENTS.index(name)]
        return np.asarray(counts / self.tally.paths.sum())

    def verdicts(self, war: str | None = None, design: str | None = None) -> NDArray[Any]:
        """Return the probability of Weak, Fragmented and Strong (quarter, verdict)."""
        counts = self.tally.verdict[self.cells.index((war, design))]
        return np.asarray(counts / self.tally.paths.sum())


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """Hold a plan with its tables, priors and parameter draws.

    `draws` uses the posterior of every model; `prior` uses the withdrawal model's prior instead of its posterior.
    """

    inputs: Inputs
    layout: StaticInputs
    posterior: Mapping[str, xr.DataTree]
    samples: Mapping[str, Samples]
    draws: Draws
    prior: Draws
    threads: int

    @property
    def roster(self) -> Roster:
        """Return the labels of all axes."""
        return self.inputs.roster

    def mission(self, name: str) -> int:
        """Return the position of a mission among the missions of the plan."""
        return [m.name for m in self.roster.missions].index(name)

    def position(self, war: str | None = None, design: str | None = None) -> int:
        """Return the position of a cell; None is the reference. Raises NoScenario if the plan lacks it."""
        war, design = war or self.roster.reference[0], design or self.roster.reference[1]
        self.require(war, design)
        return self.roster.cells.index((war, design))

    def require(self, *scenarios: str) -> None:
        """Raise NoScenario unless the plan has all these wars and designs."""
        for name in scenarios:
            if name not in (*self.roster.wars, *self.roster.designs):
                raise NoScenario(f"no scenario named {name}")

    def using(self, *, layout: StaticInputs | None = None, draws: Draws | None = None) -> "Experiment":
        """Return the experiment with other static inputs or other parameter draws."""
        return replace(self, layout=layout or self.layout, draws=draws or self.draws)

    def run(
        self,
        cells: Sequence[Cell] = ((None, None),),
        *,
        paths: int = 512,
        off: Sequence[str] = (),
        constants: Mapping[str, float] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> ExperimentResult:
        """Simulate some cells with mechanisms switched off, or constants or parameters changed; keep all paths.

        Parameters
        ----------
        cells
            War and design of each cell; None is the reference.
        paths
            Number of paths.
        off
            Mechanisms to switch off, or "all".
        constants
            New values of fields of `CONSTANTS` in `forecast.simulation.records`, by name.
        parameters
            New values of fields of `PARAMETER` in `forecast.simulation.records`, by name.
        """
        plan = self.inputs.plan
        keep = [self.position(*cell) for cell in cells]
        changed_constants, changed_parameters = self.layout.constants.copy(), self.draws.parameters.copy()
        switched_off = dict.fromkeys(MECHANISMS if "all" in off else off, 0)
        for name, value in {**switched_off, **(constants or {})}.items():
            changed_constants[name] = value
        for name, value in (parameters or {}).items():
            changed_parameters[name] = value
        spec = SimulationSpec(
            static=self.layout._replace(constants=changed_constants),
            draws=self.draws._replace(parameters=changed_parameters),
            quarters=plan.quarters,
            joint_paths=paths,
            seed=plan.seed,
        )
        tally, joint = simulate_paths(with_cells(spec, keep), paths, Executor(self.threads), silent)
        return ExperimentResult(cells=tuple(cells), tally=tally, joint=joint)


def build_experiment(inputs: Inputs, posterior: Mapping[str, xr.DataTree], threads: int) -> Experiment:
    """Return the experiment of a plan, given the posteriors of a run or of stored fits."""
    plan, priors, roster = inputs.plan, inputs.priors, inputs.roster
    panel = spending_panel(inputs.tables, priors)
    samples = {
        **posterior_samples(posterior, plan.draws, plan.seed),
        "rates": alliance_exit.samples(priors, inputs.tables, plan.draws, plan.seed),
    }
    with_prior = {**samples, "withdrawal": prior_withdrawal(priors, plan.draws, plan.seed)}
    return Experiment(
        inputs=inputs,
        layout=build_static_inputs(inputs.tables, priors, plan, roster),
        posterior=posterior,
        samples=samples,
        draws=assemble_draws(samples, panel, priors, roster, plan.seed),
        prior=assemble_draws(with_prior, panel, priors, roster, plan.seed),
        threads=threads,
    )


def refitted(experiment: Experiment, recoding: str) -> dict[str, float]:
    """Return the headlines of the fit to recoded data that `forecast variants` stored; empty if there is none."""
    inputs = experiment.inputs
    models = {model: model_digest(inputs, model) for model in MODELS}
    variants = find_variants(inputs.home, models, inputs.plan.name)
    return {name: float(estimate["mean"]) for name, estimate in variants.get(recoding, {}).items()}


def mean_log_share(result: ExperimentResult) -> NDArray[Any]:
    """Return the mean log share of GDP in the last year (cell, member); 0 for members without spending."""
    from forecast.simulation.histograms import share_values

    counts = result.tally.share[:, :, -1]
    total = np.maximum(counts.sum(axis=-1), 1)
    return np.asarray((counts @ np.log(share_values())) / total)


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """Hold the values found, as printed, and whether the requirement is met."""

    value: str
    met: bool
