"""One test for each requirement of the science, named by its id: what it claims holds, or is listed as unmet."""

import pytest

from forecast.evaluation.requirements.experiment import Experiment
from forecast.evaluation.requirements.registry import IDS, examine, unmet


@pytest.mark.parametrize("identifier", IDS)
def test_requirement(identifier: str, experiment: Experiment) -> None:
    found = examine(identifier, experiment)
    assert found.met or found.reason, f"{identifier}: {found.claim} Found: {found.value}"


def test_only_requirements_are_listed_as_unmet_each_with_its_reason() -> None:
    assert set(unmet()) <= set(IDS)
    assert all(reason.strip() for reason in unmet().values())
