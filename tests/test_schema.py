"""The output schema is public API: this list changes only together with SCHEMA_VERSION and the changelog."""

import json
from pathlib import Path

from forecast import names, schema

LOCKED = Path(__file__).parent / "schema-1.json"


def test_the_schema_is_the_locked_one() -> None:
    told = {
        name: [v.group, list(v.dims), v.units, v.long_name] for name, v in schema.VARIABLES.items()
    }
    assert names.SCHEMA_VERSION == "1"
    assert told == json.loads(LOCKED.read_text())


def test_labels_are_the_locked_ones() -> None:
    assert names.WARS == ("neutral", "win", "lose", "stalemate")
    assert names.DESIGNS[0] == "none"
    assert len(names.DESIGNS) == 5
    assert names.FACTORS == ("threats", "institutions", "norms", "leadership")
    assert names.VERDICTS == ("Weak", "Fragmented", "Strong")
    assert names.CURVES == ("flags", "operation", "flags_by_count")
    assert 0.5 in names.QUANTILES
    assert {0.1, 0.9} <= set(names.QUANTILES)


def test_every_variable_says_what_it_is() -> None:
    for name, variable in schema.VARIABLES.items():
        assert variable.units, name
        assert len(variable.long_name) > 10, name
        assert len(set(variable.dims)) == len(variable.dims), name
