"""Group the headlines beside the main targets for page and terminal: one table and one chart for each group.

Missions stand in the order of the plan and categories in the order of the labels, never in the order of the values.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from forecast import names
from forecast.reporting.formatting import judged, number, points, probability, shortened
from forecast.reporting.headline_text import category_text, headline_title, plain, scenario_text

Record = Mapping[str, Any]
Labels = Mapping[str, str]

_BASELINES: Final = {"base_rate": "base rate", "random_walk": "random walk"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One number in every war: what it is, its horizon, and its records by war; the first is the reference."""

    title: str
    horizon: str
    records: Mapping[str, Record]

    @property
    def reference(self) -> Record:
        """The record of the first war."""
        return next(iter(self.records.values()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Headlines that share a table: a key for anchors, a title, a sentence for readers, and the rows."""

    key: str
    title: str
    text: str
    rows: Sequence[Row]

    @property
    def last(self) -> list[Row]:
        """The rows of the last horizon of each number."""
        return list({row.title: row for row in self.rows}.values())


#: Key, title, sentence and targets of each group.
_GROUPS: Final = (
    (
        "events",
        "Events of the alliance",
        "Probability that the event has happened by then. The base rate comes from past member-years alone; an event "
        "without one has no baseline. An ally is one other than the United States.",
        (names.ALLIANCE_EVENT, names.ENTRAPMENT),
    ),
    (
        "measures",
        "Factors and measures of cohesion",
        "Means. Factors are in sign units; measures have their own scale. They have no baseline.",
        (names.COHESION_FACTOR, names.ALLIANCE_INDEX),
    ),
    (
        "landmarks",
        "End of missions",
        "Probability five years after the as-of date, or after the start of a mission that starts later. There is no "
        "baseline.",
        (names.MISSION_LANDMARK,),
    ),
    (
        "defections",
        "New missions and defections",
        "Mean numbers: of new out-of-area missions, and of defections by mode within the horizon. There is no "
        "baseline.",
        (names.NEW_MISSIONS, names.DEFECTIONS),
    ),
    (
        "pledge",
        "European spending beside the pledge",
        "Probability of at least the pledge of 2014 and of 2035, and the mean shortfall below the pledge of the year, "
        "0 where the pledge is met. The baseline stays at the last observed level.",
        (names.SPENDING_AT_LEAST, names.SPENDING_SHORTFALL),
    ),
)


def headline_groups(headlines: Sequence[Record], labels: Labels | None = None) -> list[Group]:
    """Return the groups that a run has headlines for."""
    groups = []
    for key, title, text, targets in _GROUPS:
        by_row: dict[tuple[str, str], dict[str, Record]] = {}
        for record in headlines:
            if record["target"] in targets:
                by_row.setdefault((headline_title(record, labels), record["horizon"]), {})[record["war"]] = record
        places = {what: place for place, what in enumerate(dict.fromkeys(what for what, _ in by_row))}
        rows = [
            Row(title=what, horizon=when, records=by_row[what, when])
            for what, when in sorted(by_row, key=lambda row: places[row[0]])
        ]
        if rows:
            groups.append(Group(key=key, title=title, text=text, rows=rows))
    return groups


def amount(record: Record, value: float | None) -> str:
    """Return a value without its unit: a probability in percent, else two digits."""
    return probability(value) if record["statistic"] == names.PROBABILITY else number(value)


def error_text(record: Record) -> str:
    """Return the Monte Carlo standard error beside a value: in percentage points for a probability."""
    return points(record["mcse"]) if record["statistic"] == names.PROBABILITY else f"±{number(record['mcse'], 3)}"


def baseline_text(record: Record) -> str:
    """Return the baseline with its name, or that there is none."""
    if record["baseline"] is None:
        return "none"
    name = record["baseline_name"]
    return f"{amount(record, record['baseline'])} ({_BASELINES.get(name, plain(name))})"


def group_lines(group: Group, labels: Labels | None = None) -> list[str]:
    """Return the last horizon of a group in the first war, as lines of at most 80 characters."""
    first = group.rows[0].reference
    lines = [
        f"{group.title} ({scenario_text(first, labels)})",
        *textwrap.wrap(group.text, 80, initial_indent="  ", subsequent_indent="  "),
        f"  {'':<38} {'by':<6} {'value':>6} {'MC':>6} {'judged':>9} {'base':>6}",
    ]
    for row in group.last:
        h = row.reference
        base = "none" if h["baseline"] is None else amount(h, h["baseline"])
        lines.append(
            f"  {shortened(row.title, 38):<38} {row.horizon:<6} {amount(h, h['value']):>6} {error_text(h):>6} "
            f"{judged(h):>9} {base:>6}"
        )
    return [*lines, ""]


def chart_rows(group: Group) -> tuple[list[str], dict[str, list[Record | None]]]:
    """Return the labels of the rows of a chart, and the records of each series: wars, or modes of defection.

    A series has one record for each row, or None. The chart of defections shows the first war.
    """
    if group.key == "defections":
        records = [row.reference for row in group.last if row.reference["target"] == names.DEFECTIONS]
        missions = list(dict.fromkeys(record["unit_id"] for record in records))
        series: dict[str, list[Record | None]] = {}
        for record in records:
            column = series.setdefault(category_text(record), [None] * len(missions))
            column[missions.index(record["unit_id"])] = record
        return missions, series
    rows = [row for row in group.last if row.reference["target"] != names.SPENDING_SHORTFALL]
    wars = list(rows[0].records) if rows else []
    return [row.title for row in rows], {war: [row.records.get(war) for row in rows] for war in wars}
