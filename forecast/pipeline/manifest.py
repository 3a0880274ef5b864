"""What a run says of itself: its provenance, which goes into every file, and its manifest."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from forecast import names
from forecast.evaluation.calibration.certificates import certificate_digests
from forecast.evaluation.score_store import find_scores
from forecast.inference.digests import model_digest
from forecast.pipeline.changes import changes_since, last_good
from forecast.pipeline.degraded import digests_of, taken
from forecast.storage.files import digest_of
from forecast.storage.runs import COMPLETE, DEGRADED, list_runs
from forecast.workspace.inputs import Inputs
from forecast.workspace.provenance import MODEL_VERSION, SIMULATION_VERSION, library_versions


def provenance(inputs: Inputs, fits: Mapping[str, Any]) -> dict[str, str | int]:
    """What every file of a run says of itself."""
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
        "beliefs_sha256": digest_of(dict(inputs.priors.digests)),
        "libraries": " ".join(f"{k}={v}" for k, v in library_versions().items()),
        **({DEGRADED: told} if (told := taken(fits)) else {}),
    }


def manifest(
    inputs: Inputs,
    said: Mapping[str, Any],
    fits: Mapping[str, Any],
    seconds: Mapping[str, float],
    threads: int,
    headlines: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """All that is known of a run but its numbers; `said` is its provenance."""
    models = digests_of(fits, "models", {m: model_digest(inputs, m) for m in names.MODELS})
    found = {
        "id": inputs.run_id,
        "status": DEGRADED if DEGRADED in said else COMPLETE,
        "provenance": dict(said),
        "plan": inputs.plan.model_dump(mode="json"),
        "tables": dict(inputs.tables.digests),
        "overlaid": list(inputs.tables.overlaid),
        "beliefs": dict(inputs.priors.digests),
        "fits": dict(fits),
        "models": models,
        "scores": find_scores(inputs.home, models),
        "certificates": digests_of(fits, "certificates", certificate_digests(inputs.priors)),
        "host": {"threads": threads, "seconds": dict(seconds)},
    }
    if before := last_good(list_runs(inputs.home), inputs.plan.name):
        found["since"] = changes_since(before, found, headlines)
    return found
