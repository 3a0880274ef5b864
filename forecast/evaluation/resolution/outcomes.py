"""Read `outcomes.csv`: dated outcomes with their sources, or every fault in the file.

A row answers one question about one unit in one period. No two rows answer the same question, and an event that has
occurred is not undone by a later row.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast import names
from forecast.data.read_csv import PLACE, read_table, report_rows
from forecast.data.strict_csv import LARGEST, too_large
from forecast.data.table_schema import Column, TableSpec
from forecast.errors import DataError, RunError, all_faults, shown
from forecast.evaluation.resolution.questions import QUESTIONS, Question
from forecast.priors.validation import A_NAME, NAME
from forecast.quarters import period_end
from forecast.storage.files import read_bytes

#: Columns of the file. The scenario is not in the key: there is one outcome, whatever scenario it is counted under.
SPEC: Final = TableSpec(
    columns=(
        Column(name="target", key=True, allowed=tuple(QUESTIONS)),
        Column(name="unit", key=True),
        Column(
            name="period", key=True, pattern=r"(19|20|21)\d\d(Q[1-4])?", words="a quarter (2027Q4) or a year (2027)"
        ),
        Column(name="value", words="a number, 0 or 1, or a verdict"),
        Column(name="date", kind="date", pattern=r"(19|20|21)\d\d-\d\d-\d\d", words="a day, YYYY-MM-DD"),
        Column(name="source"),
        Column(name="war", nullable=True, pattern=NAME, words=A_NAME),
        Column(name="design", nullable=True, pattern=NAME, words=A_NAME),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One outcome.

    Attributes
    ----------
    target, unit, period
        What was asked; `unit` is `alliance` where the question has no unit.
    value
        The answer: a number, 0 or 1, or the position in `names.VERDICTS`.
    known
        Day from which on the answer was known.
    source, place
        Where the answer is from, and where it stands in the file.
    war, design
        The scenario that held; empty for the reference of each run.
    """

    target: str
    unit: str
    period: str
    value: float
    known: date
    source: str
    place: str
    war: str
    design: str

    @property
    def question(self) -> Question:
        """Return the question that the outcome answers."""
        return QUESTIONS[self.target]

    @property
    def name(self) -> str:
        """Return the question in one line: target, unit and period."""
        return f"{self.target} {self.unit} {self.period}"


def read_outcomes(path: Path, today: date) -> list[Outcome]:
    """Return the outcomes of a file; `today` is the last day that an outcome may have.

    Raises
    ------
    DataError
        If the file is missing, empty or has any fault. The message lists every fault with its line.
    """
    where = str(path)
    try:
        raw = read_bytes(path)
    except RunError as error:
        raise DataError(f"{error}; write the outcomes with the columns {', '.join(SPEC.names)}") from error
    if len(raw) > LARGEST:
        raise too_large(where, len(raw))
    faults: list[str] = []
    rows = read_table(where, raw, SPEC, faults)
    if faults:
        raise all_faults(DataError, faults)
    if rows.empty:
        raise DataError(f"{where}: no outcome, expected one or more rows; add them below the header")
    rows = rows.assign(
        number=[_number(QUESTIONS[target], text) for target, text in zip(rows["target"], rows["value"], strict=True)],
    )
    _report_cells(rows, today, faults)
    if not faults:
        _report_contradictions(rows, faults)
    if faults:
        raise all_faults(DataError, faults)
    return [_outcome(row) for row in rows.to_dict("records")]


def _outcome(row: Mapping[Any, Any]) -> Outcome:
    text = {name: str(row[name]) for name in ("target", "unit", "period", "source", "war", "design")}
    return Outcome(**text, value=float(row["number"]), known=row["date"].date(), place=str(row[PLACE]))


def _number(question: Question, text: str) -> float:
    """Return an outcome as a number; NaN if there is no such outcome."""
    if question.kind == "verdict":
        return float(names.VERDICTS.index(text)) if text in names.VERDICTS else float("nan")
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float("nan")
    value = float(text)
    inside = value in (0.0, 1.0) if question.kind == "event" else question.low <= value <= question.high
    return value if inside else float("nan")


