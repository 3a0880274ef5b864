"""Find the stored scores and recodings of the models of a run, by the digests of its models."""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NotRequired, TypedDict

from forecast.errors import RunError, cannot_read
from forecast.names import MANIFEST
from forecast.storage.files import read_json
from forecast.storage.listing import list_folders
from forecast.storage.runs import Run
from forecast.storage.shapes import Digests, Listed, Number
from forecast.workspace.provenance import (
    BACKTEST_VERSION,
    COMPARISON_VERSION,
    SIMULATION_VERSION,
    VARIANTS_VERSION,
)

log = logging.getLogger(__name__)

TABLE: Final = "table.json"
UNSCORED: Final = "unscored"
VARIANTS: Final = "variants"


class Versions(TypedDict):
    """Versions of the code behind a scoring."""

    backtests: dict[str, int]
    comparison: int


class Stored(Listed):
    """The manifest of a scoring, of the rows of one back-test (without `models`), or of the variants of a plan."""

    models: NotRequired[Digests]
    quick: NotRequired[bool]
    versions: NotRequired[Versions]
    plan: NotRequired[str]
    version: NotRequired[int]
    simulation: NotRequired[int]


class Row(TypedDict):
    """A row of a score table."""

    model: str


class ScoreTables(TypedDict):
    """The tables of a scoring that a report shows."""

    skill: list[Row]
    cover: list[Row]


class Estimate(TypedDict):
    """A headline under one variant."""

    mean: Number
    mcse: Number


def score_versions() -> dict[str, Any]:
    """Return the versions of the code behind a scoring; a scoring made under other versions is stale."""
    return {"backtests": dict(BACKTEST_VERSION), "comparison": COMPARISON_VERSION}


def find_scores(home: Path, models: Mapping[str, str]) -> dict[str, Any] | str:
    """Return the scores of the models with these digests, or `UNSCORED` if no model was scored.

    For each model, the latest scoring counts; quick and damaged scorings are ignored. The result holds `models` (the
    scored ones), `folders`, and the rows of `skill` and `cover` as made by `forecast.evaluation.comparison`.
    """
    scores: dict[str, Any] = {"models": [], "folders": [], "skill": [], "cover": []}
    for scoring in _scorings(home):
        fresh = [
            name
            for name, digest in models.items()
            if scoring.manifest["models"].get(name) == digest
            and name not in scores["models"]
            and scoring.manifest["versions"]["backtests"].get(name) == BACKTEST_VERSION.get(name)
        ]
        if fresh and (tables := read_table(scoring, ScoreTables)):
            scores["models"] += fresh
            scores["folders"].append(scoring.id)
            for part in ("skill", "cover"):
                scores[part] += [row for row in tables[part] if row["model"] in fresh]
    return scores if scores["models"] else UNSCORED


def _scorings(home: Path) -> Iterator[Run]:
    """Yield every complete scoring under the current comparison version, the latest first."""
    for stored in _stored(home, "scores"):
        if "models" in stored.manifest and not stored.manifest.get("quick", True):
            if stored.manifest.get("versions", {}).get("comparison") == COMPARISON_VERSION:
                yield stored


def find_variants(home: Path, models: Mapping[str, str], plan: str) -> dict[str, Any]:
    """Return the headlines of a plan under recoded data, made with these models; empty if there are none."""
    current = (dict(models), plan, VARIANTS_VERSION, SIMULATION_VERSION)
    for stored in _stored(home, VARIANTS):
        if tuple(stored.manifest.get(key) for key in ("models", "plan", "version", "simulation")) == current:
            if table := read_table(stored, dict[str, dict[str, Estimate]]):
                return table
    return {}


def read_table(stored: Run, shape: Any) -> dict[str, Any]:
    """Return the table of a scoring or of variants; empty, with a warning, if it is damaged."""
    try:
        return dict(stored.json(TABLE, shape))
    except RunError as error:
        log.warning("%s; it is left out", error)
        return {}


def _stored(home: Path, kind: str) -> list[Run]:
    """Return everything in `runs/<kind>`, the latest first; leave out what is damaged, with a warning."""
    stored: list[Run] = []
    folder = home / "runs" / kind
    try:
        paths = list_folders(folder)
    except OSError as error:
        log.warning("%s; they are left out", cannot_read(folder, error))
        return []
    for path in paths:
        if os.path.lexists(path / MANIFEST):
            try:
                stored.append(Run(path, read_json(path / MANIFEST, Stored, fix="remove the folder")))
            except RunError as error:
                log.warning("%s; it is left out", error)
    return sorted(stored, key=lambda one: str(one.manifest["finished"]), reverse=True)
