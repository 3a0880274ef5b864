"""Values on sampled paths in all scenarios that have weight: read from a run, or newly simulated.

A path has the same number in every scenario, with the same random numbers, so the scenarios of a path are dependent.
Every error is therefore computed over parameter draws, each with all its paths and scenarios.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.archive.headline_values import Kind, on_paths
from forecast.archive.more_paths import simulate_scenarios, specifications, unchanged_inputs
from forecast.archive.quantities import event_holds, value_of
from forecast.archive.query_language import Count, Value, parse_query
from forecast.array_types import Floats
from forecast.errors import RunError, did_you_mean
from forecast.priors.weights import ScenarioWeights
from forecast.progress import Report, Stages
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import Executor
from forecast.projection.labelled_tree import joint_dataset
from forecast.storage.runs import Run
from forecast.workspace.roster import Roster

Numbers = NDArray[np.int64]
#: Reads k values of every path and scenario from sampled paths in the form of the group `joint`: (path, N, k).
Read = Callable[[xr.Dataset], Floats]
MOST: Final = 50_000  # paths; the values read from them are kept in memory
_AT_A_TIME: Final = 400  # paths in memory; a whole path in twenty scenarios takes 0.2 MB


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """The scenarios to look at: every pair of a war with weight and a design with weight.

    Attributes
    ----------
    wars, designs : their labels.
    weights : weight of each scenario, war by war, (N,); sums to 1.
    """

    wars: tuple[str, ...]
    designs: tuple[str, ...]
    weights: Floats

    def of(self, joint: xr.Dataset) -> xr.Dataset:
        """Return sampled paths in these scenarios only."""
        return joint.sel({names.WAR: list(self.wars), names.DESIGN: list(self.designs)})


def used_scenarios(weights: ScenarioWeights) -> Used:
    """Return the scenarios that have weight, filled up to all pairs of their wars and designs."""
    table = weights.mean.reshape(len(weights.wars), len(weights.designs))
    rows, columns = np.flatnonzero(table.any(axis=1)).tolist(), np.flatnonzero(table.any(axis=0)).tolist()
    return Used(
        wars=tuple(weights.wars[i] for i in rows),
        designs=tuple(weights.designs[i] for i in columns),
        weights=table[np.ix_(rows, columns)].ravel(),
    )


def parse_scenario(text: str, wars: Sequence[str], designs: Sequence[str]) -> tuple[str, str]:
    """Return war and design of a text such as `war=lose, design=none`.

    Raises
    ------
    RunError
        If one is missing or unknown.
    """
    pairs = dict(part.strip().partition("=")[::2] for part in text.split(","))
    found = []
    for dimension, known in ((names.WAR, wars), (names.DESIGN, designs)):
        label = pairs.pop(dimension, "")
        if label not in known:
            hint = did_you_mean(label, known)
            raise RunError(f"scenario {text!r}: {dimension} is {label!r}, expected one of {', '.join(known)}{hint}")
        found.append(label)
    if pairs:
        raise RunError(f"scenario {text!r}: {next(iter(pairs))!r} is unknown, expected war=… and design=…; remove it")
    return found[0], found[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampled:
    """What a regression or a tripwire needs of the sampled paths.

    Attributes
    ----------
    kinds : headlines.
    targets : their values, (path, N, headline).
    terms : value of each term by its text, (path, N).
    weights : weight of each scenario, (N,).
    draw : number of the parameter draw of each path, (path,).
    """

    kinds: Sequence[Kind]
    targets: Floats
    terms: Mapping[str, Floats]
    weights: Floats
    draw: Numbers

    @property
    def paths(self) -> int:
        """Number of paths."""
        return self.draw.size

    def where(self, keep: NDArray[np.bool_]) -> "Sampled":
        """Return the paths to keep, (path,)."""
        terms = {text: values[keep] for text, values in self.terms.items()}
        return replace(self, targets=self.targets[keep], terms=terms, draw=self.draw[keep])


def read_sampled(
    kinds: Sequence[Kind],
    texts: Sequence[str],
    joint: xr.Dataset,
    used: Used,
    draws: int,
    simulate: Callable[[Read], Floats] | None = None,
) -> Sampled:
    """Read headlines and terms from the stored paths of a run, or from simulated ones.

    Parameters
    ----------
    kinds : headlines.
    texts : terms, each E(value) or P(event).
    joint : sampled paths of `query.sampled_paths`.
    used : scenarios with their weights.
    draws : number of parameter draws of the run.
    simulate : simulates paths from number 0 on, and returns what a function reads from them.

    Raises
    ------
    RunError
        If a term is none, or the run does not have it.
    """
    serves = joint["serves"]

    def read(paths: xr.Dataset) -> Floats:
        with_serves = paths.assign(serves=serves)
        columns = [on_paths(kind, paths) for kind in kinds]
        return np.stack(columns + [term_on_paths(text, with_serves) for text in texts], axis=-1)

    values = simulate(read) if simulate else read(used.of(joint))
    return Sampled(
        kinds=kinds,
        targets=values[..., : len(kinds)],
        terms={text: values[..., len(kinds) + k] for k, text in enumerate(texts)},
        weights=used.weights,
        draw=np.arange(len(values)) % draws,
    )


def term_on_paths(text: str, joint: xr.Dataset) -> Floats:
    """Return the value of a term, or 1 if its event holds and else 0, on each path, (path, N).

    Raises
    ------
    RunError
        If the term has a condition or a scenario, is a difference, or has no value in the run.
    """
    query = parse_query(text)
    term = query.term
    if query.minus or term.condition or term.scenario or term.level is not None:
        raise RunError(f"term {text!r}: expected E(value) or P(event) alone; remove what does not belong to it")
    values = (
        value_of(term.of, joint) if isinstance(term.of, Value | Count) else event_holds(term.of, joint).astype(float)
    )
    return values.reshape(len(values), -1)


def simulator(
    home: Path, run: Run, used: Used, paths: int, stages: Stages, executor: Executor
) -> Callable[[Read], Floats]:
    """Return the function that simulates the first `paths` paths of a run and reads values from them.

    Raises
    ------
    RunError
        If the inputs cannot be restored, the models or the simulation have changed since the run, or
        a plan may not have so many paths.
    """
    if paths > MOST:
        raise RunError(f"simulate: {paths:,} paths, expected at most {MOST:,}; ask for fewer")
    inputs = unchanged_inputs(home, run)
    spec = specifications(run, inputs, executor)(inputs.plan.seed)
    return lambda read: simulated_values(spec, inputs.roster, used, np.arange(paths), read, stages, executor)


def simulated_values(
    spec: SimulationSpec,
    roster: Roster,
    used: Used,
    numbers: Numbers,
    read: Read,
    stages: Stages,
    executor: Executor,
) -> Floats:
    """Simulate the paths of these numbers and return what `read` takes from each, (path, N, k)."""
    of_used = replace(roster, wars=used.wars, designs=used.designs)
    parts = []
    with stages(f"simulate {numbers.size:,} paths") as report:
        for first in range(0, numbers.size, _AT_A_TIME):
            chunk = numbers[first : first + _AT_A_TIME]
            of_chunk = _part(report, first / numbers.size, chunk.size / numbers.size)
            sampled = simulate_scenarios(spec, roster, of_used.cells, chunk, executor, of_chunk)
            parts.append(read(joint_dataset(sampled, of_used)))
    return np.concatenate(parts)


def _part(report: Report, begin: float, share: float) -> Report:
    return lambda what, part: report(what, begin + share * part)


def clustered_sums(values: Floats, draw: Numbers) -> Floats:
    """Return the sums of values (path, ...) by parameter draw, (draw, ...)."""
    order = np.argsort(draw, kind="stable")
    starts = np.flatnonzero(np.diff(draw[order], prepend=-1))
    return np.asarray(np.add.reduceat(values[order], starts))


def ratio_error(top: Floats, bottom: Floats, draw: Numbers) -> tuple[Floats, Floats]:
    """Return sum(top) / sum(bottom) and its standard error over draws.

    Parameters
    ----------
    top, bottom : (path, ...) of one shape.
    draw : number of the parameter draw of each path, (path,).
    """
    ratio = top.sum(axis=0) / bottom.sum(axis=0)
    influence = clustered_sums(top - ratio * bottom, draw)
    groups = len(influence)
    error = np.sqrt((influence**2).sum(axis=0) * groups / max(groups - 1, 1)) / np.abs(bottom.sum(axis=0))
    return ratio, error
