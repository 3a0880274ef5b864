"""Store, read and describe the contracts between fits, data and simulation; nothing here simulates.

A contract is named by its model, a digest of the model with its data and priors, and the version of the simulation.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

from forecast.errors import RunError
from forecast.evaluation.calibration.certificates import folder_of
from forecast.evaluation.calibration.contract_lines import Line
from forecast.storage.files import read_json, replace_json, with_checksums
from forecast.workspace.provenance import CONTRACT_VERSION

log = logging.getLogger(__name__)

FOLDER: Final = "contracts"  # inside the folder of the certificates


class Contract(TypedDict):
    """The file of a contract."""

    model: str
    digest: str
    simulation_version: int
    version: int
    paths: int
    lines: list[Line]


def contract_name(model: str, digest: str, simulation_version: object) -> str:
    """Return the name of a contract, given the digest of its model (`inference.digests.model_digest`)."""
    return f"{model}-{digest[:16]}-{simulation_version}"


def read_contract(home: Path, name: str) -> dict[str, Any] | None:
    """Return a contract of this version, None without one; raise RunError if it is damaged."""
    path = folder_of(home, name, FOLDER)
    if not os.path.lexists(path):
        return None
    content = dict(read_json(path, Contract, fix="remove this file; `forecast calibrate` makes it again"))
    return content if content["version"] == CONTRACT_VERSION else None


def write_contract(home: Path, name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a contract in one step and return it as stored; raise RunError if it cannot be written."""
    stored = dict(with_checksums(content))
    replace_json(folder_of(home, name, FOLDER), stored)
    return stored


def contracts_of_run(home: Path, manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the contracts of the models of a run, by model; a damaged contract is left out with a warning."""
    contracts = {}
    version = manifest.get("provenance", {}).get("simulation_version", "")
    for model, digest in manifest.get("models", {}).items():
        try:
            contract = read_contract(home, contract_name(model, digest, version))
        except RunError as error:
            log.warning("%s", error)
            continue
        if contract is not None:
            contracts[model] = contract
    return contracts


def disagreements(contract: Mapping[str, Any]) -> list[str]:
    """Return the terms in which the simulation departs from the fit."""
    return [line["term"] for line in contract["lines"] if line["agrees"] is False]


def summary(contract: Mapping[str, Any]) -> str:
    """Return one sentence: how many numbers of the data the simulation covers, and where it departs from the fit."""
    seen = [line["within"] for line in contract["lines"] if line["within"] is not None]
    apart = disagreements(contract)
    text = f"{sum(seen)} of {len(seen)} numbers of the data lie in the 95 % interval of {contract['paths']} simulations"
    if apart:
        return f"{text}; the simulation departs from the fit in: {', '.join(apart)}"
    return f"{text}; the simulation does what the fit expects in all {len(contract['lines'])} lines"


def contract_text(contract: Mapping[str, Any]) -> list[str]:
    """Return a contract as lines for the terminal."""
    rows = [
        f"{contract['model']}: {summary(contract)}",
        f"  {'term':<52} {'observed':>9} {'expected':>9} {'simulated':>9}  {'95 % interval':<19} within  agrees",
    ]
    for line in contract["lines"]:
        observed, expected = ("-" if line[name] is None else f"{line[name]:.2f}" for name in ("observed", "expected"))
        verdicts = ("-" if line[name] is None else ("yes" if line[name] else "NO") for name in ("within", "agrees"))
        within, agrees = verdicts
        interval = f"{line['lower']:.2f} to {line['upper']:.2f}"
        rows.append(
            f"  {line['term']:<52} {observed:>9} {expected:>9} {line['simulated']:>9.2f}  {interval:<19} "
            f"{within:<6}  {agrees:<6} {line['unit']}"
        )
    return rows
