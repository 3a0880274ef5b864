"""Compare a run with the last good run of the same plan: inputs, headlines that moved, and verdicts that flipped.

The comparison goes into the manifest, as the clock and the host do, so that the other files of a run depend on its
inputs alone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from forecast.errors import RunError
from forecast.names import MAIN_TARGETS, SCHEMA_VERSION
from forecast.projection.headlines import Verdict, key_of, verdicts
from forecast.storage.ledger import Entry, read_ledger
from forecast.storage.runs import COMPLETE, DAMAGED, Run, plan_of_id

CLEAR: Final = 2.0  # combined Monte Carlo standard errors above which a move counts as more than chance
MOST_MOVES: Final = 12  # the clearest moves, which are shown
_SETTINGS: Final = ("schedule", "title")  # settings of a plan that change no number
_ERRORS_WITHOUT_NOISE: Final = 1e9  # reported where a number moved and neither run has a Monte Carlo error


def last_good(runs: Sequence[Run], plan: str) -> Run | None:
    """Return the newest complete run of a plan that is undamaged; `runs` are oldest first."""
    return next((run for run in _newest_first(runs, plan) if run.status == COMPLETE and not run.damage()), None)


def compare_with_last(
    runs: Sequence[Run],
    manifest: Mapping[str, Any],
    headlines: Sequence[Mapping[str, Any]],
    gone: Sequence[Entry] = (),
) -> dict[str, Any]:
    """Return the entry `since` of a manifest.

    The entry lists under `passed_over` the newer runs that cannot be compared, each with its output schema or its
    damage, or with the time of its publication if it is no longer there. If no run can be compared, `run` is None; if
    none was passed over either, the run is the first of its plan.

    Parameters
    ----------
    runs : runs of the workspace, oldest first.
    manifest : manifest of the run.
    headlines : headlines of the run.
    gone : first entries of the ledger of runs of the plan that are no longer there, oldest first.
    """
    passed_over: list[dict[str, Any]] = []
    left = [*gone]
    for run in _newest_first(runs, manifest["plan"]["name"]):
        while left and left[-1].time > str(run.manifest.get("finished", "")):
            passed_over.append(_gone(left.pop()))
        if run.schema_version != SCHEMA_VERSION:
            passed_over.append({"run": run.id, "schema": run.schema_version})
            continue
        try:
            if damage := run.damage():
                raise RunError(damage)
            return {**changes_since(run, manifest, headlines), "passed_over": passed_over}
        except RunError as error:
            passed_over.append({"run": run.id, "damage": _without_folder(str(error), run)})
    return {"run": None, "passed_over": passed_over + [_gone(entry) for entry in reversed(left)]}


def gone_runs(home: Path, runs: Sequence[Run], manifest: Mapping[str, Any]) -> list[Entry]:
    """Return the first entries of the ledger of earlier runs of a plan that are no longer there, oldest first.

    A damaged ledger, which is reported when the run is sealed, gives none.
    """
    there = {manifest["id"], *(run.id for run in runs)}
    try:
        entries = [entry for entry in read_ledger(home) if not entry.reason and entry.run not in there]
    except RunError:
        return []
    return [entry for entry in entries if plan_of_id(entry.run) == manifest["plan"]["name"]]


def _gone(entry: Entry) -> dict[str, Any]:
    return {"run": entry.run, "gone": entry.time}


def changes_since(before: Run, manifest: Mapping[str, Any], headlines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the changed inputs, the headlines that moved by more than chance, and the verdicts that flipped.

    Headlines are joined on `headlines.KEY`, so a new as-of quarter does not prevent the comparison. `moves` has the
    clearest moves, `card_moves` the others of the main targets in the first design, of which the cards of a report say
    whether they moved.
    """
    earlier_headlines = before.headlines
    moves = headline_moves(earlier_headlines, headlines)
    clear = [move for move in moves if abs(move["errors"]) > CLEAR]
    design = next(iter(manifest["plan"].get("design") or ()), "")
    of_cards = [m for m in clear[MOST_MOVES:] if m["target"] in MAIN_TARGETS and m["design"] == design]
    return {
        "run": before.id,
        "finished": before.manifest.get("finished", ""),
        "inputs": changed_inputs(before.manifest, manifest),
        "compared": len(moves),
        "moved": len(clear),
        "moves": clear[:MOST_MOVES],
        "card_moves": of_cards,
        "flips": flips(verdicts(earlier_headlines), verdicts(headlines)),
    }


