"""Scores agree with scoringrules and with hand computation; late forecasts do not count; calibration is recognised."""

import json
import math
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import scoringrules

from forecast.archive.answers import ANSWERS
from forecast.archive.resolutions import Resolution
from forecast.archive.scoreboard import Forecast, Scoreboard, Scored, calibration, score_answers, scoreboard
from forecast.reporting.scoreboard_text import scoreboard_lines
from forecast.storage.runs import Run
from tests.support.questions import answered_run, question

EVENT, OTHER, OPEN, VOID = (question(name) for name in ("event", "other", "open", "void"))
NUMBER = question("number", query="E(spending[FRA] in 2026)", baseline=2.0)
ASKED = {asked.id: asked for asked in (EVENT, OTHER, OPEN, VOID, NUMBER)}
NORMAL = tuple(2.0 + 0.3 * np.random.default_rng(8).standard_normal(50).cumsum() / 10)


FILE = """
[event]
text = "Does it happen?"
query = "P(crisis by 2027Q4)"
rule = "It is in the source."
source = "a gazette"
opened = 2026-01-01
deadline = 2027-12-31
scenario = "neutral × none"
baseline = 0.2
baseline_source = "a rate"
"""


def resolved(name: str, outcome: float | None, known: str) -> Resolution:
    digest = ASKED[name].digest
    return Resolution(
        question=name, digest=digest, outcome=outcome, known=known, source="s", reason="r", recorded="2028-02-01"
    )


OUTCOMES = {
    "event": resolved("event", 1.0, "2027-03-01"),
    "other": resolved("other", 0.0, "2028-01-01"),
    "void": resolved("void", None, "2027-06-01"),
    "number": resolved("number", 2.4, "2027-05-01"),
}


def board_of(runs: list[Run]) -> Scoreboard:
    return score_answers(ASKED, OUTCOMES, runs)


def test_scores_are_those_of_hand_and_of_scoringrules(tmp_path: Path) -> None:
    first = answered_run(tmp_path, "2026-02-01", {EVENT: 0.3, OTHER: 0.4, NUMBER: NORMAL, OPEN: 0.5, VOID: 0.5})
    second = answered_run(tmp_path, "2026-08-01", {EVENT: 0.8, OTHER: 0.0, NUMBER: NORMAL}, paths=500)
    board = board_of([first, second])
    by = {(row.forecast.run, row.forecast.question): row for row in board.scored}
    assert len(by) == len(board.scored) == 6
    row = by[first.id, "event"]
    assert row.scores == pytest.approx({"Brier": 0.49, "log": -math.log(0.3)})
    assert row.baseline == pytest.approx({"Brier": 0.64, "log": -math.log(0.2)})
    assert row.scores["Brier"] == pytest.approx(float(scoringrules.brier_score(1, 0.3)))
    assert row.scores["log"] == pytest.approx(float(scoringrules.log_score(1, 0.3)))
    assert by[second.id, "other"].scores == pytest.approx({"Brier": 0.0, "log": -math.log(1 - 0.5 / 500)})
    number = by[first.id, "number"]
    assert number.scores["CRPS"] == pytest.approx(float(scoringrules.crps_ensemble(2.4, np.array(NORMAL))))
    assert number.baseline["CRPS"] == pytest.approx(0.4)
    assert [moment.run for moment in board.moments] == [first.id, second.id]
    assert board.moments[0].scores["Brier"] == pytest.approx((0.49 + 0.16) / 2)
    assert board.moments[0].baseline["Brier"] == pytest.approx((0.64 + 0.04) / 2)
    assert (board.unresolved, board.annulled, board.not_counted) == (("open",), ("void",), ())
    text = "\n".join(scoreboard_lines(board))
    assert "6 forecasts scored (lower is better), 1 questions unresolved, 1 annulled" in text
    assert "too few to test calibration" in text
    json.dumps(asdict(board))


def test_a_forecast_made_after_its_event_does_not_count(tmp_path: Path) -> None:
    day_before = answered_run(tmp_path, "2027-02-28", {EVENT: 0.4})
    same_day = answered_run(tmp_path, "2027-03-01", {EVENT: 1.0})
    backdated = answered_run(tmp_path, "2027-04-01", {EVENT: 1.0}, as_of="2026-06-30")
    too_late = answered_run(tmp_path, "2028-01-15", {OPEN: 0.9})
    board = board_of([day_before, same_day, backdated, too_late])
    assert [row.forecast.run for row in board.scored] == [day_before.id]
    assert [(run, question) for question, run, _ in board.not_counted] == [
        (same_day.id, "event"),
        (backdated.id, "event"),
        (too_late.id, "open"),
    ]
    assert "made on 2027-04-01, but the outcome was known on 2027-03-01" in board.not_counted[1][2]
    assert "after the deadline of 2027-12-31" in board.not_counted[2][2]
    text = "\n".join(scoreboard_lines(board))
    assert "3 forecasts do not count:" in text and "made on 2028-01-15" in text


