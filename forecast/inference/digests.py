"""Compute the digests of a fit and of a model from everything that can change its draws."""

from collections.abc import Mapping
from typing import Any, Final

from forecast.inference.datasets import data_digest
from forecast.storage.files import digest_of
from forecast.workspace.inputs import Inputs
from forecast.workspace.provenance import MODEL_VERSION, sampler_versions

#: The prior files that each model uses.
_PRIORS: Final[Mapping[str, tuple[str, ...]]] = {
    "spending": ("spending",),
    "leadership": ("leadership",),
    "withdrawal": ("withdrawal",),
    "cohesion": ("cohesion", "alliance", "scenarios/factors"),
}


def fit_digest(inputs: Inputs, model: str, leave_out: str | None) -> str:
    """Return the digest of a fit: model, data, priors, settings, sampler versions, seed and the mission left out."""
    return digest_of(
        {
            **_model_facts(inputs, model),
            "settings": inputs.plan.fit.of(model).model_dump(exclude={"leave_out", "draws_of"}),
            "sampler": sampler_versions(),
            "seed": inputs.plan.seed,
            "leave_out": leave_out,
        }
    )


def fit_name(inputs: Inputs, model: str, leave_out: str | None = None) -> str:
    """Return the name of the folder of a fit, `<model>-<digest>`."""
    return f"{model}-{fit_digest(inputs, model, leave_out)[:16]}"


def model_digest(inputs: Inputs, model: str) -> str:
    """Return the digest of a model: its version, data and priors. Scores refer to it, whatever the sampler settings."""
    return digest_of(_model_facts(inputs, model))


def _model_facts(inputs: Inputs, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "version": MODEL_VERSION[model],
        "data": data_digest(model, inputs.tables, inputs.priors),
        "priors": {file: inputs.priors.digests[file] for file in _PRIORS[model]},
    }
