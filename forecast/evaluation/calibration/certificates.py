"""Read and write certificates: the results of simulation-based calibration of a model, which reports quote.

A certificate is named by its model and a digest of the model's version and priors; data are not part of it. A run
stores these digests, and its report looks up the certificates. Calibrating a model therefore also certifies past runs
with the same digest.
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


SIMULATIONS: Final = "simulations"  # folder of the raw results that certificates summarise
#: Smallest number of simulations that certifies a model.
FEWEST: Final = 20


def certificate_digest(model: str, priors: "Priors") -> str:
    """Return the digest in the name of a certificate: versions of model, problem and sampler, and the priors."""
    content = {
        "model": model,
        "version": MODEL_VERSION[model],
        "problem": PROBLEM_VERSION[model],
        "priors": [priors.digests[file] for file in PRIOR_FILES.get(model, (model,))],
        "sampler": sampler_versions(),
    }
    return digest_of(content)[:16]


def certificate_digests(priors: "Priors") -> dict[str, str]:
    """Return the certificate digests of all models, for the manifest of a run."""
    return {model: certificate_digest(model, priors) for model in MODELS}


def _folder(home: Path) -> Path:
    """Return the folder of the certificates."""
    return home / "runs" / "certificates"


def read_certificate(home: Path, name: str) -> dict[str, Any] | None:
    """Return the certificate `name` of a workspace, or None; raise RunError if it is damaged."""
    path = _folder(home) / f"{name}.json"
    return dict(read_json(path)) if path.is_file() else None


def write_certificate(home: Path, name: str, content: Mapping[str, Any]) -> None:
    """Replace a certificate in one step; raise RunError if it cannot be written."""
    replace_json(_folder(home) / f"{name}.json", content)


def read_simulations(home: Path, name: str) -> dict[str, Any] | None:
    """Return the simulations behind a certificate and their `recipe`; None where they are not stored."""
    path = _folder(home) / SIMULATIONS / f"{name}.json"
    return dict(read_json(path)) if path.is_file() else None


def write_simulations(home: Path, name: str, content: Mapping[str, Any]) -> None:
    """Store the simulations made so far; raise RunError if they cannot be written."""
    replace_json(_folder(home) / SIMULATIONS / f"{name}.json", content)


def certificate_lines(home: Path, digests: Mapping[str, str]) -> dict[str, tuple[bool, str]]:
    """Return for each model of `digests` whether it is certified, and a sentence that gives the reason."""
    lines = {}
    for model, digest in digests.items():
        name = f"{model}-{digest}"
        certificate = read_certificate(home, name)
        unfinished = None if certificate else read_simulations(home, name)
        lines[model] = certificate_line(model, certificate, len(unfinished["simulations"]) if unfinished else 0)
    return lines


def certificate_line(model: str, certificate: Mapping[str, Any] | None, simulations: int = 0) -> tuple[bool, str]:
    """Return whether a model with this certificate is certified, and the reason.

    Without a certificate, `simulations` is the number made so far.
    """
    if certificate is None:
        so_far = f" ({simulations} simulations so far)" if simulations else ""
        return False, f"uncertified model{so_far}; forecast calibrate --model {model} certifies it"
    summary = certificate["summary"]
    size, faults = summary["simulations"], list(summary["faults"])
    if size < FEWEST:
        return False, f"uncertified model: {size} simulations are too few"
    if faults:
        return False, f"NOT certified: SBC {size} simulations, " + "; ".join(faults)
    return True, f"certified: SBC {size} simulations, ranks in band, prior gates met"
