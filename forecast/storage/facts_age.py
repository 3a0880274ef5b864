"""Say how old the facts behind a run are: the days since the last day up to which its tables hold facts."""

from datetime import date
from typing import Final

STALE: Final = 90  # days; older facts are warned of


def age_in_days(facts: str, today: date) -> int | None:
    """Return the age of facts known up to a day (YYYY-MM-DD); None if the day is none."""
    try:
        return (today - date.fromisoformat(facts)).days
    except ValueError:
        return None


def age_text(facts: str, today: date) -> str:
    """Return the day and the age, with a warning if the facts are older than 90 days."""
    days = age_in_days(facts, today)
    if days is None:
        return "of an unknown day"
    warning = f" (WARNING: more than {STALE}; add rows to the tables)" if days > STALE else ""
    return f"up to {facts}, {days} day{'' if days == 1 else 's'} old{warning}"
