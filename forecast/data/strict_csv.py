"""Split one CSV file into rows strictly: every row arrives, or a fault names its line.

A row is one line. A cell that holds a comma is in double quotes, and a quote inside it is doubled. One stray quote
makes the number of quotes on its line odd, so it is always found, and it cannot reach into the next line.
"""

import csv
import re
from collections.abc import Sequence
from typing import Final

from forecast.errors import DataError, did_you_mean, shown

LARGEST: Final = 5_000_000  # bytes of a file
LONGEST: Final = 10_000  # characters of a line
SHOWN: Final = 3  # faults of one kind that are listed; further ones are counted
_MOST: Final = 100  # lines with faults after which the rest of a file is not read

_SIGNATURES: Final = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "compressed",
    b"PAR1": "a Parquet file",
}
_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_CELL: Final = r'(?:"(?:[^"]|"")*+"|[^",]*+)'
_LINE: Final = re.compile(f"{_CELL}(?:,{_CELL})*+")
#: All control characters but the tab, the separators of lines, and the signs that turn the direction of text.
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def split_rows(where: str, raw: bytes, names: Sequence[str], faults: list[str]) -> tuple[list[str], list[list[str]]]:
    """Return the header of a file and its rows, each with its place `<file> line <number>` as the last cell.

    Cells are stripped of blanks around them. Lines without any text in them are left out.

    Parameters
    ----------
    where : name of the file in error messages.
    raw : content of the file.
    names : columns that the header must have, in any order.
    faults : list to which a message is added for each row that cannot be split.

    Raises
    ------
    DataError
        With one message, if the file as a whole is unreadable or its header is not that of the table.
    """
    lines = _lines(where, raw, faults)
    header = _header(where, lines[0], names)
    rows: list[list[str]] = []
    problems: list[str] = []
    in_cell = False  # whether the line before may have opened a cell that goes on
    for number, line in enumerate(lines[1:], 2):
        if len(problems) == _MOST:
            break
        place, is_odd, problem = f"{where} line {number}", line.count('"') % 2 == 1, _problem(line)
        cells = [] if problem else _cells(line)
        if any(cells) and len(cells) != len(header):
            problem = (
                f"the number of cells is {len(cells)}, expected {len(header)}; "
                "complete the row, or put a cell that holds a comma in quotes"
            )
        if problem and in_cell:
            in_cell = not is_odd  # a further line of the cell that is reported already
        elif problem:
            problems.append(f"{place}: {problem}")
            in_cell = is_odd
        elif any(cells):
            rows.append([*cells, place])
            in_cell = False
    faults.extend(problems[:SHOWN])
    if len(problems) > SHOWN:
        more = "at least " if len(problems) == _MOST else ""
        faults.append(f"{where}: {more}{len(problems) - SHOWN} more lines cannot be split into cells; correct them too")
    return header, rows


def _lines(where: str, raw: bytes, faults: list[str]) -> list[str]:
    """Return the lines of a file; they end in LF, CRLF, or CR if there is no LF in the whole file."""
    if len(raw) > LARGEST:
        raise too_large(where, len(raw))
    for signature, format_ in _SIGNATURES.items():
        if raw.startswith(signature):
            raise DataError(f"{where}: the file is {format_}, expected text in UTF-8; save it as CSV UTF-8")
    try:
        text = raw.decode("utf-8").lstrip("\ufeff")  # byte order marks
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise DataError(
            f"{where} line {line}: byte 0x{byte:02X} is not UTF-8 (it may be Latin-1 or Windows-1252), "
            "expected text in UTF-8; save the file as CSV UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(
            f"{where} line {line}: a NUL byte, so the file is UTF-16, binary or damaged, expected text in UTF-8; "
            "save it as CSV UTF-8"
        )
    text = re.sub("\r+\n", "\n", text)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    if text and not text.endswith("\n"):
        faults.append(
            f"{where}: the last line has no newline, expected one, so the file may be truncated; "
            "fetch it again, or end the line"
        )
    return text.removesuffix("\n").split("\n")


def too_large(where: str, size: int) -> DataError:
    """Return the error for a file of more than `LARGEST` bytes."""
    return DataError(
        f"{where}: {size:,} bytes, expected at most {LARGEST:,}; keep only the rows that you add or replace"
    )


def _problem(line: str) -> str:
    """Return what is wrong with a line, what is expected and how to correct it; empty if nothing is wrong."""
    if len(line) > LONGEST:
        return f"{len(line):,} characters, expected at most {LONGEST:,} on a line; shorten its cells"
    if found := _CONTROL.search(line):
        return f"the control character {shown(found[0])}, expected only text; remove it"
    if line.count('"') % 2:
        return (
            "a quote that is opened and not closed, expected every cell on one line; "
            "close the quote or remove it, and write a blank for a line break inside a cell"
        )
    if not _LINE.fullmatch(line):
        return (
            "a quote inside a cell, expected quotes around the whole cell and each quote inside it doubled; "
            "correct the quotes"
        )
    return ""


def _cells(line: str) -> list[str]:
    cells = next(csv.reader([line]), []) if '"' in line else line.split(",")
    return [cell.strip() for cell in cells]


def _header(where: str, line: str, names: Sequence[str]) -> list[str]:
    """Return the cells of the header, or raise one DataError that names the cause of all that is wrong with it."""
    expected = f"expected the columns {', '.join(names)}"
    if line.lower().startswith("sep="):
        raise DataError(f"{where} line 1: {shown(line)} is a note for Excel, {expected}; remove the line")
    for sign, plural in _SEPARATORS.items():
        if len(_known(line.split(sign), names)) > len(_known(line.split(","), names)):
            raise DataError(
                f"{where} line 1: {plural} between the cells, expected commas; "
                "save the file with commas between cells and points in decimals"
            )
    if problem := _problem(line):
        raise DataError(f"{where} line 1: {problem}")
    header = _cells(line)
    if not _known(header, names):
        raise DataError(f"{where} line 1: {shown(line)}, {expected}; add this header as the first line")
    wrong = [f"{shown(name)} more than once" for name in dict.fromkeys(header) if header.count(name) > 1 and name]
    wrong += [f"the unknown {shown(name)}{_hint(name, names)}" for name in header if name and name not in names]
    wrong += [f"no {name!r}" for name in names if name not in header]
    if "" in header:
        wrong.append("a column without a name, which R and pandas write for the names of rows")
    if wrong:
        raise DataError(f"{where} line 1: the header has {', '.join(wrong)}, {expected}; correct the header")
    return header


def _known(cells: Sequence[str], names: Sequence[str]) -> set[str]:
    return {cell.strip().strip('"').lower() for cell in cells} & set(names)


def _hint(name: str, names: Sequence[str]) -> str:
    hint = did_you_mean(name.lower(), names).removeprefix("; ")
    return f" ({hint})" if hint else ""
