"""Spells of contributors in missions, split at calendar quarters: the data of the withdrawal model and its forecasts.

Time is a clock in quarters since the year 0, at noon of each day (`forecast.quarters`). Every covariate is constant
within a calendar quarter. Duration counts calendar quarters since the quarter of entry. What other contributors do
takes effect in the next quarter, so no event in a quarter explains itself.
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
from forecast.data.withdrawal_covariates import casualties, mission_covariates, political_covariates
from forecast.errors import DataError
from forecast.priors.load import Priors
from forecast.quarters import quarter_clock, quarter_number, quarter_numbers

#: Code of `kind` for each `exit_kind` of the table.
_KINDS: Final = {"censored": STAYED, "mission_end": STAYED, "defection": DEFECTION} | {
    "planned": PLANNED,
    "reduced": OPEN_CAUSE,
    "unknown": OPEN_CAUSE,
}


def mission_spells(tables: Tables, priors: Priors) -> xr.Dataset:
    """Return the exposure, events and covariates of all main contingents.

    A spell ends exactly or within a bracket. It ends exactly if the day or month is known; `event_row` is then its last
    row. Otherwise its rows in the bracket have `in_bracket`. The bracket of an interval is symmetric about the stored
    midpoint. The bracket of a year is that year. Neither extends beyond the mission.

    `mission_end` is censoring. `unknown` and `reduced` are exits of open cause. A `reduced` contingent has left, apart
    from a small staff. A left-truncated spell starts with duration 0.

    Parameters
    ----------
    tables : tables as of the day to fit or forecast from.
    priors : source of the structural constants (`withdrawal.contagion_cap` and others).

    Returns
    -------
    Dims `row` (one part of one spell in one quarter), `spell`, `mission`, `country`, `duration_bin` and `quarter`
        (quarters since the year 0).
        On `row`: `spell_of` (position), `row_quarter`, `begin` and `length` (quarters), `duration` (bin), `in_bracket`,
        and the covariates; `contagion` is a share, capped at `withdrawal.contagion_cap`.
        On `spell`: `kind` (code of `forecast.constants`), `p_defect` (probability that the exit was a defection, given
        its coding), `exact`, `event_row` (position, or -1), `entry` and `end` (quarters), `mission_of` and `country_of`
        (positions), `reduced_from` (quarters, NaN if never), `cuts` (number), `watched` (quarters with known troop
        levels), and flags of what is unknown.
        On (`mission`, `quarter`) and (`country`, `quarter`): the covariates, as `<name>_by_quarter`.

    Raises
    ------
    DataError
        If there is no main contingent.
    """
    spells = _spells(tables, priors)
    missions = tables.missions[tables.missions["mission"].isin(spells["mission"])]
    missions = missions.reset_index(drop=True)
    countries = np.unique(spells["country"])
    spells["m"] = pd.Index(missions["mission"]).get_indexer(spells["mission"])
    spells["c"] = pd.Index(countries).get_indexer(spells["country"])
    first = int(np.floor(spells["start"].min()))
    quarters = np.arange(first, quarter_number(tables.as_of) + 1)
    cap = priors.value("withdrawal.contagion_cap")
    names = missions["mission"].to_numpy(dtype=str)
    value, known, spread = casualties(tables, names, quarters, priors)
    calendar = political_covariates(tables, countries, quarters)
    calendar |= mission_covariates(spells, missions, quarters, cap)
    calendar["casualties_by_quarter"] = (("mission", "quarter"), value)
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
    """Return one row for each spell; `start`, `end`, `stop` (of exposure) and `lo` (of the bracket) in quarters."""
    rows = tables.main_contingents().reset_index(drop=True)
    if rows.empty:
        raise DataError("deployments.csv: no row has residual = false, expected at least one; add main contingents")
    closes = rows["mission"].map(tables.missions.set_index("mission")["end"])
    end = rows["exit"].fillna(rows["last_obs"]).fillna(pd.Timestamp(tables.as_of))
    spells = rows[["mission", "country", "spell", "entry", "entry_prec", "exit_kind"]].copy()
    spells["confidence"] = rows["kind_conf"]
    spells["kind"] = rows["exit_kind"].map(_KINDS)
    spells["p_defect"] = defection_chance(rows, priors)
    spells["start"], spells["end"] = quarter_clock(rows["entry"]), quarter_clock(end)
    spells["left"] = left = spells["kind"] != STAYED
    yearly = left & (rows["exit_prec"] == "year")
    between = left & (rows["exit_prec"] == "interval") & rows["exit_lo"].notna()
    today = quarter_clock(pd.Series([pd.Timestamp(tables.as_of)]))
    latest = np.fmax(np.fmin(quarter_clock(closes), today), spells["end"])
    mirrored = np.fmin(quarter_clock((end + (end - rows["exit_lo"])).where(between)), latest)
    year_end = np.fmin(4.0 * (end.dt.year + 1), latest)
    lo = np.where(yearly, 4 * end.dt.year, quarter_clock(rows["exit_lo"].where(between)))
    spells["exact"] = left & ~yearly & ~between
    spells["lo"] = np.where(yearly | between, np.fmax(lo, spells["start"]), np.nan)
    spells["stop"] = np.where(yearly, year_end, np.where(between, mirrored, spells["end"]))
    return spells.assign(**_cuts(spells, level_windows(tables, priors)))


def _cuts(spells: pd.DataFrame, windows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return for each spell the quarter after its first cut (NaN if none), its cuts, and the quarters observed."""
    key = ["mission", "country", "spell"]
    length = quarter_clock(windows["end"]) - quarter_clock(windows["start"])
    windows = windows.assign(length=length, cut=windows["end"].where(windows["reduced"]))
    totals = windows.groupby(key).agg(cut=("cut", "min"), n=("reduced", "sum"), length=("length", "sum"))
    totals = totals.reindex(pd.MultiIndex.from_frame(spells[key])).reset_index(drop=True)
    return {
        "reduced_from": np.floor(quarter_clock(totals["cut"])) + 1,
        "cuts": totals["n"].fillna(0).to_numpy(dtype=np.int64),
        "watched": totals["length"].fillna(0.0).to_numpy(dtype=float),
    }


