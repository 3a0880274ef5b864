"""Arithmetic on calendar quarters.

A quarter has a number, which counts quarters since the year 0 (2026Q1 is 8104), and a label (`2026Q1`). A clock is a
quarter number plus the fraction of the quarter that has passed.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # numpy and pandas are loaded where they are used
    from collections.abc import Sequence
    from typing import Any

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from forecast.array_types import Floats


def quarter_number(when: str | date) -> int:
    """Return the number of the quarter with this label, or of the quarter that contains this day."""
    if isinstance(when, date):
        return 4 * when.year + (when.month - 1) // 3
    return 4 * int(when[:4]) + int(when[5]) - 1


def quarter_label(number: int) -> str:
    """Return the label of a quarter number; the inverse of `quarter_number`."""
    return f"{number // 4}Q{number % 4 + 1}"


def quarter_numbers(days: pd.Series[Any]) -> NDArray[np.int64]:
    """Return the quarter number of each day; 0 where the day is missing."""
    import numpy as np

    return np.asarray(_numbers(days).fillna(0), dtype=np.int64)


def quarter_clock(days: pd.Series[Any]) -> Floats:
    """Return the clock at noon of each day, in quarters; NaN where the day is missing."""
    import numpy as np

    period = days.dt.to_period("Q").dt
    first, last = period.start_time, period.end_time
    fraction = ((days - first).dt.days + 0.5) / ((last - first).dt.days + 1)
    return np.asarray(_numbers(days) + fraction, dtype=float)


def _numbers(days: pd.Series[Any]) -> pd.Series[Any]:
    numbers: pd.Series[Any] = 4 * days.dt.year + days.dt.quarter - 1
    return numbers


def last_whole_year(day: date) -> int:
    """Return the last calendar year that has ended by `day`: the last year with known annual figures."""
    return day.year if (day.month, day.day) == (12, 31) else day.year - 1


def last_whole_quarter(day: date) -> int:
    """Return the number of the last quarter that has ended by the end of `day`."""
    is_last_day = quarter_number(day + timedelta(days=1)) > quarter_number(day)
    return quarter_number(day) if is_last_day else quarter_number(day) - 1


def decimal_years(labels: Sequence[str] | NDArray[Any]) -> Floats:
    """Return the first day of each labelled quarter in years: 2026Q1 is 2026.0 and 2026Q2 is 2026.25."""
    import numpy as np

    return np.array([int(str(q)[:4]) + (int(str(q)[5]) - 1) / 4 for q in labels])


def period_end(label: str | int) -> str:
    """Return the last day of a quarter (2026Q1) or of a year (2026), as YYYY-MM-DD."""
    text = str(label)
    ends = {"1": "03-31", "2": "06-30", "3": "09-30", "4": "12-31"}
    return f"{text[:4]}-{ends[text[5:] or '4']}"
