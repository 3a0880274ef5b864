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

from forecast.constants import DEFECTION, DURATION_BINS, OPEN_CAUSE, PLANNED, STAYED, duration_bin
from forecast.data.exit_coding import defection_chance
from forecast.data.leaders import followed_countries
from forecast.data.tables import Tables
from forecast.data.troop_levels import latest_troops, level_windows
from forecast.data.withdrawal_covariates import casualties, of_missions, politics
from forecast.errors import DataError
from forecast.priors.load import Priors
from forecast.quarters import quarter_clock

_KINDS: Final = {"censored": STAYED, "mission_end": STAYED, "defection": DEFECTION} | {
    "planned": PLANNED,
    "reduced": OPEN_CAUSE,
    "unknown": OPEN_CAUSE,
}


def mission_spells(tables: Tables, priors: Priors) -> xr.Dataset:
    """Exposure pieces, events and calendars of all main contingents (`residual` rows are left out).

    Dims: `row` (one piece of one spell in one quarter: `length` in quarters, `duration`, covariates, `spell_of`),
    `spell` (`kind`, `p_defect`, `exact`, `event_row`, `entry`, `end`, flags), `mission`, `country`, `duration_bin`,
    `quarter`.

    A spell ends exactly (day or month known: `event_row` is its last row) or within a bracket (rows with `in_bracket`).
    The bracket of an interval is mirrored about the stored midpoint, never beyond the mission; that of a year is the
    year, cut likewise. `mission_end` is censoring. `unknown` and `reduced` are exits whose cause is left open;
    `reduced` is an exit of the main contingent, with a token staff left behind. `contagion` is a share, capped at
    `withdrawal.contagion_cap`. A left-truncated spell starts with duration 0. `p_defect` is the chance that the exit
    was a defection, as far as its coding tells.

    Raises
    ------
    DataError
        When no main contingent is left to look at.
    """
    spells = _spells(tables, priors)
    missions = tables.missions[tables.missions["mission"].isin(spells["mission"])]
    missions = missions.reset_index(drop=True)
    countries = np.unique(spells["country"])
    spells["m"] = pd.Index(missions["mission"]).get_indexer(spells["mission"])
    spells["c"] = pd.Index(countries).get_indexer(spells["country"])
    day = pd.Timestamp(tables.as_of)
    first = int(np.floor(spells["start"].min()))
    quarters = np.arange(first, 4 * day.year + day.quarter)
    cap = priors.value("withdrawal.contagion_cap")
    names = missions["mission"].to_numpy(dtype=str)
    felt, known, spread = casualties(tables, names, quarters, priors)
    calendar = politics(tables, countries, quarters) | of_missions(spells, missions, quarters, cap)
    calendar["casualties_by_quarter"] = (("mission", "quarter"), felt)
    calendar["casualties_known"] = (("mission", "quarter"), known)
    return xr.Dataset(
        calendar | _rows(spells, calendar, first) | _flagged(spells, tables),
        coords={
            "mission": names,
            "country": countries.astype(str),
            "duration_bin": list(DURATION_BINS),
            "quarter": quarters,
        },
        attrs={"as_of": str(tables.as_of), "contagion_cap": cap, "casualty_spread": spread},
    )


def _spells(tables: Tables, priors: Priors) -> pd.DataFrame:
    """One line a spell, in quarters: start, end (as stored), stop (of exposure), lo (of a bracket), first cut."""
    rows = tables.deployments[~tables.deployments["residual"]].reset_index(drop=True)
    if rows.empty:
        raise DataError("deployments.csv: no row with residual = false, expected some; add them")
    closes = rows["mission"].map(tables.missions.set_index("mission")["end"])
    end = rows["exit"].fillna(rows["last_obs"]).fillna(pd.Timestamp(tables.as_of))
    out = rows[["mission", "country", "spell", "entry", "entry_prec", "exit_kind"]].copy()
    out["confidence"] = rows["kind_conf"]
    out["kind"] = rows["exit_kind"].map(_KINDS)
    out["p_defect"] = defection_chance(rows, priors)
    out["start"], out["end"] = quarter_clock(rows["entry"]), quarter_clock(end)
    out["left"] = left = out["kind"] != STAYED
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
    return out.assign(**_cuts(out, level_windows(tables, priors)))


