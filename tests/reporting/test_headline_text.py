"""Text of headline records: titles, units, verdicts and flips, made from fields alone."""

from typing import Any

import pytest

from forecast import names
from forecast.projection.headlines import verdicts
from forecast.reporting.headline_text import (
    flip_text,
    headline_title,
    leading_classes,
    scenario_text,
    statistic_text,
    value_text,
    verdict_sentence,
    verdict_text,
)
from forecast.reporting.terminal import headline_lines, since_lines
from tests.support.tiny_run_folder import all_checks, make_run


def record(**fields: Any) -> dict[str, Any]:
    return {
        "target": names.EUROPEAN_SPENDING,
        "unit_id": "alliance",
        "war": "lose",
        "design": "business_as_usual",
        "statistic": names.MEDIAN,
        "category": None,
        "unit": "percent of GDP",
        "value": 2.345,
        "mcse": 0.01,
    } | fields


VERDICT = {"target": names.COHESION_VERDICT, "statistic": names.PROBABILITY, "unit": "1"}
SURVIVAL = {"target": names.MISSION_SURVIVAL, "statistic": names.MEAN, "unit": "1", "unit_id": "willing"}


@pytest.mark.parametrize(
    ("fields", "title", "statistic", "value"),
    [
        ({}, "European defence spending", "median, percent of GDP", "2.35 % of GDP"),
        (VERDICT | {"category": "Weak", "value": 0.123}, "Cohesion: Weak", "probability", "12 %"),
        (
            SURVIVAL | {"category": "nominal_by_count", "value": 0.5},
            "The willing: nominal participation by count",
            "mean",
            "0.50",
        ),
    ],
)
def test_title_statistic_and_value_of_a_record(fields: dict[str, Any], title: str, statistic: str, value: str) -> None:
    headline = record(**fields)
    assert headline_title(headline, {"willing": "The willing"}) == title
    assert statistic_text(headline) == statistic
    assert value_text(headline, headline["value"]).replace("\u00a0", " ") == value
    assert value_text(headline, None) == "–"


def test_a_scenario_has_labels_or_plain_identifiers() -> None:
    assert scenario_text(record()) == "lose × business as usual"
    assert scenario_text(record(), {"lose": "Defeat", "business_as_usual": "As now"}) == "Defeat × As now"


@pytest.mark.parametrize(
    ("values", "text", "sentence", "shown"),
    [
        ((0.1, 0.2, 0.7), "Strong", "Strong (70 %)", 1),
        ((0.30, 0.36, 0.34), "Undecided", "undecided (Fragmented 36 %, Strong 34 %)", 2),
    ],
)
def test_an_undecided_verdict_names_no_winner(values: tuple[float, ...], text: str, sentence: str, shown: int) -> None:
    records = [
        record(**VERDICT | {"category": name, "value": value})
        for name, value in zip(names.VERDICTS, values, strict=True)
    ]
    (verdict,) = verdicts(records).values()
    assert verdict_text(verdict) == text
    assert verdict_sentence(verdict).replace("\u00a0", " ") == sentence
    assert len(leading_classes(verdict)) == shown


FLIP = {
    "war": "lose",
    "design": "none",
    "before": {"category": "Strong", "value": 0.7, "horizon": "2027Q3", "decided": True},
    "now": {"category": "Weak", "value": 0.45, "horizon": "2027Q4", "decided": False},
}


def test_a_flip_is_one_sentence() -> None:
    text = flip_text(FLIP, {"lose": "Defeat"}).replace("\u00a0", " ")
    assert text == "Defeat × none: Strong in 2027Q3 (70 %), now Weak in 2027Q4 (45 %, undecided)."


def test_the_terminal_reports_flips_and_runs_that_cannot_be_compared() -> None:
    passed_over = [{"run": "older", "schema": "2"}]
    since = {"run": "last", "moved": 3, "compared": 90, "flips": [FLIP], "passed_over": passed_over}
    text = "\n".join(since_lines(since))
    assert "older has output schema 2 and cannot be compared" in text
    assert "compared with last: 3 of 90 headlines moved" in text
    assert "verdict changed: lose × none: Strong in 2027Q3" in text
    assert "no earlier run can be compared" in "\n".join(since_lines({"run": None, "passed_over": passed_over}))
    assert since_lines({}) == []


def test_the_terminal_shows_every_verdict_and_marks_undecided_ones(tmp_path: Any) -> None:
    run = make_run(tmp_path, designs=names.DESIGNS[:2], checks=all_checks())
    lines = headline_lines(run)
    for (war, _), verdict in verdicts(run.headlines).items():
        cell = f"{verdict.likeliest} {verdict.record['value']:.2f}"
        expected = cell if verdict.decided else f"Undecided ({cell})"
        assert any(line.strip().startswith(war) and expected in line for line in lines)
    assert any("kfor: operational contribution" in line for line in lines)
    assert any("percent of GDP" in line for line in lines)
