"""Membership of NATO: member-years at risk, and the rare events counted on them."""

from datetime import date, timedelta
from typing import Final

import pandas as pd

from forecast.data.tables import Tables

_YEAR: Final = 365.25  # days


def member_years(tables: Tables, until: date | None = None) -> float:
    """Return the years of membership of NATO, summed over all members.

    A membership counts from entry into force to the end of the day `until`, which is the as-of date unless given.
    """
    end = pd.Timestamp((until or tables.as_of) + timedelta(days=1))
    nato = tables.memberships()
    first, last = (nato[c].fillna(end).where(nato[c] < end, end) for c in ("in_force", "left"))
    return float((last - first).dt.days.sum() / _YEAR)


def command_outside(tables: Tables) -> tuple[float, int]:
    """Return the years that members spent outside the integrated command, and the number of returns to it."""
    end = pd.Timestamp(tables.as_of + timedelta(days=1))
    returns = events_of_kind(tables, "command_return")
    years, number = 0.0, 0
    for actor, day in events_of_kind(tables, "command_exit").itertuples(index=False):
        later = returns.loc[(returns["actor"] == actor) & (returns["date"] > day), "date"]
        number += int(len(later) > 0)
        years += ((later.min() if len(later) else end) - day).days / _YEAR
    return years, number


def events_of_kind(tables: Tables, kind: str) -> pd.DataFrame:
    """Return `actor` and `date` of each event of a kind (`summit`, `command_exit` or `command_return`)."""
    events = tables.alliance_events
    return events.loc[events["kind"] == kind, ["actor", "date"]]
