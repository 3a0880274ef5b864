"""Certificates: what calibration by simulation found of a model with its code and beliefs; reports quote them.

A certificate is named by model and digest: a run keeps the digests of its models and finds their certificates when
it is told, so a model calibrated after a run vouches for that run too. Data are no part of it.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.names import MODELS
from forecast.runs import Run, digest_of, replace_json

if TYPE_CHECKING:
    from forecast.priors import Beliefs

#: Fewer simulations than these certify nothing.
FEWEST: Final = 20
_SHARED: Final = ("models/__init__.py", "models/variables.py")
#: Files of priors that a model believes, where there are others beside that of its own name.
BELIEVED: Final[Mapping[str, tuple[str, ...]]] = {"cohesion": ("cohesion", "alliance")}
#: Sources of a likelihood beside `models/<model>.py`.
_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {"withdrawal": ("cells.py",)}


def certificate_digest(model: str, beliefs: "Beliefs") -> str:
    """What a certificate vouches for: the sources that build a model, its beliefs, the libraries that run it."""
    from forecast.inputs import library_versions

    root = Path(__file__).parent
    sources = [*_SHARED, f"models/{model}.py", *_BESIDE.get(model, ())]
    content = {
        "model": model,
        "beliefs": [beliefs.digests[file] for file in BELIEVED.get(model, (model,))],
        "code": [hashlib.sha256((root / source).read_bytes()).hexdigest() for source in sources],
        "libraries": library_versions(),
    }
    return digest_of(content)[:16]


def certificate_digests(beliefs: "Beliefs") -> dict[str, str]:
    """Those of all models, for the manifest of a run."""
    return {model: certificate_digest(model, beliefs) for model in MODELS}


def _path(home: Path, name: str) -> Path:
    return home / "runs" / "certificates" / f"{name}.json"


def read_certificate(home: Path, name: str) -> dict[str, Any] | None:
    """The certificate `name` of a workspace, None if there is none; raises RunError if it is damaged."""
    path = _path(home, name)
    return dict(Run(path.parent, {}).json(path.name)) if path.is_file() else None


def write_certificate(home: Path, name: str, content: Mapping[str, Any]) -> None:
    """Put a certificate in its place, whole; raises RunError if it cannot be written."""
    replace_json(_path(home, name), content)


def certificate_lines(home: Path, digests: Mapping[str, str]) -> dict[str, tuple[bool, str]]:
    """Whether each model is certified, and a sentence that says on what grounds; `digests` by model."""
    return {
        model: told(model, read_certificate(home, f"{model}-{digest}"))
        for model, digest in digests.items()
    }


def told(model: str, found: Mapping[str, Any] | None) -> tuple[bool, str]:
    """The same for one certificate, or for none."""
    summary = (found or {}).get("summary")
    if not summary:
        begun = f" ({len(found['simulations'])} simulations so far)" if found else ""
        return False, f"uncertified model{begun}; forecast calibrate --model {model} certifies it"
    size, faults = summary["simulations"], list(summary["faults"])
    if size < FEWEST:
        return False, f"uncertified model: {size} simulations are too few"
    if faults:
        return False, f"NOT certified: SBC {size} simulations, " + "; ".join(faults)
    return True, f"certified: SBC {size} simulations, ranks in band, prior gates met"
