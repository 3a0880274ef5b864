"""Digests that name a fit and a model by everything that could change its draws."""

from collections.abc import Mapping
from typing import Any, Final

from forecast.inference.datasets import data_digest
from forecast.storage.files import digest_of
from forecast.workspace.inputs import Inputs
from forecast.workspace.provenance import MODEL_VERSION, sampler_versions

#: The files of priors that each model uses.
_PRIORS: Final[Mapping[str, tuple[str, ...]]] = {
    "spending": ("spending",),
    "leadership": ("leadership",),
    "withdrawal": ("withdrawal",),
    "cohesion": ("cohesion", "alliance", "scenarios/factors"),
}


def fit_digest(inputs: Inputs, model: str, leave_out: str | None) -> str:
    """What a fit depends on, and nothing else."""
    return digest_of(
        {
            **_model_facts(inputs, model),
            "settings": inputs.plan.fit.of(model).model_dump(exclude={"leave_out", "draws_of"}),
            "sampler": sampler_versions(),
            "seed": inputs.plan.seed,
            "leave_out": leave_out,
        }
    )


def model_digest(inputs: Inputs, model: str) -> str:
    """Return the key of a model, however it is sampled: its version, data and priors. Scores attach to it."""
    return digest_of(_model_facts(inputs, model))


def _model_facts(inputs: Inputs, model: str) -> dict[str, Any]:
    return {
        "model": model,
        "version": MODEL_VERSION[model],
        "data": data_digest(model, inputs.tables, inputs.priors),
        "priors": {file: inputs.priors.digests[file] for file in _PRIORS[model]},
    }
