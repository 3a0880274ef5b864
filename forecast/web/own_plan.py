"""Make a plan from what a person fills in: a known plan with other scenarios, an own coalition, and fewer paths.

An own end of the war becomes a table of the workspace's `war.toml`, under the name that the person gives it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from forecast.errors import ForecastError, PlanError, PriorError, all_faults, shown
from forecast.names import DESIGN, FACTORS, WAR
from forecast.priors.scenarios import PARTS, parse_grid
from forecast.storage.files import read_bytes
from forecast.storage.toml_files import read_toml
from forecast.web.inputs import named, scenario_file
from forecast.workspace.plan import plan_path

#: Draws and paths of a projection, by its size in the form.
SIZES: Final = {"small": (512, 1024), "medium": (1024, 4096), "large": (4000, 20000)}
_JOINT: Final = 500  # whole paths that are stored, at most
_LONGEST: Final = 4000  # characters of a field
_SOURCE: Final = "judgement: entered in the form"
Labels = dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The fields of the form, as text."""

    title: str = ""
    plan: str = "smoke"
    size: str = "small"
    war: Sequence[str] = ()
    design: Sequence[str] = ()
    war_label: str = ""
    war_verdict: str = "Fragmented"
    threats: str = "="
    institutions: str = "="
    norms: str = "="
    leadership: str = "="
    war_threat: str = "1"
    war_ramp: str = "8"
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


def known_scenarios(home: Path) -> tuple[Labels, Labels]:
    """Return the labels of the wars and of the designs of a workspace by name; raises PriorError with all faults."""
    folder = home / "priors" / "scenarios"
    grid, faults = parse_grid(folder, {part: read_toml(folder / f"{part}.toml") for part in PARTS})
    if grid is None:
        raise all_faults(PriorError, faults)
    return {n: war.label for n, war in grid.wars.items()}, {n: design.label for n, design in grid.designs.items()}


def own_war(home: Path, answers: Answers) -> str:
    """Return the text of `war.toml` with the person's own war; empty without one.

    Raises
    ------
    ForecastError
        If there is a war of this name, or a number is none. What a scenario must be is found when it is checked.
    """
    if not answers.war_label:
        return ""
    name, file = named(answers.war_label), scenario_file(WAR)
    if name in read_toml(home / file):
        raise PlanError(
            f"{file}: [{name}] is there already, expected a new name; choose the war above, or rename yours"
        )
    table = {
        "label": answers.war_label,
        "source": _SOURCE,
        "evidence": "judgement",
        "author": "a user of the form",
        "date": datetime.now(UTC).date(),
        "verdict": answers.war_verdict,
        "ramp": _whole("quarters until the effect is complete", answers.war_ramp, "a whole number such as 8"),
        "signs": {factor: getattr(answers, factor) for factor in FACTORS},
        "threat_target": {
            "dist": "Constant",
            "value": _number("threat", answers.war_threat),
            "source": _SOURCE,
            "evidence": "judgement",
        },
    }
    present = read_bytes(home / file).decode("utf-8-sig").rstrip("\n")
    return f"{present}\n\n[{name}]\n{_toml_lines(table)}"


def own_plan(home: Path, answers: Answers) -> tuple[str, str]:
    """Return name and text of the plan. With an own war it projects the reference too, to compare the two.

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
    wars, _ = known_scenarios(home)
    war = [*answers.war] or content.get(WAR, [*wars])
    if answers.war_label:
        war = [*dict.fromkeys((next(iter(wars)), *war, named(answers.war_label)))]
    chosen: dict[str, Any] = {WAR: war, DESIGN: list(answers.design), "onset": answers.onset}
    content |= {key: value for key, value in chosen.items() if value}
    if answers.pledge:
        content["pledge_2035"] = _number("pledge", answers.pledge)
    if answers.stress:
        content["stress"] = {**content.get("stress", {}), answers.stress: answers.stress_quarter}
    if answers.label or answers.contributors:
        content["hypothetical"] = [*content.get("hypothetical", []), _coalition(answers)]
    return named(answers.title), _toml_lines(content)


def _coalition(answers: Answers) -> dict[str, Any]:
    contributors: dict[str, Any] = {}
    for line in answers.contributors.replace(",", "\n").splitlines():
        if line.strip():
            country, _, troops = line.replace("=", " ").replace(":", " ").strip().partition(" ")
            wanted = "a country and its troops, such as FRA 2500"
            contributors[country.upper()] = _whole(f"contributors {country}", troops, wanted)
    return {
        "name": named(answers.label),
        "label": answers.label,
        "framework": answers.framework,
        "intensity": answers.intensity,
        "lead": answers.lead.upper() or next(iter(contributors), ""),
        "start": answers.start,
        "source": _SOURCE,
        "contributors": contributors,
    }


def _whole(where: str, text: str, expected: str) -> int:
    digits = text.strip().replace("_", "").replace("'", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise PlanError(f"{where}: {shown(text.strip())}, expected {expected}; correct it")
    return int(digits)


def _number(where: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise PlanError(f"{where}: {shown(text)}, expected a number such as 3.5; correct it") from None


def _toml_lines(content: Mapping[str, Any]) -> str:
    """Return a table as TOML, one key a line."""
    return "".join(f"{toml_value(key)} = {toml_value(value)}\n" for key, value in content.items())


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
