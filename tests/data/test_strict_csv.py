"""A file comes through whole, or its fault is named with its line; no row disappears."""

import io
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.data import strict_csv
from forecast.data import tables as data
from forecast.data.read_csv import PLACE, read_table
from forecast.data.strict_csv import split_rows
from forecast.data.table_schema import TABLES
from forecast.data.tables import load_tables
from forecast.errors import DataError
from tests.support.table_faults import faults_of, overlay

FOLDER = Path(data.__file__).parent / "tables"
SPENDING = "country,year,basis,share_gdp,estimate,source\n"
ROW = "FRA,2025,nato,2.1,true,own\n"


def read(raw: bytes | str, name: str = "defence_spending") -> tuple[pd.DataFrame, list[str]]:
    faults: list[str] = []
    content = raw.encode() if isinstance(raw, str) else raw
    return read_table("some.csv", content, TABLES[name], faults), faults


def lines_of(name: str) -> list[str]:
    """Header and the first rows of a bundled table, with rows that hold quotes."""
    lines = (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return lines[:6] + [line for line in lines[6:] if '"' in line][:3]


@pytest.mark.case("B08")
@given(data=st.data(), name=st.sampled_from(sorted(TABLES)), quotes=st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_a_stray_quote_anywhere_loses_no_row(data: st.DataObject, name: str, quotes: int) -> None:
    lines = lines_of(name)
    expected = split_rows("t", ("\n".join(lines) + "\n").encode(), TABLES[name].names, [])[1]
    touched = set()
    for _ in range(quotes):
        number = data.draw(st.integers(0, len(lines) - 1))
        at = data.draw(st.integers(0, len(lines[number])))
        lines[number] = f'{lines[number][:at]}"{lines[number][at:]}'
        touched.add(number + 1)
    faults: list[str] = []
    try:
        rows = split_rows("t", ("\n".join(lines) + "\n").encode(), TABLES[name].names, faults)[1]
    except DataError as error:
        assert str(error).startswith("t line 1: ") and 1 in touched
        return
    refused = {int(fault.split(":")[0].removeprefix("t line ")) for fault in faults}
    assert refused <= touched and bool(refused) == (len(rows) < len(expected))
    assert [row for row in rows if int(row[-1].split()[-1]) not in touched] == [
        row for row in expected if int(row[-1].split()[-1]) not in touched
    ]
    if quotes == 1:
        assert refused == touched


@pytest.mark.case("B08")
@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (SPENDING + 'FRA,2025,nato,2.1,true,"own\n' + ROW, 2, "opened and not closed"),
        (
            SPENDING + ROW + 'DEU,2025,nato,2.1,true,"two\n\nor more, lines\n"\n' + ROW.replace("FRA", "ITA"),
            3,
            "line break inside a cell",
        ),
        (SPENDING + 'FRA,2025,nato,2.1,true,"own""\n', 2, "opened and not closed"),
        (SPENDING + 'FRA,2025,nato,2.1,true,the "own" file\n', 2, "a quote inside a cell"),
        (SPENDING + 'FRA,2025,nato,2.1,true,"own" file\n', 2, "a quote inside a cell"),
        (SPENDING + 'FRA,2025,nato,"2,1,true,own"\n', 2, "the number of cells is 4, expected 6"),
        (SPENDING + ROW + "DEU,2025,nato,2,1,true,own\n", 3, "the number of cells is 7, expected 6"),
        (SPENDING + ROW + "DEU,2025,nato,2.1,true,a\x0bb\n", 3, "'\\x0b'"),
        (SPENDING + ROW + "DEU,2025,nato,2.1,true,a\u2028b\n", 3, "'\\u2028'"),
        (SPENDING + ROW + "DEU,2025,nato,2.1,true,a\rb\n", 3, "'\\r'"),
        (SPENDING + ROW + "DEU,2025,nato,2.1,true,a\0b\n", 3, "a NUL byte"),
        (SPENDING + ROW + f"DEU,2025,nato,2.1,true,{'a' * 20_000}\n", 3, "20,023 characters, expected at most 10,000"),
        (SPENDING.replace("basis", '"basis'), 1, "opened and not closed"),
    ],
)
def test_a_row_that_cannot_be_split_is_one_fault_with_its_line(text: str, line: int, words: str) -> None:
    faults = read(text)[1]
    assert faults[0].startswith(f"some.csv line {line}: ") and words in faults[0]
    assert len(faults) == 1


