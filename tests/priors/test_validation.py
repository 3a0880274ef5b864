"""Faults of parsed TOML are reported in one line each, with file, key, value found and value expected."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from forecast.priors.tables import AnyPrior
from forecast.priors.validation import Strict, validate

WHERE = "folder/file.toml"
Quarter = Annotated[str, Field(pattern=r"^\d{4}Q[1-4]$", description="a quarter such as 2026Q1")]


class Item(Strict):
    """A table in a list."""

    name: str
    size: int = Field(default=1, ge=1, le=9)


class File(Strict):
    """A file with a field of each kind."""

    title: str
    start: Quarter | None = None
    kind: Literal["first", "second"] = "first"
    share: float = Field(default=0.5, gt=0.0, lt=1.0)
    item: tuple[Item, ...] = ()
    ends: Mapping[Quarter, int] = {}
    prior: AnyPrior | None = None


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"title": None}, "title is missing"),
    "unknown": ({"titel": "x"}, "unknown key 'titel'; did you mean 'title'?"),
    "text": ({"title": 3}, "title is 3, expected text"),
    "pattern": ({"start": "2026"}, "start is '2026', expected a quarter such as 2026Q1"),
    "choice": ({"kind": "frist"}, "kind is 'frist', expected 'first' or 'second'; did you mean 'first'?"),
    "bound": ({"share": 1.0}, "share is 1.0, expected a number below 1"),
    "list": ({"item": 3}, "item is 3, expected a list"),
    "table": ({"item": [3]}, "item #1 is 3, expected a table"),
    "in a list": ({"item": [{"name": "x", "size": 10}]}, "item #1.size is 10, expected a number of 9 or less"),
    "unknown in a list": ({"item": [{"name": "x", "siz": 1}]}, "unknown key 'item #1.siz'; did you mean 'size'?"),
    "key": ({"ends": {"soon": 1}}, "unknown key 'ends.soon', expected a quarter such as 2026Q1"),
    "value": ({"ends": {"2026Q1": "x"}}, "ends.2026Q1 is 'x', expected a whole number"),
    "union": (
        {"prior": {"dist": "HalfNormal", "sigma": 0, "source": "x", "evidence": "data"}},
        "prior.sigma is 0, expected a finite number above 0, from 0.000001 to 1,000,000",
    ),
    "unknown in a union": (
        {"prior": {"dist": "HalfNormal", "sigma": 1, "sigmas": 1, "source": "x", "evidence": "data"}},
        "unknown key 'prior.sigmas'; did you mean 'sigma'?",
    ),
    "unknown where no key is known": (
        {
            "prior": {
                **{"dist": "HalfNormal", "sigma": 1, "source": "x", "evidence": "data", "seen": 2020},
                "before": {"dist": "HalfNormal", "sigma": 1, "source": "x", "evidence": "data", "seen": 2004, "zzz": 1},
            }
        },
        "unknown key 'prior.before.zzz'; remove it",
    ),
    "rule of a table": (
        {"prior": {"dist": "Uniform", "lower": 2, "upper": 1, "source": "x", "evidence": "data"}},
        "prior: lower is 2.0, expected a number below upper (1.0)",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_message(case: str) -> None:
    changes, expected = FAULTS[case]
    content = {key: value for key, value in {"title": "x", **changes}.items() if value is not None}
    assert validate(WHERE, File, content) == (None, [f"{WHERE}: {expected}"])


def test_given_values_are_no_keys_of_the_file() -> None:
    file, faults = validate(WHERE, File, {}, given={"title": "x"})
    assert faults == []
    assert file == File(title="x")
    _, faults = validate(WHERE, File, {"zzz": 1}, given={"title": "x"})
    assert faults == [f"{WHERE}: unknown key 'zzz'; known: start, kind, share, item, ends, prior"]


KEYS = st.sampled_from([*File.model_fields, *Item.model_fields, "dist", "mu", "sigma", "source", "2026Q1", "other"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["first", "Normal", "Uniform", "x"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.booleans())
def test_any_content_is_valid_or_has_faults_of_one_line(content: dict[str, Any], tables: bool) -> None:
    file, faults = validate(WHERE, File, content, tables=tables)
    assert (file is None) == bool(faults)
    for fault in faults:
        assert fault.startswith(WHERE)
        assert len(fault.splitlines()) == 1
