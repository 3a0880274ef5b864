"""A degraded run: models that cannot be fitted keep the posterior of the plan's last complete run.

All files of the run say so. Its status is `degraded`; it is published beside the last complete run and never replaces
it as `latest`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from forecast import names
from forecast.errors import RunError
from forecast.inference.fit_store import Fits, Later, left_out_stored, open_fit
from forecast.pipeline.changes import last_good
from forecast.progress import Stages
from forecast.storage.runs import DEGRADED, Run, list_runs
from forecast.workspace.inputs import Inputs


def degraded_inputs(inputs: Inputs) -> Inputs:
    """Return the same inputs under another run id, so that a complete run can still be made of them."""
    return replace(inputs, run_id=f"{inputs.run_id}-{DEGRADED}")


def fallback_fits(inputs: Inputs, stages: Stages) -> Fits:
    """Return the stored fits, and for models without one the posteriors of the last complete run; fit nothing.

    Raises
    ------
    RunError
        Every model is fitted already, or the plan has no complete run that is undamaged.
    """
    posteriors, facts = {}, {}
    with stages("read stored fits"):
        stored = {model: open_fit(inputs, model) for model in names.MODELS}
        missing = [model for model, fit in stored.items() if fit is None]
        earlier_run = _fallback_run(inputs, missing)
        for model, fit in stored.items():
            posteriors[model], facts[model] = fit or _fallback_posterior(model, earlier_run)
        left_out = left_out_stored(inputs)
    return Fits(posteriors, facts, Later(left_out=lambda: left_out))


def _fallback_run(inputs: Inputs, missing: Sequence[str]) -> Run:
    """Return the plan's last complete run, whose posteriors stand in for the models in `missing`."""
    plan = inputs.plan.name
    if not missing:
        raise RunError(f"{plan}: all models are fitted, so no earlier posterior is needed; run without --degraded")
    runs = list_runs(inputs.home)
    earlier_run = last_good(runs, plan)
    if earlier_run is None:
        damaged = "".join(f"\n  - {run.damage()}" for run in runs if run.plan_name == plan and run.damage())
        raise RunError(
            f"{inputs.home / 'runs'}: the plan {plan} has no complete run, so there is no earlier posterior of "
            f"{', '.join(missing)}; fit with `forecast fit {plan}`{damaged}"
        )
    return earlier_run


def _fallback_posterior(model: str, earlier_run: Run) -> tuple[xr.DataTree, dict[str, Any]]:
    """Return the posterior of a model in an earlier run and its entry of the manifest, both marked as taken."""
    earlier_run.require_whole()
    with earlier_run.posterior(model) as stored:
        tree = stored.load()
    manifest = earlier_run.manifest
    tree.attrs[DEGRADED] = f"taken from run {earlier_run.id}, known up to {manifest['plan']['as_of']}"
    digests = {kind: manifest.get(kind, {}).get(model) for kind in ("models", "certificates")}
    return tree, {**manifest["fits"][model], "taken_from": earlier_run.id, "was": digests}


def degraded_notice(facts: Mapping[str, Any]) -> str:
    """Return the sentence for files and pages that names the models not newly fitted; empty for a complete run."""
    models_of: dict[str, list[str]] = {}
    for model, fact in facts.items():
        if "taken_from" in fact:
            models_of.setdefault(fact["taken_from"], []).append(model)
    return "; ".join(f"posterior of {', '.join(models)} as in run {run}" for run, models in models_of.items())


def effective_digests(facts: Mapping[str, Any], kind: str, current: Mapping[str, str]) -> dict[str, str]:
    """Return the digest of each model, by which its scores and certificate are found.

    Parameters
    ----------
    facts
        Entry of the manifest for each fit.
    kind
        `models` or `certificates`.
    current
        Digest of each model as it is now; a posterior from an earlier run keeps the digest it had then.
    """
    return {model: facts.get(model, {}).get("was", {}).get(kind) or digest for model, digest in current.items()}
