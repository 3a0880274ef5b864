"""Store fits and use them again while model, tables, priors, settings and library versions are unchanged."""

import functools
import logging
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

import xarray as xr

from forecast import names
from forecast.data.deployments import mission_spells
from forecast.errors import RunError, cannot_read
from forecast.inference.arviz_groups import against_its_data, with_groups
from forecast.inference.background_compile import BackgroundCompiler
from forecast.inference.digests import fit_name
from forecast.inference.reductions import reduction_shift
from forecast.progress import Report, Stages
from forecast.storage import shapes
from forecast.storage.files import (
    CHECKSUMS,
    interrupts_deferred,
    read_json,
    replace_json,
    replace_tree,
    sha256_of,
    with_checksums,
    write_tree,
    written_whole,
)
from forecast.storage.locks import only_one
from forecast.storage.runs import Run, read_folder, write_manifest
from forecast.workspace.inputs import Inputs
from forecast.workspace.provenance import PREDICTIVE_VERSION

log = logging.getLogger(__name__)


class _Checked(TypedDict):
    """The stored predictive checks of a fit."""

    version: int
    found: shapes.Predictive
    groups: NotRequired[str]  # sha256 of the file of the groups; absent in an early version


_CHECKS: Final = "predictive.json"
_GROUPS: Final = "predictive.nc"
#: The model that compiles fastest comes first, because nothing is sampled while it compiles.
_ORDER: Final = ("leadership", "spending", "withdrawal", "cohesion")


def fit_all(
    inputs: Inputs, stages: Stages, last: Callable[[], Any] | None = None
) -> tuple[dict[str, xr.DataTree], dict[str, Any], dict[str, xr.DataTree]]:
    """Fit all models, or read their stored fits.

    While one model is sampled, the next that is not stored is compiled; after all models, `last` is run.

    Returns
    -------
    The tree of each model, the manifest facts of each fit, and the withdrawal fits without one mission, by mission.
    """
    without = {f"fit without {mission}": mission for mission in inputs.plan.fit.leave_out}
    fits = [*((m, None) for m in _ORDER), *(("withdrawal", m) for m in without.values())]
    to_make = {model for model, left in fits if not _stored(_folder(inputs, model, left))}
    jobs = {m: functools.partial(_compile, inputs, m) for m in _ORDER if m in to_make}
    compiled = BackgroundCompiler(jobs | ({"": last} if last else {}))
    trees, facts = {}, {}
    for model in _ORDER:
        with stages(f"fit {model}") as report:
            trees[model], facts[model] = fit_one(inputs, model, compiled, report)
    left_out = {}
    for title, mission in without.items():
        with stages(title) as report:
            left_out[mission], facts[title] = fit_one(inputs, "withdrawal", compiled, report, mission)
    with stages("against the data") as report:  # only now: PyTensor must not be used by two threads
        for i, model in enumerate(names.MODELS):
            report(model, i / len(names.MODELS))
            facts[model]["predictive"], groups = _against_the_data(inputs, model, trees[model])
            trees[model] = with_groups(trees[model], groups, inputs.priors)
    return {m: trees[m] for m in names.MODELS}, facts, left_out


def fit_models(inputs: Inputs, models: Collection[str], stages: Stages) -> dict[str, xr.DataTree]:
    """Fit these models, or read their stored fits; return the tree of each."""
    ordered = [model for model in _ORDER if model in models]
    jobs = {m: functools.partial(_compile, inputs, m) for m in ordered if not is_stored(inputs, m)}
    compiled, trees = BackgroundCompiler(jobs), {}
    for model in ordered:
        with stages(f"fit {model}") as report:
            trees[model], _ = fit_one(inputs, model, compiled, report)
    return trees


def _against_the_data(inputs: Inputs, model: str, tree: xr.DataTree) -> tuple[dict[str, Any], xr.DataTree]:
    """Return the predictive checks of a fit and the groups of `inference.arviz_groups`.

    They are stored with the fit, apart from its draws and under the version of their code. A fit of an earlier version
    gets them here.
    """
    folder = _folder(inputs, model, None)
    path = folder / _CHECKS
    if os.path.lexists(path):
        try:
            stored = read_json(path, _Checked, fix="the checks are made again")
            if stored["version"] == PREDICTIVE_VERSION:
                return dict(stored["found"]), _read_groups(folder / _GROUPS, stored.get("groups", ""))
        except RunError as error:
            log.warning("%s", error)
    checks, groups = against_its_data(inputs, model, tree)
    digest = replace_tree(folder / _GROUPS, groups)
    replace_json(path, with_checksums({"version": PREDICTIVE_VERSION, "found": checks, "groups": digest}))
    return checks, _read_groups(folder / _GROUPS, digest)  # as stored: the same bytes in every run of this fit


