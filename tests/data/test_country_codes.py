"""A code of another system, or a name, gives the country it stands for; a code that only looks alike gives none."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.data import country_codes
from forecast.data.country_codes import country_hint
from forecast.data.tables import load_tables
from tests.support.table_faults import faults_of, overlay

TEXT = (Path(country_codes.__file__).parent / "country_codes.csv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TEXT.splitlines()))
CODES = {row["country"] for row in ROWS}
ALONE = {  # codes with one meaning
    "UKG": "GBR", "GMY": "DEU", "FRN": "FRA", "220": "FRA", "200": "GBR", "2": "USA", "002": "USA", "SPN": "ESP",
    "POR": "PRT", "NTH": "NLD", "SWD": "SWE", "DEN": "DNK", "GRC ": "GRC", "CZR": "CZE", "LAT": "LVA", "CRO": "HRV",
    "ROM": "ROU", "ZAR": "COD", "DDR": "DEU", "GER": "DEU", "UK": "GBR", "EL": "GRC", "FR": "FRA", "NA": "NAM",
    "826": "GBR", "276": "DEU", "gbr": "GBR", "USSR": "RUS", "Great Britain": "GBR", "Turkey": "TUR", "turkiye": "TUR",
    "Czech Republic": "CZE", "the Netherlands": "NLD", "Holland": "NLD", "Russian Federation": "RUS",
    "Korea, Rep.": "KOR", "Slovak Republic": "SVK", "United States of America": "USA", "U.S.A.": "USA",
    "Republic of Moldova": "MDA", "Cote d’Ivoire": "CIV", "Macedonia, FYR": "MKD", "Viet Nam": "VNM",
}  # fmt: skip


@pytest.mark.case("B12")
@pytest.mark.parametrize(("word", "code"), ALONE.items())
def test_known_codes_and_names(word: str, code: str) -> None:
    hint = country_hint(word)
    assert hint.startswith(f"; did you mean {code!r} (") and " or " not in hint


@pytest.mark.case("B12")
@pytest.mark.parametrize(
    ("word", "codes"),
    [
        ("GM", {"DEU": "FIPS 10-4", "GMB": "ISO 3166"}),
        ("AU", {"AUS": "ISO 3166", "AUT": "FIPS 10-4"}),
        ("SLO", {"SVK": "Correlates of War", "SVN": "Olympic Committee"}),
        ("YUG", dict.fromkeys(["BIH", "HRV", "MKD", "MNE", "SRB", "SVN"], "")),
        ("CSK", dict.fromkeys(["CZE", "SVK"], "")),
    ],
)
def test_codes_with_several_meanings_name_all(word: str, codes: dict[str, str]) -> None:
    hint = country_hint(word)
    assert hint.count(" (") == len(codes)
    for code, system in codes.items():
        assert f"{code!r} (" in hint and system in hint


@pytest.mark.case("B12")
@given(word=st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3) | st.text(max_size=8))
def test_what_is_no_code_gives_no_hint(word: str) -> None:
    exact = {
        cell.casefold() for row in ROWS for column, cell in row.items() if column not in ("name", "spellings", "other")
    }
    others = {word.casefold() for row in ROWS for word in row["other"].split(";")}
    names = {name.casefold() for row in ROWS for name in [row["name"], *row["spellings"].split("; ")]}
    if word.strip().isascii() and word.isalpha() and word.casefold() not in exact | others | names:
        assert country_hint(word) == ""
    if word in CODES:
        assert repr(word) not in country_hint(word)


def test_every_bundled_country_has_codes_and_names() -> None:
    own = load_tables().countries.set_index("country")["name"].to_dict()
    rows = {row["country"]: row for row in ROWS}
    assert len(rows) == len(ROWS) and set(own) <= set(rows)
    for code, name in own.items():
        assert rows[code]["name"] == name and all(rows[code][c] for c in ("iso2", "iso_number", "ioc"))
    for column in ("iso2", "iso_number", "cow", "cow_number", "ioc"):
        filled = [row[column] for row in ROWS if row[column]]
        assert len(set(filled)) == len(filled), column


@pytest.mark.case("B12")
def test_the_fault_of_a_row_names_the_right_country(tmp_path: Path) -> None:
    rows = "country,year,basis,share_gdp,estimate,source\nUKG,2025,nato,2.4,true,m\nUKA,2025,nato,2.4,true,m\n"
    first, second = faults_of(overlay(tmp_path, defence_spending=rows)).splitlines()[1:]
    assert first.endswith("add a row there; did you mean 'GBR' (United Kingdom)?") and "UKR" not in first
    assert second.endswith("add a row there")
