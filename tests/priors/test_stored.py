"""Priors are restored from what a run stores, exactly, and mixed by files."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from forecast.errors import PriorError
from forecast.priors.load import load_priors
from forecast.priors.stored import differing_priors, mix_priors, restored_priors

ROOT = Path(__file__).parents[2]


def stored() -> dict[str, object]:
    priors = load_priors(ROOT / "priors")
    entries = [asdict(prior) | {"text": prior.describe(), "contraction": 0.5} for prior in priors.by_name.values()]
    content: dict[str, object] = json.loads(json.dumps({"priors": entries, "grid": asdict(priors.grid)}))
    return content


def test_priors_are_restored_exactly() -> None:
    priors = load_priors(ROOT / "priors")
    again = restored_priors("priors.json", stored(), priors.digests)
    assert list(again.by_name.items()) == list(priors.by_name.items())
    assert again.grid == priors.grid
    assert again.digests == priors.digests


def test_content_of_another_version_is_refused_with_its_key() -> None:
    content = stored()
    del content["grid"]["wars"]["win"]["ramp"]  # type: ignore[index]
    with pytest.raises(PriorError, match=r"priors.json: grid.wars.win.ramp: .*run its plan again"):
        restored_priors("priors.json", content, {})


def test_files_that_differ_and_files_that_are_mixed() -> None:
    before = load_priors(ROOT / "priors")
    digests = {**before.digests, "spending": "other", "scenarios/war": "other"}
    after = restored_priors("priors.json", stored(), digests)
    assert differing_priors(before.digests, after.digests) == (["spending"], ["scenarios/war"])
    mixed = mix_priors(before, after, priors=True, scenarios=False)
    assert mixed.by_name is after.by_name
    assert mixed.grid is before.grid
    assert mixed.digests == {**before.digests, "spending": "other"}
