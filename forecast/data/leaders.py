"""Leaders, elections and time in office by quarter: the data of the leadership model.

A quarter has a change of leader if the chief executive at its end is not the person at its start. An election counts if
it selects the leader, in the quarter of its final round. Time in office counts whole quarters since the quarter of
taking office.
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

from forecast.constants import DURATION_BINS, duration_bin
from forecast.data.tables import Tables
from forecast.errors import DataError
from forecast.quarters import (
    last_whole_quarter,
    quarter_label,
    quarter_number,
    quarter_numbers,
)

#: Countries that the model leaves out: rotating chairs (BIH, CHE) and no open contest (CHN, RUS).
LEFT_OUT: Final = ("BIH", "CHE", "CHN", "RUS")
USA: Final = "USA"  # not in the model, because its calendar is fixed; the projection has a rule for it
_FIRST: Final = quarter_number("1990Q1")  # first quarter of the data
_ROUNDS_DAYS: Final = 92  # days: the longest time between two rounds of one election
_INSTALLED_DAYS: Final = 183  # days after an election by which its winner is in office


def leader_quarters(tables: Tables) -> xr.Dataset:
    """Return one row for each country and quarter from 1990Q1 in which a change of leader was possible.

    Returns
    -------
    Dims `row`, `country` and `tenure_bin`.
        On `row`: `country_of` and `bin_of` (positions), `quarter` (label), `in_office` (whole quarters), `change` (0 or
        1), and three covariates that are 0 or 1: `election` (in this quarter), `after` (in the last quarter) and
        `before` (in one of the next two quarters, and not in this one).
        The last quarter is the last whole quarter up to the as-of date.

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
        raise DataError("leaders.csv, elections.csv: no country has rows in both, expected at least one; add rows")
    rows = pd.concat(pieces, ignore_index=True)
    columns: dict[str, Any] = {
        "country_of": pd.Categorical(rows["country"]).codes.astype(np.int64),  # in sorted order
        "bin_of": duration_bin(rows["in_office"]),
        "quarter": rows["quarter"].to_numpy(dtype=object),
    }
    for name in ("in_office", "change", "election", "after", "before"):
        columns[name] = rows[name].to_numpy(dtype=np.int64)
    return xr.Dataset(
        {name: ("row", values) for name, values in columns.items()},
        coords={
            "country": np.array(sorted(set(rows["country"])), dtype=object),
            "tenure_bin": np.array(DURATION_BINS, dtype=object),
        },
    )


def leader_state(tables: Tables, as_of: date | None = None) -> pd.DataFrame:
    """Return the leader and the electoral calendar of each country at the end of the as-of quarter.

    The countries are those of the model and the United States.

    Parameters
    ----------
    tables : source of leaders, elections and terms.
    as_of : day of the state, the as-of date of the tables unless given.

    Returns
    -------
    Index `country`. Columns:
        `leader` : name.
        `quarters_in_office` : whole quarters at the start of the next quarter.
        `next_election` : label of the quarter of the next election that selects the leader. It is the scheduled one, or
        else the last one plus a term; missing if it is overdue, as under martial law.
        `term_quarters` : length of a term, quarters.
        `early_vote` : whether the law allows an election before the term ends.
        `term_limited` : whether the incumbent may not stand again.
        `voted` : whether an election that selects the leader was held in the as-of quarter.

    Raises
    ------
    DataError
        If a country has no row in `terms`, or no leader on that day.
    """
    day = pd.Timestamp(as_of or tables.as_of)
    votes = _final_rounds(tables)
    terms = tables.terms.set_index("country").to_dict("index")
    rows = []
    for country in followed_countries(tables):
        if country not in terms:
            raise DataError(
                f"terms.csv: no row for {country}, which has leaders and elections, expected one; add the row"
            )
        country_votes = votes[votes["country"] == country]
        spells = tables.leaders[tables.leaders["country"] == country]
        rows.append(_state_row(country, spells, country_votes, terms[country], day))
    return pd.DataFrame(rows).set_index("country")


