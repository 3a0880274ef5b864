"""The requirements of the science, each with the claim, the value found and whether it is met.

A claim is a function of the laboratory, named by its id (`k5`, `w4`), in the module of its source: its docstring says
what is claimed, its result what was found. What cannot be met is listed in `unmet.toml` with its reason.
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
from forecast.evaluation.requirements.experiment import Experiment, RequirementResult

_SEEDS: Final = {
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
    *(f"W{i}" for i in range(7)),
    *(f"M{i}" for i in range(1, 24)),
    *(f"J{i}" for i in range(1, 12)),
    *(f"L{i}" for i in range(1, 15)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """One requirement, tested: `met` is False with a reason where it is known to be unmet."""

    id: str
    claim: str
    value: str
    met: bool
    reason: str = ""


def unmet() -> dict[str, str]:
    """Ids that cannot be met, and why."""
    told = tomllib.loads((files("forecast.evaluation.requirements") / "unmet.toml").read_text(encoding="utf-8"))
    return {str(key): str(reason) for key, reason in told.items()}


def examine(identifier: str, experiment: Experiment) -> Requirement:
    """Put one requirement to the test."""
    test = getattr(_SEEDS[identifier[0]], identifier.lower().replace("0.", "zero_"))
    claim = str(test.__doc__).strip().splitlines()[0]
    if (reason := unmet().get(identifier)) is not None:
        return Requirement(id=identifier, claim=claim, value="", met=False, reason=reason)
    found: RequirementResult = test(experiment)
    return Requirement(id=identifier, claim=claim, value=found.value, met=bool(found.met))


def requirement_lines(requirements: list[Requirement]) -> list[str]:
    """The table: a line each, what was found below it, and the count."""
    lines = []
    for one in requirements:
        lines.append(f"{one.id:<4} {'met  ' if one.met else 'UNMET'}  {one.claim}")
        lines.append(f"{'':<12} {one.reason or one.value}")
    return [*lines, f"{sum(one.met for one in requirements)} of {len(requirements)} met"]
