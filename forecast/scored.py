"""Which models of a run were scored, and how they did: kept in `runs/scores`, found by the digest of the model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from forecast.errors import RunError
from forecast.names import MANIFEST
from forecast.runs import Run

TABLE: Final = "table.json"
UNSCORED: Final = "unscored"


def find_scores(home: Path, models: Mapping[str, str]) -> dict[str, Any] | str:
    """Scores of the models with these digests, or `unscored` where none of them was.

    Of several scorings the latest counts, model by model; quick ones are no evidence and are passed over. The answer
    holds `models` (those scored), `folders`, and the lines of `skill` and `cover` as `forecast.comparison` made them.
    """
    found: dict[str, Any] = {"models": [], "folders": [], "skill": [], "cover": []}
    for run in _scorings(home):
        fresh = [
            name
            for name, digest in models.items()
            if run.manifest["models"].get(name) == digest and name not in found["models"]
        ]
        if fresh:
            table = run.json(TABLE)
            found["models"] += fresh
            found["folders"].append(run.id)
            for part in ("skill", "cover"):
                found[part] += [line for line in table[part] if line["model"] in fresh]
    return found if found["models"] else UNSCORED


def _scorings(home: Path) -> list[Run]:
    """Whole scorings, the latest first."""
    runs = []
    for path in (home / "runs" / "scores").glob(f"*/{MANIFEST}"):
        try:
            manifest = Run(path.parent, {}).json(MANIFEST)
        except RunError:
            continue  # a damaged scoring is no score
        if "models" in manifest and not manifest["quick"]:
            runs.append(Run(path.parent, manifest))
    return sorted(runs, key=lambda run: str(run.manifest["finished"]), reverse=True)
