"""Leaders, elections and time in office by quarter: the data of the leadership model.

A quarter has a change of leader if the chief executive at its end is not the person at its start. An election counts if
it selects the leader, in the quarter of its final round. Time in office counts whole quarters since the quarter of
taking office.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.constants import DURATION_BINS, EARLY_BINS, duration_bin
from forecast.data.exclusions import left_out
from forecast.data.tables import Tables
from forecast.errors import DataError
from forecast.quarters import (
    last_whole_quarter,
    quarter_label,
    quarter_number,
    quarter_numbers,
)

#: Countries that the model leaves out; `exclusions.toml` gives the reasons.
LEFT_OUT: Final = left_out("leadership")
USA: Final = "USA"  # not in the model, because its calendar is fixed; the projection has a rule for it
#: Covariates of a quarter, each 0 or 1, in the order of `simulation.rules.leadership.turnover_log_odds`.
POSITIONS: Final = ("election", "after", "after_new", "limited", "before")
_FIRST: Final = quarter_number("1990Q1")  # first quarter of the data
_SET_DAY: Final = ("day", "month")  # precisions of a scheduled date that is not merely the last possible day
_ROUNDS_DAYS: Final = 92  # days: the longest time between two rounds of one election


def leader_quarters(tables: Tables) -> xr.Dataset:
    """Return one row for each country and quarter from 1990Q1 in which a change of leader was possible.

    Returns
    -------
    Dims `row`, `country` and `tenure_bin`.
        On `row`: `country_of` and `bin_of` (positions), `quarter` (label), `in_office` (whole quarters), `change` (0 or
        1), and the covariates of `POSITIONS`, each 0 or 1: `election` (in this quarter), `after` (in the last quarter),
        `after_new` (the same, and the leader took office in the last quarter), `limited` (the same, and the leader was
        in office before and could not stand) and `before` (the term ends in one of the next two quarters, and no
        election is in this one; nobody knows of an early election so long before). The last quarter is the last whole
        quarter up to the as-of date.

    Raises
    ------
    DataError
        If no country has both a leader and an election.
    """
    votes = _final_rounds(tables)
    last = last_whole_quarter(tables.as_of)
    leaders = dict(list(tables.leaders.groupby("country")))
    known = [c for c in followed_countries(tables) if c != USA]
    terms = _terms(tables)
    pieces = [_country_rows(leaders[c], votes[votes["country"] == c], terms.get(c, {}), last) for c in known]
    if not any(len(piece) for piece in pieces):
        raise DataError("leaders.csv, elections.csv: no country has rows in both, expected at least one; add rows")
    rows = pd.concat(pieces, ignore_index=True)
    columns: dict[str, Any] = {
        "country_of": pd.Categorical(rows["country"]).codes.astype(np.int64),  # in sorted order
        "bin_of": duration_bin(rows["in_office"]),
        "quarter": rows["quarter"].to_numpy(dtype=object),
    }
    for name in ("in_office", "change", *POSITIONS):
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
        `fixed` : whether that is the day of the election; otherwise it is the last possible day.
        `early_vote` : whether the law allows an election before the term ends.
        `mandates` : number of elections that count towards the term limit and that the leader has won. An election of
            the as-of quarter counts only if the leader took office in that quarter too.
        `term_limit` : number of mandates after which a leader may not stand; missing without a limit.
        `voted` : whether an election that selects the leader was held in the as-of quarter.

    Raises
    ------
    DataError
        If a country has no row in `terms`, or no leader on that day.
    """
    day = pd.Timestamp(as_of or tables.as_of)
    votes = _final_rounds(tables)
    terms = _terms(tables)
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


def _terms(tables: Tables) -> dict[Any, dict[Any, Any]]:
    """Return the row of `terms` of each country; a missing limit is NaN."""
    return tables.terms.astype({"term_limit": float}).set_index("country").to_dict("index")


def early_votes(tables: Tables) -> pd.DataFrame:
    """Return how many votes were held early, by the quarters left until the deadline.

    The countries are those whose law allows an early election. The deadline is the end of a term after the last vote.

    Returns
    -------
    Index `left`: 1, 2, ... up to `EARLY_BINS`, which stands for all larger numbers. Columns `quarters` (from 1990 to
        the as-of date, with so many quarters left and no vote before) and `votes` (quarters of these with a vote).
    """
    votes, last = _final_rounds(tables), last_whole_quarter(tables.as_of)
    allowed = tables.terms[tables.terms["early_vote"] & tables.terms["country"].isin(followed_countries(tables))]
    counts = np.zeros((EARLY_BINS, 2), dtype=np.int64)
    for country, years in zip(allowed["country"], allowed["term_years"], strict=True):
        dates = votes.loc[(votes["country"] == country) & (votes["quarter"] <= last), "date"].tolist()
        for held, following in zip(dates, [*dates[1:], None], strict=True):
            due, end = _due(held, years), last if following is None else quarter_number(following)
            for quarter in range(max(quarter_number(held) + 1, _FIRST), min(end, due - 1) + 1):
                early = following is not None and quarter == end
                counts[min(due - quarter, EARLY_BINS) - 1] += [1, early]
    left = pd.RangeIndex(1, EARLY_BINS + 1, name="left")
    return pd.DataFrame(counts, index=left, columns=["quarters", "votes"])


