"""Read and write certificates: the results of simulation-based calibration of a model, which reports quote.

A certificate is named by its model and a digest of the model's version and priors; data are not part of it. A run
stores these digests, and its report looks up the certificates. Calibrating a model therefore also certifies past runs
with the same digest.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict

from forecast.errors import RunError
from forecast.names import MODELS
from forecast.priors.registry import PRIOR_FILES
from forecast.storage.files import digest_of, read_json, replace_json, with_checksums
from forecast.storage.shapes import Number
from forecast.workspace.provenance import MODEL_VERSION, PROBLEM_VERSION, sampler_versions

if TYPE_CHECKING:
    from forecast.priors.load import Priors


SIMULATIONS: Final = "simulations"  # folder of the raw results that certificates summarise
#: Smallest number of simulations that certifies a model.
FEWEST: Final = 20


class Quantity(TypedDict):
    """The rank test of one quantity."""

    p: Number
    coverage_80: Number
    correlation: Number


class Recovery(TypedDict):
    """Errors of the posterior means, in posterior standard deviations."""

    mean_square: Number
    standard_error: Number | None
    met: bool


class PriorGate(TypedDict):
    """A check of the prior predictive distribution."""

    name: str
    value: Number
    lower: Number
    upper: Number
    met: bool


class Summary(TypedDict):
    """What the simulations show."""

    simulations: int
    family_level: Number
    level: Number
    quantities: dict[str, Quantity]
    outside: list[str]
    recovery: Recovery
    prior_gates: list[PriorGate]
    divergences: int
    seconds: Number
    faults: list[str]


class Certificate(TypedDict):
    """The file of a certificate."""

    model: str
    flaw: str
    recipe: str
    summary: Summary


class Simulation(TypedDict):
    """One simulated data set and the fit to it."""

    ranks: dict[str, int]
    truth: dict[str, Number]
    mean: dict[str, Number]
    sd: dict[str, Number]
    divergences: int
    seconds: Number
    ess: NotRequired[Number]


class Simulations(TypedDict):
    """The file of the raw results."""

    recipe: str
    simulations: list[Simulation]


_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


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


def folder_of(home: Path, name: str, *folders: str) -> Path:
    """Return the path of a certificate or, in the folder `SIMULATIONS`, of the raw results behind it."""
    if not _NAME.fullmatch(name):
        raise RunError(f"certificate {name!r:.80}: expected a name of letters, digits, _ and -; run the plan again")
    return home.joinpath("runs", "certificates", *folders, f"{name}.json")


def read_certificate(home: Path, name: str) -> dict[str, Any] | None:
    """Return the certificate `name` of a workspace, or None; raise RunError if it is damaged."""
    return _read(folder_of(home, name), Certificate, "remove this file; `forecast calibrate` makes it again")


def write_certificate(home: Path, name: str, content: Mapping[str, Any]) -> None:
    """Replace a certificate in one step; raise RunError if it cannot be written."""
    replace_json(folder_of(home, name), with_checksums(content))


def read_simulations(home: Path, name: str) -> dict[str, Any] | None:
    """Return the simulations behind a certificate and their `recipe`; None where they are not stored."""
    return _read(folder_of(home, name, SIMULATIONS), Simulations, "remove this file to simulate again")


def write_simulations(home: Path, name: str, content: Mapping[str, Any]) -> None:
    """Store the simulations made so far; raise RunError if they cannot be written."""
    replace_json(folder_of(home, name, SIMULATIONS), with_checksums(content))


def _read(path: Path, shape: Any, fix: str) -> dict[str, Any] | None:
    return dict(read_json(path, shape, fix=fix)) if os.path.lexists(path) else None


def certificate_lines(home: Path, digests: Mapping[str, str]) -> dict[str, tuple[bool, str]]:
    """Return for each model of `digests` whether it is certified, and a sentence that gives the reason."""
    lines = {}
    for model, digest in digests.items():
        name = f"{model}-{digest}"
        try:
            certificate = read_certificate(home, name)
            unfinished = None if certificate else read_simulations(home, name)
        except RunError as error:
            lines[model] = False, f"uncertified model: {error}"
            continue
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
