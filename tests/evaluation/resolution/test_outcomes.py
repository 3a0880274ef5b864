"""Outcomes are read with their sources, and every fault in the file is one error that names line, value and fix."""

from datetime import date
from pathlib import Path

import pytest

from forecast import names
from forecast.errors import DataError
from forecast.evaluation.resolution.outcomes import read_outcomes
from forecast.evaluation.resolution.questions import QUESTIONS
from forecast.projection.output_schema import VARIABLES
from tests.support.outcome_rows import HEADER, written

TODAY = date(2031, 1, 1)
GOOD = "exit_probability,kfor:DEU,2027Q4,1,2027-03-01,gazette,,"


def test_outcomes_are_read(tmp_path: Path) -> None:
    verdict = "cohesion_verdict,alliance,2027Q4,Strong,2028-01-05,review,win,division_of_labour"
    first, second = read_outcomes(written(tmp_path, GOOD, verdict), TODAY)
    assert (first.target, first.unit, first.period, first.value) == ("exit_probability", "kfor:DEU", "2027Q4", 1.0)
    assert (first.known, first.source, first.war, first.design) == (date(2027, 3, 1), "gazette", "", "")
    assert (second.value, second.war, second.design) == (2.0, "win", "division_of_labour")
    assert second.place.endswith("line 3")


def test_questions_name_variables_of_a_run() -> None:
    for question in QUESTIONS.values():
        dims = VARIABLES[question.variable].dims
        assert question.time in dims
        assert (question.kind == "verdict") == (names.VERDICT in dims)
        assert (question.kind == "number") == dims[-1].endswith("_bin")


