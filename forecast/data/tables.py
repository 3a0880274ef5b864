"""Load the tables: read them, check them against their schema, cut them to what was known on a day, digest them.

`load_tables` collects every fault of every file before it raises, so a user can fix all of them in one round.
`forecast.data.table_schema` defines the columns and their limits.
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
from forecast.errors import DataError, all_faults, did_you_mean
from forecast.quarters import last_whole_year

__all__ = ["AS_OF", "Tables", "known_at", "load_tables"]

AS_OF = date(2025, 12, 31)  # the bundled tables contain nothing later, except scheduled elections

_YEARLY = ("alignment", "democracy", "public_opinion", "threat", "equipment_share", "great_powers", "cohesion_anchors")
_OVERLAP_DAYS = 7  # sources may date a change of leader a few days apart


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
    terms : one row for each country; `term_years` in years.
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
    cohesion_anchors : verdicts on cohesion in the literature, by year.
    as_of : last day that is known.
    digests : sha256 of the canonical text of each table, by its name.
    overlaid : names of the tables to which a workspace added rows.
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
        nato = self.memberships().set_index("country")
        first = countries.map(nato["in_force"].dt.year)
        left = countries.map(nato["left"].dt.year)
        return (first <= years) & ~(left <= years)

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
        and any other row is added. Hidden files and files that end in .md are ignored.
    as_of : last day that is known. Later bundled rows are hidden, and later overlay rows are faults.

    Returns
    -------
    Tables, each sorted by its key.

    Raises
    ------
    DataError
        If there is any fault. The message lists every fault with file, line, key, column, value found, value expected
        and fix.
    """
    faults: list[str] = []
    frames = _cut_at({name: frame.copy() for name, frame in _bundled().items()}, as_of)
    added, broken = _read_overlay(overlay, as_of, faults) if overlay is not None else ({}, set())
    frames |= {name: _with_overlay(name, frames[name], rows) for name, rows in added.items()}
    _check_together(frames, broken, faults)
    if faults:
        raise all_faults(DataError, faults)
    return _packed(frames, as_of, tuple(sorted(added)))


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
    frames = {name: getattr(tables, name).copy() for name in TABLES}
    return _packed(_cut_at(frames, as_of), as_of, tables.overlaid)


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
    """Return the valid tables of a workspace by name, and the names of the tables with faults."""
    if not folder.is_dir():
        faults.append(f"{folder}: not a folder, expected a folder of tables; create it or name another")
        return {}, set()
    valid, broken = {}, set()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix == ".md":
            continue
        name = path.stem
        if name not in TABLES or path.suffix != ".csv" or not path.is_file():
            hint = did_you_mean(path.name, [f"{known}.csv" for known in TABLES])
            faults.append(f"{path}: unknown table, expected the name of a bundled table; rename or remove it{hint}")
            continue
        faults_before = len(faults)
        frame = read_table(str(path), path.read_bytes(), TABLES[name], faults)
        if len(faults) == faults_before:
            _report_later_rows(name, frame, as_of, faults)
        if len(faults) == faults_before:
            valid[name] = frame
        else:
            broken.add(name)
    return valid, broken


def _report_later_rows(name: str, frame: pd.DataFrame, as_of: date, faults: list[str]) -> None:
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
            expected = f"nothing after {as_of}; remove the row or use a later as-of date"
            report_rows(frame, later, TABLES[name].key, column.name, expected, faults)


def _with_overlay(name: str, base: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    key = TABLES[name].key
    replaced = pd.MultiIndex.from_frame(base[key]).isin(pd.MultiIndex.from_frame(rows[key]))
    return pd.concat([base[~replaced], rows], ignore_index=True)


def _check_together(frames: Mapping[str, pd.DataFrame], broken: set[str], faults: list[str]) -> None:
    """Add the faults that need several rows or tables; references to a broken table are not checked."""
    for name, spec in TABLES.items():
        for column in spec.columns:
            if column.refers is None or column.refers in broken:
                continue
            known = frames[column.refers].iloc[:, 0]
            values = frames[name][column.name]
            for unknown in values[~values.isin(known)].unique():
                hint = did_you_mean(unknown, list(known))
                expected = f"a name in {column.refers}.csv; correct it or add a row there{hint}"
                report_rows(frames[name], values == unknown, spec.key, column.name, expected, faults)
    leaders = frames["leaders"].sort_values(["country", "start"])
    end_before = leaders.groupby("country")["end"].shift()
    has_predecessor = leaders["country"].duplicated()
    latest_end = leaders["start"] + pd.Timedelta(days=_OVERLAP_DAYS)
    report_rows(
        leaders,
        has_predecessor & ~(end_before <= latest_end),
        TABLES["leaders"].key,
        "start",
        "the leader before to have left by then; set `end` in the row of that leader",
        faults,
    )
    events = frames["alliance_events"]
    unknown_actor = ~events["actor"].isin([*frames["countries"]["country"], "NATO"])
    expected = "a country in countries.csv, or NATO; correct it or add a row there"
    report_rows(events, unknown_actor, TABLES["alliance_events"].key, "actor", expected, faults)
    spells = frames["deployments"]
    contradicts = spells["exit"].isna() != (spells["exit_kind"] == "censored")
    report_rows(
        spells,
        contradicts,
        TABLES["deployments"].key,
        "exit_kind",
        "`censored` if and only if `exit` is blank; correct one of the two",
        faults,
    )


def _cut_at(frames: dict[str, pd.DataFrame], as_of: date) -> dict[str, pd.DataFrame]:
    """Return the frames without the rows and ends that are later than `as_of`."""
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
    """Return the deployments as of `day`: a later exit is unknown, and so is everything recorded about it."""
    later = spells["exit"] > day
    last_seen = spells["last_obs"].mask(spells["last_obs"] > day, day)
    last_present = spells["exit_lo"].where(spells["exit_lo"] <= day, day)
    spells["last_obs"] = last_seen.mask(later, last_present)
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
