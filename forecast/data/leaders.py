"""Who governs, and when it can change: quarters in office and around elections, for the leadership model.

A quarter has a change if the chief executive at its end is another person than at its start. Elections that select the
leader count, in the quarter of their final round. Quarters in office are whole quarters since the one of taking office.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.constants import TENURE_BINS, tenure_bin
from forecast.data.tables import Tables
from forecast.errors import DataError
from forecast.quarters import (
    last_whole_quarter,
    quarter_label,
    quarter_number_of_day,
    quarter_numbers,
)

#: Not like the others: rotating chairs (BIH, CHE), no open contest (CHN, RUS).
LEFT_OUT: Final = ("BIH", "CHE", "CHN", "RUS")
USA: Final = "USA"  # a fixed calendar, so not in the model; the projection has a rule for it
_FIRST: Final = 4 * 1990  # 1990Q1, as `quarter_numbers` counts
_ROUNDS_DAYS: Final = 92  # a second round follows the first within this many days
_INSTALLED_DAYS: Final = 183  # who won an election governs after so many days


def leader_quarters(tables: Tables) -> xr.Dataset:
    """One row (dim `row`) for every country and quarter from 1990Q1 in which a change of leader was possible.

    Returns
    -------
    Dims `row`, `country` and `tenure_bin`. On `row`: `country_of` and `bin_of` (positions), `quarter`
        (label), `in_office` (whole quarters), `change`, and the 0/1 covariates `election` (in this
        quarter), `after` (in the last one) and `before` (in one of the next two, and not in this one).
        The last quarter is the last whole one up to the as-of date.

    Raises
    ------
    DataError
        If no country has both a leader and an election.
    """
    votes = _final_rounds(tables)
    last = last_whole_quarter(tables.as_of)
    leaders = dict(list(tables.leaders.groupby("country")))
    known = [c for c in followed_countries(tables) if c != USA]
    pieces = [_country_rows(leaders[c], votes[votes["country"] == c], last) for c in known]
    if not any(len(piece) for piece in pieces):
        raise DataError("leaders, elections: no country has both; the leadership model needs some")
    rows = pd.concat(pieces, ignore_index=True)
    columns: dict[str, Any] = {
        "country_of": pd.Categorical(rows["country"]).codes.astype(np.int64),  # in sorted order
        "bin_of": tenure_bin(rows["in_office"]),
        "quarter": rows["quarter"].to_numpy(dtype=object),
    }
    for name in ("in_office", "change", "election", "after", "before"):
        columns[name] = rows[name].to_numpy(dtype=np.int64)
    return xr.Dataset(
        {name: ("row", values) for name, values in columns.items()},
        coords={
            "country": np.array(sorted(set(rows["country"])), dtype=object),
            "tenure_bin": np.array(TENURE_BINS, dtype=object),
        },
    )


def leader_state(tables: Tables, as_of: date | None = None) -> pd.DataFrame:
    """Where the clocks of leaders and elections stand at the end of the as-of quarter; index `country`.

    All countries of the model and the United States. Columns: `leader`; `quarters_in_office`, whole ones at the
    start of the next quarter; `next_election`, label of the quarter of the next vote that selects the leader
    (scheduled, else the last one plus a term; missing if that is overdue, as under martial law); `term_quarters`;
    `early_vote`, the law allows votes before the term ends; `term_limited`, the incumbent may not stand again;
    `voted`, such a vote was held in the as-of quarter.

    Raises DataError naming a country without a row in `terms`.
    """
    day = pd.Timestamp(as_of or tables.as_of)
    votes = _final_rounds(tables)
    terms = tables.terms.set_index("country").to_dict("index")
    rows = []
    for country in followed_countries(tables):
        if country not in terms:
            raise DataError(f"terms: no row for {country}, which has leaders and elections; add one")
        own = votes[votes["country"] == country]
        spells = tables.leaders[tables.leaders["country"] == country]
        rows.append(_state_row(country, spells, own, terms[country], day))
    return pd.DataFrame(rows).set_index("country")


def leader_calendar(
    tables: Tables, countries: Any, quarters: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Changes of leader and votes that select one, shape (country, quarter), as this model counts them.

    `quarters` are consecutive, counted from the year 0; scheduled votes are votes. Countries without a leader series
    of this model (none in the tables, or `LEFT_OUT`) have neither.
    """
    changes = np.zeros((len(countries), len(quarters)), dtype=bool)
    voted = np.zeros_like(changes)
    votes, known = _final_rounds(tables), set(followed_countries(tables))
    spells = dict(list(tables.leaders.groupby("country")))
    for c, country in enumerate(countries):
        if country in known:
            states = _in_office(spells[country], int(quarters[0]), int(quarters[-1]))
            changes[c] = [state is not None and state.changed for state in states]
            voted[c] = np.isin(quarters, votes.loc[votes["country"] == country, "quarter"])
    return changes, voted


def followed_countries(tables: Tables) -> list[str]:
    """Countries with leaders and with elections that select them, but for `LEFT_OUT`."""
    selects = tables.elections.loc[tables.elections["selects_leader"], "country"]
    return sorted(set(tables.leaders["country"]) & set(selects) - set(LEFT_OUT))


def _final_rounds(tables: Tables) -> pd.DataFrame:
    """Elections that select the leader, held or scheduled, with their `quarter`; of two rounds only the second."""
    votes = tables.elections[tables.elections["selects_leader"]].sort_values(["country", "date"])
    second = votes.loc[votes["round"] > 1, ["country", "kind", "date"]]
    pairs = votes[votes["round"] == 1].reset_index().merge(second, on=["country", "kind"])
    wait = (pairs["date_y"] - pairs["date_x"]).dt.days
    followed = pairs.loc[wait.between(0, _ROUNDS_DAYS), "index"]
    votes = votes[~votes.index.isin(followed)]
    return votes.assign(quarter=quarter_numbers(votes["date"]))