FAULTS = {
    "unknown target": ("exit,kfor:DEU,2027Q4,1,2027-03-01,x,,", "target is 'exit', expected one of"),
    "no source": ("exit_probability,kfor:DEU,2027Q4,1,2027-03-01,,,", "source is '', expected some text"),
    "no date": ("exit_probability,kfor:DEU,2027Q4,1,,x,,", "date is '', expected a day, YYYY-MM-DD"),
    "month for a day": ("exit_probability,kfor:DEU,2027Q4,1,2027-03,x,,", "date is '2027-03', expected a day"),
    "day that is none": ("exit_probability,kfor:DEU,2027Q4,1,2027-02-30,x,,", "date is '2027-02-30', expected a day"),
    "probability": ("exit_probability,kfor:DEU,2027Q4,0.5,2028-03-01,x,,", "value is '0.5', expected 0 or 1"),
    "word for 1": ("exit_probability,kfor:DEU,2027Q4,yes,2028-03-01,x,,", "value is 'yes', expected 0 or 1"),
    "no number": ("european_spending,alliance,2027,nan,2028-03-01,x,,", "value is 'nan', expected a number"),
    "digits with a line": ("european_spending,alliance,2027,2_1,2028-03-01,x,,", "value is '2_1', expected a number"),
    "endless": ("european_spending,alliance,2027,1e999,2028-03-01,x,,", "value is '1e999', expected a number"),
    "negative": ("mission_survival,kfor:nominal,2027Q4,-0.1,2028-03-01,x,,", "expected a number from 0 to 1"),
    "comma": ("european_spending,alliance,2027,2,1,2028-03-01,x,,", "the number of cells is 9, expected 8"),
    "share": (
        "european_spending,alliance,2027,0.021,2028-03-01,x,,",
        "expected a number from 0.1 to 60 (percent of GDP)",
    ),
    "percent": ("mission_survival,kfor:nominal,2027Q4,85,2028-03-01,x,,", "expected a number from 0 to 1 (share)"),
    "no verdict": (
        "cohesion_verdict,alliance,2027Q4,strong,2028-03-01,x,,",
        "expected one of Weak, Fragmented, Strong",
    ),
    "missing unit": ("exit_probability,kfor,2027Q4,0,2028-03-01,x,,", "unit is 'kfor', expected mission:contributor"),
    "empty part": ("exit_probability,kfor:,2027Q4,0,2028-03-01,x,,", "unit is 'kfor:', expected mission:contributor"),
    "unit of none": ("cohesion_verdict,NATO,2027Q4,Weak,2028-03-01,x,,", "unit is 'NATO', expected alliance"),
    "year": ("cohesion_verdict,alliance,2027,Weak,2028-03-01,x,,", "period is '2027', expected a quarter such as"),
    "quarter": ("spending_share,FRA,2027Q4,2.1,2028-03-01,x,,", "period is '2027Q4', expected a year such as 2027"),
    "no period": ("spending_share,FRA,2027-12,2.1,2028-03-01,x,,", "period is '2027-12', expected a quarter"),
    "war of no name": ("spending_share,FRA,2027,2.1,2028-03-01,x,Victory,", "war is 'Victory', expected a name of at"),
    "future": ("spending_share,FRA,2029,2.1,2031-01-02,x,,", "date is 2031-01-02, expected a day up to 2031-01-01"),
    "early number": ("spending_share,FRA,2027,2.1,2027-06-01,x,,", "date is 2027-06-01, expected 2027-12-31 or later"),
    "early absence": (
        "leader_change_probability,FRA,2027,0,2027-06-01,x,,",
        "date is 2027-06-01, expected 2027-12-31 or later",
    ),
    "early survival": (
        "intact_probability,USA-JPN,2027Q4,1,2027-06-01,x,,",
        "date is 2027-06-01, expected 2027-12-31 or later",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_error_with_its_line(name: str, tmp_path: Path) -> None:
    row, message = FAULTS[name]
    with pytest.raises(DataError) as error:
        read_outcomes(written(tmp_path, "spending_share,POL,2026,4.1,2027-06-01,x,,", row), TODAY)
    assert "outcomes.csv line 3" in str(error.value)
    assert message in str(error.value)


CONTRADICTIONS = {
    "twice": (GOOD, "the same target, unit, period as"),
    "two answers": (GOOD.replace(",1,2027-03-01", ",0,2028-01-01"), "the same target, unit, period as"),
    "two scenarios": (f"{GOOD}".replace("gazette,,", "gazette,win,none"), "the same target, unit, period as"),
    "undone": (
        "exit_probability,kfor:DEU,2028Q4,0,2029-01-01,x,,",
        "value is 0, expected 1, because",
    ),
    "other day": (
        "exit_probability,kfor:DEU,2028Q4,1,2028-01-01,x,,",
        "date is 2028-01-01, expected 2027-03-01",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_one_error_that_names_both_lines(name: str, tmp_path: Path) -> None:
    row, message = CONTRADICTIONS[name]
    with pytest.raises(DataError) as error:
        read_outcomes(written(tmp_path, GOOD, row), TODAY)
    assert message in str(error.value)
    assert "line 2" in str(error.value) and "line 3" in str(error.value)


def test_a_treaty_that_has_ended_stays_ended(tmp_path: Path) -> None:
    ended = "intact_probability,USA-JPN,2027Q1,0,2027-02-01,x,,"
    again = "intact_probability,USA-JPN,2028Q1,1,2028-04-01,x,,"
    with pytest.raises(DataError, match="value is 1, expected 0, because"):
        read_outcomes(written(tmp_path, again, ended), TODAY)


def test_what_can_change_again_may(tmp_path: Path) -> None:
    rows = (
        "leader_change_probability,FRA,2027,1,2027-05-14,x,,",
        "leader_change_probability,FRA,2028,0,2028-12-31,x,,",
        "exit_probability,kfor:DEU,2026Q4,0,2026-12-31,x,,",
    )
    assert len(read_outcomes(written(tmp_path, GOOD, *rows), TODAY)) == 4


@pytest.mark.parametrize("text", ["", HEADER + "\n", "a,b\n1,2\n", HEADER.replace(",source", "") + "\n"])
def test_a_file_without_outcomes_is_one_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"outcomes\.csv"):
        read_outcomes(path, TODAY)


def test_a_missing_file_says_which_columns_to_write(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing; write the outcomes with the columns target, unit, period"):
        read_outcomes(tmp_path / "outcomes.csv", TODAY)
