"""What has changed since the last good run of the same plan: what went in, and which headlines moved.

It is kept in the manifest, beside the clock and the host: two workspaces with different pasts make the same files.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecast.storage.runs import COMPLETE, Run

CLEAR: Final = 2.0  # combined Monte Carlo errors from which a move is more than chance
_SHOWN: Final = 12
_SETTINGS: Final = ("schedule", "title")  # of a plan, that change no number


def last_good(runs: Sequence[Run], plan: str) -> Run | None:
    """The newest complete run of a plan; `runs` are oldest first."""
    mine = (run for run in reversed(runs) if run.status == COMPLETE and run.plan_name == plan)
    return next(mine, None)


def changes_since(before: Run, manifest: Mapping[str, Any], headlines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The run before, the inputs that differ, and the headlines that moved by more than chance, the clearest first."""
    old = {_key(one): one for one in before.headlines}
    both = [(old[_key(one)], one) for one in headlines if _key(one) in old]
    moves = sorted((_move(a, b) for a, b in both), key=lambda move: -abs(move["errors"]))
    clear = [move for move in moves if abs(move["errors"]) > CLEAR]
    return {
        "run": before.id,
        "finished": before.manifest.get("finished", ""),
        "inputs": _inputs(before.manifest, manifest),
        "compared": len(both),
        "moved": len(clear),
        "moves": clear[:_SHOWN],
    }


def _key(one: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(one[name]) for name in ("quantity", "war", "design", "horizon"))


def _move(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """One headline in both runs, and how many combined Monte Carlo errors lie between."""
    by = now["value"] - before["value"]
    error = math.hypot(before["mcse"] or 0.0, now["mcse"] or 0.0)
    errors = by / error if error > 0.0 else math.copysign(1e9, by) if by else 0.0
    told = {name: now[name] for name in ("quantity", "war", "design", "horizon", "unit", "value")}
    return {**told, "before": before["value"], "errors": errors}


def _inputs(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Tables, beliefs, settings of the plan, code and libraries that are not as they were."""
    told = [
        f"{kind} {name}"
        for kind, group in (("table", "tables"), ("beliefs on", "beliefs"), ("plan:", "plan"))
        for name in sorted({*before.get(group, {}), *now[group]})
        if name not in _SETTINGS and before.get(group, {}).get(name) != now[group].get(name)
    ]
    old = before.get("provenance", {})
    for name, what in (
        ("model_versions", "the version of a model"),
        ("simulation_version", "the version of the simulation"),
        ("libraries", "the libraries"),
    ):
        told += [what] if old.get(name) != now["provenance"][name] else []
    return told
