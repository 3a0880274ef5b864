"""A value is written as TOML that a parser reads as the same value, whatever a person has typed."""

import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import ForecastError
from forecast.web.own_plan import toml_value

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
plain = text | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.dates() | st.floats(allow_nan=False)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=8
)


@given(values)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    assert tomllib.loads(f"x = {toml_value(value)}") == {"x": value}


def test_what_is_no_value() -> None:
    with pytest.raises(ForecastError, match="expected text, a number, a day, a list or a table"):
        toml_value(object())
    assert toml_value(date(2025, 12, 31)) == "2025-12-31"
