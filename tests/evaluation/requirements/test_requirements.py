"""Test every requirement of the science: it is met, or listed as unmet with a reason."""

import pytest

from forecast.evaluation.requirements.experiment import Experiment
from forecast.evaluation.requirements.registry import _MODULES, IDS, examine, unmet


@pytest.mark.parametrize("identifier", IDS)
def test_requirement(identifier: str, experiment: Experiment) -> None:
    requirement = examine(identifier, experiment)
    listed = "it is listed as unmet" if requirement.reason else "it is not listed as unmet"
    assert requirement.met != bool(requirement.reason), f"{identifier}: {requirement.value}; {listed}"
    assert requirement.value


@pytest.mark.parametrize("identifier", IDS)
def test_a_requirement_says_when_it_fails(identifier: str) -> None:
    test = getattr(_MODULES[identifier[0]], identifier.lower().replace("0.", "zero_"))
    claim, *rest = str(test.__doc__).strip().split("\n\n")
    assert "\n" not in claim and claim.endswith(".")
    assert rest and rest[-1].strip().startswith("Fails if ") and len(rest[-1].split()) > 4


def test_unmet_requirements_have_reasons() -> None:
    assert set(unmet()) <= set(IDS)
    assert all(reason.strip() for reason in unmet().values())
