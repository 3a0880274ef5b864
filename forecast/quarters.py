"""Arithmetic on calendar quarters: numbers, labels and clocks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # numpy and pandas are loaded where they are used
    from collections.abc import Sequence
    from typing import Any

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from forecast.array_types import Numbers


def last_whole_year(day: date) -> int:
    """The last calendar year that has ended by `day`: its figures, and no later ones, are known."""
    return day.year if (day.month, day.day) == (12, 31) else day.year - 1


def quarter_numbers(days: pd.Series) -> NDArray[np.int64]:
    """Calendar quarters since the year 0; 0 where the day is missing."""
    import numpy as np

    return np.asarray((4 * days.dt.year + days.dt.quarter - 1).fillna(0), dtype=np.int64)


def quarter_number_of_day(day: date) -> int:
    """Calendar quarters since the year 0."""
    return 4 * day.year + (day.month - 1) // 3


def last_whole_quarter(day: date) -> int:
    """The last quarter that is over at the end of `day`."""
    is_last_day = quarter_number_of_day(day + timedelta(days=1)) > quarter_number_of_day(day)
    return quarter_number_of_day(day) if is_last_day else quarter_number_of_day(day) - 1


def quarter_clock(dates: pd.Series[Any]) -> NDArray[np.float64]:
    """Quarters since the year 0 at noon of each date; NaN for a missing one."""
    import numpy as np

    period = dates.dt.to_period("Q").dt
    first, last = period.start_time, period.end_time
    part = ((dates - first).dt.days + 0.5) / ((last - first).dt.days + 1)
    return np.asarray(4 * dates.dt.year + dates.dt.quarter - 1 + part, dtype=float)


def quarter_of(day: date) -> str:
    """The calendar quarter of a day, e.g. 2025Q4."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def quarter_number(label: str) -> int:
    """Quarters since the year 0: 2026Q1 -> 8104."""
    return 4 * int(label[:4]) + int(label[5]) - 1


def quarter_label(number: int) -> str:
    """The inverse of `quarter_number`."""
    return f"{number // 4}Q{number % 4 + 1}"


def quarters(labels: Sequence[str] | NDArray[Any]) -> Numbers:
    """2026Q1 -> 2026.0, 2026Q2 -> 2026.25."""
    import numpy as np

    return np.array([int(str(q)[:4]) + (int(str(q)[5]) - 1) / 4 for q in labels])


def period_end(label: str | int) -> str:
    """The last day of a quarter (2026Q1) or of a year (2026)."""
    text = str(label)
    ends = {"1": "03-31", "2": "06-30", "3": "09-30", "4": "12-31"}
    return f"{text[:4]}-{ends[text[5:] or '4']}"
