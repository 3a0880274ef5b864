"""Test every requirement of the science: it is met, or listed as unmet with a reason."""

import pytest

from forecast.evaluation.requirements.experiment import Experiment
from forecast.evaluation.requirements.registry import IDS, examine, unmet


@pytest.mark.parametrize("identifier", IDS)
def test_requirement(identifier: str, experiment: Experiment) -> None:
    requirement = examine(identifier, experiment)
    assert requirement.met or requirement.reason, f"{identifier}: {requirement.claim} Values found: {requirement.value}"


def test_unmet_requirements_have_reasons() -> None:
    assert set(unmet()) <= set(IDS)
    assert all(reason.strip() for reason in unmet().values())
