"""Store fake posteriors as the fits of a plan, so that real commands run it in seconds without sampling."""

from pathlib import Path

from forecast import names
from forecast.inference.digests import fit_digest
from forecast.storage.files import replace_json, replace_tree, write_tree, written_whole
from forecast.storage.runs import write_manifest
from forecast.workspace.inputs import read_inputs
from forecast.workspace.provenance import PREDICTIVE_VERSION
from tests.support.pipeline_run import invented_fits, invented_groups, invented_trees, quiet

#: Predictive checks that nobody made.
UNCHECKED = {
    "loo": {"observations": 1, "elpd": 0.0, "se": 0.0, "parameters": 0.0, "far": 0, "largest_k": 0.0},
    "pit": None,
    "checks": [],
}


def store_fits(home: Path, plan: str) -> None:
    """Write a stored fit of each model of a plan, with the key that the plan asks for."""
    inputs = read_inputs(home, plan)
    trees, facts = invented_trees(), invented_fits(inputs, quiet)[1]
    for model in names.MODELS:
        folder = home / "runs" / "fits" / f"{model}-{fit_digest(inputs, model, None)[:16]}"
        with written_whole(folder) as aside:
            write_tree(aside / "posterior.nc", trees[model])
            write_manifest(aside, {"model": model, "leave_out": None, "digest": folder.name, **facts[model]})
        digest = replace_tree(folder / "predictive.nc", invented_groups(model))
        checks = {"version": PREDICTIVE_VERSION, "found": UNCHECKED, "groups": digest}
        replace_json(folder / "predictive.json", checks)