def _cuts(spells: pd.DataFrame, windows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Of each spell: first quarter after its first cut (NaN if none), number of cuts, quarters in which one shows."""
    key = ["mission", "country", "spell"]
    length = quarter_clock(windows["end"]) - quarter_clock(windows["start"])
    windows = windows.assign(length=length, cut=windows["end"].where(windows["reduced"]))
    seen = windows.groupby(key).agg(cut=("cut", "min"), n=("reduced", "sum"), length=("length", "sum"))
    seen = seen.reindex(pd.MultiIndex.from_frame(spells[key])).reset_index(drop=True)
    return {
        "reduced_from": np.floor(quarter_clock(seen["cut"])) + 1,
        "cuts": seen["n"].fillna(0).to_numpy(dtype=np.int64),
        "watched": seen["length"].fillna(0.0).to_numpy(dtype=float),
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
    cut = spells["reduced_from"].to_numpy()[of]  # NaN (never) compares false
    return covariates | {
        "ever_reduced": ("row", (quarter >= cut) * 1.0),
        "spell_of": ("row", of),
        "row_quarter": ("row", quarter),
        "duration": ("row", duration_bin(served)),
        "begin": ("row", begin, {"units": "quarters"}),
        "length": ("row", until - begin, {"units": "quarters"}),
        "in_bracket": ("row", begin >= lo),  # NaN (no bracket) compares false
        "event_row": ("spell", event_row),
    }


def _no_table(spells: pd.DataFrame, tables: Tables) -> dict[str, Any]:
    """Whether leaders or elections of the contributor were not on record yet at its entry, or nobody follows them."""
    followed = spells["country"].isin(followed_countries(tables))
    known = {
        "no_leaders": spells["country"].map(tables.leaders.groupby("country")["start"].min()),
        "no_elections": spells["country"].map(
            tables.elections[tables.elections["selects_leader"]].groupby("country")["date"].min()
        ),
    }
    return {name: ~(followed & (since <= spells["entry"])) for name, since in known.items()}


def _flagged(spells: pd.DataFrame, tables: Tables) -> dict[str, Any]:
    """What is known of each spell, and what is not."""
    flags = _no_table(spells, tables)
    flags["left_truncated"] = spells["entry_prec"] == "left_trunc"
    flags["rough_entry"] = spells["entry_prec"].isin(["interval", "year"])
    return {name: ("spell", flag.to_numpy(dtype=bool)) for name, flag in flags.items()} | {
        "kind": ("spell", spells["kind"].to_numpy()),
        "exit_kind": ("spell", spells["exit_kind"].to_numpy(dtype=str)),
        "confidence": ("spell", spells["confidence"].to_numpy(dtype=str)),
        "p_defect": ("spell", spells["p_defect"].to_numpy()),
        "spell_number": ("spell", spells["spell"].to_numpy()),
        "reduced_from": ("spell", spells["reduced_from"].to_numpy(), {"units": "quarters"}),
        "cuts": ("spell", spells["cuts"].to_numpy()),
        "watched": ("spell", spells["watched"].to_numpy(), {"units": "quarters"}),
        "exact": ("spell", spells["exact"].to_numpy(dtype=bool)),
        "mission_of": ("spell", spells["m"].to_numpy()),
        "country_of": ("spell", spells["c"].to_numpy()),
        "entry": ("spell", spells["start"].to_numpy(), {"units": "quarters"}),
        "end": ("spell", spells["end"].to_numpy(), {"units": "quarters"}),
    }


def event_counts(spells: xr.Dataset) -> pd.DataFrame:
    """Exits seen while each effect was at work, by cause, and the contributor-quarters behind them.

    An exit within a bracket is counted where its stored date lies; contagion and losses count where they were above 0.
    Of `reduction` the events are cuts, not exits, and stand under `defection`.
    """
    of = spells["spell_of"].to_numpy()
    m = spells["mission_of"].to_numpy()[of]
    on = {"defection_intercept": np.ones(len(of), bool)}
    on["planned_intercept"] = on["defection_intercept"]
    on["ad_hoc"] = (spells["framework"].to_numpy() == "ad_hoc")[m]
    on |= {name: spells[name].to_numpy()[m] for name in ("nato", "un", "eu", "noncombat")}
    for name in (
        "leader_change",
        "election_ahead",
        "contagion",
        "lead_gone",
        "ending",
        "casualties",
        "ever_reduced",
    ):
        on[name] = spells[name].to_numpy() > 0
    on["lead"] = spells["country"].to_numpy()[spells["country_of"].to_numpy()[of]] == spells["lead"].to_numpy()[m]
    on["combat_drift"] = ~spells["noncombat"].to_numpy()[m]
    bins = spells["duration"].to_numpy()
    on |= {f"duration {name}": bins == k for k, name in enumerate(DURATION_BINS)}
    kind, row = spells["kind"].to_numpy(), spells["event_row"].to_numpy()
    codes = {"defection": DEFECTION, "planned": PLANNED, "open_cause": OPEN_CAUSE}
    table = {
        name: {cause: int(active[row[kind == code]].sum()) for cause, code in codes.items()}
        | {"contributor_quarters": float(spells["length"].to_numpy()[active].sum())}
        for name, active in on.items()
    }
    table["reduction"] = {
        "defection": int(spells["cuts"].sum()),
        "planned": 0,
        "open_cause": 0,
        "contributor_quarters": float(spells["watched"].sum()),
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
    out["troops"], out["troops_from"] = latest_troops(rows, tables.troop_levels, day)
    out["last_seen_early"] = rows["last_obs"] < day
    out["left_truncated"] = rows["entry_prec"] == "left_trunc"
    return out.assign(**_no_table(rows, tables))
