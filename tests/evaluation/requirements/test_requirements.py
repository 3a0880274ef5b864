"""Test every requirement of the science: it is met, or listed as unmet with a reason."""

from dataclasses import replace

import pytest

from forecast.evaluation.requirements.experiment import Experiment
from forecast.evaluation.requirements.registry import _MODULES, IDS, examine, requirement_lines, unmet


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


def test_a_requirement_that_names_an_absent_scenario_is_not_applicable(experiment: Experiment) -> None:
    roster = replace(experiment.roster, wars=("neutral", "lose", "ceasefire"), designs=("none", "bilateral"))
    other = replace(experiment, inputs=replace(experiment.inputs, roster=roster))
    found = {name: examine(name, other) for name in ("0.1", "0.2", "K1", "K4", "K5", "K15", "W2", "W5", "L6")}
    assert {requirement.met for requirement in found.values()} == {None}
    assert found["0.1"].value == "not applicable: no scenario named win"
    assert found["W5"].value == found["W2"].value == "not applicable: no scenario named business_as_usual"
    applied = replace(found["0.1"], met=True)
    assert requirement_lines([applied, found["W2"]])[-1] == "1 of 1 met, 1 not applicable"
    assert requirement_lines([found["W2"]])[0].startswith("W2   n/a    ")


def test_unmet_requirements_have_reasons() -> None:
    assert set(unmet()) <= set(IDS)
    assert all(reason.strip() for reason in unmet().values())