def utf16(text: str, codec: str = "utf-16") -> bytes:
    return text.encode(codec)


@pytest.mark.case("B11")
@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (SPENDING.replace(",", ";") + "FRA;2025;nato;2,1;true;own\n", "line 1: semicolons between the cells"),
        ('"country";"year";"basis";"share_gdp";"estimate";"source"\n', "line 1: semicolons between the cells"),
        (SPENDING.replace(",", "\t") + ROW.replace(",", "\t"), "line 1: tabs between the cells"),
        (SPENDING.replace(",", "|"), "line 1: vertical bars between the cells"),
        ("sep=,\n" + SPENDING + ROW, "line 1: 'sep=,' is a note for Excel"),
        ("SEP=;\n" + SPENDING + ROW, "is a note for Excel"),
        (utf16(SPENDING + ROW), "the file is UTF-16"),
        (utf16(SPENDING + ROW, "utf-16-be"), "line 1: a NUL byte, so the file is UTF-16"),
        (b"\xfe\xff" + utf16(SPENDING + ROW, "utf-16-be"), "the file is UTF-16"),
        ((SPENDING + ROW + "FRA,2024,nato,2.1,true,Ministère\n").encode("latin-1"), "line 3: byte 0xE8 is not UTF-8"),
        (b"PK\x03\x04" + bytes(50), "an Excel workbook or a zip archive"),
        (b"\x1f\x8b\x08" + bytes(50), "the file is compressed"),
        (b"PAR1" + bytes(50), "a Parquet file"),
        ("", "line 1: '', expected the columns country"),
        ("\n\n", "line 1: '', expected the columns country"),
        (ROW, "add this header as the first line"),
        ("<!DOCTYPE html>\n<html>\n", "'<!DOCTYPE html>', expected the columns country"),
        ("version https://example.org/spec\noid sha256:0\n", "add this header as the first line"),
        ("," + SPENDING + "1," + ROW, "a column without a name, which R and pandas write"),
        (SPENDING.upper(), "the unknown 'COUNTRY' (did you mean 'country'?)"),
        (SPENDING.replace("source", "source,source"), "'source' more than once"),
        (SPENDING.replace("basis,", ""), "no 'basis'"),
        (SPENDING.replace("gdp", "dgp"), "the unknown 'share_dgp' (did you mean 'share_gdp'?), no 'share_gdp'"),
    ],
)
def test_an_unreadable_file_is_one_fault_with_its_cause(raw: str | bytes, words: str) -> None:
    frame, faults = read(raw)
    assert frame.empty and len(faults) == 1
    assert words in faults[0] and "expected" in faults[0] and ";" in faults[0]


@pytest.mark.case("B09", "B11")
@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + (SPENDING + ROW).encode(),
        2 * b"\xef\xbb\xbf" + (SPENDING + ROW).encode(),
        (SPENDING + ROW).replace("\n", "\r\n").encode(),
        (SPENDING + ROW).replace("\n", "\r\r\n").encode(),
        (SPENDING + ROW).replace("\n", "\r").encode(),
        (SPENDING + ROW + "\n,,,,,\n  \n").encode(),
        (SPENDING + "FRA , 2025,nato,\u00a02.1,true,own\n").encode(),
        (SPENDING + ROW.replace("true", "TRUE")).encode(),
        (SPENDING + ROW.replace("true", "T")).encode(),
        (SPENDING + ROW.replace("2025", "2025.0").replace("2.1", "2.1E+00")).encode(),
        b'"country","year","basis","share_gdp","estimate","source"\n"FRA","2025","nato","2.1","True","own"\n',
    ],
)
def test_what_usual_tools_write_is_read(raw: bytes) -> None:
    frame, faults = read(raw)
    assert faults == []
    assert frame.drop(columns=PLACE).to_dict("records") == [
        {"country": "FRA", "year": 2025, "basis": "nato", "share_gdp": 2.1, "estimate": True, "source": "own"}
    ]


