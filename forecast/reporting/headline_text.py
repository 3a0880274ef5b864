"""Make English text from headline records. Text is made here only, and no module parses it."""

from collections.abc import Mapping, Sequence
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
#: Name of each event of the alliance in running text; an ally is one other than the United States.
EVENT_NAMES: Final = {
    "crisis": "security crisis",
    "wedge": "China divides Europe and the US",
    "dispute": "the alliance divides over a mission",
    "block": "a member blocks a decision",
    "scapegoat": "a leader blames the alliance",
    "notice": "an ally gives notice",
    "exit": "an ally leaves the alliance",
    "command_exit": "an ally leaves the command",
    "us_notice": "the United States gives notice",
    "us_exit": "the United States leaves",
    "us_drawdown": "US troops in Europe cut by a quarter",
    "three_refusals": "three allies refuse after an attack",
    "treaty_broken": "trust in the treaty broken after an attack",
}
#: Name of each factor of cohesion, of each measure of the alliance, landmark of a mission, and mode of defection.
FACTOR_NAMES: Final = {"threats": "convergence of threat perception", "norms": "norms and values"}
INDEX_NAMES: Final = {
    "political": "political sub-index",
    "military": "military sub-index",
    "discordance": "discordance of the factors",
    "heterogeneity": "heterogeneity of alignment",
    "convergence": "convergence of felt threat",
    "article5": "confidence in Article 5",
    "deterrence": "deterrence",
    "us_troops": "US troops in Europe, 1 = now",
    "credibility": "credibility of the design",
}
LANDMARK_NAMES: Final = {
    "collapsed": "collapsed",
    "ended": "ended in name",
    "handed_over": "handed over to NATO",
}
MODE_NAMES: Final = {"full_exit": "full exits", "reduction": "reductions", "re_role": "safer roles",
                     "caveat": "caveats", "swap": "swaps"}  # fmt: skip
#: Names of the categories of a target, and names of targets without categories.
_CATEGORIES: Final = {
    names.MISSION_SURVIVAL: CURVE_NAMES,
    names.ALLIANCE_EVENT: EVENT_NAMES,
    names.COHESION_FACTOR: FACTOR_NAMES,
    names.ALLIANCE_INDEX: INDEX_NAMES,
    names.MISSION_LANDMARK: LANDMARK_NAMES,
    names.DEFECTIONS: MODE_NAMES,
}
_TARGETS: Final = {
    names.NEW_MISSIONS: "new out-of-area missions",
    names.ENTRAPMENT: "the US leads allies into a new mission",
    names.SPENDING_SHORTFALL: "mean shortfall below the pledge",
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
    if target == names.SPENDING_AT_LEAST:
        return f"European spending at least {category}\u00a0% of GDP"
    of_mission = f"{plain(record['unit_id'], labels)}: " if record["unit_id"] != names.ALLIANCE else ""
    return f"{of_mission}{category_text(record)}"


def category_text(record: Record) -> str:
    """Return what a headline is about, without its mission."""
    target, category = record["target"], record["category"]
    if target == names.SPENDING_AT_LEAST:
        return f"at least {category}\u00a0% of GDP"
    return (
        _CATEGORIES[target].get(category, plain(category))
        if target in _CATEGORIES
        else _TARGETS.get(target, plain(target))
    )


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


def classes_text(probabilities: Mapping[str, float]) -> str:
    """Return the probability of every class, such as "Weak 10 %, Fragmented 28 %, Strong 62 %"."""
    return ", ".join(f"{name} {probability(p)}" for name, p in probabilities.items())


def verdict_sentence(verdict: Verdict) -> str:
    """Return the verdict with the probability of every class, such as "undecided (Weak 20 %, ...)"."""
    shown = verdict.likeliest if verdict.decided else UNDECIDED.lower()
    return f"{shown} ({classes_text(verdict.probabilities)})"


def changed_verdicts(flips: Sequence[Mapping[str, Any]], labels: Labels | None = None) -> tuple[list[str], str]:
    """Return a sentence on each verdict that changed, and one on those that were undecided and still are."""
    changed = [flip for flip in flips if flip["before"]["decided"] or flip["now"]["decided"]]
    texts = [flip_text(flip, labels) for flip in changed]
    if not (idle := len(flips) - len(changed)):
        return texts, ""
    which = "one that was undecided and still is" if idle == 1 else f"{idle} that were undecided and still are"
    return texts, f"Another class is now the likeliest in {which}."


def flip_text(flip: Mapping[str, Any], labels: Labels | None = None) -> str:
    """Return one sentence on a verdict whose likeliest class changed since the last run."""
    before, now = (_flip_side(flip[key]) for key in ("before", "now"))
    return f"{scenario_text(flip, labels)}: {before}, now {now}."


def _flip_side(side: Mapping[str, Any]) -> str:
    """Return one verdict of a flip; runs of earlier versions stored the likeliest class alone."""
    shown = side["category"] if side["decided"] else UNDECIDED.lower()
    known = side.get("probabilities") or {side["category"]: side["value"]}
    return f"{shown} in {side['horizon']} ({classes_text(known)})"
