"""Make a plan from what a person fills in: a known plan with other scenarios, an own coalition, and fewer paths."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from forecast.errors import ForecastError, PlanError, shown
from forecast.storage.toml_files import read_toml
from forecast.web.inputs import named
from forecast.workspace.plan import plan_path

#: Draws and paths of a projection, by its size in the form.
SIZES: Final = {"small": (512, 1024), "medium": (1024, 4096), "large": (4000, 20000)}
_JOINT: Final = 500  # whole paths that are stored, at most
_LONGEST: Final = 4000  # characters of a field


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The fields of the form, as text."""

    title: str = ""
    plan: str = "smoke"
    size: str = "small"
    war: Sequence[str] = ()
    design: Sequence[str] = ()
    onset: str = ""
    pledge: str = ""
    stress: str = ""
    stress_quarter: str = ""
    label: str = ""
    framework: str = "ad_hoc"
    intensity: str = "combat"
    lead: str = ""
    start: str = ""
    contributors: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, list[str]]) -> "Answers":
        """Return the fields of a form that are known; others are left out."""
        texts = {name: fields[name][0][:_LONGEST].strip() for name in cls.__slots__ if name in fields}
        several: Any = {name: tuple(fields[name]) for name in ("war", "design") if name in fields}
        return cls(**{**texts, **several})


def own_plan(home: Path, answers: Answers) -> tuple[str, str]:
    """Return name and text of the plan.

    Raises
    ------
    ForecastError
        If the plan that it rests on cannot be read, or a field is not what it must be. What a plan itself forbids is
        found when the plan is checked.
    """
    if answers.size not in SIZES:
        raise PlanError(f"size: {shown(answers.size)}, expected one of {', '.join(SIZES)}; choose one")
    if answers.plan.endswith(".toml"):
        raise PlanError(f"plan: {shown(answers.plan)}, expected the name of a plan; choose one")
    content = read_toml(plan_path(home, answers.plan))
    content.pop("schedule", None)
    content.pop("precision", None)
    draws, paths = SIZES[answers.size]
    content |= {"title": answers.title, "draws": draws, "paths": paths, "joint_paths": min(_JOINT, paths)}
    chosen: dict[str, Any] = {"war": list(answers.war), "design": list(answers.design), "onset": answers.onset}
    content |= {key: value for key, value in chosen.items() if value}
    if answers.pledge:
        content["pledge_2035"] = _number("pledge", answers.pledge)
    if answers.stress:
        content["stress"] = {**content.get("stress", {}), answers.stress: answers.stress_quarter}
    if answers.label or answers.contributors:
        content["hypothetical"] = [*content.get("hypothetical", []), _coalition(answers)]
    text = "".join(f"{toml_value(key)} = {toml_value(value)}\n" for key, value in content.items())
    return named(answers.title), text


def _coalition(answers: Answers) -> dict[str, Any]:
    contributors: dict[str, Any] = {}
    for line in answers.contributors.replace(",", "\n").splitlines():
        if line.strip():
            country, _, troops = line.replace("=", " ").replace(":", " ").strip().partition(" ")
            contributors[country.upper()] = _whole(f"contributors {country}", troops)
    return {
        "name": named(answers.label),
        "label": answers.label,
        "framework": answers.framework,
        "intensity": answers.intensity,
        "lead": answers.lead.upper() or next(iter(contributors), ""),
        "start": answers.start,
        "source": "judgement: entered in the form",
        "contributors": contributors,
    }


def _whole(where: str, text: str) -> int:
    digits = text.strip().replace("_", "").replace("'", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise PlanError(
            f"{where}: {shown(text.strip())}, expected a country and its troops, such as FRA 2500; correct it"
        )
    return int(digits)


def _number(where: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise PlanError(f"{where}: {shown(text)}, expected a number such as 3.5; correct it") from None


def toml_value(value: Any) -> str:
    """Return a value as TOML in one line. Text in JSON is text in TOML too, but for one character."""
    match value:
        case bool() | str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            return "{" + ", ".join(f"{toml_value(key)} = {toml_value(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml_value, value)) + "]"
        case int() | float():
            return repr(value)
        case date():
            return value.isoformat()
    raise ForecastError(f"{shown(value)}: expected text, a number, a day, a list or a table")