@pytest.mark.case("B09")
@pytest.mark.parametrize("name", sorted(TABLES))
@pytest.mark.parametrize("tool", ["excel", "r", "pandas"])
def test_bundled_tables_survive_a_round_through_other_tools(name: str, tool: str) -> None:
    path = FOLDER / f"{name}.csv"
    expected, _ = read(path.read_bytes(), name)
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    flags = [c.name for c in TABLES[name].columns if c.kind == "bool"]
    upper = text.assign(**{flag: text[flag].str.upper() for flag in flags})
    if tool == "excel":
        raw = upper.to_csv(index=False, lineterminator="\r\n", encoding="utf-8-sig").encode("utf-8-sig")
    elif tool == "r":
        nullable = {c.name: upper[c.name].replace("", "NA") for c in TABLES[name].columns if c.nullable}
        raw = upper.assign(**nullable).to_csv(index=False, quoting=2).encode()
    else:
        raw = pd.read_csv(path).to_csv(index=False).encode()  # whole numbers beside blanks become 60.0
    frame, faults = read(raw, name)
    assert faults == []
    pd.testing.assert_frame_equal(frame.drop(columns=PLACE), expected.drop(columns=PLACE))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("-1.5", -1.5),
        ("\u22121.5", -1.5),  # minus sign, as statistical offices print it
        ("\u20131.5", -1.5),  # en dash
        ("+1.5", 1.5),
        ("1.5e0", 1.5),
        (".5", 0.5),
    ],
)
@pytest.mark.case("A24")
def test_signs_of_numbers(cell: str, value: float) -> None:
    frame, faults = read(f"country,year,gdp_growth,gdp_usd,population,source\nFRA,2024,{cell},,1000,m\n", "economy")
    assert faults == [] and frame["gdp_growth"].tolist() == [value]


@pytest.mark.parametrize(
    "cell", ['"2,1"', "2.1%", "nan%", "0x2", "1_0", "inf", "2.1.1", "٢", "2 100", "two", "NA", "--2"]
)
def test_other_numbers_are_faults(cell: str) -> None:
    faults = read(f"{SPENDING}FRA,2025,nato,{cell},true,own\n")[1]
    assert len(faults) == 1 and "line 2 (FRA, 2025, nato): share_gdp is" in faults[0]


@pytest.mark.case("A24")
@pytest.mark.parametrize("day", ["01.12.2025", "12/1/2025", "2025-12-1", "2025-12-32", "2025", "1025-12-01", "today"])
def test_dates_say_how_to_write_them(day: str) -> None:
    header = "country,leader,office,start,end,exit_kind,acting,source\n"
    faults = read(f"{header}FRA,X,president,{day},,,false,m\n", "leaders")[1]
    assert len(faults) == 1 and repr(day) in faults[0] and "YYYY-MM-DD or YYYY-MM" in faults[0]


@pytest.mark.case("A24")
def test_duplicate_rows_name_each_other() -> None:
    faults = read(SPENDING + ROW + ROW.replace("FRA", "DEU") + ROW.replace("2.1", "2.3"))[1]
    assert faults == [
        "some.csv line 4 (FRA, 2025, nato): the same country, year, basis as some.csv line 2, expected one row; "
        "remove one of the two"
    ]


