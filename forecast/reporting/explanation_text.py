"""Text of an explanation for the terminal, at most 80 columns wide."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

from forecast import names
from forecast.archive.explain import Cost, ExplainedHeadline, Explanation
from forecast.archive.mixed_headlines import MIXED
from forecast.projection.resources import format_duration
from forecast.reporting.formatting import printable
from forecast.reporting.headline_text import Labels, headline_title, scenario_text, value_text

_WIDE: Final = 80  # columns
MOST: Final = 6  # headlines shown
_LABEL: Final = 38  # columns of the name of a part; a longer one has a line of its own


def cost_line(cost: Cost) -> str:
    """Return what an explanation computes, in one sentence."""
    if not cost.projections:
        kept = f"; {_count(cost.kept, 'hybrid run')} kept from earlier" if cost.kept else ""
        return f"Cost: nothing has to be simulated{kept}."
    refits = ", ".join(f"{number} of {model}" for model, number in cost.refits.items()) or "none"
    runs = _count(cost.projections, "hybrid run")
    return (
        f"Cost: {runs} to simulate, {cost.kept} kept from earlier; refits: {refits}; "
        f"about {format_duration(cost.seconds)}, from the times of the two runs."
    )


def explanation_lines(explanation: Explanation, most: int = MOST, labels: Labels | None = None) -> Iterator[str]:
    """Yield the lines of an explanation: what differs, then the `most` headlines that moved most."""
    yield f"{explanation.before}\n  ->  {explanation.after}"
    yield from _parts(explanation)
    for headlines, what in ((explanation.mixtures, "mixtures"), (explanation.headlines, "headlines")):
        for headline in headlines[:most]:
            yield from _headline(headline, labels)
        if len(headlines) > most:
            yield f"\n{len(headlines) - most} more {what} with --all"
    for records, where in (
        (explanation.only_before, "in the earlier run alone"),
        (explanation.only_after, "in the later run alone"),
        (explanation.unexplained, "not in every hybrid run"),
    ):
        yield from _left_out(records, where, most, labels)
    yield ""
    yield from wrap(
        "contribution: average over the orders in which the parts are swapped, with the least and the greatest. error: "
        "Monte Carlo standard error; runs of one seed share random numbers, so it is too large rather than too small. "
        "pp: percentage points.",
        _WIDE,
    )


def _parts(explanation: Explanation) -> Iterator[str]:
    if not explanation.parts and not explanation.versions:
        moved = sum(headline.change != 0.0 for headline in explanation.headlines)
        yield "\nNothing that can change a number differs."
        if not moved:
            yield f"All {len(explanation.headlines)} headlines are the same numbers in both runs."
        return
    yield "\nParts that differ"
    for part, what in explanation.parts.items():
        yield from _indented(f"{part}: {', '.join(what)}")
    if explanation.versions:
        yield from _indented(f"version: {', '.join(explanation.versions)}")
    for note in explanation.notes:
        yield from _indented(note)
    if explanation.orders > 1:
        of_all = "" if explanation.exact else ", a sample of all"
        yield f"  averaged over {explanation.orders} orders of swapping{of_all}"


def _headline(headline: ExplainedHeadline, labels: Labels | None) -> Iterator[str]:
    """Yield the title of a headline, its change, and a table of the contributions."""
    record = headline.record
    before, now = value_text(record, headline.before), value_text(record, record["value"])
    scenario = MIXED if record[names.WAR] == MIXED else scenario_text(record)
    title = f"{headline_title(record, labels)}, {scenario}, {record['horizon']}: {before} -> {now}"
    yield ""
    yield from wrap(printable(title), _WIDE, subsequent_indent="  ")
    scale, unit = (100.0, "pp") if record["statistic"] == names.PROBABILITY else (1.0, "")
    widest = max((len(c.part) for c in headline.contributions), default=0)
    width = min(max(widest, len("change")), _LABEL)
    for contribution in headline.contributions:
        name = contribution.part
        if len(name) > _LABEL:
            yield from _indented(name)
            name = ""
        ends = f"{_signed(scale * contribution.lowest)} to {_signed(scale * contribution.highest)}"
        numbers = _numbers(scale * contribution.value, scale * contribution.error, unit)
        yield f"  {name:<{width}}{numbers}  {ends:>17}"
    yield f"  {'change':<{width}}{_numbers(scale * headline.change, scale * headline.error, unit)}".rstrip()


def _numbers(value: float, error: float, unit: str) -> str:
    return f"{_signed(value):>8} ±{error:>6.3f} {unit:<2}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _left_out(records: Sequence[Mapping[str, Any]], where: str, most: int, labels: Labels | None) -> Iterator[str]:
    if records:
        yield f"\n{_count(len(records), 'headline')} {where}"
        for record in records[:most]:
            yield from _indented(f"{headline_title(record, labels)}, {scenario_text(record)}, {record['horizon']}")


def _indented(text: str) -> list[str]:
    return wrap(printable(text), _WIDE, initial_indent="  ", subsequent_indent="    ")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
