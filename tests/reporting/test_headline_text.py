"""Text of headline records: titles, units, verdicts and flips, made from fields alone."""

from typing import Any

import pytest

from forecast import names
from forecast.projection.headlines import verdicts
from forecast.reporting.headline_text import (
    changed_verdicts,
    flip_text,
    headline_title,
    scenario_text,
    statistic_text,
    value_text,
    verdict_sentence,
    verdict_text,
)
from forecast.reporting.labels import scenario_labels
from forecast.reporting.terminal import headline_lines, since_lines
from forecast.storage.files import write_json
from forecast.storage.runs import Run, open_run, write_manifest
from tests.support.bundled_scenarios import DESIGNS, WARS
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
    ("values", "text", "sentence"),
    [
        ((0.1, 0.2, 0.7), "Strong", "Strong (Weak 10 %, Fragmented 20 %, Strong 70 %)"),
        ((0.30, 0.36, 0.34), "Undecided", "undecided (Weak 30 %, Fragmented 36 %, Strong 34 %)"),
    ],
)
def test_a_verdict_has_all_probabilities_and_no_winner_if_undecided(
    values: tuple[float, ...], text: str, sentence: str
) -> None:
    records = [
        record(**VERDICT | {"category": name, "value": value})
        for name, value in zip(names.VERDICTS, values, strict=True)
    ]
    (verdict,) = verdicts(records).values()
    assert verdict_text(verdict) == text
    assert verdict_sentence(verdict).replace("\u00a0", " ") == sentence


FLIP: dict[str, Any] = {
    "war": "lose",
    "design": "none",
    "before": {
        "category": "Strong",
        "value": 0.7,
        "horizon": "2027Q3",
        "decided": True,
        "probabilities": {"Weak": 0.1, "Fragmented": 0.2, "Strong": 0.7},
    },
    "now": {
        "category": "Weak",
        "value": 0.45,
        "horizon": "2027Q4",
        "decided": False,
        "probabilities": {"Weak": 0.45, "Fragmented": 0.42, "Strong": 0.13},
    },
}


def test_a_flip_is_one_sentence() -> None:
    text = flip_text(FLIP, {"lose": "Defeat"}).replace("\u00a0", " ")
    assert text == (
        "Defeat × none: Strong in 2027Q3 (Weak 10 %, Fragmented 20 %, Strong 70 %), now undecided in 2027Q4 "
        "(Weak 45 %, Fragmented 42 %, Strong 13 %)."
    )


def test_a_flip_of_an_earlier_version_has_the_likeliest_class_alone() -> None:
    sides = {
        key: {name: value for name, value in FLIP[key].items() if name != "probabilities"} for key in ("before", "now")
    }
    text = flip_text(FLIP | sides).replace("\u00a0", " ")
    assert text == "lose × none: Strong in 2027Q3 (Strong 70 %), now undecided in 2027Q4 (Weak 45 %)."


def test_a_verdict_that_is_undecided_before_and_now_has_not_changed() -> None:
    undecided = FLIP | {side: FLIP[side] | {"decided": False} for side in ("before", "now")}
    texts, others = changed_verdicts([FLIP, undecided])
    assert texts == [flip_text(FLIP)]
    assert others == "Another class is now the likeliest in one that was undecided and still is."
    assert changed_verdicts([undecided, undecided])[1].endswith("in 2 that were undecided and still are.")
    assert changed_verdicts([]) == ([], "")
    since = {"run": "last", "moved": 0, "compared": 90, "flips": [undecided]}
    assert f"  verdicts: {others}" in since_lines(since)


def test_the_terminal_reports_flips_and_runs_that_cannot_be_compared() -> None:
    passed_over = [{"run": "older", "schema": "2"}]
    since = {"run": "last", "moved": 3, "compared": 90, "flips": [FLIP], "passed_over": passed_over}
    text = "\n".join(since_lines(since))
    assert "older has output schema 2 and cannot be compared" in text
    assert "compared with last: 3 of 90 headlines moved" in text
    assert "verdict changed: lose × none: Strong in 2027Q3" in text
    assert "no earlier run can be compared" in "\n".join(since_lines({"run": None, "passed_over": passed_over}))
    gone = [{"run": "pruned", "gone": "2026-01-05T06:00:00+00:00"}]
    assert "  pruned of 2026-01-05 06:00 UTC is no longer in the workspace" in since_lines(
        since | {"passed_over": gone}
    )
    assert "  this is the first complete run of the plan" in since_lines({"run": None, "passed_over": []})
    assert since_lines({}) == []


def test_the_terminal_shows_every_verdict_and_marks_undecided_ones(tmp_path: Any) -> None:
    run = make_run(tmp_path, designs=DESIGNS[:2], checks=all_checks())
    lines, labels = headline_lines(run), scenario_labels(run)
    place = 0
    for (war, design), verdict in verdicts(run.headlines).items():
        if design == DESIGNS[0]:
            place = lines.index(f"  {labels[war]}", place)
        place += 1
        shown = verdict.likeliest if verdict.decided else "Undecided"
        cells = [*labels[design][:31].split(), shown, *(f"{p:.2f}" for p in verdict.probabilities.values())]
        assert lines[place].split() == cells
    assert any("percent of GDP" in line for line in lines)


@pytest.mark.parametrize("width", [1, 60])
def test_everything_on_the_terminal_fits_80_columns_with_the_labels_of_the_user(tmp_path: Any, width: int) -> None:
    """Labels of any length: whole names in tables are cut, and sentences are broken between words."""
    run = make_run(tmp_path, checks=all_checks())
    stored = run.json(names.PRIORS)
    for part in ("wars", "designs"):
        for name, entry in stored["grid"][part].items():
            entry["label"] = f"My {name} " + "long " * width
    run = rewritten(run, stored)
    lines = headline_lines(run, everything=True)
    assert max(map(len, lines)) <= 80
    for war in WARS:
        assert any(line.startswith(f"  My {war} long") for line in lines)
    assert not any(line.split()[:1] == [war] for line in lines for war in ("lose", "stalemate"))


def rewritten(run: Run, priors: dict[str, Any]) -> Run:
    """Return a run with other priors, and a manifest that knows them."""
    write_json(run.path / names.PRIORS, priors)
    write_manifest(run.path, {k: v for k, v in run.manifest.items() if k not in ("files", "finished")})
    return open_run(run.id, run.path.parents[1])
