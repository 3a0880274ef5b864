"""The tables a run rests on: read, checked against their schema, cut to what was known, digested.

`load_tables` gathers every fault of every file before it raises, so one round of mending is enough.
The columns and their limits are written in `forecast.data.table_schema`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from forecast.data.read_csv import read_table, report_rows
from forecast.data.table_schema import TABLES
from forecast.errors import DataError, all_faults, nearest_or_none
from forecast.quarters import last_whole_year

__all__ = ["AS_OF", "Tables", "known_at", "load_tables"]

AS_OF = date(2025, 12, 31)  # the bundled tables hold nothing later, but for scheduled votes

_YEARLY = ("alignment", "democracy", "public_opinion", "threat", "equipment_share", "great_powers", "cohesion_anchors")
_OVERLAP_DAYS = 7  # sources date a hand-over a few days apart


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tables:
    """One DataFrame per table, sorted by its key, plus what identifies them.

    `digests` maps a table's name to the sha256 of its canonical text; `overlaid` names the tables
    a workspace added to. Dates known to the month stand in its middle, to the year on July 1st;
    the precision columns tell. Missing text is "", missing numbers, dates and flags are NA.
    """

    countries: pd.DataFrame
    members: pd.DataFrame
    defence_spending: pd.DataFrame
    defence_spending_vintages: pd.DataFrame
    economy: pd.DataFrame
    leaders: pd.DataFrame
    elections: pd.DataFrame
    terms: pd.DataFrame
    missions: pd.DataFrame
    deployments: pd.DataFrame
    exit_facts: pd.DataFrame
    troop_levels: pd.DataFrame
    mission_fatalities: pd.DataFrame
    alliance_events: pd.DataFrame
    alignment: pd.DataFrame
    democracy: pd.DataFrame
    public_opinion: pd.DataFrame
    threat: pd.DataFrame
    equipment_share: pd.DataFrame
    great_powers: pd.DataFrame
    cohesion_anchors: pd.DataFrame
    as_of: date
    digests: Mapping[str, str]
    overlaid: tuple[str, ...]


def load_tables(overlay: Path | None = None, as_of: date = AS_OF) -> Tables:
    """Read the bundled tables, lay a workspace's own rows over them, and check everything.

    Parameters
    ----------
    overlay : folder of files named and laid out like the bundled ones; a row with a known key
        replaces that row, any other is added. Files ending in .md and hidden files are ignored.
    as_of : last day that is known. Later bundled facts are hidden, later overlay rows refused.

    Raises
    ------
    DataError
        Listing every fault found: file, line and key, column, value found, expected, mend.
    """
    faults: list[str] = []
    frames = _known_at({name: frame.copy() for name, frame in _bundled().items()}, as_of)
    extra, broken = _read_overlay(overlay, as_of, faults) if overlay is not None else ({}, set())
    frames |= {name: _laid_over(name, frames[name], rows) for name, rows in extra.items()}
    _check_together(frames, broken, faults)
    if faults:
        raise all_faults(DataError, faults)
    return _packed(frames, as_of, tuple(sorted(extra)))


def known_at(tables: Tables, as_of: date) -> Tables:
    """What of `tables` was known on an earlier day, for a back-test; overlay rows included.

    Later rows are dropped and spells that ended later are open again (a deployment is censored).
    Three things are not rolled back: `peak_troops`, scheduled votes, and figures revised since
    (`defence_spending_vintages` has those as first published).

    Raises
    ------
    DataError
        When `as_of` is later than the tables' own.
    """
    if as_of > tables.as_of:
        raise DataError(
            f"tables known at {tables.as_of}, asked for {as_of}: expected a day not after theirs; "
            "load them as of the later day"
        )
    frames = {name: getattr(tables, name).copy() for name in TABLES}
    return _packed(_known_at(frames, as_of), as_of, tables.overlaid)


@cache
def _bundled() -> Mapping[str, pd.DataFrame]:
    faults: list[str] = []
    folder = files("forecast.data") / "tables"
    frames = {}
    for name, spec in TABLES.items():
        frames[name] = read_table(f"{name}.csv", (folder / f"{name}.csv").read_bytes(), spec, faults)
    if faults:
        raise all_faults(DataError, faults)
    return MappingProxyType(frames)


def _read_overlay(folder: Path, as_of: date, faults: list[str]) -> tuple[dict[str, pd.DataFrame], set[str]]:
    """The sound tables of a workspace, and the names of those with faults."""
    if not folder.is_dir():
        faults.append(f"{folder}: not a folder; expected one that holds tables; create or omit it")
        return {}, set()
    sound, broken = {}, set()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix == ".md":
            continue
        name = path.stem
        if name not in TABLES or path.suffix != ".csv" or not path.is_file():
            hint = nearest_or_none(path.name, [f"{known}.csv" for known in TABLES])
            faults.append(f"{path}: unknown table, expected a bundled name; {hint} (rename or remove it)")
            continue
        before = len(faults)
        frame = read_table(str(path), path.read_bytes(), TABLES[name], faults)
        if len(faults) == before:
            _refuse_later(name, frame, as_of, faults)
        if len(faults) == before:
            sound[name] = frame
        else:
            broken.add(name)
    return sound, broken


def _refuse_later(name: str, frame: pd.DataFrame, as_of: date, faults: list[str]) -> None:
    limits = {
        "date": pd.Timestamp(as_of),
        "year": last_whole_year(as_of),
        "month": f"{as_of:%Y-%m}",
    }
    for column in TABLES[name].columns:
        if column.kind in limits:
            later = (frame[column.name] > limits[column.kind]).fillna(False)
            if name == "elections":
                later &= ~frame["scheduled"]
            expected = f"nothing after {as_of}; leave it out or forecast as of a later day"
            report_rows(frame, later, TABLES[name].key, column.name, expected, faults)


def _laid_over(name: str, base: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    key = TABLES[name].key
    replaced = pd.MultiIndex.from_frame(base[key]).isin(pd.MultiIndex.from_frame(rows[key]))
    return pd.concat([base[~replaced], rows], ignore_index=True)


def _check_together(frames: Mapping[str, pd.DataFrame], broken: set[str], faults: list[str]) -> None:
    """Faults that only several rows or tables show; names are not looked up in a broken table."""
    for name, spec in TABLES.items():
        for column in spec.columns:
            if column.refers is None or column.refers in broken:
                continue
            known = frames[column.refers].iloc[:, 0]
            values = frames[name][column.name]
            for stray in values[~values.isin(known)].unique():
                hint = nearest_or_none(stray, list(known))
                expected = f"a name in {column.refers}.csv; {hint} (correct it or add a row there)"
                report_rows(frames[name], values == stray, spec.key, column.name, expected, faults)
    series = frames["leaders"].sort_values(["country", "start"])
    until = series.groupby("country")["end"].shift()
    follows = series["country"].duplicated()
    allowed = series["start"] + pd.Timedelta(days=_OVERLAP_DAYS)
    report_rows(
        series,
        follows & ~(until <= allowed),
        TABLES["leaders"].key,
        "start",
        "the leader before to have left by then; give that spell its `end`",
        faults,
    )
    events = frames["alliance_events"]
    stray = ~events["actor"].isin([*frames["countries"]["country"], "NATO"])
    expected = "a country in countries.csv, or NATO; correct it or add a row there"
    report_rows(events, stray, TABLES["alliance_events"].key, "actor", expected, faults)
    spells = frames["deployments"]
    unlike = spells["exit"].isna() != (spells["exit_kind"] == "censored")
    report_rows(
        spells,
        unlike,
        TABLES["deployments"].key,
        "exit_kind",
        "`censored` exactly where `exit` is blank; mend one of them",
        faults,
    )


def _known_at(frames: dict[str, pd.DataFrame], as_of: date) -> dict[str, pd.DataFrame]:
    day = pd.Timestamp(as_of)
    known = dict(frames)
    for name, column, limit in (
        ("members", "in_force", day),
        ("defence_spending", "year", last_whole_year(as_of)),
        ("defence_spending_vintages", "vintage", f"{as_of:%Y-%m}"),
        ("economy", "year", last_whole_year(as_of)),
        ("leaders", "start", day),
        ("missions", "start", day),
        ("deployments", "entry", day),
        ("troop_levels", "date", day),
        ("mission_fatalities", "date", day),
        ("alliance_events", "date", day),
        *((name, "year", last_whole_year(as_of)) for name in _YEARLY),
    ):
        known[name] = frames[name][frames[name][column] <= limit].copy()
    votes = frames["elections"]
    known["elections"] = votes[votes["scheduled"] | (votes["date"] <= day)]
    for name, column in (("members", "left"), ("leaders", "end"), ("missions", "end")):
        later = known[name][column] > day
        known[name].loc[later, column] = pd.NaT
        if name == "leaders":
            known[name].loc[later, "exit_kind"] = ""
    known["deployments"] = _censored(known["deployments"], day)
    for name in ("deployments", "exit_facts", "troop_levels", "mission_fatalities"):
        known[name] = known[name][known[name]["mission"].isin(known["missions"]["mission"])]
    return known


def _censored(spells: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Deployments as they stood: an exit after `day` is not known, nor is anything said of it."""
    later = spells["exit"] > day
    seen = spells["last_obs"].mask(spells["last_obs"] > day, day)
    present = spells["exit_lo"].where(spells["exit_lo"] <= day, day)
    spells["last_obs"] = seen.mask(later, present)
    spells.loc[later, ["exit", "exit_lo"]] = pd.NaT
    spells.loc[later, ["exit_prec", "trigger", "note"]] = ""
    spells.loc[later, "exit_kind"] = "censored"
    return spells


def _packed(frames: Mapping[str, pd.DataFrame], as_of: date, overlaid: tuple[str, ...]) -> Tables:
    final = {name: frames[name][spec.names].sort_values(spec.key, ignore_index=True) for name, spec in TABLES.items()}
    digests = {name: _digest(frame) for name, frame in final.items()}
    return Tables(**final, as_of=as_of, digests=MappingProxyType(digests), overlaid=overlaid)


def _digest(frame: pd.DataFrame) -> str:
    text = frame.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return hashlib.sha256(text.encode()).hexdigest()