def _report_cells(rows: pd.DataFrame, today: date, faults: list[str]) -> None:
    """Report every cell that does not suit the question of its row, and every day that cannot be right."""
    checks = {
        "value": (_value_fault, rows["number"].isna()),
        "unit": (_unit_fault, ~_mask(rows, _unit_suits)),
        "period": (_period_fault, ~_mask(rows, _period_suits)),
    }
    for fault, wrong in checks.values():
        report_rows(rows, wrong, SPEC.key, fault, faults)
    if faults:
        return
    late = rows["date"] > pd.Timestamp(today)
    report_rows(
        rows, late, SPEC.key, lambda row: _date_fault(row, f"a day up to {today}, because an outcome is known"), faults
    )
    early = _mask(rows, _known_too_early) & ~late
    report_rows(
        rows,
        early,
        SPEC.key,
        lambda row: _date_fault(row, f"{period_end(row['period'])} or later, because the period ends on that day"),
        faults,
    )


def _mask(rows: pd.DataFrame, suits: Any) -> "pd.Series[bool]":
    return pd.Series([bool(suits(row)) for row in rows.to_dict("records")], index=rows.index, dtype=bool)


def _unit_suits(row: Mapping[str, Any]) -> bool:
    dims = QUESTIONS[row["target"]].unit_dims
    parts = row["unit"].split(":")
    return (len(parts) == len(dims) and all(parts)) if dims else row["unit"] == names.ALLIANCE


def _period_suits(row: Mapping[str, Any]) -> bool:
    return ("Q" in row["period"]) == (QUESTIONS[row["target"]].time == names.QUARTER)


def _known_too_early(row: Mapping[str, Any]) -> bool:
    """Return whether an outcome is dated before it can be known; an event can occur at any time in its period."""
    question = QUESTIONS[row["target"]]
    happens = 1.0 if question.lasting is None else float(question.lasting)
    if question.kind == "event" and row["number"] == happens:
        return False
    return bool(row["date"] < pd.Timestamp(period_end(row["period"])))


def _value_fault(row: Mapping[str, Any]) -> str:
    return f"value is {shown(row['value'])}, expected {QUESTIONS[row['target']].expected}; correct it"


def _unit_fault(row: Mapping[str, Any]) -> str:
    dims = QUESTIONS[row["target"]].unit_dims
    expected = ":".join(dims) if dims else names.ALLIANCE
    return f"unit is {shown(row['unit'])}, expected {expected}; correct it"


def _period_fault(row: Mapping[str, Any]) -> str:
    example = "a quarter such as 2027Q4" if QUESTIONS[row["target"]].time == names.QUARTER else "a year such as 2027"
    return f"period is {shown(row['period'])}, expected {example}; correct it"


def _date_fault(row: Mapping[str, Any], expected: str) -> str:
    return f"date is {row['date'].date()}, expected {expected}; correct it"


def _report_contradictions(rows: pd.DataFrame, faults: list[str]) -> None:
    """Report events that a later period undoes or dates differently; repeated questions are reported on reading."""
    lasting = rows[[QUESTIONS[target].lasting is not None for target in rows["target"]]]
    for _, same in lasting.groupby(["target", "unit"], sort=False):
        _report_undone(same.sort_values("period").to_dict("records"), faults)


def _report_undone(rows: Sequence[Mapping[Any, Any]], faults: list[str]) -> None:
    """Report rows about one event, in the order of their periods, that do not fit its first occurrence."""
    lasting = QUESTIONS[rows[0]["target"]].lasting
    occurred = None
    for row in rows:
        if occurred is None:
            occurred = row if row["number"] == lasting else None
            continue
        place = f"{row[PLACE]} ({', '.join(row[name] for name in SPEC.key)})"
        said = f"{occurred[PLACE]} says {occurred['value']} by {occurred['period']}"
        if row["number"] != lasting:
            faults.append(
                f"{place}: value is {row['value']}, expected {lasting}, because {said} and this cannot be undone; "
                "correct one of the two"
            )
        elif row["date"] != occurred["date"]:
            faults.append(
                f"{place}: date is {row['date'].date()}, expected {occurred['date'].date()}, because {said} and both "
                "rows date the same event; correct one of the two"
            )
