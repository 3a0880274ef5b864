"""The output schema is public: these lists change only together with SCHEMA_VERSION and the changelog."""

import json
from pathlib import Path

from forecast import names
from forecast.projection import output_schema

LOCKED = Path(__file__).parents[1] / "data" / "schema-5.json"


def test_the_schema_is_the_locked_one() -> None:
    schema = {name: [v.group, list(v.dims), v.units, v.long_name] for name, v in output_schema.VARIABLES.items()}
    assert names.SCHEMA_VERSION == "5"
    assert schema == json.loads(LOCKED.read_text())


def test_labels_are_the_locked_ones() -> None:
    assert names.FACTORS == ("threats", "institutions", "norms", "leadership")
    assert names.VERDICTS == ("Weak", "Fragmented", "Strong")
    assert names.CURVES == ("nominal", "operational", "nominal_by_count")
    assert 0.5 in names.QUANTILES
    assert {0.1, 0.9} <= set(names.QUANTILES)


def test_file_names_are_the_locked_ones() -> None:
    files = (names.MANIFEST, names.PROJECTION, names.HEADLINES, names.CHECKS, names.PRIORS)
    assert files == ("manifest.json", "projection.nc", "headlines.json", "checks.json", "priors.json")


def test_every_estimate_has_an_error_and_nothing_else_has() -> None:
    for name in output_schema.ESTIMATES:
        estimate, error = output_schema.VARIABLES[name], output_schema.error_of(name)
        assert error.group == names.MCSE
        assert error.dims == (names.SOURCE, *estimate.dims)
        assert error.units == estimate.units
    rest = {v.group for k, v in output_schema.VARIABLES.items() if k not in output_schema.ESTIMATES}
    assert rest == {names.COUNTS, names.JOINT, names.MEMBERS, names.MISSIONS, names.DYADS}
    given = {k for k in output_schema.VARIABLES if "history" in k or "weight" in k}
    assert given == set(output_schema.GIVEN)


def test_every_variable_has_a_unit_and_a_description() -> None:
    for name, variable in output_schema.VARIABLES.items():
        assert variable.units, name
        assert len(variable.long_name) > 10, name
        assert len(set(variable.dims)) == len(variable.dims), name
