"""Read one table file against its schema: its typed rows, or every fault in it."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd

from forecast.data.table_schema import Column, Kind, TableSpec
from forecast.errors import did_you_mean

PLACE = "_at"  # name of an extra column that holds the place of a row: "<file> line <number>"

_SHOWN = 3  # rows with the same fault that are listed; further rows are counted
_WORDS: Mapping[Kind, str] = {
    "text": "some text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "year": "a year",
    "month": "YYYY-MM",
    "date": "YYYY-MM-DD or YYYY-MM",
}
_PATTERNS = {
    "int": r"-?\d+",
    "year": r"\d{4}",
    "month": r"\d{4}-(0[1-9]|1[0-2])",
    "date": r"\d{4}-\d\d(-\d\d)?",
}


def read_table(where: str, raw: bytes, spec: TableSpec, faults: list[str]) -> pd.DataFrame:
    """Return the typed rows of one file; they are valid only if no fault was added to `faults`.

    Parameters
    ----------
    where : name of the file in error messages.
    raw : content of the file.
    spec : columns that the file must have.
    faults : list to which a message is added for each fault.

    Returns
    -------
    One row for each line, with the columns of `spec` in their dtypes, and the column `PLACE`.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.append(f"{where}: byte {error.start} is not UTF-8, expected UTF-8 text; save the file as UTF-8")
        text = ""
    if text and not text.endswith("\n"):
        faults.append(
            f"{where}: the last line has no newline, expected one, so the file may be truncated; "
            "fetch it again, or end the line"
        )
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next(reader, [])
        rows = [[*cells, f"{where} line {reader.line_num}"] for cells in reader if cells]
    except csv.Error as error:
        faults.append(f"{where} line {reader.line_num}: {error}, expected CSV; save the file as CSV")
        header, rows = list(spec.names), []
    faults_before = len(faults)
    _check_header(where, header, spec.names, faults)
    header_is_valid = len(faults) == faults_before
    for *fields, place in rows:
        if len(fields) != len(header):
            faults.append(f"{place}: {len(fields)} fields, expected {len(header)}; complete the row")
    if not header_is_valid:
        return pd.DataFrame()
    rows = [row for row in rows if len(row) == len(header) + 1]
    cells = pd.DataFrame(rows, columns=[*header, PLACE], dtype="str")
    return _typed(cells.apply(lambda column: column.str.strip()), spec, faults)


def _check_header(where: str, header: list[str], names: list[str], faults: list[str]) -> None:
    for name in [name for name in header if name not in names]:
        faults.append(
            f"{where}: unknown column {name!r}, expected {', '.join(names)}; rename or remove the column"
            f"{did_you_mean(name, names)}"
        )
    for name in [name for name in names if header.count(name) != 1]:
        faults.append(
            f"{where}: column {name!r} found {header.count(name)} times, expected once; "
            "add the column or remove the repeats"
        )


def _typed(cells: pd.DataFrame, spec: TableSpec, faults: list[str]) -> pd.DataFrame:
    faults_before = len(faults)
    columns = {}
    for column in spec.columns:
        columns[column.name], wrong = _parsed(column, cells)
        report_rows(cells, wrong, spec.key, column.name, f"{_expected(column)}; correct it", faults)
    frame = pd.DataFrame(columns)
    if len(faults) == faults_before:
        repeated = frame.duplicated(spec.key)
        report_rows(cells, repeated, spec.key, spec.key[-1], "a key that no other row has; remove one row", faults)
        for first, last in spec.ordered:
            _put_in_order(cells, frame, spec.key, first, last, faults)
    return frame.assign(**{PLACE: cells[PLACE]})


def _expected(column: Column) -> str:
    words = _WORDS[column.kind] if not column.allowed else "one of " + ", ".join(column.allowed)
    if column.low is not None:
        left, right = "()" if column.open_range else "[]"
        words += f" in {left}{column.low:g}, {column.high:g}{right}"
    return f"{words}{' or blank' if column.nullable else ''}"


def _parsed(column: Column, cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the typed values of one column of `cells` (all text), and a mask of the wrong ones."""
    text = cells[column.name]
    blank = text == ""
    values = text
    if column.kind == "bool":
        values = text.map({"true": True, "false": False}).astype("boolean")
    elif column.kind == "date":
        values = _dates(column, cells)
    elif column.kind in ("int", "year", "float"):
        values = pd.to_numeric(text, errors="coerce").astype("float64")
    wrong = values.isna() & ~blank
    if not column.nullable:
        wrong |= blank
    if column.allowed:
        wrong |= ~blank & ~text.isin(column.allowed)
    if column.kind in _PATTERNS:
        wrong |= ~blank & ~text.str.fullmatch(_PATTERNS[column.kind])
    if column.low is not None and column.high is not None:
        ends: Literal["neither", "both"] = "neither" if column.open_range else "both"
        wrong |= ~blank & ~values.between(column.low, column.high, inclusive=ends)
    wrong = wrong.astype(bool)
    return (values if wrong.any() else values.astype(pd.api.types.pandas_dtype(column.dtype))), wrong


def _dates(column: Column, cells: pd.DataFrame) -> pd.Series:
    text = cells[column.name]
    to_month = text.str.len() == 7
    whole = text.mask(to_month, text + "-15")
    if column.precision:
        whole = whole.mask(to_month & (cells[column.precision] == "year"), text + "-01")
    return pd.to_datetime(whole, format="%Y-%m-%d", errors="coerce")


def _put_in_order(
    cells: pd.DataFrame,
    frame: pd.DataFrame,
    key: list[str],
    first: str,
    last: str,
    faults: list[str],
) -> None:
    """Report `last` before `first`; where only the middles of months are out of order, move the coarser date."""
    crossed = frame[first] > frame[last]
    months = frame[first].dt.to_period("M") > frame[last].dt.to_period("M")
    exact = (cells[first].str.len() == 10) & (cells[last].str.len() == 10)
    wrong = crossed & (exact | months)
    report_rows(cells, wrong, key, last, f"a day not before `{first}`; correct one of them", faults)
    coarse = cells[first].str.len() < 10
    frame[first] = frame[first].mask(crossed & coarse, frame[last])
    frame[last] = frame[last].mask(crossed & ~coarse, frame[first])


def report_rows(
    cells: pd.DataFrame,
    wrong: pd.Series,
    key: Sequence[str],
    column: str,
    expected: str,
    faults: list[str],
) -> None:
    """Add one fault for each wrong row.

    Parameters
    ----------
    cells : rows with the columns `key`, `column` and `PLACE`.
    wrong : mask over the rows of `cells`.
    key : columns whose values name a row in the message.
    column : column that holds the wrong value.
    expected : expected value, and how to fix the row.
    faults : list to which the messages are added.
    """
    if not wrong.any():
        return
    wrong_rows = cells[wrong.astype(bool)]
    for _, row in wrong_rows.head(_SHOWN).iterrows():
        name = ", ".join(_text(row[part]) for part in key)
        faults.append(f"{row[PLACE]} ({name}): {column} is {_text(row[column])!r}, expected {expected}")
    if len(wrong_rows) > _SHOWN:
        faults.append(
            f"{wrong_rows.iloc[_SHOWN][PLACE]} and below: {column} has the same fault in "
            f"{len(wrong_rows) - _SHOWN} more rows; correct them too"
        )


def _text(value: object) -> str:
    return value.date().isoformat() if isinstance(value, pd.Timestamp) else str(value)