@pytest.mark.case("L1", "F2")
def test_long_values_are_shortened_and_many_faults_counted() -> None:
    long = "x" * 2_000
    faults = read(SPENDING + f"{long},2025,nato,{long},true,own\n")[1]
    assert len(faults) == 1 and len(faults[0]) < 300 and faults[0].startswith("some.csv line 2 (xxx")
    faults = read(SPENDING + "FRA\n" * 1_000)[1]
    assert len(faults) == 4 and "at least 97 more lines" in faults[-1]
    faults = read(SPENDING + ROW.replace("2.1", "x") * 1_000)[1]
    assert len(faults) == 4 and "997 more rows" in faults[-1]


@pytest.mark.case("F2")
def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "economy.csv"
    with path.open("wb") as file:
        os.truncate(file.fileno(), strict_csv.LARGEST + 1)
    load_tables()  # the bundled files are read once
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("the file was read"))
    assert (
        faults_of(tmp_path)
        == f"{path}: 5,000,001 bytes, expected at most 5,000,000; keep only the rows that you add or replace"
    )


@pytest.mark.case("M18")
def test_files_that_cannot_be_read_are_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay(tmp_path, economy="x\n")
    (tmp_path / "leaders.csv").symlink_to("nowhere")
    (tmp_path / "terms.csv").mkdir()
    os.mkfifo(tmp_path / "threat.csv")  # opening it would wait for ever

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    load_tables()
    monkeypatch.setattr(Path, "read_bytes", refuse)
    faults = faults_of(tmp_path).splitlines()
    assert len(faults) == 5
    assert sum("not a file, expected a CSV file" in fault for fault in faults) == 3
    assert any("economy.csv: cannot be read (Permission denied)" in fault for fault in faults)


@pytest.mark.case("B28")
def test_files_that_are_no_tables_are_passed_by(tmp_path: Path) -> None:
    for name in ("._terms.csv", ".#terms.csv", "~$terms.csv", "terms.csv~", "#terms.csv#", "notes.txt", "make.R"):
        (tmp_path / name).write_bytes(b"\x00")
    for name in ("raw", "__MACOSX", ".ipynb_checkpoints"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "terms.csv").write_bytes(b"\x00")
    (tmp_path / "LEADERS.CSV").write_text("country,leader,office,start,end,exit_kind,acting,source\n")
    assert load_tables(tmp_path).overlaid == ("leaders",)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("leader.csv", "; did you mean 'leaders.csv'?"),
        ("leaders.xlsx", "; did you mean 'leaders.csv'?"),
        ("leaders.csv.gz", "; did you mean 'leaders.csv'?"),
        ("leaders (conflicted copy).csv", ""),
        ("leaders", None),
    ],
)
def test_files_that_seem_to_be_tables_are_faults(tmp_path: Path, name: str, hint: str | None) -> None:
    (tmp_path / name).write_text("x\n")
    if hint is None:
        assert load_tables(tmp_path).overlaid == ()
    else:
        assert f"{tmp_path / name}: unknown table" in faults_of(tmp_path) and faults_of(tmp_path).endswith(hint)


def test_two_files_of_one_table_are_a_fault(tmp_path: Path) -> None:
    overlay(tmp_path, economy="country,year,gdp_growth,gdp_usd,population,source\n")
    (tmp_path / "Economy.CSV").write_bytes((tmp_path / "economy.csv").read_bytes())
    assert "a second file of the table economy, expected one" in faults_of(tmp_path)


def test_a_broken_table_gives_no_faults_elsewhere(tmp_path: Path) -> None:
    events = "date,kind,actor,source,note\n2024-01-01,command_exit,XYZ,m,\n"
    message = faults_of(
        overlay(tmp_path, countries="x\n", defence_spending=SPENDING + "XYZ,2024,wdi,2,,m\n", alliance_events=events)
    )
    assert "\n" not in message and "countries.csv line 1" in message


@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=40, deadline=None)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    frame, faults = read(SPENDING.encode() + raw)
    assert faults or len(frame) == sum(bool(line.strip(b', \t\r\x1c\x1d\x1e\x1f"')) for line in io.BytesIO(raw))
