"""Read one table file against its schema: its typed rows, or every fault in it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from forecast.data.strict_csv import SHOWN, split_rows
from forecast.data.table_schema import Column, Kind, TableSpec
from forecast.errors import DataError, shown

PLACE = "_at"  # name of an extra column that holds the place of a row: "<file> line <number>"

_WORDS: Mapping[Kind, str] = {
    "text": "some text",
    "bool": "true or false",
    "int": "a whole number such as 12000",
    "float": "a number such as 2.5",
    "year": "a year such as 2025",
    "month": "YYYY-MM",
    "date": "YYYY-MM-DD or YYYY-MM, from 1900 to 2100",
}
_NUMBER: Final = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_PATTERNS: Final = {
    "int": _NUMBER,
    "float": _NUMBER,
    "year": r"[0-9]{4}(\.0+)?",
    "month": r"[0-9]{4}-(0[1-9]|1[0-2])",
    "date": r"(19|20|21)[0-9]{2}-[0-9]{2}(-[0-9]{2})?",
}
#: What R, pandas, Excel and databases write for a missing value.
_MISSING: Final = ("NA", "<NA>", "N/A", "#N/A", "NaN", "nan", "NULL", "null")
#: What they write for a truth value, in lower case.
_TRUTH: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
#: Signs that look like the hyphen-minus: hyphens, dashes and the minus sign.
_MINUS: Final = str.maketrans(dict.fromkeys("‐‑‒–−﹣－", "-"))


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
    One row for each line, with the columns of `spec` in their dtypes, and the column `PLACE`. Empty if the file as a
    whole is unreadable.
    """
    try:
        header, rows = split_rows(where, raw, spec.names, faults)
    except DataError as error:
        faults.append(str(error))
        return pd.DataFrame()
    return _typed(pd.DataFrame(rows, columns=[*header, PLACE], dtype="str"), spec, faults)


def _typed(cells: pd.DataFrame, spec: TableSpec, faults: list[str]) -> pd.DataFrame:
    faults_before = len(faults)
    columns = {}
    for column in spec.columns:
        columns[column.name], wrong = _parsed(column, cells)
        report_rows(cells, wrong, spec.key, expect(column.name, _expected(column)), faults)
    frame = pd.DataFrame(columns).assign(**{PLACE: cells[PLACE]})
    if len(faults) == faults_before:
        _report_repeats(frame, spec.key, faults)
        for first, last in spec.ordered:
            _put_in_order(cells, frame, spec.key, first, last, faults)
    return frame


def _expected(column: Column) -> str:
    """Return the values that a column may hold, and how to correct another one."""
    words = _WORDS[column.kind] if not column.allowed else "one of " + ", ".join(column.allowed)
    words = column.words or words
    blank = " or blank" if column.nullable else ""
    if column.low is None:
        return f"{words}{blank}; correct it"
    left, right = "()" if column.open_range else "[]"
    return (
        f"{words}, in {left}{column.low:g}, {column.high:g}{right}{blank}; "
        "correct it, or leave the row out if the figure is right, because no model takes it"
    )


def _parsed(column: Column, cells: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the typed values of one column of `cells` (all text), and a mask of the wrong ones."""
    text = cells[column.name]
    missing = text.isin(_MISSING)
    if column.nullable:
        text = text.mask(missing, "")
    if column.kind not in ("text", "bool"):
        text = text.str.translate(_MINUS)
    blank, values = text == "", _values(column, text, cells)
    wrong = values.isna() & ~blank
    if not column.nullable:
        wrong |= blank | (missing & (column.refers is None))
    if column.allowed:
        wrong |= ~blank & ~text.isin(column.allowed)
    if pattern := column.pattern or _PATTERNS.get(column.kind):
        wrong |= ~blank & ~text.str.fullmatch(pattern)
    if column.kind == "int":
        wrong |= ~blank & (values % 1 != 0)
    if column.low is not None and column.high is not None:
        ends: Literal["neither", "both"] = "neither" if column.open_range else "both"
        wrong |= ~blank & ~values.between(column.low, column.high, inclusive=ends)
    wrong = wrong.astype(bool)
    return (values if wrong.any() else values.astype(pd.api.types.pandas_dtype(column.dtype))), wrong


def _values(column: Column, text: "pd.Series[str]", cells: pd.DataFrame) -> pd.Series:
    """Return the values of a column, missing where its text is not of its kind."""
    if column.kind == "bool":
        return text.str.lower().map(_TRUTH).astype("boolean")
    if column.kind == "date":
        return _dates(column, text, cells)
    if column.kind in ("int", "year", "float"):
        return pd.to_numeric(text, errors="coerce").astype("float64")
    return text


def _dates(column: Column, text: "pd.Series[str]", cells: pd.DataFrame) -> pd.Series:
    to_month = text.str.len() == 7
    whole = text.mask(to_month, text + "-15")
    if column.precision:
        whole = whole.mask(to_month & (cells[column.precision] == "year"), text + "-01")
    return pd.to_datetime(whole, format="%Y-%m-%d", errors="coerce")


def _report_repeats(frame: pd.DataFrame, key: list[str], faults: list[str]) -> None:
    """Report each row whose key an earlier row has."""
    repeated = frame.duplicated(key)
    if repeated.any():
        first = frame.groupby(key, dropna=False)[PLACE].transform("first")
        report_rows(
            frame.assign(first=first),
            repeated,
            key,
            lambda row: f"the same {', '.join(key)} as {row['first']}, expected one row; remove one of the two",
            faults,
        )


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
    report_rows(cells, wrong, key, expect(last, f"a day not before `{first}`; correct one of them"), faults)
    coarse = cells[first].str.len() < 10
    frame[first] = frame[first].mask(crossed & coarse, frame[last])
    frame[last] = frame[last].mask(crossed & ~coarse, frame[first])


def expect(column: str, expected: str) -> Callable[[Mapping[str, Any]], str]:
    """Return a function that says of a row which value it has in `column`, and what was expected.

    `expected` may name other fields of the row in braces.
    """
    return lambda row: f"{column} is {shown(_text(row[column]))}, expected {expected.format_map(row)}"


def report_rows(
    rows: pd.DataFrame,
    wrong: pd.Series,
    key: Sequence[str],
    fault: Callable[[Mapping[str, Any]], str],
    faults: list[str],
    most: int = SHOWN,
) -> None:
    """Add one fault for each wrong row; after `most` of them, only the number of further rows.

    Parameters
    ----------
    rows : rows with the columns `key` and `PLACE`, and those that `fault` reads.
    wrong : mask over `rows`.
    key : columns whose values name a row in the message.
    fault : function of a row that returns what is wrong, what was expected, and the fix.
    faults : list to which the messages are added.
    most : number of rows that are named.
    """
    if not wrong.any():
        return
    wrong_rows = rows[wrong.astype(bool)]
    for row in wrong_rows.head(most).to_dict("records"):
        named = {str(name): value for name, value in row.items()}
        name = ", ".join(shown(_text(row[part]), 40)[1:-1] for part in key)
        faults.append(f"{row[PLACE]} ({name}): {fault(named)}")
    if len(wrong_rows) > most:
        faults.append(
            f"{wrong_rows.iloc[most][PLACE]} and below: the same fault in {len(wrong_rows) - most} more rows; "
            "correct them too"
        )


def _text(value: object) -> str:
    """Return a value as the file has it; a missing one is blank."""
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return ""
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
