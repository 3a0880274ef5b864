"""Find the stored scores and recodings of the models of a run, by the digests of its models."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from forecast.errors import RunError
from forecast.names import MANIFEST
from forecast.storage.files import read_json
from forecast.workspace.provenance import (
    BACKTEST_VERSION,
    COMPARISON_VERSION,
    SIMULATION_VERSION,
    VARIANTS_VERSION,
)

TABLE: Final = "table.json"
UNSCORED: Final = "unscored"
VARIANTS: Final = "variants"


def score_versions() -> dict[str, Any]:
    """Return the versions of the code behind a scoring; a scoring made under other versions is stale."""
    return {"backtests": dict(BACKTEST_VERSION), "comparison": COMPARISON_VERSION}


def find_scores(home: Path, models: Mapping[str, str]) -> dict[str, Any] | str:
    """Return the scores of the models with these digests, or `UNSCORED` if no model was scored.

    For each model, the latest scoring counts; quick scorings are ignored. The result holds `models` (the scored ones),
    `folders`, and the rows of `skill` and `cover` as made by `forecast.evaluation.comparison`.
    """
    scores: dict[str, Any] = {"models": [], "folders": [], "skill": [], "cover": []}
    for folder, manifest in _scorings(home):
        fresh = [
            name
            for name, digest in models.items()
            if manifest["models"].get(name) == digest
            and name not in scores["models"]
            and manifest["versions"]["backtests"].get(name) == BACKTEST_VERSION.get(name)
        ]
        if fresh:
            table = read_json(folder / TABLE)
            scores["models"] += fresh
            scores["folders"].append(folder.name)
            for part in ("skill", "cover"):
                scores[part] += [row for row in table[part] if row["model"] in fresh]
    return scores if scores["models"] else UNSCORED


def _scorings(home: Path) -> Iterable[tuple[Path, Mapping[str, Any]]]:
    """Yield folder and manifest of every complete scoring under the current comparison version, the latest first."""
    for folder, manifest in _stored(home, "scores"):
        if "models" in manifest and not manifest["quick"]:
            if manifest.get("versions", {}).get("comparison") == COMPARISON_VERSION:
                yield folder, manifest


def find_variants(home: Path, models: Mapping[str, str], plan: str) -> dict[str, Any]:
    """Return the headlines of a plan under recoded data, made with these models; empty if there are none."""
    current = (dict(models), plan, VARIANTS_VERSION, SIMULATION_VERSION)
    for folder, manifest in _stored(home, VARIANTS):
        keys = (manifest["models"], manifest["plan"], manifest.get("version"), manifest.get("simulation"))
        if keys == current:
            return dict(read_json(folder / TABLE))
    return {}


def _stored(home: Path, kind: str) -> list[tuple[Path, Mapping[str, Any]]]:
    """Return folder and manifest of everything in `runs/<kind>`, the latest first; skip damaged manifests."""
    folders: list[tuple[Path, Mapping[str, Any]]] = []
    for path in (home / "runs" / kind).glob(f"*/{MANIFEST}"):
        with contextlib.suppress(RunError):
            folders.append((path.parent, read_json(path)))
    return sorted(folders, key=lambda stored: str(stored[1]["finished"]), reverse=True)
