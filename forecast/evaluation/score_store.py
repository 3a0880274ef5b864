"""Which models of a run were scored, and how they did: kept in `runs/scores`, found by the digest of the model."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from forecast.errors import RunError
from forecast.names import MANIFEST
from forecast.storage.files import read_json
from forecast.storage.runs import Run
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
    """Return the versions of the code behind a scoring; one made under other versions is stale."""
    return {"backtests": dict(BACKTEST_VERSION), "comparison": COMPARISON_VERSION}


def find_scores(home: Path, models: Mapping[str, str]) -> dict[str, Any] | str:
    """Scores of the models with these digests, or `unscored` where none of them was.

    Of several scorings the latest counts, model by model; quick ones are no evidence and are passed over. The answer
    holds `models` (those scored), `folders`, and the lines of `skill` and `cover` as `forecast.evaluation.comparison`
    made them.
    """
    found: dict[str, Any] = {"models": [], "folders": [], "skill": [], "cover": []}
    for run in _scorings(home):
        fresh = [
            name
            for name, digest in models.items()
            if run.manifest["models"].get(name) == digest
            and name not in found["models"]
            and run.manifest["versions"]["backtests"].get(name) == BACKTEST_VERSION.get(name)
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
    for run in _kept(home, "scores"):
        facts = run.manifest
        if "models" in facts and not facts["quick"]:
            if facts.get("versions", {}).get("comparison") == COMPARISON_VERSION:
                runs.append(run)
    return runs


def find_variants(home: Path, models: Mapping[str, str], plan: str) -> dict[str, Any]:
    """Headlines under other readings of the record, of the plan with these very models; empty if none were made."""
    for run in _kept(home, VARIANTS):
        facts = run.manifest
        now = (dict(models), plan, VARIANTS_VERSION, SIMULATION_VERSION)
        if (facts["models"], facts["plan"], facts.get("version"), facts.get("simulation")) == now:
            return dict(run.json(TABLE))
    return {}


def _kept(home: Path, what: str) -> list[Run]:
    """Whole folders of that kind, the latest first; a damaged one is as if it were not there."""
    runs = []
    for path in (home / "runs" / what).glob(f"*/{MANIFEST}"):
        with contextlib.suppress(RunError):
            runs.append(Run(path.parent, read_json(path)))
    return sorted(runs, key=lambda run: str(run.manifest["finished"]), reverse=True)
