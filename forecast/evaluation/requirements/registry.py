"""List the requirements of the science, and test each by its id.

A requirement is a function of an `Experiment`, named by its id, in the module of its source. The first line of its
docstring states the requirement; its result holds the values found. Requirements that are not met are listed in
`unmet.toml` with their reasons.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from forecast.evaluation.requirements import (
    ailing_alliances,
    coalitions,
    cohesion,
    definitions,
    designs,
    withdrawal,
)
from forecast.evaluation.requirements.experiment import Experiment, NoScenario, RequirementResult

_MODULES: Final = {
    "0": definitions,
    "K": cohesion,
    "W": designs,
    "M": withdrawal,
    "J": coalitions,
    "L": ailing_alliances,
}
IDS: Final = (
    *(f"0.{i}" for i in range(1, 4)),
    *(f"K{i}" for i in range(1, 18)),
    *(f"W{i}" for i in range(8)),
    *(f"M{i}" for i in range(1, 24)),
    *(f"J{i}" for i in range(1, 12)),
    *(f"L{i}" for i in range(1, 15)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """Hold one tested requirement.

    `met` is None if the requirement names a scenario that the plan does not have. `reason` says why a requirement
    listed in `unmet.toml` is not met.
    """

    id: str
    claim: str
    value: str
    met: bool | None
    reason: str = ""


def unmet() -> dict[str, str]:
    """Return the ids of requirements that are not met, with the reasons."""
    reasons = tomllib.loads((files("forecast.evaluation.requirements") / "unmet.toml").read_text(encoding="utf-8"))
    return {str(key): str(reason) for key, reason in reasons.items()}


def examine(identifier: str, experiment: Experiment) -> Requirement:
    """Test the requirement with this id."""
    test = getattr(_MODULES[identifier[0]], identifier.lower().replace("0.", "zero_"))
    claim = str(test.__doc__).strip().splitlines()[0]
    try:
        result: RequirementResult = test(experiment)
    except NoScenario as absent:
        return Requirement(id=identifier, claim=claim, value=f"not applicable: {absent}", met=None)
    reason = unmet().get(identifier, "")
    return Requirement(id=identifier, claim=claim, value=result.value, met=bool(result.met), reason=reason)


def requirement_lines(requirements: list[Requirement]) -> list[str]:
    """Return lines for the terminal: each requirement, the values found below it, and the number met."""
    lines, words = [], {True: "met  ", False: "UNMET", None: "n/a  "}
    for requirement in requirements:
        lines.append(f"{requirement.id:<4} {words[requirement.met]}  {requirement.claim}")
        lines.append(f"{'':<12} {requirement.value}")
        if requirement.reason:
            lines.append(f"{'':<12} {requirement.reason}")
    applied = [requirement for requirement in requirements if requirement.met is not None]
    others = len(requirements) - len(applied)
    end = f"{sum(map(bool, (requirement.met for requirement in applied)))} of {len(applied)} met"
    return [*lines, end + (f", {others} not applicable" if others else "")]
