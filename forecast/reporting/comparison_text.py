"""Text of a comparison of two runs for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from forecast.archive.compare import Change, Comparison
from forecast.data.editions import Edition
from forecast.data.table_schema import TABLES
from forecast.pipeline.changes import CLEAR
from forecast.reporting.formatting import fold, printable
from forecast.reporting.headline_text import Labels, flip_text, headline_title, scenario_text, value_text

MOST: Final = 12  # rows or headlines shown of each kind
_WIDE: Final = 44  # characters of a value


def comparison_lines(comparison: Comparison, most: int = MOST, labels: Labels | None = None) -> Iterator[str]:
    """Yield the lines of a comparison: flips first, then headlines, then what differs in the inputs.

    `most` is the number of headlines, rows and settings shown of each kind; the rest is counted.
    """
    for line in _lines(comparison, most, labels):
        yield from fold(line)


def _lines(comparison: Comparison, most: int, labels: Labels | None) -> Iterator[str]:
    yield f"{comparison.before}  ->  {comparison.after}"
    yield from _flips(comparison)
    yield from _moves(comparison, most, labels)
    yield from _changed("Plan", comparison.plan, most)
    yield from _tables(comparison, most)
    yield from _changed("Priors", comparison.priors, most)
    yield from _changed("Scenarios", comparison.scenarios, most)
    yield from _changed("Weights of scenarios", comparison.weights, most)
    yield from _changed("Versions", comparison.versions, most)
    if comparison.fits:
        yield f"\nModels whose fit has other inputs: {', '.join(comparison.fits)}"
    if comparison.same_inputs:
        yield "\nPlan, tables, priors, scenarios, their weights and versions are the same."


def _flips(comparison: Comparison) -> Iterator[str]:
    if comparison.flips:
        yield f"\nLikeliest verdict is another ({len(comparison.flips)})"
        yield from (f"  {flip_text(flip)}" for flip in comparison.flips)


def _moves(comparison: Comparison, most: int, labels: Labels | None) -> Iterator[str]:
    clear = comparison.clear
    yield (
        f"\n{len(clear)} of {len(comparison.moves)} headlines moved by more than {CLEAR:g} Monte Carlo standard errors"
        " of both runs together"
    )
    for move in clear[:most]:
        before, now = value_text(move, move["before"]), value_text(move, move["value"])
        yield (
            f"  {headline_title(move, labels)}, {scenario_text(move)}, {move['horizon']}: {before} -> {now}"
            f" ({move['errors']:+.1f} errors)"
        )
    yield from _rest(len(clear) - most)
    for count, where in ((comparison.only_before, "earlier"), (comparison.only_after, "later")):
        if count:
            yield f"  {count} headlines are in the {where} run alone"


def _changed(title: str, changes: Sequence[Change], most: int) -> Iterator[str]:
    if changes:
        yield f"\n{title} ({len(changes)} differ)"
        yield from (f"  {name}: {_short(before)} -> {_short(after)}" for name, before, after in changes[:most])
        yield from _rest(len(changes) - most)


def _tables(comparison: Comparison, most: int) -> Iterator[str]:
    if comparison.tables or comparison.tables_without_rows:
        yield f"\nTables ({len(comparison.tables) + len(comparison.tables_without_rows)} differ)"
    for edition in comparison.tables:
        yield f"  {edition.table}: {counts_text(edition)}"
        rows = list(row_lines(edition))
        yield from (f"    {row}" for row in rows[:most])
        yield from (f"  {line}" for line in _rest(len(rows) - most))
    for name in comparison.tables_without_rows:
        yield f"  {name}: an edition is not kept, so its rows cannot be shown"


def counts_text(edition: Edition) -> str:
    """Return how many rows of a table were added, removed and changed."""
    counts = ((len(edition.added), "added"), (len(edition.changed), "revised"), (len(edition.removed), "removed"))
    return ", ".join(f"{n} row{'s' * (n != 1)} {what}" for n, what in counts if n) or "only columns differ"


def row_lines(edition: Edition) -> Iterator[str]:
    """Yield one line for each row that differs, revised rows first."""
    for key, cells in edition.changed.items():
        yield f"{_key_text(edition.table, key)}: {_cells_text(cells)}"
    yield from (f"added {_key_text(edition.table, key)}" for key in edition.added)
    yield from (f"removed {_key_text(edition.table, key)}" for key in edition.removed)


def _key_text(table: str, key: Sequence[str]) -> str:
    pairs = zip(TABLES[table].key, key, strict=True)
    return _short(" ".join(value for _, value in pairs), 2 * _WIDE)


def _cells_text(cells: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(
        f"{column} {_short(old) or 'empty'} -> {_short(new) or 'empty'}" for column, (old, new) in cells.items()
    )


def _short(text: Any, width: int = _WIDE) -> str:
    line = printable(str(text))
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _rest(count: int) -> Iterator[str]:
    if count > 0:
        yield f"  and {count} more (all with --all)"
