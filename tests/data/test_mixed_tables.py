"""Tables mixed of two editions: the corners are the editions, and new and revised rows are told apart."""

from datetime import date
from functools import cache

import pytest

from forecast.data.mixed_tables import differing_tables, mix_tables
from forecast.data.table_schema import TABLES
from forecast.data.tables import Tables, load_tables, parse_tables, table_text
from forecast.errors import DataError

EARLY, LATE = date(2025, 9, 30), date(2025, 12, 31)


@cache
def edition(as_of: date) -> Tables:
    return load_tables(None, as_of)


@cache
def edited() -> Tables:
    """The bundled tables with one term revised, one removed, and one row of threat added."""
    head, first, _, *rest = table_text(edition(LATE).terms).splitlines(keepends=True)
    terms = "".join([head, first.replace(",4.0,", ",5.0,"), *rest])
    threat = f"{table_text(edition(LATE).threat)}WORLD,1984,gpr,100.0,judgement\n"
    return parse_tables({"terms": terms, "threat": threat}, LATE, others=edition(LATE))


def same(a: Tables, b: Tables) -> bool:
    return dict(a.digests) == dict(b.digests)


@pytest.mark.parametrize("as_of", [EARLY, LATE])
def test_canonical_text_is_read_back_exactly(as_of: date) -> None:
    tables = load_tables(None, as_of)
    again = parse_tables({name: table_text(getattr(tables, name)) for name in TABLES}, as_of)
    assert same(again, tables)


def test_missing_or_broken_text_is_refused() -> None:
    with pytest.raises(DataError, match="no text of the tables countries, members"):
        parse_tables({"threat": table_text(edition(LATE).threat)}, LATE)
    with pytest.raises(DataError, match="threat"):
        parse_tables({"threat": "a,b\n1,2\n"}, LATE, others=edition(LATE))


def test_added_rows_are_new_and_changed_or_removed_rows_are_revised() -> None:
    assert differing_tables(edition(LATE), edited()) == (["threat"], ["terms"])
    assert differing_tables(edition(LATE), edition(LATE)) == ([], [])


def test_each_kind_of_row_is_swapped_alone() -> None:
    before, after = edition(LATE), edited()
    new = mix_tables(before, after, new=True, revised=False, as_of=LATE)
    revised = mix_tables(before, after, new=False, revised=True, as_of=LATE)
    for mixed, from_after, from_before in (
        (new, "threat", "terms"),
        (revised, "terms", "threat"),
    ):
        assert mixed.digests[from_after] == after.digests[from_after]
        assert mixed.digests[from_before] == before.digests[from_before]
    assert same(mix_tables(before, after, new=True, revised=True, as_of=LATE), after)
    assert same(mix_tables(before, after, new=False, revised=False, as_of=LATE), before)


def test_what_a_later_day_knows_is_new_and_nothing_is_revised() -> None:
    """Exits and ends that became known, elections that were held: the same tables on another day hold no revision."""
    before, after = edition(EARLY), edition(LATE)
    new, revised = differing_tables(before, after)
    assert {"leaders", "elections"} <= set(new)
    assert not revised
    assert differing_tables(after, before) == (new, [])
    assert same(mix_tables(before, after, new=True, revised=False, as_of=LATE), after)


def test_new_rows_are_unknown_on_the_earlier_day() -> None:
    """So swapping the data without the day changes nothing, and the hybrid costs nothing."""
    mixed = mix_tables(edition(EARLY), edition(LATE), new=True, revised=False, as_of=EARLY)
    assert same(mixed, edition(EARLY))
