"""Make a plan from what a person fills in: a known plan with other scenarios, an own coalition, and fewer paths.

An own end of the war and an own design become tables of this plan, so no other plan has them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from forecast.errors import ForecastError, PlanError, PriorError, all_faults, shown
from forecast.names import DESIGN, FACTORS, WAR
from forecast.priors.scenarios import NUMBERS_OF_A_DESIGN, PARTS, parse_grid
from forecast.storage.toml_files import read_toml
from forecast.web.inputs import named, scenario_file
from forecast.workspace.plan import known_plans, load_plan, plan_path

#: Draws and paths of a projection, by its size in the form.
SIZES: Final = {"small": (512, 1024), "medium": (1024, 4096), "large": (4000, 20000)}
_JOINT: Final = 500  # whole paths that are stored, at most
_MINUS: Final = str.maketrans("\u2212\u2013", "--")  # what people type for the minus of a number
#: What stands between two contributors. A comma before a digit is of a number, such as 2,500.
_BETWEEN: Final = re.compile(r"[\r\n;]|,(?!\s*\d)")
_LONGEST: Final = 4000  # characters of a field
_SOURCE: Final = "judgement: entered in the form"
_JUDGED: Final = {"source": _SOURCE, "evidence": "judgement"}
_QUARTERS: Final = "a whole number such as 8"
#: Numbers of an own design that the form asks for.
_OF_A_DESIGN: Final = ("pledge_multiplier", "us_drawdown", "first_responder")
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
    design_label: str = ""
    shift_threats: str = ""
    shift_institutions: str = ""
    shift_norms: str = ""
    shift_leadership: str = ""
    shift_sd: str = "0.3"
    design_ramp: str = "8"
    pledge_multiplier: str = "1"
    us_drawdown: str = "1"
    first_responder: str = "1"
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


def own_war(answers: Answers) -> dict[str, Any]:
    """Return the table of the person's own war; raises PlanError if a number is none."""
    return {
        "label": answers.war_label,
        **_JUDGED,
        "verdict": answers.war_verdict,
        "ramp": _whole("quarters until the effect is complete", answers.war_ramp, _QUARTERS),
        "signs": {factor: getattr(answers, factor) for factor in FACTORS},
        "threat_target": {"dist": "Constant", "value": _number("threat", answers.war_threat), **_JUDGED},
    }


def own_design(home: Path, answers: Answers) -> dict[str, Any]:
    """Return the table of the person's own design; what the form does not ask is as in the reference design.

    Raises
    ------
    ForecastError
        If a number is none, or the scenarios of the workspace cannot be read.
    """
    file = scenario_file(DESIGN)
    reference = read_toml(home / file)[next(iter(known_scenarios(home)[1]))]
    unsure = _number("uncertainty of a shift", answers.shift_sd)
    shift = {}
    for factor in FACTORS:
        if mean := _number(f"shift of {factor}", getattr(answers, f"shift_{factor}") or "0"):
            spread = {"dist": "Normal", "mu": mean, "sigma": unsure} if unsure else {"dist": "Constant", "value": mean}
            shift[factor] = {**spread, **_JUDGED}
    fixed = {
        name: {"dist": "Constant", "value": _number(name.replace("_", " "), getattr(answers, name)), **_JUDGED}
        for name in _OF_A_DESIGN
    }
    return {
        "label": answers.design_label,
        **_JUDGED,
        "ramp": _whole("quarters until the design is complete", answers.design_ramp, _QUARTERS),
        **{name: reference[name] for name in NUMBERS_OF_A_DESIGN},
        **fixed,
        "shift": shift,
    }


