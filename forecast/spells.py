"""Spells of contributors in missions, cut at calendar quarters: what the withdrawal model and its forecasts read.

Time is counted in quarters: 4 * year + quarter - 1, plus the part of the quarter gone by at noon of the day. Within
a calendar quarter every covariate stands still, duration too: it counts calendar quarters since the one of entry.
What others did counts from the next quarter on, so nothing in a quarter explains itself.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.core.state import DURATION_EDGES
from forecast.data import Tables
from forecast.errors import DataError
from forecast.priors import Beliefs

#: Labels of the bins of quarters since entry.
DURATION_BINS: Final = ("0-2", "2-4", "4-8", "8-12", "12-16", "16-24", "24-40", "40+")
#: Codes of `kind`: how a spell ended. A cause left open is summed over in the likelihood.
STAYED, DEFECTION, PLANNED, OPEN_CAUSE = 0, 1, 2, 3
_KINDS: Final = {"censored": STAYED, "mission_end": STAYED, "defection": DEFECTION} | {
    "planned": PLANNED, "reduced": OPEN_CAUSE, "unknown": OPEN_CAUSE
}  # fmt: skip
_LOOK_AHEAD: Final = 4  # quarters: an election ahead, the end of a mission ahead
_TROOPS_YEARS: Final = 3  # a troop level older than this is no longer used


def quarter_clock(dates: "pd.Series[Any]") -> NDArray[np.float64]:
    """Quarters since the year 0 at noon of each date; NaN for a missing one."""
    period = dates.dt.to_period("Q").dt
    first, last = period.start_time, period.end_time
    part = ((dates - first).dt.days + 0.5) / ((last - first).dt.days + 1)
    return np.asarray(4 * dates.dt.year + dates.dt.quarter - 1 + part, dtype=float)


def duration_bin(served: Any) -> NDArray[np.int64]:
    """Index of the duration bin after so many whole quarters since entry."""
    return np.asarray(np.searchsorted(DURATION_EDGES, np.maximum(served, 0), side="right") - 1)


def mission_spells(tables: Tables, beliefs: Beliefs) -> xr.Dataset:
    """Exposure pieces, events and calendars of all main contingents (`residual` rows are left out).

    Dims: `row` (one piece of one spell in one quarter: `length` in quarters, `duration`, covariates, `spell_of`),
    `spell` (`kind`, `exact`, `event_row`, `entry`, `end`, flags), `mission`, `country`, `duration_bin`, `quarter`.

    A spell ends exactly (day or month known: `event_row` is its last row) or within a bracket (rows with `in_bracket`).
    The bracket of an interval is mirrored about the stored midpoint, never beyond the mission; that of a year is the
    year, cut likewise. `mission_end` is censoring. `unknown` and `reduced` are exits whose cause is left open;
    `reduced` is an exit of the main contingent, with a token staff left behind. `contagion` is a share, capped at
    `withdrawal.contagion_cap`. A left-truncated spell starts with duration 0.

    Raises
    ------
    DataError
        When no main contingent is left to look at.
    """
    spells = _spells(tables)
    missions = tables.missions[tables.missions["mission"].isin(spells["mission"])]
    missions = missions.reset_index(drop=True)
    countries = np.unique(spells["country"])
    spells["m"] = pd.Index(missions["mission"]).get_indexer(spells["mission"])
    spells["c"] = pd.Index(countries).get_indexer(spells["country"])
    day = pd.Timestamp(tables.as_of)
    first = int(np.floor(spells["start"].min()))
    quarters = np.arange(first, 4 * day.year + day.quarter)
    cap = beliefs.value("withdrawal.contagion_cap")
    calendar = _politics(tables, countries, quarters) | _missions(spells, missions, quarters, cap)
    return xr.Dataset(
        calendar | _rows(spells, calendar, first) | _flagged(spells, tables),
        coords={
            "mission": missions["mission"].to_numpy(dtype=str),
            "country": countries.astype(str),
            "duration_bin": list(DURATION_BINS),
            "quarter": quarters,
        },
        attrs={"as_of": str(tables.as_of), "contagion_cap": cap},
    )


def _spells(tables: Tables) -> pd.DataFrame:
    """One line a spell, in quarters: start, end (as stored), stop (of exposure), lo (of a bracket)."""
    rows = tables.deployments[~tables.deployments["residual"]].reset_index(drop=True)
    if rows.empty:
        raise DataError("deployments.csv: no row with residual = false, expected some; add them")
    closes = rows["mission"].map(tables.missions.set_index("mission")["end"])
    end = rows["exit"].fillna(rows["last_obs"]).fillna(pd.Timestamp(tables.as_of))
    out = rows[["mission", "country", "entry", "entry_prec"]].copy()
    out["kind"] = rows["exit_kind"].map(_KINDS)
    out["start"], out["end"] = quarter_clock(rows["entry"]), quarter_clock(end)
    left = out["kind"] != STAYED
    yearly = left & (rows["exit_prec"] == "year")
    between = left & (rows["exit_prec"] == "interval") & rows["exit_lo"].notna()
    today = quarter_clock(pd.Series([pd.Timestamp(tables.as_of)]))
    latest = np.fmax(np.fmin(quarter_clock(closes), today), out["end"])
    mirrored = np.fmin(quarter_clock((end + (end - rows["exit_lo"])).where(between)), latest)
    year_end = np.fmin(4.0 * (end.dt.year + 1), latest)
    lo = np.where(yearly, 4 * end.dt.year, quarter_clock(rows["exit_lo"].where(between)))
    out["exact"] = left & ~yearly & ~between
    out["lo"] = np.where(yearly | between, np.fmax(lo, out["start"]), np.nan)
    out["stop"] = np.where(yearly, year_end, np.where(between, mirrored, out["end"]))
    return out


def _politics(
    tables: Tables, countries: NDArray[Any], quarters: NDArray[np.int64]
) -> dict[str, Any]:
    """Leader changes and elections by country and quarter; 0 where a country has no table.

    A caretaker's start is no change; a run-off is part of the election before it.
    """
    leaders = tables.leaders.sort_values(["country", "start"])
    leaders = leaders[leaders["country"].duplicated() & ~leaders["acting"]]
    votes = tables.elections[tables.elections["selects_leader"] & (tables.elections["round"] == 1)]
    wide = np.arange(quarters[0] - 1, quarters[-1] + _LOOK_AHEAD + 1)
    changes = _counts(leaders["country"], leaders["start"], countries, wide) > 0
    elections = _counts(votes["country"], votes["date"], countries, wide) > 0
    size = len(quarters)
    change = changes[:, 1 : size + 1] | changes[:, :size]
    ahead = np.any([elections[:, k : size + k] for k in range(1, _LOOK_AHEAD + 2)], axis=0)
    dims = ("country", "quarter")
    return {"leader_change_by_quarter": (dims, change), "election_ahead_by_quarter": (dims, ahead)}


def _counts(who: Any, dates: "pd.Series[Any]", names: Any, quarters: NDArray[np.int64]) -> Any:
    row = pd.Index(names).get_indexer(who)
    column = np.floor(quarter_clock(dates)).astype(int) - quarters[0]
    inside = (row >= 0) & (column >= 0) & (column < len(quarters))
    out = np.zeros((len(names), len(quarters)), dtype=np.int64)
    np.add.at(out, (row[inside], column[inside]), 1)
    return out


def _missions(
    spells: pd.DataFrame, missions: pd.DataFrame, quarters: NDArray[np.int64], cap: float
) -> dict[str, Any]:
    """What holds for a whole mission, by quarter: contagion, lead gone, ending, contributors so far."""
    shape = (len(missions), len(quarters))
    ever, exits, gone = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    codes = missions["lead"].to_numpy()
    for m in range(len(missions)):
        mine = spells[spells["m"] == m]
        entered = np.floor(mine.groupby("country")["start"].min().to_numpy())
        ever[m] = (entered[:, None] < quarters).sum(axis=0)
        left = mine[mine["kind"] != STAYED]
        exits[m] = (np.floor(left["end"].to_numpy())[:, None] == quarters).sum(axis=0)
        lead = mine[mine["country"] == codes[m]]
        began = np.floor(lead["start"].to_numpy())[:, None] < quarters
        ended = (np.floor(lead["end"].to_numpy())[:, None] < quarters) & (
            lead["kind"].to_numpy() != STAYED
        )[:, None]
        gone[m] = began.any(axis=0) & ~(began & ~ended).any(axis=0)
    before = np.pad(exits, ((0, 0), (2, 0)))
    share = np.minimum(cap, (before[:, 1:-1] + before[:, :-2]) / np.maximum(ever, 1))
    closes = np.floor(quarter_clock(missions["end"]))[:, None]
    by = ("mission", "quarter")
    framework = missions["framework"].to_numpy(dtype=str)
    leads = missions["lead"].where(missions["lead"].isin(spells["country"]), "")
    return {
        "contagion_by_quarter": (by, share),
        "lead_gone_by_quarter": (by, gone > 0),
        "ending_by_quarter": (by, (quarters <= closes) & (closes + 1 - quarters <= _LOOK_AHEAD)),
        "contributors_by_quarter": (by, ever),
        "framework": ("mission", framework),
        **{name: ("mission", framework == name) for name in ("nato", "un", "eu")},
        "noncombat": ("mission", (missions["intensity"] != "combat").to_numpy()),
        "lead": ("mission", leads.to_numpy(dtype=str)),
    }


def _rows(spells: pd.DataFrame, calendar: dict[str, Any], first: int) -> dict[str, Any]:
    """Every spell cut at the quarters and where its bracket begins, with the covariates of each piece."""
    owner, edges = [], []
    for s, (start, stop, lo) in enumerate(spells[["start", "stop", "lo"]].to_numpy()):
        inner = np.arange(np.floor(start) + 1, np.ceil(stop))
        cuts = np.unique(np.concatenate([[start, stop], inner, [] if np.isnan(lo) else [lo]]))
        cuts = cuts if len(cuts) > 1 else np.array([start, stop])  # left on the day of entry
        edges.append(np.stack([cuts[:-1], cuts[1:]]))
        owner.append(np.full(len(cuts) - 1, s))
    of, (begin, until) = np.concatenate(owner), np.concatenate(edges, axis=1)
    quarter = np.floor(begin).astype(int)
    m, c = spells["m"].to_numpy()[of], spells["c"].to_numpy()[of]
    served = quarter - np.floor(spells["start"].to_numpy()).astype(int)[of]
    lo, end = spells["lo"].to_numpy()[of], spells["end"].to_numpy()[of]
    holds_end = (begin < end) & (end <= until) & (spells["kind"].to_numpy()[of] != STAYED)
    event_row = np.full(len(spells), -1)
    event_row[of[holds_end]] = np.flatnonzero(holds_end)
    at = {"country": (c, quarter - first), "mission": (m, quarter - first)}
    covariates = {
        name.removesuffix("_by_quarter"): ("row", np.asarray(values)[at[dims[0]]] * 1.0)
        for name, (dims, values) in calendar.items()
        if name.endswith("_by_quarter") and name != "contributors_by_quarter"
    }
    return covariates | {
        "spell_of": ("row", of),
        "row_quarter": ("row", quarter),
        "duration": ("row", duration_bin(served)),
        "length": ("row", until - begin, {"units": "quarters"}),
        "in_bracket": ("row", begin >= lo),  # NaN (no bracket) compares false
        "event_row": ("spell", event_row),
    }


def _no_table(spells: pd.DataFrame, tables: Tables) -> dict[str, Any]:
    """Whether leaders or elections of the contributor were not on record yet at its entry."""
    known = {
        "no_leaders": spells["country"].map(tables.leaders.groupby("country")["start"].min()),
        "no_elections": spells["country"].map(
            tables.elections[tables.elections["selects_leader"]].groupby("country")["date"].min()
        ),
    }
    return {name: ~(since <= spells["entry"]) for name, since in known.items()}


def _flagged(spells: pd.DataFrame, tables: Tables) -> dict[str, Any]:
    """What is known of each spell, and what is not."""
    flags = _no_table(spells, tables)
    flags["left_truncated"] = spells["entry_prec"] == "left_trunc"
    flags["rough_entry"] = spells["entry_prec"].isin(["interval", "year"])
    return {name: ("spell", flag.to_numpy(dtype=bool)) for name, flag in flags.items()} | {
        "kind": ("spell", spells["kind"].to_numpy()),
        "exact": ("spell", spells["exact"].to_numpy(dtype=bool)),
        "mission_of": ("spell", spells["m"].to_numpy()),
        "country_of": ("spell", spells["c"].to_numpy()),
        "entry": ("spell", spells["start"].to_numpy(), {"units": "quarters"}),
        "end": ("spell", spells["end"].to_numpy(), {"units": "quarters"}),
    }


def event_counts(spells: xr.Dataset) -> pd.DataFrame:
    """Exits seen while each effect was at work, by cause, and the contributor-quarters behind them.

    An exit within a bracket is counted where its stored date lies; contagion counts where it was above 0.
    """
    of = spells["spell_of"].to_numpy()
    m = spells["mission_of"].to_numpy()[of]
    on = {"defection_intercept": np.ones(len(of), bool)}
    on["planned_intercept"] = on["defection_intercept"]
    on["ad_hoc"] = (spells["framework"].to_numpy() == "ad_hoc")[m]
    on |= {name: spells[name].to_numpy()[m] for name in ("nato", "un", "eu", "noncombat")}
    for name in ("leader_change", "election_ahead", "contagion", "lead_gone", "ending"):
        on[name] = spells[name].to_numpy() > 0
    bins = spells["duration"].to_numpy()
    on |= {f"duration {name}": bins == k for k, name in enumerate(DURATION_BINS)}
    kind, row = spells["kind"].to_numpy(), spells["event_row"].to_numpy()
    codes = {"defection": DEFECTION, "planned": PLANNED, "open_cause": OPEN_CAUSE}
    table = {
        name: {cause: int(active[row[kind == code]].sum()) for cause, code in codes.items()}
        | {"contributor_quarters": float(spells["length"].to_numpy()[active].sum())}
        for name, active in on.items()
    }
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("effect")


def open_contingents(tables: Tables, mission: str) -> pd.DataFrame:
    """Who is in `mission` at the as-of date: country, entry, quarters served by the first forecast quarter, troops.

    Present is every open spell, also one last seen earlier (`last_seen_early`). `troops` is the latest level of the
    last three years (mean over sources of that day), else the spell's peak, else the median of the others, else 1;
    `troops_from` says which. `left_truncated`, `no_leaders`, `no_elections` flag what is not known.

    Raises
    ------
    DataError
        When the mission is not in the tables or has ended.
    """
    found = tables.missions[tables.missions["mission"] == mission]
    if found.empty:
        known = ", ".join(tables.missions["mission"])
        raise DataError(f"missions.csv: no mission {mission!r}, expected one of {known}")
    if found["end"].iloc[0] <= (day := pd.Timestamp(tables.as_of)):
        raise DataError(f"missions.csv, {mission}: it ended before {day:%Y-%m-%d}, nobody is open")
    rows = tables.deployments
    rows = rows[(rows["mission"] == mission) & ~rows["residual"] & rows["exit"].isna()]
    rows = rows.sort_values("country", ignore_index=True)
    out = rows[["country", "entry"]].copy()
    entered = np.floor(quarter_clock(rows["entry"])).astype(int)
    out["quarters"] = 4 * day.year + day.quarter - entered
    out["troops"], out["troops_from"] = _troops(rows, tables.troop_levels, day)
    out["last_seen_early"] = rows["last_obs"] < day
    out["left_truncated"] = rows["entry_prec"] == "left_trunc"
    return out.assign(**_no_table(rows, tables))


def _troops(rows: pd.DataFrame, levels: pd.DataFrame, day: pd.Timestamp) -> tuple[Any, Any]:
    """Latest level, else peak, else the median of the others, else 1; and which it was."""
    recent = levels["date"] > day - pd.DateOffset(years=_TROOPS_YEARS)
    levels = levels[levels["mission"].isin(rows["mission"]) & (levels["date"] <= day) & recent]
    levels = levels[levels["date"] == levels.groupby("country")["date"].transform("max")]
    level = rows["country"].map(levels.groupby("country")["troops"].mean()).astype(float)
    level = level.where(level > 0)
    peak = rows["peak_troops"].astype(float)
    troops = level.fillna(peak.where(peak > 0))
    source = np.where(level.notna(), "level", np.where(troops.notna(), "peak", "median"))
    return troops.fillna(troops.median()).fillna(1.0), source
