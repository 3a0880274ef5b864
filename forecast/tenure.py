"""Who governs, and when it can change: quarters in office and around elections, for the leadership model and its forecasts.

A quarter has a change if the chief executive at its end is another person than at its start. Elections that select the
leader count, in the quarter of their final round. Quarters in office are whole quarters since the one of taking office.
"""

from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.data import Tables
from forecast.errors import DataError

#: First quarter in office of each tenure bin; the last bin is open.
TENURE_EDGES: Final = (0, 2, 4, 8, 12, 16, 24, 40)
TENURE_BINS: Final = ("0-2", "2-4", "4-8", "8-12", "12-16", "16-24", "24-40", "40+")
#: Not like the others: rotating chairs (BIH, CHE), no open contest (CHN, RUS).
LEFT_OUT: Final = ("BIH", "CHE", "CHN", "RUS")
USA: Final = "USA"  # a fixed calendar, so not in the model; the projection has a rule for it
_FIRST: Final = pd.Period("1990Q1")
_ROUNDS_DAYS: Final = 92  # a second round follows the first within this many days
_INSTALLED_DAYS: Final = 183  # who won an election governs after so many days


def tenure_bin(quarters: Any) -> NDArray[np.int64]:
    """Index of the tenure bin after so many whole quarters in office."""
    return np.searchsorted(TENURE_EDGES, quarters, side="right") - 1


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
    last = _last_quarter(tables.as_of)
    known = [c for c in _countries(tables) if c != USA]
    pieces = [_country_rows(tables, c, votes[votes["country"] == c], last) for c in known]
    if not any(len(piece) for piece in pieces):
        raise DataError("leaders, elections: no country has both; the leadership model needs some")
    rows = pd.concat(pieces, ignore_index=True)
    columns: dict[str, Any] = {
        "country_of": pd.Categorical(rows["country"]).codes.astype(np.int64),  # in sorted order
        "bin_of": tenure_bin(rows["in_office"]),
        "quarter": rows["quarter"].astype(str).to_numpy(dtype=object),
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

    All countries of the model and the United States. Columns: `leader`; `quarters_in_office`, whole ones at the start of
    the next quarter; `next_election`, label of the quarter of the next vote that selects the leader (scheduled, else
    the last one plus a term; missing if that is overdue, as under martial law); `term_quarters`; `parliamentary`, early
    votes are possible; `term_limited`, the incumbent may not stand again; `voted`, such a vote was held in the as-of
    quarter.

    Raises DataError naming a country without a row in `terms`.
    """
    day = pd.Timestamp(as_of or tables.as_of)
    votes = _final_rounds(tables)
    terms = tables.terms.set_index("country")
    rows = []
    for country in _countries(tables):
        if country not in terms.index:
            raise DataError(f"terms: no row for {country}, which has leaders and elections; add one")
        own = votes[votes["country"] == country]
        spells = tables.leaders[(tables.leaders["country"] == country)]
        rows.append(_state_row(country, spells, own, terms.loc[country], day))
    return pd.DataFrame(rows).set_index("country")


def _countries(tables: Tables) -> list[str]:
    """Countries with leaders and with elections that select them."""
    selects = tables.elections.loc[tables.elections["selects_leader"], "country"]
    return sorted(set(tables.leaders["country"]) & set(selects) - set(LEFT_OUT))


def _last_quarter(day: date) -> pd.Period:
    """The last quarter that is over at the end of `day`."""
    quarter = pd.Timestamp(day).to_period("Q")
    return quarter if quarter.end_time.date() <= day else quarter - 1


def _final_rounds(tables: Tables) -> pd.DataFrame:
    """Elections that select the leader, held or scheduled; of two rounds only the second."""
    votes = tables.elections[tables.elections["selects_leader"]].sort_values(["country", "date"])
    second = votes[votes["round"] > 1]
    first = pd.Series(False, index=votes.index)
    for vote in second.itertuples():
        wait = (vote.date - votes["date"]).dt.days
        same = (votes["country"] == vote.country) & (votes["kind"] == vote.kind)
        first |= same & (votes["round"] < vote.round) & wait.between(0, _ROUNDS_DAYS)
    votes = votes[~first]
    return votes.assign(quarter=votes["date"].dt.to_period("Q"))


def same_person(one: str, other: str) -> bool:
    """True if the names are equal, or one is the other with given names before it (`Leo Varadkar`, `Varadkar`)."""
    short, long = sorted((one, other), key=len)
    return long == short or long.endswith(" " + short)


def _holders(spells: pd.DataFrame, quarters: pd.PeriodIndex) -> list[tuple[str, pd.Timestamp] | None]:
    """Name and start of whoever was the last to take office by the end of each quarter; None outside the series.

    A vacancy of some days between two leaders counts to the first of them.
    """
    spells = spells.sort_values("start")
    starts, names = list(spells["start"]), list(spells["leader"])
    closed = spells["end"].iloc[-1]
    out: list[tuple[str, pd.Timestamp] | None] = []
    for end in quarters.end_time:
        at = int(np.searchsorted(starts, end.to_datetime64(), side="right")) - 1
        over = not pd.isna(closed) and closed < end and at == len(starts) - 1
        out.append(None if at < 0 or over else (names[at], starts[at]))
    return out


def _tenures(
    spells: pd.DataFrame, quarters: pd.PeriodIndex
) -> list[tuple[str, pd.Period, bool] | None]:
    """For the end of each quarter: who governs, the quarter in which that began, whether it changed in this quarter.

    Someone who hands over and is back by the end of the quarter has not left.
    """
    out: list[tuple[str, pd.Period, bool] | None] = []
    now: tuple[str, pd.Period, bool] | None = None
    for quarter, holder in zip(quarters, _holders(spells, quarters), strict=True):
        if holder is None:
            now = None
        elif now is None:
            now = (holder[0], holder[1].to_period("Q"), False)
        elif same_person(now[0], holder[0]):
            now = (holder[0], now[1], False)
        else:
            now = (holder[0], quarter, True)
        out.append(now)
    return out


def _country_rows(
    tables: Tables, country: str, votes: pd.DataFrame, last: pd.Period
) -> pd.DataFrame:
    """The quarters of one country in which someone governed at the start and someone at the end."""
    spells = tables.leaders[tables.leaders["country"] == country]
    began = min(_FIRST - 1, spells["start"].min().to_period("Q"))
    quarters = pd.period_range(began, last, freq="Q")
    tenures = _tenures(spells, quarters)
    voted = set(votes["quarter"])
    rows = []
    for quarter, start, end in zip(quarters[1:], tenures[:-1], tenures[1:], strict=True):
        if quarter < _FIRST or start is None or end is None:
            continue
        now = quarter in voted
        rows.append({
            "country": country,
            "quarter": quarter,
            "in_office": (quarter - start[1]).n - 1,
            "change": end[2],
            "election": now,
            "after": quarter - 1 in voted,
            "before": not now and (quarter + 1 in voted or quarter + 2 in voted),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _state_row(
    country: str, spells: pd.DataFrame, votes: pd.DataFrame, term: pd.Series, day: pd.Timestamp
) -> dict[str, Any]:
    quarter = day.to_period("Q")
    known = spells[spells["start"] <= day]
    quarters = pd.period_range(known["start"].min().to_period("Q"), quarter, freq="Q")
    current = _tenures(known, quarters)[-1]
    if current is None:
        raise DataError(f"leaders: nobody governs {country} on {day.date()}; add the current leader")
    held = votes[votes["date"] <= day]
    return {
        "country": country,
        "leader": current[0],
        "quarters_in_office": (quarter - current[1]).n,
        "next_election": _next_election(votes, float(term["term_years"]), day),
        "term_quarters": round(4 * float(term["term_years"])),
        "parliamentary": term["system"] == "parliamentary",
        "term_limited": _mandates(known, held, current[0], day) >= _limit(term),
        "voted": bool((held["quarter"] == quarter).any()),
    }


def _limit(term: pd.Series) -> float:
    return np.inf if pd.isna(term["term_limit"]) else float(term["term_limit"])


def _next_election(votes: pd.DataFrame, years: float, day: pd.Timestamp) -> str | None:
    """The first scheduled vote, unless a term ends more than a year before it; else the end of the term."""
    term = pd.DateOffset(months=round(12 * years))
    held = votes.loc[votes["date"] <= day, "date"]
    due = held.max() + term if len(held) else pd.NaT
    ahead = votes.loc[votes["scheduled"] & (votes["date"] > day), "date"]
    when = due
    if len(ahead) and not ahead.min() > due + pd.DateOffset(years=1):
        when = ahead.min()
    quarter = when.to_period("Q") if not pd.isna(when) else None
    return str(quarter) if quarter is not None and quarter > day.to_period("Q") else None


def _mandates(
    spells: pd.DataFrame, held: pd.DataFrame, leader: str, day: pd.Timestamp
) -> int:
    """How many presidential elections the leader has won, consecutive or not."""
    won = 0
    for vote in held.loc[held["kind"] == "executive", "date"]:
        installed = min(vote + pd.Timedelta(days=_INSTALLED_DAYS), day)
        then = spells[spells["start"] <= installed].sort_values("start")
        won += bool(len(then)) and same_person(str(then["leader"].iloc[-1]), leader)
    return won
