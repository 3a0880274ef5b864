"""Lines for a terminal keep within its width and lose no word."""

from hypothesis import given
from hypothesis import strategies as st

from forecast.reporting.formatting import WIDE, fold, table_lines

WORD = st.text("abcdefg-", min_size=1, max_size=20)
TEXT = st.lists(WORD, min_size=1, max_size=30).map(" ".join)


@given(TEXT, st.sampled_from(["", "  ", "    "]))
def test_a_folded_text_keeps_its_words_within_the_width(text: str, indent: str) -> None:
    lines = fold(indent + text)
    assert max(map(len, lines)) <= WIDE
    assert " ".join(lines).split() == text.split()
    assert all(line.startswith(indent + "  ") for line in lines[1:]) and lines[0].startswith(indent)


def test_a_longer_word_stays_whole_and_line_ends_stay() -> None:
    path = "runs/" + "x" * WIDE
    assert path in "\n".join(fold(f"1,204  numbers of {path}, compared"))
    assert fold("\none\n\ntwo") == ["", "one", "", "two"]


@given(st.lists(st.tuples(TEXT, WORD, WORD), min_size=1, max_size=5))
def test_a_table_wraps_its_first_column_alone(rows: list[tuple[str, str, str]]) -> None:
    lines = list(table_lines(rows))
    assert max(map(len, lines)) <= WIDE
    assert " ".join(lines).split() == " ".join(" ".join(row) for row in rows).split()


def test_a_narrow_table_is_not_wrapped() -> None:
    assert list(table_lines([("what", "n"), ("a long title", "12")])) == ["what           n", "a long title  12"]
