"""Compare two runs: plan, tables row by row, priors, versions and libraries, and every headline that both have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from forecast import names
from forecast.archive.run_mixture import weight_texts
from forecast.data.editions import Edition, compare_editions
from forecast.pipeline.changes import CLEAR, flips, headline_moves
from forecast.pipeline.kept_tables import tables_of
from forecast.projection.headlines import verdicts
from forecast.storage.runs import Run

#: Entries of the provenance that say which code and which libraries made a run.
_VERSIONS: Final = ("forecast_version", "schema_version", "model_versions", "simulation_version")
#: What identifies a prior; its source and note change no number.
_VALUE: Final = ("dist", "params")

Change = tuple[str, str, str]  # name, value before, value after


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What differs between two runs.

    Attributes
    ----------
    before, after : ids of the runs.
    plan : settings of the plan that differ.
    tables : differences of each table that differs, as far as both editions are kept.
    tables_without_rows : names of the tables that differ and are not kept in both editions.
    priors : priors and constants that differ.
    scenarios : scenarios that differ: an outcome of the war or a design, its entry, and both values.
    weights : weights of scenarios in the mixtures of the runs that differ.
    versions : versions of the code, of the models and of libraries that differ.
    fits : models with another digest, so that their posterior may differ.
    moves : every headline that both runs have, with `before`, `value` and `errors`, the change in combined Monte Carlo
        standard errors; the largest first.
    flips : verdicts whose likeliest class is another one.
    only_before, only_after : number of headlines that only one run has.
    """

    before: str
    after: str
    plan: Sequence[Change]
    tables: Sequence[Edition]
    tables_without_rows: Sequence[str]
    priors: Sequence[Change]
    scenarios: Sequence[Change]
    weights: Sequence[Change]
    versions: Sequence[Change]
    fits: Sequence[str]
    moves: Sequence[Mapping[str, Any]]
    flips: Sequence[Mapping[str, Any]]
    only_before: int
    only_after: int

    @property
    def clear(self) -> list[Mapping[str, Any]]:
        """The headlines that moved by more than two combined Monte Carlo standard errors."""
        return [move for move in self.moves if abs(move["errors"]) > CLEAR]

    @property
    def same_inputs(self) -> bool:
        """Whether plan, tables, priors, scenarios, their weights and versions are the same."""
        tables = (self.tables, self.tables_without_rows)
        return not any((self.plan, *tables, self.priors, self.scenarios, self.weights, self.versions))


def compare_runs(home: Path, before: Run, after: Run) -> Comparison:
    """Compare two whole runs of one workspace.

    Raises
    ------
    RunError
        If a run is damaged, failed, or in another output schema.
    """
    before.require_whole()
    after.require_whole()
    old, new = before.manifest, after.manifest
    earlier, later = before.headlines, after.headlines
    tables, without_rows = _tables(home, old, new)
    priors, scenarios = _priors(before, after)
    moves = headline_moves(earlier, later)
    return Comparison(
        before=before.id,
        after=after.id,
        plan=_changes(_flat(old["plan"]), _flat(new["plan"])),
        tables=tables,
        tables_without_rows=without_rows,
        priors=priors,
        scenarios=scenarios,
        weights=_changes(weight_texts(before), weight_texts(after)),
        versions=_changes(_versions(old), _versions(new)),
        fits=[name for name, *_ in _changes(old.get("models", {}), new.get("models", {}))],
        moves=moves,
        flips=flips(verdicts(earlier), verdicts(later)),
        only_before=len(earlier) - len(moves),
        only_after=len(later) - len(moves),
    )


def _tables(home: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Edition], list[str]]:
    """Return the editions of the tables that differ, and the names of those that cannot be compared by row."""
    differing = [name for name, *_ in _changes(old["tables"], new["tables"])]
    if not differing:
        return [], []
    texts, later_texts = tables_of(home, old), tables_of(home, new)
    both = [name for name in differing if name in texts and name in later_texts]
    editions = [compare_editions(name, texts[name], later_texts[name]) for name in both]
    return editions, [name for name in differing if name not in both]


def _priors(before: Run, after: Run) -> tuple[list[Change], list[Change]]:
    """Return the priors that differ, as text, and the entries of the scenarios that differ."""
    old, new = before.json(names.PRIORS), after.json(names.PRIORS)
    texts, values = [], []
    for content in (old, new):
        texts.append({entry["name"]: entry["text"] for entry in content["priors"]})
        values.append({entry["name"]: [entry[key] for key in _VALUE] for entry in content["priors"]})
    moved = [name for name, *_ in _changes(*values)]
    priors = [(name, str(texts[0].get(name, "absent")), str(texts[1].get(name, "absent"))) for name in moved]
    return priors, _changes(_flat(old["grid"]), _flat(new["grid"]))


def _versions(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return version by name: of the code, of each model, and of each library."""
    provenance = manifest["provenance"]
    libraries = dict(pair.partition("=")[::2] for pair in str(provenance.get("libraries", "")).split())
    return {name: provenance.get(name) for name in _VERSIONS} | libraries


def _flat(content: Any, prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings by dotted name."""
    if not isinstance(content, Mapping):
        return {prefix: content}
    leaves: dict[str, Any] = {}
    for key, value in content.items():
        leaves |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return leaves


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return the entries that differ, with both values as text, in the order of the names."""
    return [
        (name, str(before.get(name, "absent")), str(after.get(name, "absent")))
        for name in sorted({*before, *after})
        if before.get(name, "absent") != after.get(name, "absent")
    ]
