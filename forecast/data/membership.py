"""Membership of the alliance: member-years at risk and the rare events counted on them."""

from datetime import date, timedelta
from typing import Final

import pandas as pd

from forecast.data.tables import Tables

_YEAR: Final = 365.25  # days


def member_years(tables: Tables, until: date | None = None) -> float:
    """Years of membership of NATO from entry into force to the end of `until` (the as-of day unless given)."""
    end = pd.Timestamp((until or tables.as_of) + timedelta(days=1))
    nato = nato_members(tables)
    first, last = (nato[c].fillna(end).where(nato[c] < end, end) for c in ("in_force", "left"))
    return float((last - first).dt.days.sum() / _YEAR)


def command_outside(tables: Tables) -> tuple[float, int]:
    """Years that members spent outside the integrated command, and how many came back."""
    end = pd.Timestamp(tables.as_of + timedelta(days=1))
    returns = events_of_kind(tables, "command_return")
    total, back = 0.0, 0
    for actor, day in events_of_kind(tables, "command_exit").itertuples(index=False):
        later = returns.loc[(returns["actor"] == actor) & (returns["date"] > day), "date"]
        back += int(len(later) > 0)
        total += ((later.min() if len(later) else end) - day).days / _YEAR
    return total, back


def nato_members(tables: Tables) -> pd.DataFrame:
    """Memberships of NATO, one row each."""
    return tables.members[tables.members["alliance"] == "NATO"]


def events_of_kind(tables: Tables, kind: str) -> pd.DataFrame:
    """Actor and date of each event of a kind."""
    events = tables.alliance_events
    return events.loc[events["kind"] == kind, ["actor", "date"]]
