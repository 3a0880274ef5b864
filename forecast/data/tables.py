"""Load the tables: read them, check them against their schema, cut them to what was known on a day, digest them.

`load_tables` collects every fault of every file before it raises, so a user can fix all of them in one round.
`forecast.data.table_schema` defines the columns and their limits.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pandas as pd

from forecast.data.contradictions import report_contradictions
from forecast.data.read_csv import read_table
from forecast.data.strict_csv import LARGEST, too_large
from forecast.data.table_schema import TABLES
from forecast.data.unit_slips import report_growth_slips, report_unit_slips
from forecast.errors import DataError, all_faults, did_you_mean
from forecast.quarters import last_whole_year
from forecast.storage.listing import list_files

__all__ = ["AS_OF", "Tables", "known_at", "last_fact", "load_tables", "parse_tables"]

AS_OF = date(2025, 12, 31)  # the bundled tables contain nothing later, except scheduled elections

_ENDS: Final = {"members": "left", "leaders": "end", "missions": "end"}  # column with the end of a row


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tables:
    """All tables as data frames, each sorted by its key, with what identifies their content.

    A date known only to the month is the 15th, a date known only to the year is 1 July; the precision columns state
    which. Missing text is "", and missing numbers, dates and flags are NA.

    Attributes
    ----------
    countries : one row for each country (ISO 3166-1 alpha-3) with its name and region.
    members : one row for each membership of an alliance, with distance from Moscow in kilometres.
    defence_spending : country, year and basis; `share_gdp` in percent of GDP.
    defence_spending_vintages : the same figures as first published, by month of publication.
    economy : country and year; `gdp_growth` in percent a year, `gdp_usd` in US dollars, `population` in persons.
    leaders : one row for each term of a chief executive.
    elections : one row for each round of an election, held or scheduled.
    terms : one row for each country; `term_years` in years. Elections before `limit_from` do not count for the limit.
    missions : one row for each mission.
    deployments : one row for each spell of a country in a mission; `peak_troops` in persons.
    exit_facts : what sources state about the exits of some deployments.
    troop_levels : mission, country, date and source; `troops` in persons.
    mission_fatalities : mission, country, measure, date and source; `deaths` in persons.
    alliance_events : dated events of the alliance.
    alignment : country and year; `ideal_point` and its standard deviation in the UN General Assembly.
    democracy : country and year; democracy indices in [0, 1], populist vote share in percent.
    public_opinion : country, year and question; `value` in percent, `n` respondents.
    threat : region and year; indices of geopolitical risk in the news.
    equipment_share : country and year; percent of defence spending.
    great_powers : country and year; GDP at purchasing power parity.
    announcements : announced defence budgets; `value` in percent of GDP, or percent of change since `base_year`.
    cohesion_anchors : verdicts on cohesion in the literature, by year.
    as_of : last day that is known.
    digests : sha256 of the canonical text of each table, by its name.
    overlaid : names of the tables to which a workspace added rows.
    hidden : number of rows of the workspace that are later than `as_of`, by table, where there are any.
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
    announcements: pd.DataFrame
    cohesion_anchors: pd.DataFrame
    as_of: date
    digests: Mapping[str, str]
    overlaid: tuple[str, ...]
    hidden: Mapping[str, int]

    def memberships(self) -> pd.DataFrame:
        """Return every membership of NATO, one row each, including memberships that have ended."""
        return self.members[self.members["alliance"] == "NATO"]

    def allies(self, as_of: date | None = None) -> pd.DataFrame:
        """Return the memberships of NATO in force at the end of a day, one row for each ally.

        The day is the as-of date of the tables unless `as_of` names an earlier one.
        """
        day = pd.Timestamp(as_of or self.as_of)
        nato = self.memberships()
        return nato[(nato["in_force"] <= day) & ~(nato["left"] <= day)]

    def was_ally(self, countries: "pd.Series[str]", years: "pd.Series[int]") -> "pd.Series[bool]":
        """Return, row by row, whether a country counts as an ally in a calendar year.

        A country counts from the year of its accession to the year before it leaves.
        """
        nato = self.memberships()
        was = pd.Series(data=False, index=countries.index)
        for _, rows in nato.groupby(nato.groupby("country").cumcount()):  # first memberships, then second ones
            membership = rows.set_index("country")
            first = countries.map(membership["in_force"].dt.year)
            left = countries.map(membership["left"].dt.year)
            was |= (first <= years) & ~(left <= years)
        return was

    def main_contingents(self, mission: str | None = None) -> pd.DataFrame:
        """Return the deployments of main contingents (not `residual`), of one mission if it is named.

        A residual deployment is the small staff that remains after the main contingent has left. The rows keep their
        index in `deployments`.
        """
        rows = self.deployments[~self.deployments["residual"]]
        return rows if mission is None else rows[rows["mission"] == mission]