def _read_groups(path: Path, digest: str) -> xr.DataTree:
    """Return the groups of a fit; raises RunError if they are not those that were written."""
    try:
        found = sha256_of(path)
    except OSError as error:
        raise cannot_read(path, error) from error
    if found != digest:
        raise RunError(f"{path}: damaged (its sha256 is {found:.12}, expected {digest:.12}); it is made again")
    with interrupts_deferred(), xr.open_datatree(path, engine="netcdf4") as tree:
        return tree.load()


def fit_one(
    inputs: Inputs,
    model: str,
    compiled: Callable[[str], tuple[Any, float]],
    report: Report,
    leave_out: str | None = None,
) -> tuple[xr.DataTree, dict[str, Any]]:
    """Return the stored fit of the same model, tables, priors and settings, with its facts; fit it if there is none."""
    folder = _folder(inputs, model, leave_out)
    with only_one(inputs.home, folder.name, lambda: nullcontext(report)):
        if not (stored := _stored(folder)):
            _make_fit(folder, inputs, model, compiled, report, leave_out)
            stored = _stored(folder)
    report("fitted", 1.0)
    if stored is None:
        raise RunError(f"{folder}: the fit was damaged as soon as it was written; check the disk and fit again")
    return _read(stored)


def fit_stored(inputs: Inputs, model: str, leave_out: str | None = None) -> tuple[xr.DataTree, dict[str, Any]] | None:
    """Return the stored fit of the same model, tables, priors and settings, None if there is none."""
    stored = _stored(_folder(inputs, model, leave_out))
    return _read(stored) if stored else None


def is_stored(inputs: Inputs, model: str) -> bool:
    """Return whether a fit of the same model, tables, priors and settings is stored; its draws are not read."""
    return _stored(_folder(inputs, model, None)) is not None


def _read(stored: Run) -> tuple[xr.DataTree, dict[str, Any]]:
    with stored.tree("posterior.nc") as tree:
        return tree.load(), {key: value for key, value in stored.manifest.items() if key != CHECKSUMS}


def _folder(inputs: Inputs, model: str, leave_out: str | None) -> Path:
    return inputs.home / "runs" / "fits" / fit_name(inputs, model, leave_out)


def _stored(folder: Path) -> Run | None:
    """Return the fit in a folder; None if there is none, or if it is damaged."""
    return read_folder(folder, shapes.FitManifest)


def fit_lines(facts: Mapping[str, Any]) -> list[str]:
    """Return one line with the diagnostics of each fit."""
    lines = []
    for name, fact in facts.items():
        d, seconds = fact["diagnostics"], fact["seconds"]
        lines.append(
            f"{name:<22} R-hat {d['rhat']:.4f}  bulk ESS {d['ess_bulk']:>5.0f}  tail ESS {d['ess_tail']:>5.0f}"
            f"  divergences {d['divergences']}  compiled in {seconds['compile']:.0f} s, "
            f"sampled in {seconds['sample']:.0f} s"
        )
    return lines


def _compile(inputs: Inputs, model: str) -> Any:
    from forecast.inference.pymc_models.sampling import compile_model

    return compile_model(model, inputs.tables, inputs.priors)


def _make_fit(
    folder: Path,
    inputs: Inputs,
    model: str,
    compiled: Callable[[str], tuple[Any, float]],
    report: Report,
    leave_out: str | None,
) -> None:
    from forecast.inference.pymc_models.sampling import fit, without_mission

    report("compiling", 0.0)
    ready, seconds = compiled(model)
    if leave_out is not None:
        ready = without_mission(ready, inputs.tables, inputs.priors, leave_out)
    result = fit(model, ready, inputs.plan.fit.of(model), inputs.plan.seed, report)
    with written_whole(folder) as aside:
        write_tree(aside / "posterior.nc", complete(result.tree, inputs, model, leave_out))
        facts = {
            "model": model,
            "leave_out": leave_out,
            "digest": folder.name,
            "diagnostics": result.diagnostics.as_dict(),
            "attempts": result.attempts,
            "seconds": {"compile": seconds, "sample": result.seconds},
        }
        write_manifest(aside, facts)


def complete(tree: xr.DataTree, inputs: Inputs, model: str, leave_out: str | None) -> xr.DataTree:
    """Return the fit with the quantities that are estimated after sampling: the rate of reductions, for withdrawal."""
    if model == "withdrawal":
        spells = mission_spells(inputs.tables, inputs.priors)
        draws = tree[names.POSTERIOR].to_dataset()
        shift = reduction_shift(draws, spells, inputs.tables, inputs.priors, inputs.plan.seed, leave_out)
        tree[names.POSTERIOR] = xr.DataTree(draws.assign(reduction=shift))
    return tree
