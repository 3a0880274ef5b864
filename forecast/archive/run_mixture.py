"""The mixture of a run: the weights in force at its as-of date, and its headlines mixed with them, in `mixture.json`.

Weights are judgements of the workspace that change no scenario. A run whose workspace has none for its scenarios has
no mixture. Every command that mixes uses the weights of the run unless it is given others.
"""

import datetime
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict, cast

import numpy as np
import xarray as xr

from forecast import names
from forecast.archive.headline_values import Estimates, estimates_in, scenarios_in, scenarios_of
from forecast.archive.mixture import mix, mixed_rows
from forecast.errors import PriorError, RunError, all_faults
from forecast.priors.weights import FILE, ScenarioWeights, Weighting, joint_weights, parse_weights, read_weights
from forecast.storage.runs import Run
from forecast.storage.shapes import Number
from forecast.workspace.inputs import Inputs

log = logging.getLogger(__name__)

MIXTURE: Final = "mixture.json"
_ROUNDING: Final = 1e-9


class Judged(TypedDict):
    """A judgement on weights, as the file of weights has it."""

    of: str
    given: str
    date: str
    author: str
    source: str
    size: Number
    probability: dict[str, Number]
    note: str


class MixtureFile(TypedDict):
    """The file: the judgements in force, and one record for each headline of the mixture."""

    weights: list[Judged]
    headlines: list[dict[str, Any]]


def mixture_file(inputs: Inputs, tree: xr.DataTree, headlines: Sequence[Mapping[str, Any]]) -> dict[str, MixtureFile]:
    """Return `mixture.json` by its name; nothing if the workspace has no weights for the scenarios of the plan.

    Raises
    ------
    RunError
        If the mixture contradicts the headlines.
    """
    path = inputs.home / "priors" / FILE
    if not os.path.lexists(path):
        return {}
    try:
        entries = parse_weights(path)
    except PriorError as error:
        log.warning("%s; the run has no mixture", error)
        return {}
    try:
        weights = joint_weights(str(path), entries, *scenarios_in(tree), inputs.plan.as_of)
    except PriorError as error:
        log.info("%s; the run has no mixture", error)
        return {}
    estimates = estimates_in(tree, headlines)
    content = mixture_of(estimates, weights)
    if faults := list(mixture_faults(content, estimates, weights)):
        raise all_faults(RunError, [f"{inputs.run_id}: not published, because {fault}" for fault in faults])
    return {MIXTURE: content}


def mixture_of(estimates: Sequence[Estimates], weights: ScenarioWeights) -> MixtureFile:
    """Return the content of `mixture.json` for the headlines of a run and these weights."""
    judged = [entry.model_dump(mode="json") for entry in weights.entries]
    return {"weights": cast(list[Judged], judged), "headlines": mixed_rows(mix(estimates, weights))}


def mixture_faults(mixture: MixtureFile, estimates: Sequence[Estimates], weights: ScenarioWeights) -> Iterator[str]:
    """Yield a sentence for each number of a mixture that contradicts the scenarios.

    A probability or a mean is the weighted sum over the scenarios, and the mean of the weighted histograms. A median
    lies between the medians of the scenarios.
    """
    shares = weights.mean
    for one, row in zip(estimates, mixture["headlines"], strict=True):
        value, where = row["value"], f"{MIXTURE}: {one.kind.name}: value is {row['value']:.6g}, expected"
        if one.kind.statistic == names.MEDIAN:
            low, high = (end(one.values[shares > 0.0]) for end in (np.min, np.max))
            if not low * math.exp(-one.step) <= value <= high * math.exp(one.step):  # read from a histogram
                yield f"{where} {low:.6g} to {high:.6g}, the medians of the scenarios"
            continue
        if abs(value - (total := math.fsum(shares * one.values))) > _ROUNDING:
            yield f"{where} {total:.6g}, the weighted sum of the scenarios"
        if one.counts is not None and one.bins is not None:
            counts = shares @ one.counts
            mean, width = float(counts @ one.bins / counts.sum()), float(np.diff(one.bins).max())
            if abs(value - mean) > width:
                yield f"{where} {mean:.6g}, the mean of the weighted histograms"


def read_mixture(run: Run) -> MixtureFile | None:
    """Return the mixture of a run; None if it has none. Raises RunError if the file is damaged."""
    if MIXTURE not in run.manifest.get("files", {}):
        return None
    content: MixtureFile = run.json(MIXTURE, MixtureFile)
    return content


def stored_weights(run: Run) -> ScenarioWeights | None:
    """Return the weights of the mixture of a run; None if it has none. Raises RunError if the file is damaged."""
    mixture = read_mixture(run)
    return weights_in(run, mixture, *scenarios_of(run)) if mixture else None


def weights_in(run: Run, mixture: MixtureFile, wars: Sequence[str], designs: Sequence[str]) -> ScenarioWeights:
    """Return the weights of a stored mixture for these scenarios."""
    return joint_weights(str(run.path / MIXTURE), _judgements(mixture), wars, designs)


def _judgements(mixture: MixtureFile) -> list[Weighting]:
    return [
        Weighting.model_validate({**judged, "date": datetime.date.fromisoformat(judged["date"])})
        for judged in mixture["weights"]
    ]


def weights_for(home: Path, run: Run, file: Path | None = None, day: datetime.date | None = None) -> ScenarioWeights:
    """Return the weights of a file or a day if one is given, else the run's, else the workspace's.

    Raises
    ------
    PriorError
        If there are none, or they do not fit the scenarios of the run.
    """
    if file is None and day is None and (stored := stored_weights(run)):
        return stored
    return read_weights(file or home / "priors" / FILE, *scenarios_of(run), day)


def weight_texts(run: Run) -> dict[str, str]:
    """Return the weights of the mixture of a run as text, by what they are weights of; empty if it has none."""
    mixture = read_mixture(run)
    return {
        entry.title: ", ".join(f"{name} {p:g}" for name, p in entry.probability.items())
        + f" (size {entry.size:g}, {entry.date})"
        for entry in (_judgements(mixture) if mixture else [])
    }