def leader_calendar(
    tables: Tables, countries: Any, quarters: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return masks of changes of leader and of elections that select one, both (country, quarter).

    Scheduled elections count. Both masks are false for countries without a leader series in this model.

    Parameters
    ----------
    tables : source of leaders and elections.
    countries : ISO 3166-1 alpha-3 codes, (country,).
    quarters : consecutive quarter numbers, (quarter,).
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
    """Return the countries that have leaders and elections that select them, without `LEFT_OUT`, sorted."""
    selects = tables.elections.loc[tables.elections["selects_leader"], "country"]
    return sorted(set(tables.leaders["country"]) & set(selects) - set(LEFT_OUT))


def _final_rounds(tables: Tables) -> pd.DataFrame:
    """Return the elections that select the leader, held or scheduled, with their `quarter`; only the final rounds."""
    votes = tables.elections[tables.elections["selects_leader"]].sort_values(["country", "date"])
    second = votes.loc[votes["round"] > 1, ["country", "kind", "date"]]
    pairs = votes[votes["round"] == 1].reset_index().merge(second, on=["country", "kind"])
    wait = (pairs["date_y"] - pairs["date_x"]).dt.days
    followed = pairs.loc[wait.between(0, _ROUNDS_DAYS), "index"]
    votes = votes[~votes.index.isin(followed)]
    return votes.assign(quarter=quarter_numbers(votes["date"]))


def same_person(first: str, second: str) -> bool:
    """Return whether two names are equal apart from given names (`Leo Varadkar` and `Varadkar`)."""
    short, long = sorted((first, second), key=len)
    return long == short or long.endswith(" " + short)


@dataclass(frozen=True, kw_only=True, slots=True)
class _InOffice:
    """The leader at the end of a quarter, the quarter of taking office, and whether the leader changed in it."""

    leader: str
    since: int
    changed: bool


def _in_office(spells: pd.DataFrame, first: int, last: int) -> list[_InOffice | None]:
    """Return one entry for each quarter from `first` to `last`; None before and after the series.

    A vacancy of some days between two leaders counts as time of the first one. A leader who leaves and returns within a
    quarter has not changed.
    """
    spells = spells.sort_values("start")
    names, starts = spells["leader"].tolist(), quarter_numbers(spells["start"])
    closed = spells["end"].iloc[-1]
    end = last + 1 if pd.isna(closed) else quarter_number(closed)
    states: list[_InOffice | None] = []
    state: _InOffice | None = None
    for quarter in range(min(first, int(starts[0])), last + 1):
        index = int(np.searchsorted(starts, quarter, side="right")) - 1
        if index < 0 or quarter >= end:
            state = None
        elif state is None:
            state = _InOffice(leader=names[index], since=int(starts[index]), changed=False)
        elif same_person(state.leader, names[index]):
            state = _InOffice(leader=names[index], since=state.since, changed=False)
        else:
            state = _InOffice(leader=names[index], since=quarter, changed=True)
        states.append(state)
    return states[-(last - first + 1) :]


def _country_rows(spells: pd.DataFrame, votes: pd.DataFrame, last: int) -> pd.DataFrame:
    """Return the quarters of one country that have a leader at their start and at their end."""
    states = _in_office(spells, _FIRST - 1, last)
    country, voted = spells["country"].iloc[0], set(votes["quarter"])
    rows = []
    for quarter, (start, end) in enumerate(pairwise(states), start=_FIRST):
        if start is None or end is None:
            continue
        votes_now = quarter in voted
        rows.append(
            {
                "country": country,
                "quarter": quarter_label(quarter),
                "in_office": quarter - start.since - 1,
                "change": end.changed,
                "election": votes_now,
                "after": quarter - 1 in voted,
                "before": not votes_now and (quarter + 1 in voted or quarter + 2 in voted),
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
    quarter = quarter_number(day)
    known = spells[spells["start"] <= day]
    state = _in_office(known, quarter, quarter)[0] if len(known) else None
    if state is None:
        raise DataError(f"leaders.csv: nobody governs {country} on {day.date()}, expected one leader; add the row")
    held = votes[votes["date"] <= day]
    years = float(term["term_years"])
    return {
        "country": country,
        "leader": state.leader,
        "quarters_in_office": quarter - state.since,
        "next_election": _next_election(votes, years, day),
        "term_quarters": round(4 * years),
        "early_vote": bool(term["early_vote"]),
        "term_limited": pd.notna(term["term_limit"])
        and _mandates(known, held, state.leader, day) >= float(term["term_limit"]),
        "voted": bool((held["quarter"] == quarter).any()),
    }


def _next_election(votes: pd.DataFrame, years: float, day: pd.Timestamp) -> str | None:
    """Return the quarter of the first scheduled election, or the end of the term if it is over a year earlier."""
    held = votes.loc[votes["date"] <= day, "date"].tolist()
    scheduled = votes.loc[votes["scheduled"] & (votes["date"] > day), "date"].tolist()
    due = held[-1] + pd.DateOffset(months=round(12 * years)) if held else None
    election = due
    if scheduled and (due is None or scheduled[0] <= due + pd.DateOffset(years=1)):
        election = scheduled[0]
    if election is None or quarter_number(election) <= quarter_number(day):
        return None
    return quarter_label(quarter_number(election))


def _mandates(spells: pd.DataFrame, held: pd.DataFrame, leader: str, day: pd.Timestamp) -> int:
    """Return how many presidential elections the leader has won; the winner is the leader half a year later."""
    spells = spells.sort_values("start")
    dates = held.loc[held["kind"] == "executive", "date"].tolist()
    won = 0
    for vote, following in zip(dates, [*dates, day][1:], strict=True):
        installed = min(vote + pd.Timedelta(days=_INSTALLED_DAYS), following, day)
        leaders = spells.loc[spells["start"] <= installed, "leader"]
        won += bool(len(leaders)) and same_person(leaders.iloc[-1], leader)
    return won


_CELL = ["country_of", "bin_of", "election", "after", "before"]


def grouped(data: xr.Dataset, keep: Any = True) -> pd.DataFrame:
    """Return the data summed over quarters with the same covariates, one row for each cell.

    Parameters
    ----------
    data : data set of `leader_quarters`.
    keep : 1 or true for each row that counts, (row,) or one value for all. Rows that do not count keep their cell.

    Returns
    -------
    Columns `country_of`, `bin_of`, `election`, `after` and `before` of the cell, `quarters` (number of quarters) and
        `changes` (number of changes of leader).
    """
    rows = pd.DataFrame({name: data[name].to_numpy() for name in [*_CELL, "change"]})
    rows["quarters"] = np.broadcast_to(np.asarray(keep, dtype=np.int64), len(rows))
    rows["changes"] = rows["change"] * rows["quarters"]
    return rows.groupby(_CELL)[["quarters", "changes"]].sum().reset_index()
