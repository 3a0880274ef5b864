"""A degraded run: models that cannot be fitted keep the posterior of the last good run of the plan; all files say so.

It is published beside the last good run, never in its place: its status is `degraded`, and `latest` passes it by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from forecast import names
from forecast.errors import RunError
from forecast.inference.fit_store import fit_stored
from forecast.pipeline.changes import last_good
from forecast.progress import Stages
from forecast.storage.runs import DEGRADED, Run, list_runs
from forecast.workspace.inputs import Inputs


def degraded_inputs(inputs: Inputs) -> Inputs:
    """The same inputs under a name of their own, so that a good run can still be made of them."""
    return replace(inputs, run_id=f"{inputs.run_id}-{DEGRADED}")


def fits_at_hand(
    inputs: Inputs, stages: Stages
) -> tuple[dict[str, xr.DataTree], dict[str, Any], dict[str, xr.DataTree]]:
    """As `fits.fit_all`, without fitting: what is stored, and for the rest the posteriors of the last good run.

    Raises RunError when there is no good run of the plan, when it is damaged, or when every model is fitted already,
    so that an earlier posterior would mend nothing.
    """
    trees, facts, without = {}, {}, {}
    with stages("fits at hand"):
        found = {model: fit_stored(inputs, model) for model in names.MODELS}
        missing = [model for model, stored in found.items() if stored is None]
        before = _last_whole(inputs, missing)
        for model, stored in found.items():
            trees[model], facts[model] = stored or _taken(model, before)
        for mission in inputs.plan.fit.leave_out:
            if kept := fit_stored(inputs, "withdrawal", mission):
                without[mission], facts[f"fit without {mission}"] = kept
    return trees, facts, without


def _last_whole(inputs: Inputs, missing: Sequence[str]) -> Run:
    """The last good run of the plan, which is to lend the posteriors of the models in `missing`."""
    plan = inputs.plan.name
    if not missing:
        raise RunError(
            f"{plan}: all models are fitted, so an earlier posterior mends nothing; make the run without --degraded"
        )
    before = last_good(list_runs(inputs.home), plan)
    if before is None:
        raise RunError(
            f"{inputs.home / 'runs'}: no good run of the plan {plan} yet, so there is no posterior of "
            f"{', '.join(missing)} to fall back on; fit with `forecast fit {plan}`"
        )
    if damaged := before.damaged_files():
        raise RunError(
            f"{before.path}: {', '.join(damaged)} no longer as written; expected a whole run to fall back on"
        )
    return before


def _taken(model: str, before: Run) -> tuple[xr.DataTree, dict[str, Any]]:
    """The posterior of a model in the last good run, marked."""
    with before.posterior(model) as stored:
        tree = stored.load()
    tree.attrs[DEGRADED] = f"taken from run {before.id}, known up to {before.manifest['plan']['as_of']}"
    was = {kind: before.manifest.get(kind, {}).get(model) for kind in ("models", "certificates")}
    return tree, {**before.manifest["fits"][model], "taken_from": before.id, "was": was}


def taken(facts: Mapping[str, Any]) -> str:
    """Which models are not newly fitted, in words for every file and page; empty for a good run."""
    by_run: dict[str, list[str]] = {}
    for model, fact in facts.items():
        if "taken_from" in fact:
            by_run.setdefault(fact["taken_from"], []).append(model)
    return "; ".join(f"posterior of {', '.join(models)} as in run {run}" for run, models in by_run.items())


def digests_of(facts: Mapping[str, Any], kind: str, now: Mapping[str, str]) -> dict[str, str]:
    """The digests `now` of `models` or `certificates`, and for what was taken those of then: scores attach to them."""
    return {m: facts.get(m, {}).get("was", {}).get(kind) or digest for m, digest in now.items()}
