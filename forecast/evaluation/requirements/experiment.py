"""A simulation experiment: the projection of a plan with one thing changed, so that a requirement can be tested.

All experiments use the same random numbers (same seed, same paths), so two of them differ only by what was changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.data.spending import spending_panel
from forecast.models import alliance_exit
from forecast.models.cohesion import Samples
from forecast.names import DESIGNS, EVENTS, INDICES, MECHANISMS, WARS
from forecast.progress import silent
from forecast.projection.batches import SimulationSpec, with_cells
from forecast.projection.execution import Executor, simulate_paths
from forecast.projection.parameter_draws.assemble import (
    assemble_draws,
    posterior_samples,
    prior_withdrawal,
)
from forecast.projection.static_inputs import build_static_inputs
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.inputs import Inputs
from forecast.workspace.roster import Roster

REFERENCE = ((WARS[0], DESIGNS[0]),)  # the neutral war without a design


@dataclass(frozen=True, kw_only=True, slots=True)
class ExperimentResult:
    """What an experiment gave: the tallies of its cells, and all of its paths."""

    cells: tuple[tuple[str, str], ...]
    tally: Tally
    joint: SampledPaths

    def cohesion(self, war: str = WARS[0], design: str = DESIGNS[0]) -> NDArray[Any]:
        """(paths, quarters): the index of cohesion, sign units."""
        return self.joint.cohesion[:, self.cells.index((war, design))]

    def european(self, war: str = WARS[0], design: str = DESIGNS[0]) -> NDArray[Any]:
        """(paths, years): share of the European allies, percent of GDP."""
        return self.joint.european[:, self.cells.index((war, design))]

    def index(self, name: str, war: str = WARS[0], design: str = DESIGNS[0]) -> NDArray[Any]:
        """(paths, quarters): a measure of the alliance, one of `names.INDICES`."""
        return self.joint.measures[:, self.cells.index((war, design)), :, INDICES.index(name)]

    def happened(self, name: str, war: str = WARS[0], design: str = DESIGNS[0]) -> NDArray[Any]:
        """(quarters,): probability that an event, one of `names.EVENTS`, has befallen the alliance by then."""
        counted = self.tally.event[self.cells.index((war, design)), :, EVENTS.index(name)]
        return np.asarray(counted / self.tally.paths.sum())

    def verdicts(self, war: str = WARS[0], design: str = DESIGNS[0]) -> NDArray[Any]:
        """(quarters, 3): probability of Weak, Fragmented, Strong."""
        counted = self.tally.verdict[self.cells.index((war, design))]
        return np.asarray(counted / self.tally.paths.sum())


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A plan with its tables, beliefs and parameter draws, before and after the withdrawal model saw a table."""

    inputs: Inputs
    layout: StaticInputs
    posterior: Mapping[str, xr.DataTree]
    samples: Mapping[str, Samples]
    draws: Draws
    prior: Draws
    threads: int

    @property
    def roster(self) -> Roster:
        """Labels of all axes."""
        return self.inputs.roster

    def mission(self, name: str) -> int:
        """Position of a mission among those of the plan."""
        return [m.name for m in self.roster.missions].index(name)

    def run(
        self,
        cells: Sequence[tuple[str, str]] = REFERENCE,
        *,
        paths: int = 512,
        off: Sequence[str] = (),
        constants: Mapping[str, float] | None = None,
        parameters: Mapping[str, Any] | None = None,
        layout: StaticInputs | None = None,
        draws: Draws | None = None,
    ) -> ExperimentResult:
        """Live through some cells with mechanisms switched off and constants or parameters set; all paths are kept.

        `off` names mechanisms (or "all"); `constants` and `parameters` name fields of `CONSTANTS` and `PARAMETER` in
        `forecast.simulation.records`; `layout` and `draws` stand in for those of the plan.
        """
        plan, own = self.inputs.plan, self.layout if layout is None else layout
        base = self.draws if draws is None else draws
        keep = [self.roster.cells.index(cell) for cell in cells]
        changed, believed = own.constants.copy(), base.parameters.copy()
        switched = dict.fromkeys(MECHANISMS if "all" in off else off, 0)
        for name, value in {**switched, **(constants or {})}.items():
            changed[name] = value
        for name, value in (parameters or {}).items():
            believed[name] = value
        spec = SimulationSpec(
            static=own._replace(constants=changed),
            draws=base._replace(parameters=believed),
            quarters=plan.quarters,
            joint_paths=paths,
            seed=plan.seed,
        )
        tally, joint = simulate_paths(with_cells(spec, keep), paths, Executor(self.threads), silent)
        return ExperimentResult(cells=tuple(cells), tally=tally, joint=joint)


def build_experiment(inputs: Inputs, posterior: Mapping[str, xr.DataTree], threads: int) -> Experiment:
    """The laboratory of a plan, with the posteriors of a run or of stored fits."""
    plan, priors, roster = inputs.plan, inputs.priors, inputs.roster
    panel = spending_panel(inputs.tables, priors)
    samples = {
        **posterior_samples(posterior, plan.draws, plan.seed),
        "rates": alliance_exit.samples(priors, inputs.tables, plan.draws, plan.seed),
    }
    before = {**samples, "withdrawal": prior_withdrawal(priors, plan.draws, plan.seed)}
    return Experiment(
        inputs=inputs,
        layout=build_static_inputs(inputs.tables, priors, plan, roster),
        posterior=posterior,
        samples=samples,
        draws=assemble_draws(samples, panel, priors, roster, plan.seed),
        prior=assemble_draws(before, panel, priors, roster, plan.seed),
        threads=threads,
    )


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """The value found, as it is printed, and whether the claim holds."""

    value: str
    met: bool