def headline_moves(
    earlier_headlines: Sequence[Mapping[str, Any]], headlines: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the headlines that both have with their moves, the largest move in Monte Carlo standard errors first."""
    earlier = {key_of(record): record for record in earlier_headlines}
    pairs = [(earlier[key_of(record)], record) for record in headlines if key_of(record) in earlier]
    return sorted((_move(old, new) for old, new in pairs), key=lambda move: -abs(move["errors"]))


def _without_folder(damage: str, run: Run) -> str:
    """Return what is damaged without the folder of the run, which differs between workspaces, and without the fix."""
    return damage.removeprefix(str(run.path)).lstrip("/: ").partition(";")[0]


def _newest_first(runs: Sequence[Run], plan: str) -> Iterator[Run]:
    """Yield the complete and the damaged runs of a plan, newest first."""
    return (run for run in reversed(runs) if run.status in (COMPLETE, DAMAGED) and run.plan_name == plan)


def _move(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of now with the earlier value and the move in combined Monte Carlo standard errors."""
    change = now["value"] - before["value"]
    error = math.hypot(before["mcse"] or 0.0, now["mcse"] or 0.0)
    if error > 0.0:
        errors = change / error
    else:
        errors = math.copysign(_ERRORS_WITHOUT_NOISE, change) if change else 0.0
    return {**now, "before": before["value"], "before_horizon": before["horizon"], "errors": errors}


def flips(before: Mapping[tuple[str, str], Verdict], now: Mapping[tuple[str, str], Verdict]) -> list[dict[str, Any]]:
    """Return the scenarios whose likeliest verdict is another class than before."""
    return [
        {
            "war": war,
            "design": design,
            "before": _facts(before[war, design]),
            "now": _facts(verdict),
        }
        for (war, design), verdict in now.items()
        if (war, design) in before and before[war, design].likeliest != verdict.likeliest
    ]


def _facts(verdict: Verdict) -> dict[str, Any]:
    return {
        "category": verdict.likeliest,
        "value": verdict.record["value"],
        "horizon": verdict.record["horizon"],
        "decided": verdict.decided,
        "probabilities": verdict.probabilities,
    }


def changed_inputs(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the tables, priors, settings of the plan, versions and libraries that differ between two manifests."""
    changed = [
        f"{kind} {name}"
        for kind, group in (("table", "tables"), ("priors of", "priors"), ("plan setting", "plan"))
        for name in sorted({*before.get(group, {}), *now[group]})
        if name not in _SETTINGS and before.get(group, {}).get(name) != now[group].get(name)
    ]
    return changed + changed_versions(before, now)


def changed_versions(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the versions and libraries that differ between two manifests, each with both values."""
    old, new = (_versions(manifest.get("provenance", {})) for manifest in (before, now))
    return [
        f"{name} (was {old.get(name, 'absent')}, is {new.get(name, 'absent')})"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]


def _versions(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions of models, simulation and libraries by their names in a sentence."""
    models, libraries = (
        dict(pair.partition("=")[::2] for pair in str(provenance.get(key, "")).split())
        for key in ("model_versions", "libraries")
    )
    return {
        **{f"version of the model {name}": value for name, value in models.items()},
        **(
            {"version of the simulation": str(provenance["simulation_version"])}
            if "simulation_version" in provenance
            else {}
        ),
        **{f"library {name}": value for name, value in libraries.items()},
    }
