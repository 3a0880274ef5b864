"""The bundled tables are valid, all faults are reported together, and later facts are hidden."""

import dataclasses
import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.data import tables as data
from forecast.data.read_csv import read_table
from forecast.data.table_schema import TABLES
from forecast.data.tables import AS_OF, Tables, known_at, load_tables
from forecast.errors import DataError
from tests.support.table_faults import faults_of, overlay

TABLE_FOLDER = Path(data.__file__).parent / "tables"
SPENDING = "country,year,basis,share_gdp,estimate,source\n"
LEADERS = "country,leader,office,start,end,exit_kind,acting,source\n"
MISSIONS = "mission,name,framework,lead,region,start,end,intensity,source\n"
DEPLOYMENTS = (
    "mission,country,spell,residual,entry,entry_prec,exit,exit_prec,exit_lo,last_obs,exit_kind,"
    "kind_conf,trigger,peak_troops,source,note\n"
)
MEMBERS = (
    "country,alliance,joined,in_force,left,region,distance_moscow_km,borders_russia,frontline,european,source,note\n"
)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load_tables()


def test_bundled_tables_match_their_schema(tables: Tables) -> None:
    names = {field.name for field in dataclasses.fields(tables)}
    assert set(TABLES) == names - {"as_of", "digests", "overlaid", "hidden"}
    for name, spec in TABLES.items():
        frame = getattr(tables, name)
        assert len(frame) > 0
        assert {c.name: str(frame[c.name].dtype) for c in spec.columns} == {c.name: c.dtype for c in spec.columns}
        assert list(frame.columns) == spec.names
        assert not frame.duplicated(spec.key).any()
    assert tables.overlaid == () and tables.hidden == {}


def test_bundled_files_are_sorted_csv() -> None:
    assert {path.stem for path in TABLE_FOLDER.glob("*.csv")} == set(TABLES)
    for path in TABLE_FOLDER.glob("*.csv"):
        raw = path.read_bytes()
        assert raw.endswith(b"\n") and b"\r" not in raw and not raw.startswith(b"\xef\xbb\xbf")
        frame = pd.read_csv(path, keep_default_na=False)
        assert frame.equals(frame.sort_values(TABLES[path.stem].key, ignore_index=True))


