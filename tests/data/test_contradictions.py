"""Rows that cannot all be true are found, one fault for each; the bundled rows contradict nothing."""

from pathlib import Path

import pandas as pd
import pytest

from forecast.data import tables as data
from forecast.data.contradictions import ORGANISATIONS, report_contradictions
from forecast.data.read_csv import read_table
from forecast.data.table_schema import TABLES
from forecast.data.tables import load_tables
from tests.support.table_faults import faults_of, overlay

FOLDER = Path(data.__file__).parent / "tables"


def text(name: str, *rows: str) -> dict[str, str]:
    return {name: "\n".join([",".join(TABLES[name].names), *rows, ""])}


def member(country: str, joined: str, left: str = "", alliance: str = "NATO") -> str:
    return f"{country},{alliance},{joined},{joined},{left},x,900,false,false,true,m,"


def stay(spell: int, entry: str, exit_: str = "", *, mission: str = "kfor", country: str = "JPN", **more: str) -> str:
    cells = {
        "entry_prec": "day",
        "exit_prec": "day" if exit_ else "",
        "exit_lo": "",
        "last_obs": "",
        "exit_kind": "planned" if exit_ else "censored",
        "trigger": "",
    } | more
    return (
        f"{mission},{country},{spell},false,{entry},{cells['entry_prec']},{exit_},{cells['exit_prec']},{cells['exit_lo']},"
        f"{cells['last_obs']},{cells['exit_kind']},high,{cells['trigger']},100,m,"
    )


def leader(country: str, start: str, end: str = "", kind: str = "", name: str = "X") -> str:
    return f"{country},{name},president,{start},{end},{kind},false,m"


def vote(day: str, round_: int = 1, country: str = "FRA", kind: str = "legislative") -> str:
    return f"{country},{day},{kind},{round_},false,false,false,day,m,"


def announced(kind: str, value: str, base: str = "", base_year: str = "", target: str = "2027") -> str:
    return f"FRA,2025-03-01,day,{target},{kind},{value},{base},{base_year},false,opened,m,"


