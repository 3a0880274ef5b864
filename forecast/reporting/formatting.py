"""Format numbers and a user's text for pages and the terminal."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

MISSING: Final = "–"
WIDE: Final = 80  # columns of a terminal
_NARROWEST: Final = 20  # columns of a wrapped column
#: Characters that move a terminal's cursor, break a line, or cannot be in XML.
_NOT_PRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


def printable(text: str) -> str:
    """Return a text on one line: line breaks and control characters become one blank."""
    return _NOT_PRINTABLE.sub(" ", text)


def probability(p: float | None) -> str:
    """Return a probability as a percentage of two digits; below 1 % and above 99 % only the bound is shown."""
    if p is None or math.isnan(p):
        return MISSING
    if p < 0.01:
        return "<\u00a01\u00a0%"
    return ">\u00a099\u00a0%" if p > 0.99 else f"{100 * p:.0f}\u00a0%"


def number(x: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """Return a number with `digits` decimals, with its sign if `sign` is set, or a dash if it is missing."""
    if x is None or math.isnan(x):
        return MISSING
    return f"{round(x, digits) + 0.0:{'+' if sign else ''}.{digits}f}".replace("-", "−")  # + 0.0: no negative zero


def size_text(size: int) -> str:
    """Return a number of bytes in the largest unit that gives 1 or more, such as `12.3 MB`."""
    for unit, bytes_in_unit in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= bytes_in_unit:
            return f"{size / bytes_in_unit:.1f} {unit}"
    return f"{size} B"


def minute(moment: str) -> str:
    """Return an ISO 8601 moment to the minute."""
    return moment[:16].replace("T", " ")


def points(error: float | None) -> str:
    """Return the Monte Carlo standard error of a probability in percentage points."""
    return MISSING if error is None or math.isnan(error) else f"±{100 * error:.1f}"


def tenths(share: float | None) -> str:
    """Return a share as a percentage rounded to the nearest ten."""
    return "unknown" if share is None or math.isnan(share) else f"{10 * round(10 * share)}\u00a0%"


def judged(record: Mapping[str, Any]) -> str:
    """Return the judgement share of a headline with its standard error, in percent.

    A share without an error, as for a verdict, is rounded to the nearest ten.
    """
    share, error = record["judgement"], record.get("judgement_error")
    if share is None or error is None:
        return tenths(share)
    return f"{100 * share:.0f}\u00a0±\u00a0{100 * error:.0f}\u00a0%"


def table_lines(rows: Sequence[Sequence[str]], left: int = 1) -> Iterator[str]:
    """Yield the rows of a table with aligned columns, the first `left` of them aligned to the left.

    Where the table would be wider than a terminal, its first column is wrapped, and the numbers stand beside its end.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    widths[0] = min(widths[0], max(WIDE - sum(width + 2 for width in widths[1:]), _NARROWEST))
    for first, *others in rows:
        *above, last = fold(first, widths[0]) or [""]
        yield from above
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip([last, *others], widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def fold(text: str, width: int = WIDE) -> list[str]:
    """Return a text as lines of at most so many columns, further ones indented; a longer word stays whole."""
    lines: list[str] = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
        folded = wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        lines += folded or [""]
    return lines


def shortened(text: str, longest: int) -> str:
    """Return a text of at most so many characters; the middle is left out: rows often differ in their endings."""
    if len(text) <= longest:
        return text
    ending = min(25, longest // 2)
    return f"{text[: longest - ending - 1]}…{text[-ending:]}"
