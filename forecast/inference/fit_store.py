"""Store fits and use them again while model, tables, priors, settings and library versions are unchanged."""

import functools
import logging
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple, NotRequired, TypedDict

import xarray as xr

from forecast import names
from forecast.errors import RunError, cannot_read
from forecast.inference.arviz_groups import against_its_data, with_groups
from forecast.inference.datasets import data_of
from forecast.inference.digests import fit_name
from forecast.inference.memory import return_memory
from forecast.inference.own_process import Job, run_in_processes, running
from forecast.inference.reductions import reduction_shift
from forecast.progress import Report, Stages
from forecast.storage import shapes
from forecast.storage.files import (
    CHECKSUMS,
    open_tree,
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
#: The two models that take longest come first, because two are fitted at a time.
_ORDER: Final = ("spending", "withdrawal", "cohesion", "leadership")


class LeftOut(NamedTuple):
    """Withdrawal fits without one mission."""

    posteriors: Mapping[str, xr.DataTree]  # by the mission
    facts: Mapping[str, Any]  # entry of the manifest for each


class Later(NamedTuple):
    """Withdrawal fits without one mission; some may still be made."""

    waiting: Sequence[str] = ()  # names of those
    left_out: Callable[[], LeftOut] = lambda: LeftOut({}, {})  # returns all of them, when they are made


class Fits(NamedTuple):
    """The fits that a run uses."""

    posteriors: Mapping[str, xr.DataTree]  # by model
    facts: Mapping[str, Any]  # entry of the manifest for each model
    later: Later = Later()
    seconds: float = 0.0  # wall time until the fits of all models were there


@contextmanager
def fits_of(inputs: Inputs, stages: Stages, also: Sequence[Job] = ()) -> Iterator[Fits]:
    """Fit all models, or read their stored fits; fits without a mission are made meanwhile and afterwards.

    Each model that is not stored is fitted, and checked against its data, in a process of its own; so are the fits
    without a mission, at low priority. They are stopped if the block ends before they are done.

    Parameters
    ----------
    inputs
        Plan, tables and priors.
    stages
        Receives the progress.
    also
        Further jobs to be done before the block begins.
    """
    begun = time.perf_counter()
    missing = _left_out_missing(inputs)
    later: list[Job] = [functools.partial(_make_fits, inputs, "withdrawal", missing)] if missing else []
    first = [*_model_jobs(inputs), *also]
    with running(first, later) as show:
        show(stages, len(first))

        def left_out() -> LeftOut:
            show(stages, len(later))
            return _left_out(inputs, inputs.plan.fit.leave_out)

        waiting = Later([_without(mission) for mission in missing], left_out)
        yield Fits(*_checked(inputs), waiting, time.perf_counter() - begun)


def fit_left_out(inputs: Inputs, stages: Stages) -> LeftOut:
    """Make the withdrawal fits of a plan that leave a mission out, or read them."""
    if missing := _left_out_missing(inputs):
        run_in_processes([functools.partial(_make_fits, inputs, "withdrawal", missing)], stages)
    return _left_out(inputs, inputs.plan.fit.leave_out)


def left_out_stored(inputs: Inputs) -> LeftOut:
    """Return those withdrawal fits of a plan that leave a mission out and are stored."""
    missing = _left_out_missing(inputs)
    return _left_out(inputs, [mission for mission in inputs.plan.fit.leave_out if mission not in missing])


def fit_all(inputs: Inputs, stages: Stages) -> tuple[Mapping[str, xr.DataTree], dict[str, Any]]:
    """Make all fits of a plan, or read them; return the tree of each model and the manifest facts of each fit."""
    with fits_of(inputs, stages) as fits:
        return fits.posteriors, {**fits.facts, **fits.later.left_out().facts}


def fit_models(inputs: Inputs, models: Collection[str], stages: Stages) -> dict[str, xr.DataTree]:
    """Fit these models, or read their stored fits; return the tree of each."""
    missing = [model for model in _ORDER if model in models and not is_stored(inputs, model)]
    run_in_processes([functools.partial(_make_fits, inputs, model, [None]) for model in missing], stages)
    return {model: _opened(inputs, model)[0].load() for model in models}


def _checked(inputs: Inputs) -> tuple[dict[str, xr.DataTree], dict[str, Any]]:
    """Return the fit of each model with its groups, and its entry of the manifest, from the stored fits and checks."""
    trees, facts = {}, {}
    for model in names.MODELS:
        tree, facts[model] = _opened(inputs, model)
        facts[model]["predictive"], groups = _checks_of(inputs, model)
        trees[model] = with_groups(tree, groups, inputs.priors)
    return trees, facts


def _left_out_missing(inputs: Inputs) -> list[str]:
    """Return the missions without which the withdrawal model is to be fitted and is not."""
    return [mission for mission in inputs.plan.fit.leave_out if not _stored(_folder(inputs, "withdrawal", mission))]


def _left_out(inputs: Inputs, missions: Sequence[str]) -> LeftOut:
    made = {mission: _opened(inputs, "withdrawal", mission) for mission in missions}
    trees = {mission: tree for mission, (tree, _) in made.items()}
    return LeftOut(trees, {_without(mission): facts for mission, (_, facts) in made.items()})


def _model_jobs(inputs: Inputs) -> list[Job]:
    """Return one job for each model whose fit, or whose checks, are not stored."""
    missing = [model for model in _ORDER if not is_stored(inputs, model) or _stored_checks(inputs, model) is None]
    return [functools.partial(_make_model, inputs, model) for model in missing]


def _make_model(inputs: Inputs, model: str, stages: Stages) -> None:
    """Make the fit of a model unless it is stored, and check it against its data."""
    _make_fits(inputs, model, [None], stages)
    with stages("against the data") as report:
        report(model, 0.0)
        _check(inputs, model, _opened(inputs, model)[0].load())


def _make_fits(inputs: Inputs, model: str, left_out: Sequence[str | None], stages: Stages) -> None:
    """Make fits of one model, which is compiled once."""
    compiled = functools.cache(functools.partial(_compile, inputs, model))
    for mission in left_out:
        with stages(f"fit {model}" if mission is None else _without(mission)) as report:
            fit_one(inputs, model, compiled, report, mission)
        return_memory()


def _without(mission: str) -> str:
    return f"fit without {mission}"


def _opened(inputs: Inputs, model: str, leave_out: str | None = None) -> tuple[xr.DataTree, dict[str, Any]]:
    """Open a fit that was just made or found."""
    if fit := open_fit(inputs, model, leave_out):
        return fit
    raise _damaged_at_once(_folder(inputs, model, leave_out))


def _damaged_at_once(path: Path) -> RunError:
    return RunError(f"{path}: damaged as soon as it was written; check the disk and fit again")


def _check(inputs: Inputs, model: str, tree: xr.DataTree) -> None:
    """Store the predictive checks of a fit and the groups of `inference.arviz_groups` with it.

    They are apart from its draws, under the version of their code.
    """
    checks, groups = against_its_data(inputs, model, tree)
    folder = _folder(inputs, model, None)
    digest = replace_tree(folder / _GROUPS, groups)
    content = {"version": PREDICTIVE_VERSION, "found": checks, "groups": digest}
    replace_json(folder / _CHECKS, with_checksums(content))


def _stored_checks(inputs: Inputs, model: str) -> tuple[dict[str, Any], xr.DataTree] | None:
    """Return the stored checks and groups of a fit; None if there are none of this version, or if they are damaged."""
    path = _folder(inputs, model, None) / _CHECKS
    if os.path.lexists(path):
        try:
            stored = read_json(path, _Checked, fix="the checks are made again")
            if stored["version"] == PREDICTIVE_VERSION:
                return dict(stored["found"]), _read_groups(path.with_name(_GROUPS), stored.get("groups", ""))
        except RunError as error:
            log.warning("%s", error)
    return None


def _checks_of(inputs: Inputs, model: str) -> tuple[dict[str, Any], xr.DataTree]:
    """Return the checks and groups of a fit that were just made or found."""
    if checks := _stored_checks(inputs, model):
        return checks
    raise _damaged_at_once(_folder(inputs, model, None) / _CHECKS)


def _read_groups(path: Path, digest: str) -> xr.DataTree:
    """Return the groups of a fit; raises RunError if they are not those that were written."""
    try:
        found = sha256_of(path)
    except OSError as error:
        raise cannot_read(path, error) from error
    if found != digest:
        raise RunError(f"{path}: damaged (its sha256 is {found:.12}, expected {digest:.12}); it is made again")
    return open_tree(path, keep=False)


def fit_one(
    inputs: Inputs,
    model: str,
    compiled: Callable[[], tuple[Any, float]],
    report: Report,
    leave_out: str | None = None,
) -> None:
    """Make and store a fit, unless one of the same model, tables, priors and settings is stored.

    `compiled` returns the compiled model and the seconds that it took; it is called only if it is needed.
    """
    folder = _folder(inputs, model, leave_out)
    with only_one(inputs.home, folder.name, lambda: nullcontext(report)):
        if not _stored(folder):
            _make_fit(folder, inputs, model, compiled, report, leave_out)
    report("fitted", 1.0)


def fit_stored(inputs: Inputs, model: str, leave_out: str | None = None) -> tuple[xr.DataTree, dict[str, Any]] | None:
    """Return the stored fit of the same model, tables, priors and settings, None if there is none."""
    if (fit := open_fit(inputs, model, leave_out)) is None:
        return None
    with fit[0] as tree:
        return tree.load(), fit[1]


def open_fit(inputs: Inputs, model: str, leave_out: str | None = None) -> tuple[xr.DataTree, dict[str, Any]] | None:
    """Open a stored fit as `fit_stored`; its variables are read from the file at each use. The caller closes it."""
    if (stored := _stored(_folder(inputs, model, leave_out))) is None:
        return None
    facts = {key: value for key, value in stored.manifest.items() if key != CHECKSUMS}
    return stored.tree("posterior.nc", keep=False), facts


def is_stored(inputs: Inputs, model: str) -> bool:
    """Return whether a fit of the same model, tables, priors and settings is stored; its draws are not read."""
    return _stored(_folder(inputs, model, None)) is not None


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


def _compile(inputs: Inputs, model: str) -> tuple[Any, float]:
    """Return the compiled model and the seconds that it took."""
    from forecast.inference.pymc_models.sampling import compile_model

    start = time.perf_counter()
    return compile_model(model, inputs.tables, inputs.priors), time.perf_counter() - start


def _make_fit(
    folder: Path,
    inputs: Inputs,
    model: str,
    compiled: Callable[[], tuple[Any, float]],
    report: Report,
    leave_out: str | None,
) -> None:
    from forecast.inference.pymc_models.sampling import fit, without_mission

    report("compiling", 0.0)
    ready, seconds = compiled()
    return_memory()  # the compiler leaves much behind
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
        spells = data_of(model, inputs.tables, inputs.priors)
        draws = tree[names.POSTERIOR].to_dataset()
        shift = reduction_shift(draws, spells, inputs.tables, inputs.priors, inputs.plan.seed, leave_out)
        tree[names.POSTERIOR] = xr.DataTree(draws.assign(reduction=shift))
    return tree