def test_every_source_key_is_explained(tables: Tables) -> None:
    text = (TABLE_FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([^`\n]+)`", text))
    sources = pd.concat([getattr(tables, name)["source"] for name in TABLES])
    assert set(sources.str.split(";").explode()) <= explained


def test_bundled_rows_are_not_after_the_as_of_date(tables: Tables) -> None:
    votes = tables.elections
    assert (votes.loc[~votes["scheduled"], "date"] <= pd.Timestamp(AS_OF)).all()
    assert (votes.loc[votes["scheduled"], "date"] > pd.Timestamp(AS_OF)).all()
    for name, spec in TABLES.items():
        for column in spec.columns:
            if column.kind == "date" and name != "elections":
                assert not (getattr(tables, name)[column.name] > pd.Timestamp(AS_OF)).any()
            if column.kind == "year":
                assert getattr(tables, name)[column.name].max() <= AS_OF.year


def test_no_restricted_series_is_bundled(tables: Tables) -> None:
    sources = pd.concat([tables.defence_spending["source"], tables.defence_spending_vintages.source])
    assert not sources.str.contains("sipri|eurostat").any()


def test_member_years_of_nato(tables: Tables) -> None:
    nato = tables.memberships()
    assert len(nato) == 32
    years = (pd.Timestamp("2026-01-01") - nato["in_force"]).dt.days.sum() / 365.25
    # The published total has one decimal.
    assert years == pytest.approx(1463.4, abs=0.1)


def test_seven_allies_reach_two_percent_in_mid_2019(tables: Tables) -> None:
    vintages = tables.defence_spending_vintages
    edition = vintages[vintages["vintage"] == "2019-06"].set_index(["year", "country"])["share_gdp"]
    estimates = edition[2019]
    assert len(estimates) == 28  # the 29th, Iceland, has no forces
    assert (estimates >= 2).sum() == 7
    assert (estimates.round(2) >= 2).sum() == 7  # two decimals: as NATO prints the table
    assert (estimates.round(1) >= 2).sum() == 8  # one decimal includes Lithuania with 1.98 %
    assert edition[2018, "DEU"] == pytest.approx(1.24, abs=0.005)  # printed with two decimals
    assert edition[2019, "DEU"] == pytest.approx(1.36, abs=0.005)


def test_terms_cover_allies_and_elected_leaders(tables: Tables) -> None:
    votes, leaders = tables.elections, tables.leaders
    nato = tables.allies()["country"]
    elected = set(votes.loc[votes["selects_leader"], "country"]) & set(leaders["country"])
    assert set(tables.terms["country"]) == (set(nato) | elected) - {"RUS", "CHN", "BIH", "CHE"}
    assert set(nato) <= set(leaders.loc[leaders["end"].isna(), "country"])


def test_dates_are_in_order(tables: Tables) -> None:
    for name, spec in TABLES.items():
        for first, last in spec.ordered:
            assert not (getattr(tables, name)[first] > getattr(tables, name)[last]).any()
    spells = tables.deployments
    month, year = spells[spells["entry_prec"] == "month"], spells[spells["exit_prec"] == "year"]
    assert (month["entry"].dt.day == 15).all()
    assert (year["exit"].dt.strftime("%m-%d") == "07-01").all()


def spending_row(share: str = "3", year: str = "2025", basis: str = "wdi", flag: str = "") -> str:
    return f"{SPENDING}USA,{year},{basis},{share},{flag},mine\n"


def leader_row(start: str, end: str = "", kind: str = "") -> str:
    return f"{LEADERS}USA,X,president,{start},{end},{kind},false,mine\n"


def deployment_row(entry: str, exit_: str, lo: str = "", kind: str = "planned", mission: str = "kfor") -> str:
    row = f"{mission},USA,9,false,{entry},month,{exit_},month,{lo},,{kind},high,,10,mine,\n"
    return DEPLOYMENTS + row


MISSION = MISSIONS + "new,New,nato,NATO,Europe,2020-01-01,2019-01-01,training,mine\n"
MEMBER = MEMBERS + "AUT,NATO,2020-01-01,2020-01-01,2019-12-31,x,9,false,false,true,mine,\n"
FAULTS = [
    ("defence_spending", spending_row("lots"), ["line 2", "share_gdp", "'lots'", "a number"]),
    ("defence_spending", spending_row("-1"), ["[0, 150]", "'-1'", "leave the row out if the figure is right"]),
    ("defence_spending", spending_row("203"), ["[0, 150]", "'203'"]),
    ("defence_spending", spending_row(""), ["share_gdp is ''"]),
    ("defence_spending", spending_row(year="20x5"), ["year is '20x5'", "a year"]),
    ("defence_spending", spending_row(basis="sipri"), ["basis", "nato, nato_old, wdi"]),
    ("defence_spending", spending_row(flag="yes"), ["'yes'", "true or false or blank"]),
    ("defence_spending", spending_row() + "USA,2025,wdi,3,,m\n", ["line 3 (USA, 2025, wdi)", ".csv line 2"]),
    ("defence_spending", SPENDING + "UKG,2025,wdi,3,,m\n", ["'UKG'", "countries.csv", "mean 'GBR'"]),
    ("defence_spending", SPENDING + "USA,2025,wdi,3", ["no newline", "truncated", "cells is 4"]),
    ("defence_spending", SPENDING + "USA,2025,wdi\n", ["line 2: the number of cells is 3, expected 6"]),
    ("defence_spending", SPENDING + '"USA,2025\n', ["line 2: a quote that is opened and not closed"]),
    ("defence_spending", SPENDING.replace("gdp", "dgp"), ["'share_dgp'", "mean 'share_gdp'?"]),
    ("defence_spending", "", ["line 1: ''", "expected the columns country, year"]),
    ("defence_spending_vintages", "country\n", ["no 'vintage'"]),
    ("leaders", leader_row("2025-13-01"), ["start is '2025-13-01'", "YYYY-MM-DD"]),
    ("leaders", leader_row("2025-02-30"), ["start is '2025-02-30'"]),
    ("leaders", leader_row("1950-05-02", "1950-05-01", "death"), ["not before `start`", "1950-05-01"]),
    ("leaders", leader_row("2025-06-01"), ["(USA, 2025-06-01)", "whose `end` is open"]),
    ("missions", MISSION, ["end is '2019-01-01'", "`start`"]),
    ("members", MEMBER, ["left is '2019-12-31'", "`joined`"]),
    ("deployments", deployment_row("2010-05", "2010-04"), ["exit is '2010-04'", "`entry`"]),
    ("deployments", deployment_row("2010-05", "2011-04", "2011-06"), ["'2011-04'", "`exit_lo`"]),
    ("deployments", deployment_row("2010-05", ""), ["exit_kind is 'planned'", "`censored`"]),
    ("deployments", deployment_row("2010", ""), ["entry is '2010'", "YYYY-MM"]),
    ("deployments", deployment_row("2010-05", "2011-05", mission="kfro"), ["mean 'kfor'?", "missions.csv"]),
]


@pytest.mark.parametrize(("file", "text", "words"), FAULTS)
def test_fault_names_file_place_value_and_fix(tmp_path: Path, file: str, text: str, words: list[str]) -> None:
    message = faults_of(overlay(tmp_path, **{file: text}))
    for word in [f"{file}.csv", *words]:
        assert word in message


def test_unknown_and_unreadable_files_are_named(tmp_path: Path) -> None:
    overlay(tmp_path, leader=LEADERS)
    (tmp_path / "economy.csv").write_bytes(b"country,\xff\n")
    (tmp_path / "NOTES.md").write_text("mine")
    (tmp_path / ".keep").write_text("")
    message = faults_of(tmp_path)
    assert "did you mean 'leaders.csv'?" in message and "not UTF-8" in message
    assert "NOTES" not in message and ".keep" not in message
    assert "not a folder" in faults_of(tmp_path / "absent")


def test_all_faults_are_raised_at_once(tmp_path: Path) -> None:
    rows = "".join(f"USA,{year},wdi,199,,m\n" for year in range(1990, 2000))
    leaders = LEADERS + "USA,X,king,2025-06-01,,,maybe,m\n"
    terms = "country,office,system,term_years,term_limit,limit_from,early_vote,source,note\n"
    terms += "USX,p,presidential,4,2,,false,m,\n"
    message = faults_of(overlay(tmp_path, defence_spending=SPENDING + rows + "USA\n", leaders=leaders, terms=terms))
    for word in ["7 faults", "line 12: the number of cells is 1", "'199'", "7 more rows", "'maybe'", "'USX'"]:
        assert word in message


def test_overlay_adds_and_replaces_by_key(tmp_path: Path, tables: Tables) -> None:
    folder = overlay(
        tmp_path,
        countries="country,name,region,source\nXKX,Kosovo,southeast_europe,mine\n",
        defence_spending=SPENDING + "POL,2024,nato,4.5,false,mine\nXKX,2024,wdi,1.5,,mine\n",
        economy="source,population,gdp_usd,gdp_growth,year,country\r\nmine,9,,1.5,2024,XKX\r\n",
        missions=MISSIONS,
    )
    mixed = load_tables(folder)
    assert mixed.overlaid == ("countries", "defence_spending", "economy", "missions")
    assert len(mixed.defence_spending) == len(tables.defence_spending) + 1
    shares = mixed.defence_spending.set_index(["country", "year", "basis"])["share_gdp"]
    assert shares["POL", 2024, "nato"] == 4.5 and shares["XKX", 2024, "wdi"] == 1.5
    changed = {name for name in TABLES if mixed.digests[name] != tables.digests[name]}
    assert changed == {"countries", "defence_spending", "economy"}
    for name, spec in TABLES.items():
        dtypes = {c.name: str(getattr(mixed, name)[c.name].dtype) for c in spec.columns}
        assert dtypes == {c.name: c.dtype for c in spec.columns}
    assert tables.digests == load_tables().digests  # the cached bundled rows are unchanged


def test_new_leader_needs_the_end_of_the_old_one(tmp_path: Path) -> None:
    new = "GBR,New,prime minister,2026-03-02,,,false,mine\n"
    late = date(2026, 6, 30)
    assert "whose `end` is open" in faults_of(overlay(tmp_path, leaders=LEADERS + new), late)
    closed = "GBR,Keir Starmer,prime minister,2024-07-05,2026-03-05,resignation,false,mine\n"
    leaders = load_tables(overlay(tmp_path, leaders=LEADERS + closed + new), late).leaders
    # Two sources may date a change of leader three days apart.
    assert leaders[leaders["country"] == "GBR"]["leader"].iloc[-1] == "New"
    earlier = load_tables(tmp_path)  # as of 2025-12-31 the new leader is unknown, and the old one still in office
    facts = ["country", "leader", "start", "end", "exit_kind"]
    assert earlier.leaders[facts].equals(load_tables().leaders[facts]) and earlier.hidden == {"leaders": 1}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), value=st.floats(0.5, 5.0))
def test_digests_depend_on_values_and_not_on_row_order(tmp_path: Path, tables: Tables, seed: int, value: float) -> None:
    path = TABLE_FOLDER / "defence_spending_vintages.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).sample(frac=1, random_state=seed)
    rows.to_csv(tmp_path / path.name, index=False)
    assert load_tables(tmp_path).digests == tables.digests
    same = float(rows["share_gdp"].iloc[0]) == value
    rows["share_gdp"] = [repr(value), *rows["share_gdp"].iloc[1:]]
    rows.to_csv(tmp_path / path.name, index=False)
    changed = load_tables(tmp_path).digests["defence_spending_vintages"]
    assert (changed == tables.digests["defence_spending_vintages"]) is same


@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
@settings(max_examples=40, deadline=None)
def test_reader_accepts_any_bytes(raw: bytes) -> None:
    for start in (b"", SPENDING.encode()):
        faults: list[str] = []
        frame = read_table("some.csv", start + raw, TABLES["defence_spending"], faults)
        assert faults or len(frame.columns) == len(TABLES["defence_spending"].columns) + 1


def test_earlier_day_hides_later_rows(tables: Tables) -> None:
    day = date(2008, 6, 30)
    earlier = load_tables(as_of=day)
    now = pd.Timestamp(day)
    assert (earlier.members["alliance"] == "NATO").sum() == 26
    assert earlier.defence_spending["year"].max() == 2007 and earlier.defence_spending_vintages.empty
    assert earlier.troop_levels["date"].max() <= now and earlier.mission_fatalities["date"].max() <= now
    in_office = earlier.leaders[earlier.leaders["end"].isna()].set_index("country")
    assert in_office.loc["USA", "leader"] == "G.W. Bush" and in_office.loc["USA", "exit_kind"] == ""
    assert "rsm" not in set(earlier.missions["mission"])
    assert earlier.missions.set_index("mission")["end"].isna()["mnf_iraq"]
    spells = earlier.deployments
    stayed = spells[spells["exit_kind"] == "censored"]
    assert len(stayed) > 0 and (stayed["trigger"] == "").all() and stayed["exit_lo"].isna().all()
    assert (spells["exit"].dropna() <= now).all() and (stayed["last_obs"] <= now).all()
    assert (stayed["entry"] <= stayed["last_obs"]).all()
    assert set(earlier.elections.loc[earlier.elections["date"] > now, "scheduled"]) == {True}
    assert known_at(tables, day).digests == earlier.digests
    assert len(load_tables(as_of=date(2019, 6, 30)).defence_spending_vintages) == 224
    with pytest.raises(DataError, match="expected a day not after 2008-06-30"):
        known_at(earlier, AS_OF)


def test_memberships_allies_and_calendar_years_of_an_ally(tables: Tables) -> None:
    members = tables.members.copy()
    hungary = (members["country"] == "HUN") & (members["alliance"] == "NATO")
    members.loc[hungary, "left"] = pd.Timestamp("2020-07-01")
    tables = dataclasses.replace(tables, members=members)
    assert "HUN" in set(tables.memberships()["country"]) and "HUN" not in set(tables.allies()["country"])
    assert "HUN" in set(tables.allies(date(2020, 6, 30))["country"])
    assert "HUN" not in set(tables.allies(date(1999, 3, 11))["country"])  # it joined on 12 March 1999
    years = pd.Series([1998, 1999, 2019, 2020])
    assert tables.was_ally(pd.Series(["HUN"] * 4), years).tolist() == [False, True, True, False]
    assert not tables.was_ally(pd.Series(["JPN"]), pd.Series([2020])).any()


def test_main_contingents_are_not_residual(tables: Tables) -> None:
    rows = tables.main_contingents()
    assert len(rows) == (~tables.deployments["residual"]).sum() < len(tables.deployments)
    in_iraq = tables.main_contingents("mnf_iraq")
    assert set(in_iraq["mission"]) == {"mnf_iraq"} and set(in_iraq.index) < set(rows.index)
