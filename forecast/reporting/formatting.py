"""Format numbers for pages and the terminal: probabilities, points, moments."""

import math
from typing import Final

_NEVER: Final = "–"


def probability(p: float | None) -> str:
    """Two digits; what is rarer than one in a hundred, or its opposite, has no more digits to give."""
    if p is None or math.isnan(p):
        return _NEVER
    if p < 0.01:
        return "<\u00a01\u00a0%"
    return ">\u00a099\u00a0%" if p > 0.99 else f"{100 * p:.0f}\u00a0%"


def number(x: float | None, digits: int = 2) -> str:
    """A plain number, a dash for none."""
    if x is None or math.isnan(x):
        return _NEVER
    return f"{round(x, digits) + 0.0:.{digits}f}".replace("-", "−")  # + 0.0: no negative zero


def minute(moment: str) -> str:
    """An ISO 8601 moment to the minute."""
    return moment[:16].replace("T", " ")


def points(error: float | None) -> str:
    """A Monte Carlo error of a probability, in percentage points."""
    return _NEVER if error is None or math.isnan(error) else f"±{100 * error:.1f}"


def tenths(share: float | None) -> str:
    """The share of judgement, to the next tenth."""
    return "unknown" if share is None or math.isnan(share) else f"{10 * round(10 * share)}\u00a0%"