def load_tables(overlay: Path | None = None, as_of: date = AS_OF) -> Tables:
    """Return the bundled tables, with the rows of a workspace added, after checking everything.

    Parameters
    ----------
    overlay : folder of files with the names and columns of the bundled ones. A row with a known key replaces that row,
        and any other row is added. Files that are no tables are ignored, unless their names resemble one.
    as_of : last day that is known. Later rows are hidden, of the bundled tables and of the workspace. A hidden row
        replaces none.

    Returns
    -------
    Tables, each sorted by its key.

    Raises
    ------
    DataError
        If there is any fault, also in a hidden row. The message lists every fault with file, line, key, column, value
        found, value expected and fix.
    """
    return _bundled_at(as_of) if overlay is None else _joined(_checked_overlay(overlay), as_of)


@lru_cache(maxsize=4)
def _bundled_at(as_of: date) -> Tables:
    """Return the bundled tables as of a day, the same object each time, so that its digests are computed once."""
    return _joined({}, as_of)


def _joined(added: Mapping[str, pd.DataFrame], as_of: date) -> Tables:
    """Return the bundled tables joined with the rows of a workspace, as of a day."""
    frames, hidden = {}, {}
    for name, base in _bundled().items():
        frames[name] = _cut_at(name, base, as_of)
        if name in added:
            rows = _cut_at(name, added[name], as_of)
            frames[name] = _with_overlay(name, frames[name], rows)
            hidden[name] = len(added[name]) - len(rows)
    hidden = {name: rows for name, rows in hidden.items() if rows}
    return _packed(frames, as_of, tuple(sorted(added)), hidden)


def parse_tables(
    texts: Mapping[str, str], as_of: date, overlaid: tuple[str, ...] = (), others: Tables | None = None
) -> Tables:
    """Return the tables of canonical texts, which may hold nothing later than `as_of`; the inverse of `table_text`.

    Parameters
    ----------
    texts : text of each table by name.
    as_of : last day that is known.
    overlaid : names of the tables to which a workspace added rows.
    others : tables that have no text here.

    Raises
    ------
    DataError
        If a table is missing, or a text is not of its schema.
    """
    if others is None and (missing := [name for name in TABLES if name not in texts]):
        raise DataError(f"no text of the tables {', '.join(missing)}, expected every table; add them")
    faults: list[str] = []
    frames = {
        name: read_table(f"{name}.csv", texts[name].encode(), spec, faults) if name in texts else getattr(others, name)
        for name, spec in TABLES.items()
    }
    if faults:
        raise all_faults(DataError, faults)
    return _packed(frames, as_of, overlaid, {})


def known_at(tables: Tables, as_of: date) -> Tables:
    """Return what was known on an earlier day, for a back-test, including rows of the workspace.

    Later rows are dropped, and spells that ended later are open again (a deployment is censored). Three columns keep
    later knowledge: `peak_troops`, scheduled elections, and figures that were revised since.
    `defence_spending_vintages` has the figures as first published.

    Raises
    ------
    DataError
        If `as_of` is later than the as-of date of `tables`.
    """
    if as_of > tables.as_of:
        raise DataError(
            f"as_of is {as_of}, expected a day not after {tables.as_of}, the as-of date of the tables; "
            "load the tables as of the later day"
        )
    frames = {name: _cut_at(name, getattr(tables, name), as_of) for name in TABLES}
    return _packed(frames, as_of, tables.overlaid, tables.hidden)


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


def _checked_overlay(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the valid tables of a workspace by name, with all their rows."""
    faults: list[str] = []
    added, broken = _read_overlay(folder, faults)
    bundled = _bundled()
    for name, rows in added.items():
        report_unit_slips(TABLES[name], bundled[name], rows, faults)
    if "economy" in added:
        report_growth_slips(bundled["economy"], added["economy"], faults)
    together = {name: _with_overlay(name, base, added.get(name, base.iloc[:0])) for name, base in bundled.items()}
    report_contradictions(together, set(added), broken, faults)
    if faults:
        raise all_faults(DataError, faults)
    return added


def _read_overlay(folder: Path, faults: list[str]) -> tuple[dict[str, pd.DataFrame], set[str]]:
    """Return the valid tables of a workspace by name, and the names of the tables with faults."""
    valid: dict[str, pd.DataFrame] = {}
    broken: set[str] = set()
    for path in _listed(folder, faults):
        name = path.name.lower().removesuffix(".csv")
        if not path.name.lower().endswith(".csv") or name not in TABLES:
            hint = did_you_mean(path.name.lower(), [f"{known}.csv" for known in TABLES])
            faults.append(f"{path}: unknown table, expected the name of a bundled table; rename or remove it{hint}")
            broken |= {name.partition(".")[0]} & set(TABLES)
            continue
        if name in valid or name in broken:
            faults.append(f"{path}: a second file of the table {name}, expected one; put the rows into one file")
        faults_before = len(faults)
        try:
            frame = read_table(str(path), _content(path), TABLES[name], faults)
        except DataError as error:
            faults.append(str(error))
        if len(faults) == faults_before:
            valid[name] = frame
        else:
            broken.add(name)
    return {name: frame for name, frame in valid.items() if name not in broken}, broken


def _listed(folder: Path, faults: list[str]) -> list[Path]:
    """Return the files and folders that are tables by their names, or seem to be: `leaders.csv`, `leaders.xlsx`."""
    try:
        if not folder.is_dir():
            faults.append(f"{folder}: not a folder, expected a folder of tables; create it or name another")
            return []
        entries = list_files(folder, "")
    except OSError as error:
        faults.append(
            f"{folder}: cannot be read ({error.strerror}), expected a readable folder; change its permissions"
        )
        return []
    names = [path.name.lower() for path in entries]
    return [
        path
        for path, name in zip(entries, names, strict=True)
        if name.endswith(".csv") or ("." in name and name.partition(".")[0] in TABLES)
    ]


def _content(path: Path) -> bytes:
    """Return the content of a table's file; raise DataError if it is no file, too large or cannot be read."""
    try:
        if not path.is_file():
            raise DataError(f"{path}: not a file, expected a CSV file; remove it or put the file there")
        size = path.stat().st_size
        if size > LARGEST:
            raise too_large(str(path), size)
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}), expected to read it; change its permissions"
        ) from None


