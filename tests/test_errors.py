"""Values in messages are quoted, escaped and shortened by one function, whatever they hold."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import listed, one_line, shown, shown_key

VALUES = st.recursive(
    st.text() | st.integers(-(2**63), 2**63) | st.floats() | st.booleans() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=50)
@given(VALUES, st.integers(5, 90))
def test_any_value_is_shown_in_one_short_printable_line(value: object, longest: int) -> None:
    text = shown(value, longest)
    assert text.isprintable() and len(text) <= longest + 1
    assert (text.endswith("…") or "…'" in text or '…"' in text) or len(text) <= longest


@given(st.text())
def test_any_key_is_shown_in_one_short_printable_line(key: str) -> None:
    assert shown_key(key).isprintable() and len(shown_key(key)) <= 81


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (date(2025, 1, 2), "2025-01-02"), ("a\0b", "'a\\x00b'"), ("x" * 9, "'xxx…'"), (1.5, "1.5")],
)
def test_values_are_shown_as_toml_has_them(value: object, text: str) -> None:
    assert shown(value, 5 if value == "x" * 9 else 20) == text


def test_lists_and_messages_are_shortened() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed("abcde", most=3) == "a, b, c and 2 more"
    assert one_line("") == ""
    assert one_line("one fault") == "one fault"
    assert one_line("2 faults:\n  - a: x\n  - b: y") == "2 faults: a: x"