def own_plan(home: Path, answers: Answers) -> tuple[str, str]:
    """Return name and text of the plan. With an own scenario it projects the reference too, to compare the two.

    Raises
    ------
    ForecastError
        If the plan that it rests on cannot be read, or a field is not what it must be. What a plan itself forbids is
        found when the plan is checked.
    """
    if answers.size not in SIZES:
        raise PlanError(f"size: {shown(answers.size)}, expected one of {', '.join(SIZES)}; choose one")
    name = named("name of the scenario", answers.title)
    if name in known_plans(home):
        raise PlanError(
            f"name of the scenario: {shown(answers.title)} makes the plan {name}, which is there already, expected "
            "another name; choose one"
        )
    _require_used(answers)
    if answers.plan.endswith(".toml"):
        raise PlanError(f"plan: {shown(answers.plan)}, expected the name of a plan; choose one")
    load_plan(home, answers.plan)  # a fault of its own is reported as such
    content = read_toml(plan_path(home, answers.plan))
    content.pop("schedule", None)
    content.pop("precision", None)
    draws, paths = SIZES[answers.size]
    content |= {"title": answers.title, "draws": draws, "paths": paths, "joint_paths": min(_JOINT, paths)}
    for part, known in zip((WAR, DESIGN), known_scenarios(home), strict=True):
        content |= _scenarios(home, answers, part, known, content)
    content |= {"onset": answers.onset} if answers.onset else {}
    if answers.pledge:
        content["pledge_2035"] = _number("pledge", answers.pledge)
    if answers.stress:
        content["stress"] = {**content.get("stress", {}), answers.stress: answers.stress_quarter}
    if answers.label or answers.contributors:
        content["hypothetical"] = [*content.get("hypothetical", []), _coalition(answers)]
    return name, _toml_lines(content)


def _scenarios(home: Path, answers: Answers, part: str, known: Labels, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a plan that hold its wars or its designs: those chosen, and the person's own.

    Own scenarios of the plan beneath that are not chosen are left out.
    """
    chosen = list(getattr(answers, part)) or content.get(part, [])
    label, own = getattr(answers, f"{part}_label"), content.get(f"own_{part}", {})
    if label:
        field = f"name of your {'outcome' if part == WAR else 'design'}"
        name = named(field, label)
        if name in {*known, *own}:
            raise PlanError(
                f"{field}: {shown(label)} makes [{name}], which is there already, expected a new name; choose "
                f"the {part} above, or rename yours"
            )
        chosen = [*dict.fromkeys((next(iter(known)), *(chosen or [*known, *own]), name))]
        own = {**own, name: own_war(answers) if part == WAR else own_design(home, answers)}
    kept = {f"own_{part}": {name: table for name, table in own.items() if name in chosen}} if own else {}
    return {part: chosen, **kept} if chosen else {}


def _require_used(answers: Answers) -> None:
    """Raise PlanError with every field that is filled in although the field without which it means nothing is empty."""
    untouched = Answers()
    parts = {
        "the name of your outcome": (answers.war_label, ("war_verdict", *FACTORS, "war_threat", "war_ramp")),
        "the name of your design": (
            answers.design_label,
            (*(f"shift_{factor}" for factor in FACTORS), "shift_sd", "design_ramp", *_OF_A_DESIGN),
        ),
        "the event that happens": (answers.stress, ("stress_quarter",)),
        "the name of your coalition": (
            answers.label or answers.contributors,
            ("framework", "intensity", "lead", "start"),
        ),
    }
    faults = [
        f"{field.replace('_', ' ')}: {shown(getattr(answers, field))}, but {part} is empty, expected both; fill it in, "
        f"or leave {field.replace('_', ' ')} as it was"
        for part, (given, fields) in parts.items()
        for field in fields
        if not given and getattr(answers, field) != getattr(untouched, field)
    ]
    if faults:
        raise all_faults(PlanError, faults)


def _coalition(answers: Answers) -> dict[str, Any]:
    contributors: dict[str, Any] = {}
    for line in _BETWEEN.split(answers.contributors):
        if line.strip():
            words = line.replace("=", " ").replace(":", " ").split(maxsplit=1)
            country, troops = (*words, "", "")[:2]
            wanted = "a country and its troops, such as FRA 2500"
            if country.upper() in contributors:
                raise PlanError(f"contributors {country}: is there twice, expected {wanted}, once; remove one")
            contributors[country.upper()] = _whole(f"contributors {country}", troops, wanted)
    return {
        "name": named("name of your coalition", answers.label),
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
        return float(text.translate(_MINUS))
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
