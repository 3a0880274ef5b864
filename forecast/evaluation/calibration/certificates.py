"""Certificates: what calibration by simulation found of a model with its code and beliefs; reports quote them.

A certificate is named by model and digest: a run keeps the digests of its models and finds their certificates when
it is told, so a model calibrated after a run vouches for that run too. Data are no part of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.names import MODELS
from forecast.priors.registry import PRIOR_FILES
from forecast.storage.files import digest_of, read_json, replace_json
from forecast.workspace.provenance import MODEL_VERSION, PROBLEM_VERSION, sampler_versions

if TYPE_CHECKING:
    from forecast.priors.load import Priors


SIMULATIONS: Final = "simulations"  # the folder of what certificates summarise
#: Fewer simulations than these certify nothing.
FEWEST: Final = 20


def certificate_digest(model: str, priors: "Priors") -> str:
    """Return the key of a certificate: the version of the model and of its calibration problem, and its priors."""
    content = {
        "model": model,
        "version": MODEL_VERSION[model],
        "problem": PROBLEM_VERSION[model],
        "priors": [priors.digests[file] for file in PRIOR_FILES.get(model, (model,))],
        "sampler": sampler_versions(),
    }
    return digest_of(content)[:16]


def certificate_digests(priors: "Priors") -> dict[str, str]:
    """Those of all models, for the manifest of a run."""
    return {model: certificate_digest(model, priors) for model in MODELS}


def _folder(home: Path) -> Path:
    return home / "runs" / "certificates"


def read_certificate(home: Path, name: str) -> dict[str, Any] | None:
    """The certificate `name` of a workspace, None if there is none; raises RunError if it is damaged."""
    path = _folder(home) / f"{name}.json"
    return dict(read_json(path)) if path.is_file() else None


def write_certificate(home: Path, name: str, content: Mapping[str, Any]) -> None:
    """Put a certificate in its place, whole; raises RunError if it cannot be written."""
    replace_json(_folder(home) / f"{name}.json", content)


def read_simulations(home: Path, name: str) -> dict[str, Any] | None:
    """The simulations behind a certificate and their `recipe`; None where they are not kept, as in a fresh clone."""
    path = _folder(home) / SIMULATIONS / f"{name}.json"
    return dict(read_json(path)) if path.is_file() else None


def write_simulations(home: Path, name: str, content: Mapping[str, Any]) -> None:
    """Keep the simulations made so far; raises RunError if they cannot be written."""
    replace_json(_folder(home) / SIMULATIONS / f"{name}.json", content)


def certificate_lines(home: Path, digests: Mapping[str, str]) -> dict[str, tuple[bool, str]]:
    """Whether each model is certified, and a sentence that says on what grounds; `digests` by model."""
    lines = {}
    for model, digest in digests.items():
        name = f"{model}-{digest}"
        found = read_certificate(home, name)
        begun = None if found else read_simulations(home, name)
        lines[model] = told(model, found, len(begun["simulations"]) if begun else 0)
    return lines


def told(model: str, found: Mapping[str, Any] | None, begun: int = 0) -> tuple[bool, str]:
    """The same for one certificate, or for none."""
    if found is None:
        so_far = f" ({begun} simulations so far)" if begun else ""
        return False, f"uncertified model{so_far}; forecast calibrate --model {model} certifies it"
    summary = found["summary"]
    size, faults = summary["simulations"], list(summary["faults"])
    if size < FEWEST:
        return False, f"uncertified model: {size} simulations are too few"
    if faults:
        return False, f"NOT certified: SBC {size} simulations, " + "; ".join(faults)
    return True, f"certified: SBC {size} simulations, ranks in band, prior gates met"
