"""Mix two editions of the tables: new rows of one edition, revised rows of the other, known up to a day of choice.

A row is revised if the later edition, cut to what the earlier day knew, has another text for it, or no longer has it.
Every other difference is new: rows that were added, and what became known after the earlier day, such as an exit.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from forecast.data.editions import Key, Row, rows_of
from forecast.data.table_schema import TABLES
from forecast.data.tables import Tables, known_at, parse_tables, table_text


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rows:
    """The rows of a table that differs, by key, in both editions; `revised` are the keys of those that were revised."""

    table: str
    before: dict[Key, Row]
    after: dict[Key, Row]
    revised: frozenset[Key]

    @property
    def changed(self) -> set[Key]:
        return {key for key in {*self.before, *self.after} if self.before.get(key) != self.after.get(key)}


def differing_tables(before: Tables, after: Tables) -> tuple[list[str], list[str]]:
    """Return the names of the tables with new rows, and of those with revised rows."""
    tables = list(_differing(before, after))
    return [t.table for t in tables if t.changed - t.revised], [t.table for t in tables if t.revised]


def mix_tables(before: Tables, after: Tables, *, new: bool, revised: bool, as_of: date) -> Tables:
    """Return tables with the new rows, and the revised rows, of `after` where so chosen, and else of `before`.

    Parameters
    ----------
    before, after : the two editions, each as of its own day.
    new, revised : whether new rows, and revised rows, are those of `after`.
    as_of : last day that is known, at most the later day of the two.

    Raises
    ------
    DataError
        If the mixed rows are not of the schema.
    """
    texts: dict[str, str] = {}
    for rows in _differing(before, after):
        chosen = {
            key: rows.after if (revised if key in rows.revised else new) else rows.before
            for key in {**rows.before, **rows.after}
        }
        texts[rows.table] = _text(TABLES[rows.table].names, [side[key] for key, side in chosen.items() if key in side])
    latest = max(before.as_of, after.as_of)
    tables = parse_tables(texts, latest, tuple(sorted({*before.overlaid, *after.overlaid})), before)
    return known_at(tables, as_of) if as_of < latest else tables


def _differing(before: Tables, after: Tables) -> Iterator[_Rows]:
    """Yield the rows of each table that differs."""
    earlier = min(before.as_of, after.as_of)
    editions = [before, after, *(t if t.as_of == earlier else known_at(t, earlier) for t in (before, after))]
    for name in TABLES:
        if before.digests[name] != after.digests[name]:
            old, now, old_then, now_then = (rows_of(name, table_text(getattr(tables, name))) for tables in editions)
            gone_or_other = (
                key for key, row in old_then.items() if key not in now or (key in now_then and now_then[key] != row)
            )
            yield _Rows(table=name, before=old, after=now, revised=frozenset(gone_or_other))


def _text(columns: list[str], rows: list[Row]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
