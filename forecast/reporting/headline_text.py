"""Make English text from headline records. Text is made here only, and no module parses it."""

from collections.abc import Mapping
from typing import Any, Final

from forecast import names
from forecast.projection.headlines import Verdict
from forecast.reporting.formatting import number, probability

Labels = Mapping[str, str]
Record = Mapping[str, Any]

UNDECIDED: Final = "Undecided"
#: Name of each survival curve in running text.
CURVE_NAMES: Final = {
    "nominal": "nominal participation",
    "operational": "operational contribution",
    "nominal_by_count": "nominal participation by count",
}
#: What stands before the first number on cohesion, wherever one is shown.
COHESION_SKILL: Final = "Verdicts on cohesion have no measured skill: in no back-test do they beat climatology."
COHESION_USE: Final = "Read how scenarios differ under the stated judgement, not a level or a probability alone."
_PERCENT_OF_GDP: Final = "percent of GDP"


def plain(identifier: str, labels: Labels | None = None) -> str:
    """Return the label of an identifier, or the identifier with spaces for underscores."""
    return (labels or {}).get(identifier, identifier.replace("_", " "))


def headline_title(record: Record, labels: Labels | None = None) -> str:
    """Return what a headline is about, such as "KFOR: operational contribution"."""
    target, category = record["target"], record["category"]
    if target == names.COHESION_VERDICT:
        return f"Cohesion: {category}"
    if target == names.EUROPEAN_SPENDING:
        return "European defence spending"
    if target == names.MISSION_SURVIVAL:
        return f"{plain(record['unit_id'], labels)}: {CURVE_NAMES[category]}"
    return plain(target)


def statistic_text(record: Record) -> str:
    """Return which number a headline gives, such as "median, percent of GDP"."""
    unit = record["unit"]
    return record["statistic"] if unit == "1" else f"{record['statistic']}, {unit}"


def scenario_text(record: Record, labels: Labels | None = None) -> str:
    """Return the scenario of a headline: outcome of the war × design."""
    return f"{plain(record['war'], labels)} × {plain(record['design'], labels)}"


def value_text(record: Record, value: float | None) -> str:
    """Return a value of a headline with its unit."""
    if value is None:
        return number(None)
    if record["statistic"] == names.PROBABILITY:
        return probability(value)
    if record["unit"] == _PERCENT_OF_GDP:
        return f"{number(value)}\u00a0% of GDP"
    return number(value)


def verdict_text(verdict: Verdict) -> str:
    """Return the likeliest class, or that the verdict is undecided."""
    return verdict.likeliest if verdict.decided else UNDECIDED


def leading_classes(verdict: Verdict) -> list[tuple[str, float]]:
    """Return the classes to name with their probabilities: the likeliest, and the next one if it is undecided."""
    ranked = sorted(verdict.classes.values(), key=lambda record: -record["value"])
    return [(record["category"], record["value"]) for record in ranked[: 1 if verdict.decided else 2]]


def verdict_sentence(verdict: Verdict) -> str:
    """Return the verdict with its probabilities, such as "Strong (62 %)" or "undecided (Strong 41 %, Weak 39 %)"."""
    shown = leading_classes(verdict)
    if verdict.decided:
        return f"{shown[0][0]} ({probability(shown[0][1])})"
    return f"undecided ({', '.join(f'{name} {probability(value)}' for name, value in shown)})"


def flip_text(flip: Mapping[str, Any], labels: Labels | None = None) -> str:
    """Return one sentence on a verdict whose likeliest class changed since the last run."""
    before, now = (_flip_side(flip[key]) for key in ("before", "now"))
    return f"{scenario_text(flip, labels)}: {before}, now {now}."


def _flip_side(side: Mapping[str, Any]) -> str:
    undecided = "" if side["decided"] else ", undecided"
    return f"{side['category']} in {side['horizon']} ({probability(side['value'])}{undecided})"
