"""Make a run again from its manifest, and compare every file with the stored one."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from forecast import names
from forecast.archive.answers import ANSWERS
from forecast.archive.further_files import further_files
from forecast.archive.run_mixture import MIXTURE
from forecast.data.library_options import default_options
from forecast.errors import RunError
from forecast.pipeline.changes import changed_inputs
from forecast.pipeline.manifest import build_provenance
from forecast.pipeline.run import complete, compute_run
from forecast.progress import Stages
from forecast.projection.execution import Executor
from forecast.storage.files import open_tree, read_json, scratch_folder, sha256_of
from forecast.storage.runs import COMPLETE, Run
from forecast.workspace.inputs import Inputs, inputs_of, plan_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Repetition:
    """A run made again.

    Attributes
    ----------
    moved : versions, tables and priors that have changed since the run.
    files : names of the files whose bytes differ.
    variable : first variable that differs, as file and path, with the largest difference; empty if none does.
    """

    moved: Sequence[str]
    files: Sequence[str]
    variable: str

    @property
    def same(self) -> bool:
        """Whether every file has the same bytes."""
        return not self.files


@default_options()
def repeat_run(home: Path, run: Run, stages: Stages, executor: Executor) -> Repetition:
    """Make a run again from its manifest with the tables and priors of the workspace, and compare the files.

    No run is stored. Stored fits are used where their key is unchanged; other models are fitted.

    Raises
    ------
    ForecastError
        If the run is damaged, or the plan cannot be run with the tables and priors of the workspace.
    """
    run.require_whole()
    if run.status != COMPLETE:
        raise RunError(f"{run.path}: the run is {run.status}, expected complete; a degraded run cannot be made again")
    where = f"{run.path / names.MANIFEST}: plan"
    inputs = inputs_of(home, plan_of(run.manifest["plan"], where), where)
    with scratch_folder(run.path) as folder:
        with ExitStack() as running:
            write, later = compute_run(inputs, stages, executor, further_files, running, degraded=False)
            write(folder)
            complete(inputs, folder, later.left_out(), stages)
        with stages("compare"):
            stored = run.manifest["files"]
            kept = [name for name in stored if name != names.SCORES]  # the models may have been scored since
            files = [name for name in kept if sha256_of(folder / name) != stored[name]]
            in_order = sorted(files, key=lambda name: not name.endswith(".nc"))  # causes before their effects
            variable = next((found for name in in_order if (found := _first_difference(run, folder, name))), "")
            moved = moved_inputs(run, inputs) + _moved_further(run, folder)
    return Repetition(moved=moved, files=files, variable=variable)


def moved_inputs(run: Run, inputs: Inputs) -> list[str]:
    """Return what is not as it was in a run: tables, priors, and versions of models, simulation and libraries."""
    now = {
        "plan": run.manifest["plan"],
        "tables": inputs.tables.digests,
        "priors": inputs.priors.digests,
        "provenance": build_provenance(inputs, {}),
    }
    return changed_inputs(run.manifest, now)


def _moved_further(run: Run, folder: Path) -> list[str]:
    """Return which of questions and weights of scenarios are not as they were; a run without them has none to move."""
    moved = []
    for name, key in ((ANSWERS, "questions"), (MIXTURE, "weights")):
        if name in run.manifest["files"]:
            now = read_json(folder / name)[key] if (folder / name).exists() else None
            moved += [key] * (run.json(name)[key] != now)
    return moved


def _first_difference(run: Run, folder: Path, name: str) -> str:
    """Return the first variable of a NetCDF file, or record of headlines, that differs; empty if no value does."""
    if name == names.HEADLINES:
        return _first_headline(run, folder)
    if not name.endswith(".nc"):
        return ""
    with run.tree(name) as old, open_tree(folder / name) as new:
        remade = {node.path: node for node in new.subtree}
        for node in old.subtree:
            if node.path not in remade:
                return f"{name}: {node.path} is missing"
            again = remade[node.path].to_dataset(inherit=False).variables
            for variable, values in node.to_dataset(inherit=False).variables.items():
                where = f"{name}: {node.path.strip('/')}/{variable}"
                if variable not in again:
                    return f"{where} is missing"
                if found := _difference(values.to_numpy(), again[variable].to_numpy()):
                    return f"{where} {found}"
    return ""


def _difference(before: Any, after: Any) -> str:
    """Return how two arrays differ; empty if they are equal, where NaN equals NaN."""
    if before.shape != after.shape:
        return f"has shape {after.shape}, stored {before.shape}"
    if before.dtype.kind == "f":
        gap = np.abs(np.nan_to_num(before.astype(float)) - np.nan_to_num(after.astype(float)))
        same = np.array_equal(before, after, equal_nan=True)
        return "" if same else f"differs in {np.count_nonzero(gap)} of {gap.size} values, by {gap.max():.3g} at most"
    return "" if np.array_equal(before, after) else f"differs in {np.count_nonzero(before != after)} values"


def _first_headline(run: Run, folder: Path) -> str:
    again = read_json(folder / names.HEADLINES)["headlines"]
    for number, (old, new) in enumerate(zip(run.headlines, again, strict=False)):
        if old != new:
            keys = [key for key in old if old[key] != new.get(key)]
            return f"{names.HEADLINES}: headline {number}, {', '.join(keys)}"
    return ""