def _with_overlay(name: str, base: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    if rows.empty:
        return base
    key = TABLES[name].key
    replaced = pd.MultiIndex.from_frame(base[key]).isin(pd.MultiIndex.from_frame(rows[key]))
    return pd.concat([base[~replaced], rows], ignore_index=True)


def _cut_at(name: str, frame: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the rows of a table without those, and without the ends, that are later than `as_of`."""
    day = pd.Timestamp(as_of)
    known, since = frame, TABLES[name].known_since
    if since is not None:
        limit = {"date": day, "year": last_whole_year(as_of), "month": f"{as_of:%Y-%m}"}[since.kind]
        announced = frame["scheduled"] if name == "elections" else False
        known = frame[(frame[since.name] <= limit) | announced]
    known = known.copy()
    if name in _ENDS:
        later = known[_ENDS[name]] > day
        known.loc[later, _ENDS[name]] = pd.NaT
        if name == "leaders":
            known.loc[later, "exit_kind"] = ""
    return _censored(known, day) if name == "deployments" else known


def _censored(spells: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """Return the deployments as of `day`: a later exit is unknown, and so is everything recorded about it."""
    later = spells["exit"] > day
    last_seen = spells["last_obs"].mask(spells["last_obs"] > day, day)
    last_present = spells["exit_lo"].where(spells["exit_lo"] <= day, day)
    spells["last_obs"] = last_seen.mask(later, last_present)
    spells.loc[later, ["exit", "exit_lo"]] = pd.NaT
    spells.loc[later, ["exit_prec", "trigger", "note"]] = ""
    spells.loc[later, "exit_kind"] = "censored"
    return spells


def _packed(
    frames: Mapping[str, pd.DataFrame], as_of: date, overlaid: tuple[str, ...], hidden: Mapping[str, int]
) -> Tables:
    """Return the tables without the rows of missions that are not known yet, each sorted by its key."""
    known = dict(frames)
    for name in ("deployments", "exit_facts", "troop_levels", "mission_fatalities"):
        known[name] = frames[name][frames[name]["mission"].isin(frames["missions"]["mission"])]
    final = {name: known[name][spec.names].sort_values(spec.key, ignore_index=True) for name, spec in TABLES.items()}
    digests = {name: hashlib.sha256(table_text(frame).encode()).hexdigest() for name, frame in final.items()}
    return Tables(
        **final,
        as_of=as_of,
        digests=MappingProxyType(digests),
        overlaid=overlaid,
        hidden=MappingProxyType(dict(hidden)),
    )


def table_text(frame: pd.DataFrame) -> str:
    """Return the canonical text of a table (CSV), whose sha256 is its digest."""
    text: str = frame.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return text


def last_fact(tables: Tables) -> date:
    """Return the day up to which the tables hold facts, at most their as-of date.

    The bundled tables are complete up to `AS_OF`. A newer row of a workspace, other than a scheduled election, moves
    the day to its date, or to the end of its year or month.
    """
    days = [AS_OF]
    for name in tables.overlaid:
        frame, since = getattr(tables, name), TABLES[name].known_since
        if since is None or frame.empty:
            continue
        rows = frame[~frame["scheduled"]] if name == "elections" else frame
        newest = rows[since.name].max()
        if since.kind == "date":
            days += [] if pd.isna(newest) else [newest.date()]
        else:  # a year, or a month as text
            days.append(pd.Period(str(newest), "Y" if since.kind == "year" else "M").end_time.date())
    return min(max(days), tables.as_of)