FALSE = [
    (
        text("countries", "UKG,United Kingdom,western_europe,m"),
        "(UKG): name is 'United Kingdom', expected a name of its own",
    ),
    (text("countries", "Uk,Britain,western_europe,m"), "country is 'Uk', expected a code of ISO 3166-1 alpha-3"),
    (text("countries", "0,Zero,western_europe,m"), "country is '0', expected a code of ISO 3166-1 alpha-3"),
    (
        text("members", member("FRA", "1949-05-05")),
        "(FRA, NATO, 1949-05-05): joined is '1949-05-05', expected a day after",
    ),
    (text("members", member("AUT", "2020-01-01"), member("AUT", "2021-01-01")), "(AUT, NATO, 2021-01-01): joined is"),
    (
        text("members", member("AUT", "2020-01-01", "2022-01-01"), member("AUT", "2021-01-01")),
        "whose `left` is 2022-01-01",
    ),
    (text("members", member("AUT", "2020-01-01", alliance="Nato")), "alliance is 'Nato', expected NATO, or US-"),
    (text("members", member("AUT", "2020-02-01", "2020-01-01")), "left is '2020-01-01', expected a day not before"),
    (
        text("leaders", leader("JPN", "2013-01-01", "2014-01-01", "other")),
        "start is '2013-01-01', expected a day after",
    ),
    (
        text("leaders", leader("GMB", "2012-01-01", "", "coup")),
        "exit_kind is 'coup', expected blank if and only if `end` is blank",
    ),
    (text("elections", vote("2025-03-02"), vote("2025-03-09")), "date is '2025-03-09', expected 14 days or more after"),
    (text("economy", "JPN,2024,1,4000000,124000"), "the number of cells is 5, expected 6"),
    (text("economy", "GMB,2024,1,2400,2700000,m"), "gdp_usd and population make 0.000889 US dollars per head"),
    (text("economy", "GMB,2024,1,2400000000,2.7,m"), "population is '2.7', expected a whole number"),
    (
        text("defence_spending_vintages", "FRA,2025,nato,2024-06,2,true,m"),
        "vintage is '2024-06', expected a month of the year",
    ),
    (text("missions", "xx,X,nato,UKG,Europe,2020-01-01,,combat,m"), "lead is 'UKG'"),
    (text("missions", "Xx,X,nato,NATO,Europe,2020-01-01,,combat,m"), "mission is 'Xx', expected a label in lower case"),
    (
        text("deployments", stay(1, "2010-01-01"), stay(2, "2012-01-01")),
        "entry is '2012-01-01', expected a day after the end",
    ),
    (text("deployments", stay(1, "2010-01-01", "2013-01-01"), stay(2, "2012-01-01")), "whose `exit` is 2013-01-01"),
    (
        text("deployments", stay(1, "2010-01-01", "2009-01-01")),
        "exit is '2009-01-01', expected a day not before `entry`",
    ),
    (text("deployments", stay(1, "1990-01-01")), "entry is '1990-01-01', expected a day while the mission ran, 1999-"),
    (
        text("deployments", stay(1, "2012-01-01", "2016-01-01", mission="isaf")),
        "exit is '2016-01-01', expected a day while",
    ),
    (text("deployments", stay(1, "2012-01-01", exit_prec="day")), "exit_prec is 'day', expected blank if and only if"),
    (
        text("deployments", stay(1, "2012-01-01", "2013-01-01", exit_prec="")),
        "exit_prec is '', expected blank if and only if",
    ),
    (text("deployments", stay(1, "2012-01-01", exit_lo="2013-01-01")), "exit_lo is '2013-01-01', expected blank where"),
    (text("deployments", stay(1, "2012-01-01", trigger="attack")), "trigger is 'attack', expected blank where"),
    (
        text("deployments", stay(1, "2012-01-01", exit_kind="planned")),
        "exit_kind is 'planned', expected `censored` if and",
    ),
    (
        text("exit_facts", "kfor,FRA,9,true,false,false,false,false,false,m,"),
        "spell is '9', expected the spell of a row",
    ),
    (text("troop_levels", "kfor,FRA,2020-01-01,-5,m"), "troops is '-5', expected a whole number"),
    (text("troop_levels", "kfor,FRA,1989-01-01,500,m"), "date is '1989-01-01', expected a day while the mission ran"),
    (text("mission_fatalities", "kfor,FRA,annual,1989-12-31,5,m"), "date is '1989-12-31', expected a day while"),
    (
        text("mission_fatalities", "kfor,FRA,cumulative,2020-12-31,5,m", "kfor,FRA,cumulative,2021-12-31,4,m"),
        "deaths is '4', expected at least the earlier total of",
    ),
    (text("leaders", leader("GMB", "2012-01-01", "2013-01-01")), "exit_kind is '', expected blank if and only if"),
    (text("elections", vote("1980-05-20", 2, "NOR")), "round is '2', expected a round whose earlier one is a row"),
    (
        text("elections", vote("1989-06-25", 1, "JPN", "executive"), vote("1989-06-11", 2, "JPN", "executive")),
        "(JPN, 1989-06-11, executive, 2): round is '2', expected a round whose earlier one",
    ),
    (
        text("elections", vote("2001-03-01", country="NOR").replace("false,day", "true,day")),
        "scheduled is 'true', expected false for a vote before the last one held",
    ),
    (text("members", member("KOR", "1960-01-01", alliance="US-JPN")), "country is 'KOR', expected USA or its partner"),
    (text("members", member("KOR", "1960-01-01", alliance="US-QQQ")), "alliance is 'US-QQQ', expected NATO, or US-"),
    (text("members", member("USA", "1960-01-01", alliance="US-USA")), "alliance is 'US-USA', expected NATO, or US-"),
    (text("members", member("AUT", "1948-01-01")), "joined is '1948-01-01', expected a day from 1949-04-04 on"),
    (
        text("members", member("AUT", "2020-01-01").replace("false,false,true", "true,false,true")),
        "frontline is 'false', expected true where borders_russia is",
    ),
    (text("missions", "xx,X,nato,QQQ,Europe,2020-01-01,,combat,m"), "lead is 'QQQ', expected a code in countries.csv"),
    (
        text("missions", *(f"{name},One,nato,NATO,Europe,2020-01-01,,combat,m" for name in ("xx", "yy"))),
        "(yy): name is 'One', expected a name of its own, but xx has it",
    ),
    (text("missions", f"{'x' * 65},X,nato,NATO,Europe,2020-01-01,,combat,m"), "a label in lower case of at most 64"),
    (
        text("deployments", stay(1, "2012-01-01", "2014-01-01", exit_lo="2013-01-01")),
        "exit_prec is 'day', expected interval if and only if `exit_lo` is given",
    ),
    (
        text("deployments", stay(1, "2012-01-01", "2014-01-01", exit_prec="interval")),
        "exit_prec is 'interval', expected interval if and only if `exit_lo` is given",
    ),
    (
        text("deployments", stay(1, "2012-01-01", "2014-01-01", last_obs="2015-01-01")),
        "last_obs is '2015-01-01', expected blank where `exit` is given",
    ),
    (
        text("deployments", stay(1, "2012-01-01", "2014-01-01", exit_kind="mission_end")),
        "exit_kind is 'mission_end', expected another kind while the mission has no `end`",
    ),
    (
        text("deployments", stay(1, "2014-01-01"), stay(2, "2010-01-01", "2012-01-01")),
        "spell is '2', expected spells numbered in the order of `entry`",
    ),
    (
        text("deployments", stay(1, "2014-01-01").replace(",1,false,", ",1,true,")),
        "residual is 'true', expected false for the first spell",
    ),
    (text("mission_fatalities", "kfor,FRA,event,2020-12-31,1000000,m"), "deaths is '1000000', expected a whole number"),
    (text("alliance_events", "2020-01-01,summit,FRA,m,"), "actor is 'FRA', expected NATO for a summit"),
    (text("alliance_events", "2020-01-01,command_exit,NATO,m,"), "actor is 'NATO', expected NATO for a summit, and a"),
    (text("alliance_events", "2020-01-01,command_return,FRA,m,"), "kind is 'command_return', expected exits from"),
    (text("announcements", announced("share", "0")), "value is '0', expected percent of GDP, above 0"),
    (
        text("announcements", announced("share", "220")),
        "value is '220', expected percent of GDP, above 0 and at most 150",
    ),
    (text("announcements", announced("real", "-100", "", "2025")), "value is '-100', expected a change of more than"),
    (
        text("announcements", announced("nominal", "5")),
        "base_year is '', expected a year where the row has a change",
    ),
    (text("announcements", announced("share", "2", "", "2025")), "base_year is '2025', expected a year where the row"),
    (text("announcements", announced("share", "2", "1.5")), "base_year is '', expected a year where the row has a"),
    (text("announcements", announced("real", "5", "1.5", "2025")), "base is '1.5', expected blank unless `kind` is"),
    (text("announcements", announced("real", "5", "", "2027")), "base_year is '2027', expected a year before"),
    (text("announcements", announced("share", "2", target="2024")), "target_year is '2024', expected the year of"),
    (
        text("alliance_events", "1970-01-01,command_exit,UKG,m,"),
        "actor is 'UKG', expected a country in countries.csv, or NATO",
    ),
]


