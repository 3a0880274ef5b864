"""Hybrid runs: the headlines of mixed inputs, simulated once and kept under the key of their inputs.

`runs/hybrids/KEY.json` holds them. A hybrid is no run: it has no folder, no seal and no place in a list of runs.
"""

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict

import xarray as xr

from forecast import names
from forecast.errors import RunError
from forecast.inference.digests import fit_name
from forecast.inference.fit_store import fit_models, is_stored
from forecast.pipeline.run import project_headlines
from forecast.progress import Stages
from forecast.projection.execution import Executor
from forecast.projection.headlines import key_of
from forecast.storage.files import read_json, replace_json, with_checksums
from forecast.storage.runs import Run
from forecast.storage.shapes import Number
from forecast.workspace.inputs import Inputs

log = logging.getLogger(__name__)

_FOLDER: Final = "hybrids"

Values = Mapping[tuple[str, ...], tuple[float, float]]  # value and Monte Carlo error of each headline, by its key


class _Kept(TypedDict):
    """A headline of a hybrid."""

    key: list[str]
    value: Number
    mcse: Number


class _Hybrid(TypedDict):
    """The file of a hybrid."""

    headlines: list[_Kept]


def values_of(headlines: Sequence[Mapping[str, Any]]) -> Values:
    """Return value and error of every headline; no error counts as 0."""
    return {key_of(record): (record["value"], record["mcse"] or 0.0) for record in headlines}


def kept_values(home: Path, key: str) -> Values | None:
    """Return the headlines of a hybrid that is kept; None if there is none, or if it is damaged."""
    path = _path(home, key)
    if not os.path.lexists(path):
        return None
    try:
        kept = read_json(path, _Hybrid, fix="it is simulated again")["headlines"]
    except RunError as error:
        log.warning("%s", error)
        return None
    return {tuple(entry["key"]): (entry["value"], entry["mcse"]) for entry in kept}


def make_hybrid(key: str, inputs: Inputs, runs: Sequence[Run], stages: Stages, executor: Executor) -> Values:
    """Simulate mixed inputs, keep the headlines under their key, and return them."""
    values = values_of(project_headlines(inputs, _posteriors(inputs, runs, stages), stages, executor))
    headlines = [{"key": list(of), "value": value, "mcse": mcse} for of, (value, mcse) in values.items()]
    replace_json(_path(inputs.home, key), with_checksums({"headlines": headlines}))
    return values


def missing_fits(inputs: Inputs, runs: Collection[Run]) -> dict[str, str]:
    """Return name and model of the fits that neither these runs nor the workspace have."""
    fits = {fit_name(inputs, model): model for model in names.MODELS}
    return {
        name: model
        for name, model in fits.items()
        if not _runs_with(name, model, runs) and not is_stored(inputs, model)
    }


def _posteriors(inputs: Inputs, runs: Sequence[Run], stages: Stages) -> dict[str, xr.DataTree]:
    """Return the fit of each model: from a run with the same fit, else a stored one, else a new one."""
    trees, others = {}, []
    for model in names.MODELS:
        if having := _runs_with(fit_name(inputs, model), model, runs):
            with having[0].posterior(model) as tree:
                trees[model] = tree.load()
        else:
            others.append(model)
    trees |= fit_models(inputs, others, stages)
    return {model: trees[model] for model in names.MODELS}


def _runs_with(name: str, model: str, runs: Collection[Run]) -> list[Run]:
    return [run for run in runs if run.manifest["fits"][model].get("digest") == name]


def _path(home: Path, key: str) -> Path:
    return home / "runs" / _FOLDER / f"{key[:16]}.json"