def _due(held: Any, years: float) -> int:
    """Return the number of the quarter in which a term that began with the election of a day ends."""
    return quarter_number(held + pd.DateOffset(months=round(12 * years)))


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


def _country_rows(spells: pd.DataFrame, votes: pd.DataFrame, term: Mapping[Any, Any], last: int) -> pd.DataFrame:
    """Return the quarters of one country that have a leader at their start and at their end; `term` may be empty."""
    limit, since = term.get("term_limit", np.nan), term.get("limit_from", pd.NaT)
    due = {q: _due(day, term["term_years"]) for q, day in zip(votes["quarter"], votes["date"], strict=True) if term}
    states = dict(enumerate(_in_office(spells, _FIRST - 1, last), start=_FIRST - 1))
    country, voted = spells["country"].iloc[0], set(votes["quarter"])
    rows = []
    for quarter in range(_FIRST, last + 1):
        start, end = states[quarter - 1], states[quarter]
        if start is None or end is None:
            continue
        votes_now, after, new = quarter in voted, quarter - 1 in voted, start.since == quarter - 1
        rows.append(
            {
                "country": country,
                "quarter": quarter_label(quarter),
                "in_office": quarter - start.since - 1,
                "change": end.changed,
                "election": votes_now,
                "after": after,
                "after_new": after and new,
                "limited": after and not new and _mandates(states, votes, since, quarter) >= limit,
                "before": not votes_now
                and due.get(max((q for q in voted if q < quarter), default=None), quarter)
                in (quarter + 1, quarter + 2),
            }
        )
    return pd.DataFrame(rows)


def _mandates(states: Mapping[int, _InOffice | None], votes: pd.DataFrame, since: Any, quarter: int) -> int:
    """Return how many elections the leader at the start of a quarter has won that count towards a term limit.

    They are executive elections, from the day `since` on if it is known. The winner is the leader at the end of the
    quarter after the vote. The vote of the quarter before counts if the leader took office in that quarter.
    """
    leader = states[quarter - 1]
    if leader is None or votes.empty:
        return 0
    counted = votes[(votes["kind"] == "executive") & (votes["quarter"] < quarter) & ~(votes["date"] < since)]
    won = 0
    for vote in set(counted["quarter"]):
        if vote == quarter - 1:
            won += leader.since == vote
        else:
            winner = states.get(vote + 1)
            won += winner is not None and same_person(winner.leader, leader.leader)
    return won


def _state_row(
    country: str,
    spells: pd.DataFrame,
    votes: pd.DataFrame,
    term: Mapping[Any, Any],
    day: pd.Timestamp,
) -> dict[str, Any]:
    quarter = quarter_number(day)
    known = spells[spells["start"] <= day]
    states = dict(enumerate(_in_office(known, _FIRST, quarter), start=_FIRST)) if len(known) else {}
    state = states.get(quarter)
    if state is None:
        raise DataError(f"leaders.csv: nobody governs {country} on {day.date()}, expected one leader; add the row")
    held, years = votes[votes["date"] <= day], float(term["term_years"])
    election, fixed = _next_election(votes, years, day)
    return {
        "country": country,
        "leader": state.leader,
        "quarters_in_office": quarter - state.since,
        "next_election": election,
        "fixed": fixed,
        "term_quarters": round(4 * years),
        "early_vote": bool(term["early_vote"]),
        "mandates": _mandates(states, held, term["limit_from"], quarter + 1),
        "term_limit": term["term_limit"],
        "voted": bool((held["quarter"] == quarter).any()),
    }


def _next_election(votes: pd.DataFrame, years: float, day: pd.Timestamp) -> tuple[str | None, bool]:
    """Return the quarter of the first scheduled election, or the end of the term if it is over a year earlier.

    Also returns whether its day is set, so that it is not merely the last possible one.
    """
    held = votes.loc[votes["date"] <= day, "date"].tolist()
    ahead = votes[votes["scheduled"] & (votes["date"] > day)]
    election, fixed = _due(held[-1], years) if held else None, False
    if len(ahead):
        first = ahead.iloc[0]
        limit = held[-1] + pd.DateOffset(months=round(12 * years) + 12) if held else first["date"]
        if first["date"] <= limit:
            election, fixed = int(first["quarter"]), first["date_precision"] in _SET_DAY
    if election is None or election <= quarter_number(day):
        return None, False
    return quarter_label(election), fixed


_CELL: Final = ["country_of", "bin_of", *POSITIONS]


def grouped(data: xr.Dataset, keep: Any = True) -> pd.DataFrame:
    """Return the data summed over quarters with the same covariates, one row for each cell.

    Parameters
    ----------
    data : data set of `leader_quarters`.
    keep : 1 or true for each row that counts, (row,) or one value for all. Rows that do not count keep their cell.

    Returns
    -------
    Columns `country_of`, `bin_of` and `POSITIONS` of the cell, `quarters` (number of quarters) and `changes` (number of
        changes of leader).
    """
    rows = pd.DataFrame({name: data[name].to_numpy() for name in [*_CELL, "change"]})
    rows["quarters"] = np.broadcast_to(np.asarray(keep, dtype=np.int64), len(rows))
    rows["changes"] = rows["change"] * rows["quarters"]
    return rows.groupby(_CELL)[["quarters", "changes"]].sum().reset_index()
