"""Questions are read whole or refused with every fault; counts agree with numpy; answers are those of the paths."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast import names
from forecast.archive.answers import ANSWERS, answers_of, question_rows, read_answers
from forecast.archive.query import answer_query, sampled_paths
from forecast.archive.query_language import parse_query
from forecast.archive.questions import parse_questions, question_of, read_questions
from forecast.errors import PlanError, RunError
from forecast.evaluation.scoring import crps_of_histogram
from forecast.reporting.export_questions import FORECAST_SET, HUB, QUESTION_SET, TABLE, export_questions
from forecast.reporting.scoreboard_text import question_lines
from forecast.storage.runs import Run
from tests.support.hubverse_rules import faults as hub_faults
from tests.support.questions import GOOD


@pytest.fixture(scope="module")
def joint(made_run: Run) -> xr.Dataset:
    return sampled_paths(made_run)


@pytest.fixture(scope="module")
def home(made_run: Run) -> Path:
    return made_run.path.parents[1]


def test_the_questions_of_this_project_are_valid_and_ask_before_the_event() -> None:
    questions = read_questions(Path(__file__).parents[2])
    assert len(questions) >= 10
    assert {question.kind for question in questions.values()} == {"event", "number"}
    assert all(question.opened < question.deadline for question in questions.values())


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"query": None}, "query and quantity: expected one of the two"),
        ({"quantity": {"target": "event_probability", "unit": "crisis", "period": "2027Q4"}}, "expected one of the"),
        ({"query": "P(crisis 2027Q4)"}, "query: at character 10, found '2027Q4)'"),
        ({"query": "P(crisis by 2027Q4, war=win)"}, "expected one P(…) or E(…) without scenarios"),
        ({"query": "Q(0.5, cohesion in 2027)"}, "expected one P(…) or E(…)"),
        ({"query": "P(crisis by 2027Q4 | wedge by 2027 : 0.5)"}, "the condition has a probability"),
        ({"deadline": date(2026, 1, 1)}, "deadline is 2026-01-01, expected a day after 2026-01-01"),
        ({"deadline": "soon"}, "deadline is 'soon', expected a day"),
        ({"scenario": None}, "scenario and weights: expected one of the two"),
        ({"scenario": "neutral"}, "expected a scenario as war × design"),
        ({"scenario": None, "weights": {"win × none": 0.6}, "weights_source": "x"}, "weights sum to 0.6, expected 1"),
        ({"scenario": None, "weights": {"win × none": 1.0}}, "weights and weights_source: expected both or none"),
        ({"baseline": 1.0}, "baseline is 1, expected a probability between 0 and 1"),
        ({"rule": " "}, "expected some text"),
        ({"probability": 0.5}, "unknown key 'probability'"),
        ({"query": None, "quantity": {"target": "luck", "period": "2027"}}, "target is 'luck', expected one of"),
        (
            {"query": None, "quantity": {"target": "exit_probability", "unit": "kfor", "period": "2027Q4"}},
            "unit is 'kfor', expected mission:contributor",
        ),
        (
            {"query": None, "quantity": {"target": "event_probability", "unit": "crisis", "period": "2027"}},
            "period is '2027', expected a quarter",
        ),
    ],
)
def test_a_fault_names_file_question_key_and_what_is_expected(change: dict[str, object], found: str) -> None:
    entry = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(PlanError) as error:
        parse_questions("questions.toml", {"a_question": entry})
    assert "questions.toml [a_question]" in str(error.value) and found in str(error.value)


def test_all_faults_are_told_at_once_and_a_fault_of_the_file_too(tmp_path: Path) -> None:
    entries = {"One": GOOD, "two": {**GOOD, "text": ""}, "three": 3}
    with pytest.raises(PlanError, match=r"3 faults:[\s\S]*One[\s\S]*two[\s\S]*three is no table"):
        parse_questions("q", entries)
    assert read_questions(tmp_path) == {}
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "questions.toml").write_text("[a\n")
    with pytest.raises(PlanError, match="not valid TOML"):
        read_questions(tmp_path)


def test_any_word_of_a_question_changes_its_digest() -> None:
    first = parse_questions("q", {"a": GOOD})["a"]
    assert first.digest == parse_questions("q", {"a": dict(reversed(GOOD.items()))})["a"].digest
    for key, other in (("rule", "Other."), ("deadline", date(2028, 1, 1)), ("baseline", 0.3)):
        assert parse_questions("q", {"a": {**GOOD, key: other}})["a"].digest != first.digest
    with pytest.raises(PlanError, match="no question 'aa', expected one of a; did you mean 'a'"):
        question_of({"a": first}, "aa", Path())


def test_a_count_is_the_number_of_labels_for_which_the_event_holds(joint: xr.Dataset) -> None:
    cell = joint.sel(war="win", design="none")
    share = cell["joint_spending_share"].sel(year=2026)
    where = ", war=win, design=none)"
    (mean,) = answer_query(parse_query(f"E(count(spending[*] in 2026 >= 2){where}"), joint, 32)
    assert mean.estimate.value == pytest.approx(float((share >= 2).sum("member").mean()))
    (many,) = answer_query(parse_query(f"P(count(spending[*] in 2026 >= 2) >= 25{where}"), joint, 32)
    assert many.estimate.value == pytest.approx(float(((share >= 2).sum("member") >= 25).mean()))
    left = (cell["joint_exit_quarter"].sel(mission="kfor").to_numpy() <= 7) & joint["serves"].sel(
        mission="kfor"
    ).to_numpy()
    (some,) = answer_query(parse_query(f"P(count(exited[*, kfor] by 2027Q4) >= 1{where}"), joint, 32)
    assert some.estimate.value == pytest.approx(float(left.any(axis=1).mean()))
    both = (share >= 2) & ~(cell["joint_membership_quarter"].sel(membership="notice") <= 19)
    (loyal,) = answer_query(
        parse_query(f"E(count(spending[*] in 2026 >= 2 and not notice[*] by 2030){where}"), joint, 32
    )
    assert loyal.estimate.value == pytest.approx(float(both.sum("member").mean()))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("E(count(crisis by 2027))", "has no \\*, expected"),
        ("E(count(notice[*] by 2027 and collapsed[*] by 2027))", "a \\* for each of member, mission"),
        ("P(notice[*] by 2027)", "outside count"),
        ("E(spending[*] in 2026)", "outside count"),
        ("E(count(wealth[*] in 2026 > 1))", "no value is called 'wealth'"),
        ("E(count(gone[*] by 2026))", "nothing called 'gone' happens"),
        ("E(count(exited[*, mars] by 2027))", "no mission of that name"),
        ("P(count(spending[*] in 2026 >= 2) = Weak)", "expected a number"),
    ],
)
def test_a_count_without_one_kind_of_label_is_refused(joint: xr.Dataset, query: str, found: str) -> None:
    with pytest.raises(RunError, match=found):
        answer_query(parse_query(query), joint, draws=32)


def test_a_run_answers_what_is_open_and_says_what_it_cannot_answer(made_run: Run, joint: xr.Dataset) -> None:
    answers = read_answers(made_run)
    assert answers is not None
    by_id = {record["id"]: record for record in answers["answers"]}
    assert set(by_id) == {"allies_at_two_percent", "kfor_loses_italy", "new_french_president", "europe_in_2026"}
    assert [record["id"] for record in answers["unanswered"]] == ["minusca_ends"]
    assert "no mission of that name" in answers["unanswered"][0]["reason"]
    left = joint["joint_exit_quarter"].sel(mission="kfor", contributor="ITA") <= 7
    cells = {("neutral", "none"): 0.5, ("win", "none"): 0.25, ("lose", "division_of_labour"): 0.25}
    exact = sum(weight * float(left.sel(war=war, design=design).mean()) for (war, design), weight in cells.items())
    assert by_id["kfor_loses_italy"]["value"] == pytest.approx(exact, abs=1e-12)
    shares = joint["joint_spending_share"].sel(war="win", design="none", year=2026)
    counts = np.sort((shares >= 2).sum("member").to_numpy())
    assert by_id["allies_at_two_percent"]["value"] == pytest.approx(counts.mean())
    assert by_id["allies_at_two_percent"]["quantiles"][24] == counts[int(np.ceil(0.49 * counts.size)) - 1]
    with made_run.projection as tree:
        change = float(tree["members"]["leader_change_probability"].sel(member="FRA", year=2027))
        cell = {"war": "neutral", "design": "none", "year": 2026}
        mean = float(tree["alliance"]["european_share_mean"].sel(cell))
        error = float(tree["mcse"]["european_share_mean"].sel({**cell, "source": "total"}))
        again = answers_of(read_questions(made_run.path.parents[1]), tree, date(2025, 12, 31), 32)
    assert by_id["new_french_president"]["value"] == change
    assert by_id["europe_in_2026"]["value"] == pytest.approx(mean, abs=0.01)
    assert by_id["europe_in_2026"]["error"] == error
    assert again == answers


def test_an_impossible_event_has_an_error(made_run: Run) -> None:
    never = parse_questions("q", {"never": {**GOOD, "query": "P(european_spending in 2026 > 50)"}})
    with made_run.projection as tree:
        (record,) = answers_of(never, tree, date(2025, 12, 31), 32)["answers"]
    assert record["value"] == 0.0 and record["error"] == 1.5 / record["paths"]


@pytest.mark.parametrize(
    ("quantity", "found"),
    [
        ({"target": "exit_probability", "unit": "minusca:FRA", "period": "2027Q4"}, "no mission minusca"),
        ({"target": "event_probability", "unit": "crisis", "period": "2090Q4"}, "no quarter 2090Q4"),
        ({"target": "exit_probability", "unit": "unifil:FRA", "period": "2029Q4"}, "no exit_probability"),
        ({"target": "intact_probability", "unit": "USA-PHL", "period": "2027Q4"}, "no dyad USA-PHL"),
    ],
)
def test_a_quantity_that_the_run_lacks_is_told(made_run: Run, quantity: dict[str, str], found: str) -> None:
    entry = {key: value for key, value in GOOD.items() if key != "query"} | {"quantity": quantity}
    with made_run.projection as tree:
        content = answers_of(parse_questions("q", {"it": entry}), tree, date(2025, 12, 31), 32)
        elsewhere = parse_questions("q", {"it": {**GOOD, "scenario": "win × business_as_usual"}})
        other = answers_of(elsewhere, tree, date(2025, 12, 31), 32)
    assert found in content["unanswered"][0]["reason"]
    assert "no scenario win × business_as_usual" in other["unanswered"][0]["reason"]


def test_fifty_quantiles_score_like_the_distribution() -> None:
    from forecast.archive.answers import LEVELS
    from forecast.archive.estimates import weighted_quantiles
    from forecast.evaluation.scoring import crps

    values = np.random.default_rng(4).gamma(4.0, 1.0, 5000)
    quantiles = weighted_quantiles(values, np.ones(5000), LEVELS)
    ordered = np.sort(values)
    for outcome in (0.5, 4.0, 9.0):
        exact = crps_of_histogram(ordered, np.ones(5000), outcome)
        assert float(crps(quantiles, outcome)) == pytest.approx(exact, rel=0.01)


def test_rows_lines_and_exports_say_the_same(made_run: Run, home: Path, tmp_path: Path) -> None:
    rows = question_rows(read_questions(home), {}, made_run)
    text = "\n".join(question_lines(made_run.id, rows))
    assert "no answer: exited" not in text and "kfor_loses_italy, by 2027-12-31, open" in text
    assert "no answer: ended of 'minusca'" in text and "or had closed" in text
    folder = export_questions(made_run, rows, tmp_path / "out")
    asked = json.loads((folder / QUESTION_SET).read_text())
    forecasts = json.loads((folder / FORECAST_SET).read_text())
    assert asked["question_set"] == forecasts["question_set"]
    of_row = {row["id"]: row for row in rows}
    assert {q["id"] for q in asked["questions"]} == {row["id"] for row in rows if row["kind"] == "event"}
    fields = set(asked["questions"][0])
    assert fields >= {"id", "source", "question", "resolution_criteria", "freeze_datetime_value", "resolution_dates"}
    for forecast in forecasts["forecasts"]:
        assert forecast["forecast"] == of_row[forecast["id"]]["answer"]["value"]
        assert 0.0 <= forecast["forecast"] <= 1.0
    lines = (folder / TABLE).read_text().splitlines()
    assert len(lines) == len(rows) + 1
    assert hub_faults(folder / HUB) == []
    with pytest.raises(RunError, match="is not empty"):
        export_questions(made_run, rows, folder)


def test_answers_are_files_of_the_run_with_a_checksum(made_run: Run) -> None:
    assert ANSWERS in made_run.manifest["files"]
    assert json.loads((made_run.path / ANSWERS).read_text())["levels"][0] == 0.01
    assert names.HEADLINES in made_run.manifest["files"]