def same_person(one: str, other: str) -> bool:
    """True if the names are equal, or one is the other with given names before it (`Leo Varadkar`, `Varadkar`)."""
    short, long = sorted((one, other), key=len)
    return long == short or long.endswith(" " + short)


@dataclass(frozen=True, kw_only=True, slots=True)
class _InOffice:
    """Who governs at the end of a quarter, in which quarter that began, and whether it changed in this one."""

    leader: str
    since: int
    changed: bool


def _in_office(spells: pd.DataFrame, first: int, last: int) -> list[_InOffice | None]:
    """One entry for each quarter from `first` to `last`; None before and after the series.

    A vacancy of some days between two leaders counts to the first of them. Someone who hands over and is back by the
    end of the quarter has not left.
    """
    spells = spells.sort_values("start")
    names, starts = spells["leader"].tolist(), quarter_numbers(spells["start"])
    closed = spells["end"].iloc[-1]
    end = last + 1 if pd.isna(closed) else quarter_number_of_day(closed)
    out: list[_InOffice | None] = []
    now: _InOffice | None = None
    for quarter in range(min(first, int(starts[0])), last + 1):
        at = int(np.searchsorted(starts, quarter, side="right")) - 1
        if at < 0 or quarter >= end:
            now = None
        elif now is None:
            now = _InOffice(leader=names[at], since=int(starts[at]), changed=False)
        elif same_person(now.leader, names[at]):
            now = _InOffice(leader=names[at], since=now.since, changed=False)
        else:
            now = _InOffice(leader=names[at], since=quarter, changed=True)
        out.append(now)
    return out[-(last - first + 1) :]


def _country_rows(spells: pd.DataFrame, votes: pd.DataFrame, last: int) -> pd.DataFrame:
    """The quarters of one country in which someone governed at the start and someone at the end."""
    states = _in_office(spells, _FIRST - 1, last)
    country, voted = spells["country"].iloc[0], set(votes["quarter"])
    rows = []
    for quarter, (start, end) in enumerate(pairwise(states), start=_FIRST):
        if start is None or end is None:
            continue
        now = quarter in voted
        rows.append(
            {
                "country": country,
                "quarter": quarter_label(quarter),
                "in_office": quarter - start.since - 1,
                "change": end.changed,
                "election": now,
                "after": quarter - 1 in voted,
                "before": not now and (quarter + 1 in voted or quarter + 2 in voted),
            }
        )
    return pd.DataFrame(rows)


def _state_row(
    country: str,
    spells: pd.DataFrame,
    votes: pd.DataFrame,
    term: Mapping[Any, Any],
    day: pd.Timestamp,
) -> dict[str, Any]:
    quarter = quarter_number_of_day(day)
    known = spells[spells["start"] <= day]
    now = _in_office(known, quarter, quarter)[0] if len(known) else None
    if now is None:
        raise DataError(f"leaders: nobody governs {country} on {day.date()}, expected one leader; add the row")
    held = votes[votes["date"] <= day]
    years = float(term["term_years"])
    return {
        "country": country,
        "leader": now.leader,
        "quarters_in_office": quarter - now.since,
        "next_election": _next_election(votes, years, day),
        "term_quarters": round(4 * years),
        "early_vote": bool(term["early_vote"]),
        "term_limited": pd.notna(term["term_limit"])
        and _mandates(known, held, now.leader, day) >= float(term["term_limit"]),
        "voted": bool((held["quarter"] == quarter).any()),
    }


def _next_election(votes: pd.DataFrame, years: float, day: pd.Timestamp) -> str | None:
    """The first scheduled vote, unless a term ends more than a year before it; else the end of the term."""
    held = votes.loc[votes["date"] <= day, "date"].tolist()
    ahead = votes.loc[votes["scheduled"] & (votes["date"] > day), "date"].tolist()
    due = held[-1] + pd.DateOffset(months=round(12 * years)) if held else None
    when = due
    if ahead and (due is None or ahead[0] <= due + pd.DateOffset(years=1)):
        when = ahead[0]
    if when is None or quarter_number_of_day(when) <= quarter_number_of_day(day):
        return None
    return quarter_label(quarter_number_of_day(when))


def _mandates(spells: pd.DataFrame, held: pd.DataFrame, leader: str, day: pd.Timestamp) -> int:
    """How many presidential elections the leader has won, consecutive or not: who governs half a year later won."""
    spells = spells.sort_values("start")
    dates = held.loc[held["kind"] == "executive", "date"].tolist()
    won = 0
    for vote, following in zip(dates, [*dates, day][1:], strict=True):
        installed = min(vote + pd.Timedelta(days=_INSTALLED_DAYS), following, day)
        then = spells.loc[spells["start"] <= installed, "leader"]
        won += bool(len(then)) and same_person(then.iloc[-1], leader)
    return won


_CELL = ["country_of", "bin_of", "election", "after", "before"]


def grouped(data: xr.Dataset, keep: Any = True) -> pd.DataFrame:
    """Quarters with the same country, tenure bin and place in the calendar: their number and that of changes.

    Only rows with `keep` are counted; the cells are those of all rows.
    """
    rows = pd.DataFrame({name: data[name].to_numpy() for name in [*_CELL, "change"]})
    rows["quarters"] = np.broadcast_to(np.asarray(keep, dtype=np.int64), len(rows))
    rows["changes"] = rows["change"] * rows["quarters"]
    return rows.groupby(_CELL)[["quarters", "changes"]].sum().reset_index()
