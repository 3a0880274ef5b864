"""A change of a pinned number fails with the version to raise, so that no stored result is stale unnoticed."""

import json

import pytest

from tests.support.pinned_numbers import ALL, PINS, inputs_digest

PINNED = json.loads(PINS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ALL)
def test_pinned_numbers_are_unchanged(name: str) -> None:
    pin = ALL[name]
    if pin.of_tables and inputs_digest() != PINNED["inputs"]:
        pytest.fail(
            "the tables or priors changed: run `python -m tests.support.pinned_numbers`; no version must be raised"
        )
    numbers, expected = pin.numbers(), PINNED["pins"][name]
    changed = [
        key
        for key in {*numbers, *expected}
        if key not in numbers
        or key not in expected
        or numbers[key] != pytest.approx(expected[key], rel=pin.tolerance, abs=1e-12)
    ]
    assert not changed, (
        f"{name} changed ({len(changed)} of {len(expected)} numbers, such as {sorted(changed)[0]}): "
        f"raise {pin.version} in forecast/workspace/provenance.py, then run `python -m tests.support.pinned_numbers`"
    )


def test_every_pin_is_stored() -> None:
    assert set(PINNED["pins"]) == set(ALL)
