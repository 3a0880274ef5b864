"""Doorkeeper of `priors/`: what we believe, read strictly, every entry with its source.

`load_priors` gives back one frozen `Priors`: priors and constants by name (`spending.kappa`) and the scenario grid.
An unknown, missing or unsourced entry is an error that names file, key and mend; all faults are named at once.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast.errors import PriorError, all_faults, nearest
from forecast.names import FACTORS, MODELS
from forecast.priors.prior import Prior, check_keys, parse_prior
from forecast.priors.registry import (
    DRAWN,
    DYAD_NAME,
    FIXED_OF_A_DYAD,
    KINDS,
    KNOWN,
    KNOWN_OF_A_DYAD,
)
from forecast.priors.scenarios import PARTS, Grid, parse_grid
from forecast.storage.files import read_toml


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Priors:
    """All priors by dotted name, the scenario grid, and the digest of each file."""

    by_name: Mapping[str, Prior]
    grid: Grid
    digests: Mapping[str, str]

    def __getitem__(self, name: str) -> Prior:
        if name not in self.by_name:
            raise PriorError(f"no belief is called {name!r}{nearest(name, self.by_name)}")
        return self.by_name[name]

    def value(self, name: str) -> float:
        """The number of the constant `name`."""
        return self[name].value

    @property
    def dyads(self) -> tuple[str, ...]:
        """Names of the dyads there are beliefs of."""
        end = ".renewal_year"
        named = (name.removeprefix("dyads.") for name in self.by_name if name.endswith(end))
        return tuple(name.removesuffix(end) for name in named)

    def section(self, file: str) -> dict[str, Prior]:
        """The priors of one file, by their short names."""
        start = file + "."
        return {k.removeprefix(start): p for k, p in self.by_name.items() if k.startswith(start)}


def _read_section(path: Path, faults: list[str]) -> dict[str, Prior]:
    section = path.stem
    entries, known = read_toml(path), KNOWN[section]
    if section == "dyads":
        entries, more = _unfold(entries)
        known = (*known, *more)
    check_keys(str(path), entries, known, faults)
    for missing in sorted(set(known) - set(entries)):
        faults.append(f"{path}: the entry [{missing}] is missing, and a model needs it")
    found = {}
    for key in known:
        if key in entries:
            prior = parse_prior(f"{path} [{key}]", f"{section}.{key}", entries[key], faults)
            if prior is not None:
                _check_kind(f"{path} [{key}]", prior, faults)
                found[prior.name] = prior
    return found


def _unfold(entries: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Tables of dyads, {"USA-JPN": {"threat": ...}}, as "USA-JPN.threat"; and the keys that they must have."""
    flat: dict[str, Any] = {}
    for name, entry in entries.items():
        if DYAD_NAME.fullmatch(name) and isinstance(entry, dict):
            flat |= {f"{name}.{key}": value for key, value in entry.items()}
        else:
            flat[name] = entry
    pairs = [name for name in entries if DYAD_NAME.fullmatch(name)]
    return flat, [f"{pair}.{key}" for pair in pairs for key in KNOWN_OF_A_DYAD]


def _check_kind(where: str, prior: Prior, faults: list[str]) -> None:
    """Add a fault where models or projection cannot use a belief of this kind."""
    wanted, size = KINDS.get(prior.name), len(prior.params)
    if FIXED_OF_A_DYAD.search(prior.name):
        wanted = "Constant"
    sampled = prior.name.split(".")[0] in MODELS and prior.name not in DRAWN
    if wanted is not None and prior.dist != wanted:
        faults.append(f"{where}: dist is {prior.dist}, expected {wanted}")
    elif wanted == "Dirichlet" and size != len(FACTORS):
        faults.append(f"{where}: concentration has {size} numbers, expected {len(FACTORS)}")
    elif wanted is None and (prior.dist == "Dirichlet" or (sampled and prior.dist == "Constant")):
        faults.append(f"{where}: dist is {prior.dist}, expected a distribution of one number")


def load_priors(folder: Path) -> Priors:
    """Read every file of `priors/`; raises PriorError listing all that is wrong."""
    faults: list[str] = []
    priors: dict[str, Prior] = {}
    digests: dict[str, str] = {}
    raw: dict[str, Mapping[str, Any]] = {}
    for section in KNOWN:
        try:
            priors |= _read_section(folder / f"{section}.toml", faults)
        except PriorError as error:
            faults.append(str(error))
        mine = [p for name, p in priors.items() if name.startswith(section + ".")]
        digests[section] = _digest([[p.name, p.dist, list(p.params)] for p in mine])
    for part in PARTS:
        try:
            raw[part] = read_toml(folder / "scenarios" / f"{part}.toml")
            digests[f"scenarios/{part}"] = _digest(raw[part])
        except PriorError as error:
            faults.append(str(error))
    for path in sorted(folder.glob("**/*.toml")):
        known = {folder: tuple(KNOWN), folder / "scenarios": PARTS}.get(path.parent, ())
        if path.stem not in known:
            faults.append(f"{path}: no model reads this file{nearest(path.stem, known)}")
    grid = parse_grid(folder / "scenarios", raw, faults) if len(raw) == len(PARTS) else None
    if faults or grid is None:
        raise all_faults(PriorError, faults)
    return Priors(by_name=priors, grid=grid, digests=digests)


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