def _rows(spells: pd.DataFrame, calendar: dict[str, Any], first: int) -> dict[str, Any]:
    """Return the rows: each spell split at quarters and where its bracket begins, with the covariates of each part."""
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
    index = {"country": (c, quarter - first), "mission": (m, quarter - first)}
    covariates = {
        name.removesuffix("_by_quarter"): ("row", np.asarray(values)[index[dims[0]]] * 1.0)
        for name, (dims, values) in calendar.items()
        if name.endswith("_by_quarter") and name != "contributors_by_quarter"
    }
    cut = spells["reduced_from"].to_numpy()[of]  # NaN (no cut) compares false
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


def _missing_politics(spells: pd.DataFrame, tables: Tables) -> dict[str, Any]:
    """Return masks of spells whose country has no usable record of leaders or elections at its entry."""
    followed = spells["country"].isin(followed_countries(tables))
    known = {
        "no_leaders": spells["country"].map(tables.leaders.groupby("country")["start"].min()),
        "no_elections": spells["country"].map(
            tables.elections[tables.elections["selects_leader"]].groupby("country")["date"].min()
        ),
    }
    return {name: ~(followed & (first <= spells["entry"])) for name, first in known.items()}


def _flagged(spells: pd.DataFrame, tables: Tables) -> dict[str, Any]:
    """Return the variables on `spell`, with flags of what is unknown."""
    flags = _missing_politics(spells, tables)
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
    """Return the number of exits observed while each effect applied, by cause, and the exposure.

    An exit within a bracket counts at its stored date. Contagion and casualties apply where they are above 0. The
    events of `reduction` are cuts, not exits, and are listed under `defection`.

    Returns
    -------
    Index `effect`; columns `defection`, `planned` and `open_cause` (exits), and `contributor_quarters`.
    """
    of = spells["spell_of"].to_numpy()
    m = spells["mission_of"].to_numpy()[of]
    applies = {"defection_intercept": np.ones(len(of), bool)}
    applies["planned_intercept"] = applies["defection_intercept"]
    applies["ad_hoc"] = (spells["framework"].to_numpy() == "ad_hoc")[m]
    applies |= {name: spells[name].to_numpy()[m] for name in ("nato", "un", "eu", "noncombat")}
    for name in (
        "leader_change",
        "election_ahead",
        "contagion",
        "lead_gone",
        "ending",
        "casualties",
        "ever_reduced",
    ):
        applies[name] = spells[name].to_numpy() > 0
    country = spells["country"].to_numpy()[spells["country_of"].to_numpy()[of]]
    applies["lead"] = country == spells["lead"].to_numpy()[m]
    applies["combat_drift"] = ~spells["noncombat"].to_numpy()[m]
    bins = spells["duration"].to_numpy()
    applies |= {f"duration {name}": bins == k for k, name in enumerate(DURATION_BINS)}
    kind, row = spells["kind"].to_numpy(), spells["event_row"].to_numpy()
    codes = {"defection": DEFECTION, "planned": PLANNED, "open_cause": OPEN_CAUSE}
    table = {
        name: {cause: int(active[row[kind == code]].sum()) for cause, code in codes.items()}
        | {"contributor_quarters": float(spells["length"].to_numpy()[active].sum())}
        for name, active in applies.items()
    }
    table["reduction"] = {
        "defection": int(spells["cuts"].sum()),
        "planned": 0,
        "open_cause": 0,
        "contributor_quarters": float(spells["watched"].sum()),
    }
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("effect")


def open_contingents(tables: Tables, mission: str) -> pd.DataFrame:
    """Return the contingents in a mission at the as-of date, sorted by country.

    Every open spell counts as present, even if it was last observed earlier.

    Returns
    -------
    Columns `country`, `entry` (date), `quarters` (served at the start of the first forecast quarter), `troops`,
        `troops_from`, `level_date` and `troops_old` (see `latest_troops`), `last_seen_early` (last observed more than a
        month before the as-of date), and the flags
        `left_truncated`, `no_leaders` and `no_elections` of what is unknown.

    Raises
    ------
    DataError
        If the mission is not in the tables or has ended.
    """
    row = tables.missions[tables.missions["mission"] == mission]
    if row.empty:
        known = ", ".join(tables.missions["mission"])
        raise DataError(f"missions.csv: no mission {mission!r}, expected one of {known}; correct the name")
    if row["end"].iloc[0] <= (day := pd.Timestamp(tables.as_of)):
        raise DataError(f"missions.csv, {mission}: it ended before {day:%Y-%m-%d}, expected a running mission; omit it")
    rows = tables.main_contingents(mission)
    rows = rows[rows["exit"].isna()].sort_values("country", ignore_index=True)
    contingents = rows[["country", "entry"]].copy()
    contingents["quarters"] = quarter_number(day) + 1 - quarter_numbers(rows["entry"])
    contingents = contingents.join(latest_troops(rows, tables.troop_levels, day))
    contingents["last_seen_early"] = rows["last_obs"] < day - pd.DateOffset(months=1)
    contingents["left_truncated"] = rows["entry_prec"] == "left_trunc"
    return contingents.assign(**_missing_politics(rows, tables))
