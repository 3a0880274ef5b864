"""Compare two editions of a table row by row: rows added, rows removed, and cells changed.

Editions are compared as canonical text (`tables.table_text`), so a comparison needs no library and no dtype.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from forecast.data.table_schema import TABLES

Key = tuple[str, ...]
Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """What differs between two editions of one table, by key.

    Attributes
    ----------
    table : name of the table.
    added, removed : keys of the rows that only one edition has.
    changed : for each row that both have and that differs, the columns with their earlier and later text.
    """

    table: str
    added: tuple[Key, ...]
    removed: tuple[Key, ...]
    changed: Mapping[Key, Mapping[str, tuple[str, str]]]


def compare_editions(table: str, before: str, after: str) -> Edition:
    """Return what differs between two texts of a table; a column that only one edition has counts as empty."""
    old, new = rows_of(table, before), rows_of(table, after)
    changed = {key: cells for key, row in new.items() if key in old and (cells := _cells(old[key], row))}
    return Edition(
        table=table,
        added=tuple(key for key in new if key not in old),
        removed=tuple(key for key in old if key not in new),
        changed=changed,
    )


def rows_of(table: str, text: str) -> dict[Key, Row]:
    """Return the rows of a table by key, which the schema requires to be unique."""
    key = TABLES[table].key
    return {tuple(row[column] for column in key): row for row in csv.DictReader(io.StringIO(text))}


def _cells(before: Row, after: Row) -> dict[str, tuple[str, str]]:
    columns = dict.fromkeys([*before, *after])
    pairs = {column: (before.get(column, ""), after.get(column, "")) for column in columns}
    return {column: pair for column, pair in pairs.items() if pair[0] != pair[1]}
