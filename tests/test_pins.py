"""Pinned numbers: whoever changes one learns which version to raise, so that no stored result is silently stale."""

import json

import pytest

from tests.support.pinned_numbers import ALL, PINS, inputs_digest

PINNED = json.loads(PINS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ALL)
def test_pinned_numbers_stand(name: str) -> None:
    pin = ALL[name]
    if pin.of_tables and inputs_digest() != PINNED["inputs"]:
        pytest.fail(
            "tables or priors have changed: run `python -m tests.support.pinned_numbers`; "
            "no version needs raising for that"
        )
    now, then = pin.numbers(), PINNED["pins"][name]
    moved = [key for key in {*now, *then} if now.get(key) != pytest.approx(then.get(key), rel=pin.tolerance, abs=1e-12)]
    assert not moved, (
        f"{name} changed ({len(moved)} of {len(then)} numbers, such as {sorted(moved)[0]}): raise {pin.version} in "
        "forecast/workspace/provenance.py, then run `python -m tests.support.pinned_numbers`"
    )


def test_no_pin_is_forgotten() -> None:
    assert set(PINNED["pins"]) == set(ALL)