@pytest.mark.case("M8", "M17")
@pytest.mark.parametrize(("files", "words"), FALSE)
def test_a_row_that_cannot_be_true_is_one_fault(tmp_path: Path, files: dict[str, str], words: str) -> None:
    message = faults_of(overlay(tmp_path, **files))
    assert words in message and "\n" not in message
    (name,) = files
    assert f"{name}.csv line" in message and "; " in message


TRUE = [
    text("announcements", announced("share", "2", "1.5", "2026"), announced("real", "-99", "", "2025")),
    text("members", member("AUT", "2020-01-01", "2021-01-01"), member("AUT", "2021-01-01")),  # left and returned
    text("leaders", leader("GMB", "2012-01-01", "2013-01-05", "other"), leader("GMB", "2013-01-01")),
    text("elections", vote("2025-05-06"), vote("2025-06-17"), vote("2025-06-24", 2)),
    text("elections", vote("2026-04-12", country="HUN")),  # the bundled row expects it on another day
    text("economy", "GMB,1966,1,45000000,400000,m", "GMB,2024,1,2400000000,2700000,m"),
    text("deployments", stay(1, "2010-01-01", "2012-01-20"), stay(2, "2012-01")),  # a month is its middle
    text("deployments", stay(1, "2010-01-01", "2012-07", exit_prec="year"), stay(2, "2012-03-01")),
    text("missions", "xx,X,nato,ECOWAS,Africa,2020-01-01,,combat,m", "yy,Y,un,AUS,Asia,2020-01-01,,combat,m"),
    text("alliance_events", "2020-01-01,command_exit,FRA,m,", "2021-01-01,command_return,FRA,m,"),
    text("troop_levels", "isaf,FRA,2015-03-01,50,m"),  # a list published after the end of the mission
]


@pytest.mark.parametrize("files", TRUE)
def test_rows_that_may_be_true_are_read(tmp_path: Path, files: dict[str, str]) -> None:
    assert load_tables(overlay(tmp_path, **files)).overlaid == tuple(files)


def test_bundled_rows_contradict_nothing() -> None:
    faults: list[str] = []
    frames = {name: read_table(name, (FOLDER / f"{name}.csv").read_bytes(), TABLES[name], faults) for name in TABLES}
    report_contradictions(frames, set(TABLES), set(), faults)
    assert faults == []
    leads = set(frames["missions"]["lead"]) - set(frames["countries"]["country"])
    assert leads <= set(ORGANISATIONS)


def test_a_second_membership_counts_in_its_own_years(tmp_path: Path) -> None:
    rows = text("members", member("AUT", "2010-01-01", "2012-06-01"), member("AUT", "2015-01-01"))
    tables = load_tables(overlay(tmp_path, **rows))
    years = pd.Series([2009, 2010, 2011, 2012, 2014, 2015, 2025])
    assert tables.was_ally(pd.Series(["AUT"] * 7), years).tolist() == [False, True, True, False, False, True, True]