def test_an_answer_to_other_words_does_not_count_and_damage_is_told(tmp_path: Path) -> None:
    changed = question("event", rule="It is in another source.")
    old = answered_run(tmp_path, "2026-02-01", {changed: 0.9, question("gone"): 0.5})
    damaged = answered_run(tmp_path, "2026-03-01", {EVENT: 0.5})
    (damaged.path / ANSWERS).write_text("{}")
    board = board_of([old, damaged])
    assert board.scored == ()
    reasons = [why for _, _, why in board.not_counted]
    assert reasons[:2] == ["the question was changed since", "the question is no longer in the file"]
    assert "damaged" in reasons[2]


def test_the_files_of_a_workspace_are_scored(tmp_path: Path) -> None:
    from forecast.archive.resolutions import record

    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "questions.toml").write_text(FILE)
    answered_run(tmp_path, "2026-02-01", {EVENT: 0.3})
    assert scoreboard(tmp_path).unresolved == ("event",)
    record(tmp_path, EVENT, replace(OUTCOMES["event"], known="2026-11-01"))
    board = scoreboard(tmp_path)  # the folder was made on the day of this test, so after the outcome or the deadline
    assert len(board.scored) + len(board.not_counted) == 1


def test_one_forecast_of_a_day_and_plan_enters_the_revisions(tmp_path: Path) -> None:
    days = ("2026-02-01", "2026-05-01", "2026-08-01", "2026-11-01")
    runs = [answered_run(tmp_path, day, {OPEN: p}) for day, p in zip(days, (0.2, 0.5, 0.3, 0.6), strict=True)]
    board = board_of(runs)
    assert board.flip_flop == pytest.approx({"open (test)": (0.3 + 0.2 + 0.3 - 0.4) / 2})
    assert board.efficiency.questions == 1 and board.efficiency.t is None
    assert board.efficiency.slope == pytest.approx((0.3 * -0.2 + -0.2 * 0.3) / (0.3**2 + 0.2**2))
    assert "1 questions with two revisions, fewer than 20: too few" in "\n".join(scoreboard_lines(board))


def scored(p: np.ndarray, happened: np.ndarray) -> list[Scored]:  # type: ignore[type-arg]
    blank = Forecast(question="", run="", plan="", made="", as_of="", value=0.0, quantiles=(), paths=1000)
    return [
        Scored(
            forecast=replace(blank, question=f"q{k}", value=float(x)),
            kind="event",
            outcome=float(y),
            scores={},
            baseline={},
        )
        for k, (x, y) in enumerate(zip(p, happened, strict=True))
    ]


def test_a_calibrated_history_is_recognised_at_the_nominal_rate_and_an_overconfident_one_is_not() -> None:
    rng = np.random.default_rng(20260101)  # synthetic history
    found = []
    for _ in range(200):
        p = rng.beta(1.0, 2.0, 120)
        found.append(calibration(scored(p, rng.random(120) < p)).p)
    assert 0.02 <= np.mean([value is not None and value < 0.05 for value in found]) <= 0.09
    p = rng.beta(1.0, 2.0, 4000)
    right = calibration(scored(p, rng.random(4000) < p))
    for b in right.bins:
        assert abs(b.happened - b.forecast) < 4 * math.sqrt(0.25 / b.events)
    assert sum(b.events for b in right.bins) == right.events == 4000
    extreme = np.where(p > 0.5, 0.95, 0.05)
    wrong = calibration(scored(extreme, rng.random(4000) < p))
    assert wrong.p is not None and wrong.p < 1e-6


def test_certain_forecasts_have_no_statistic_and_numbers_are_counted_inside_their_interval() -> None:
    assert calibration(scored(np.ones(30), np.ones(30))).z is None
    blank = scored(np.zeros(1), np.zeros(1))[0]
    values = tuple(float(x) for x in range(50))
    inside = replace(blank, kind="number", outcome=25.0, forecast=replace(blank.forecast, quantiles=values))
    found = calibration([inside, replace(inside, outcome=49.0)])
    assert (found.numbers, found.inside, found.events) == (2, 1, 0)


def test_the_deadline_is_a_day(tmp_path: Path) -> None:
    on_time = answered_run(tmp_path, "2027-12-31", {OPEN: 0.5})
    assert OPEN.is_open(date(2027, 12, 31)) and not OPEN.is_open(date(2028, 1, 1))
    assert board_of([on_time]).not_counted == ()
