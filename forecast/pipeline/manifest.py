"""The provenance of a run, which goes into every file, and its manifest."""

import logging
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from forecast import names
from forecast.data.exclusions import expired_today
from forecast.data.tables import last_fact
from forecast.evaluation.calibration.certificates import certificate_digests
from forecast.inference.digests import model_digest
from forecast.pipeline.changes import compare_with_last, gone_runs
from forecast.pipeline.degraded import degraded_notice, effective_digests
from forecast.pipeline.drift import drift_record, drift_since
from forecast.storage.files import digest_of
from forecast.storage.runs import COMPLETE, DEGRADED, PENDING, list_runs
from forecast.workspace.checkout import find_checkout
from forecast.workspace.inputs import Inputs
from forecast.workspace.provenance import MODEL_VERSION, SIMULATION_VERSION, library_versions

log = logging.getLogger(__name__)


def build_provenance(inputs: Inputs, fits: Mapping[str, Any]) -> dict[str, str | int]:
    """Return plan, seed, versions and digests of a run; `fits` has the entry of the manifest for each fit."""
    return {
        "run_id": inputs.run_id,
        "plan": inputs.plan.name,
        "as_of": str(inputs.plan.as_of),
        "seed": inputs.plan.seed,
        "paths": inputs.plan.paths,
        "draws": inputs.plan.draws,
        "schema_version": names.SCHEMA_VERSION,
        "forecast_version": version("alliance-forecast"),
        "model_versions": " ".join(f"{model}={n}" for model, n in MODEL_VERSION.items()),
        "simulation_version": SIMULATION_VERSION,
        "tables_sha256": digest_of(dict(inputs.tables.digests)),
        "priors_sha256": digest_of(dict(inputs.priors.digests)),
        "libraries": " ".join(f"{k}={v}" for k, v in library_versions().items()),
        **({DEGRADED: notice} if (notice := degraded_notice(fits)) else {}),
    }


def scheduled_elections(inputs: Inputs) -> list[dict[str, str]]:
    """Return country, date and precision of each scheduled election that selects the leader of a member."""
    rows = inputs.tables.elections
    due = rows[rows["scheduled"] & rows["selects_leader"] & rows["country"].isin(inputs.roster.members)]
    votes = zip(due["country"], due["date"], due["date_precision"], strict=True)
    return [{"country": country, "date": f"{day:%Y-%m-%d}", "precision": known} for country, day, known in votes]


def build_manifest(
    inputs: Inputs,
    provenance: Mapping[str, Any],
    fits: Mapping[str, Any],
    seconds: Mapping[str, float],
    threads: int,
    headlines: Sequence[Mapping[str, Any]],
    pending: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the manifest of a run, without the digests of its files.

    Parameters
    ----------
    inputs
        Plan, tables, priors and roster.
    provenance
        Provenance of the run.
    fits
        Entry of the manifest for each fit.
    seconds
        Wall time of the parts of the run.
    threads
        Number of threads.
    headlines
        Headlines of the run, to compare with the plan's last complete run.
    pending
        Names of the fits for which the run waits.
    """
    models = effective_digests(fits, "models", {m: model_digest(inputs, m) for m in names.MODELS})
    manifest = {
        "id": inputs.run_id,
        "status": DEGRADED if DEGRADED in provenance else PENDING if pending else COMPLETE,
        "provenance": dict(provenance),
        "plan": inputs.plan.model_dump(mode="json"),
        "tables": dict(inputs.tables.digests),
        "overlaid": list(inputs.tables.overlaid),
        "facts": str(last_fact(inputs.tables)),
        "missions": {mission.name: mission.label for mission in inputs.roster.missions},
        "elections": scheduled_elections(inputs),
        "priors": dict(inputs.priors.digests),
        "fits": dict(fits),
        "models": models,
        "certificates": effective_digests(fits, "certificates", certificate_digests(inputs.priors)),
        "host": {"threads": threads, "seconds": dict(seconds)},
        "code": find_checkout(),
        "expired": expired_today(inputs.priors.statements),
    }
    if pending:
        manifest[PENDING] = list(pending)
    runs = list_runs(inputs.home)
    since = compare_with_last(runs, manifest, headlines, gone_runs(inputs.home, runs, manifest))
    manifest["since"] = since
    for earlier in [run for run in runs if run.id == since["run"]]:
        since["drift"] = [drift_record(d) for d in drift_since(inputs.home, earlier.manifest, inputs.tables)]
        for drift in since["drift"]:
            log.info("table %s", drift["text"])
    return manifest
