"""Test the summary page of scores and its agreement with the stored table."""

from typing import Any

import pytest

from forecast.evaluation.score_report import (
    p_text,
    page,
    pivot,
    score_lines,
    without_tests,
    worst_first,
    worst_lines,
)
from forecast.evaluation.score_store import TABLE
from forecast.names import MANIFEST
from forecast.storage.files import read_json
from tests.support.fake_posteriors import ROOT

FACTS = {"quick": False, "as_of": "2025-12-31", "seed": 1, "unscored": []}


def scorings() -> list[Any]:
    """Return table and manifest of every complete scoring that is not quick, the latest last."""
    folders = [path.parent for path in (ROOT / "runs" / "scores").glob(f"*/{TABLE}")]
    stored = [(read_json(folder / TABLE), read_json(folder / MANIFEST)) for folder in folders]
    return sorted((x for x in stored if not x[1]["quick"]), key=lambda x: str(x[1]["finished"]))


def skill_row(**fields: Any) -> dict[str, Any]:
    row = {"model": "spending", "target": "share", "horizon": 1.0, "score": "brier", "baseline": "naive"}
    numbers = {"n": 8, "clusters": 4, "score_model": 0.2, "score_baseline": 0.1, "skill": -1.0, "t": 9.0, "p": 1e-9}
    return row | numbers | fields


def table(seen: float) -> dict[str, Any]:
    fits = [{"model": "spending", "fits": 3, "missed": 2, "largest": 1.0456}]
    skill = [skill_row(horizon=h, baseline=b, skill=s) for b, s in (("a", 0.5), ("b", -1.0)) for h in (1.0, "all")]
    cover = [
        {"model": "spending", "target": "share", "forecaster": f, "horizon": h, "n": n, "in50": 0.4, "in80": 0.8}
        | {"in95": 0.95, "pit": 0.5}
        for f, h, n in (("model", "all, 1990s", 6), ("model", 1.0, 7), ("naive", "all", 8))
    ]
    reliability = [{"model": "spending", "target": "share", "horizon": 1.0, "seen": seen}]
    return {"skill": skill, "cover": cover, "reliability": reliability, "fits": fits}


def test_committed_page_is_made_from_the_stored_table() -> None:
    *_, (stored, facts) = scorings()
    text = (ROOT / "docs" / "scores.md").read_text("utf-8")
    assert text == page(stored, facts), "run `forecast score`"
    assert len(text.splitlines()) <= 205  # three targets of spending, each against twelve baselines


def test_page_begins_with_the_refits_that_miss_the_gate() -> None:
    *_, (stored, facts) = scorings()
    first = page(stored, facts).split("\n\n")[1]
    for fit in stored["fits"]:
        assert f"{fit['missed']} of {fit['fits']} {fit['model']} refits" in first
    assert f"{max(fit['largest'] for fit in stored['fits']):.3f}" in first.split(". Each")[0]


def test_worst_row_comes_first_with_counts_and_p() -> None:
    lines = page(table(seen=0.5), FACTS).splitlines()
    assert lines[2].startswith(
        "2 of 3 spending refits miss the project's own R-hat gate of 1.01; the largest R-hat is 1.046"
    )
    rows = [line for line in lines if line.startswith("| ")]
    assert rows[2] == "| share (Brier) | *forecasts (clusters)* | 8 (4) | 8 (4) |"
    assert rows[3] == "|  | b | -100.0 % (p < 0.001) | -100.0 % (p < 0.001) |"
    assert rows[4] == "|  | a | +50.0 % (p < 0.001) | +50.0 % (p < 0.001) |"
    assert rows[-1] == "| spending: share | 1990s | 6 | 40 % | 80 % | 95 % |"
    assert len(rows) == 10


def test_decades_and_groups_have_a_table_of_their_own() -> None:
    stored = table(seen=0.5)
    stored["skill"] += [skill_row(horizon=f"all, {part}", baseline="a", skill=0.25) for part in ("2010s", "others")]
    lines = page(stored, FACTS).splitlines()
    assert "| target | baseline | 2010s | others |" in lines
    assert "| spending: share | a | +25.0 % (p < 0.001) | +25.0 % (p < 0.001) |" in lines
    assert "| target (score) | baseline | 1 year | all horizons |" in lines
    assert "others" not in "\n".join(score_lines(stored))


def test_horizons_that_are_not_scored_are_counted_and_named() -> None:
    dropped = {"question": "left out", "mission": "small", "origin": "small", "horizon": 5, "contingents": 3}
    running = dropped | {"question": "as of a day", "origin": "2004"}
    text = page(table(seen=0.5), FACTS | {"unscored": [dropped, running]})
    assert "2 horizons of missions are not scored" in text
    assert "small (5); small as of 2004 (5)." in text


@pytest.mark.parametrize("seen", [0.0, 0.5])
def test_no_test_without_events(seen: float) -> None:
    stored = table(seen)
    p_values = {row["p"] for row in without_tests(stored)}
    assert p_values == ({None} if seen == 0.0 else {1e-9})
    assert ("(p " in "\n".join(score_lines(stored))) == (seen > 0.0)
    assert ("The event never occurred" in page(stored, FACTS)) == (seen == 0.0)
    assert all(row["p"] == 1e-9 for row in stored["skill"])  # the stored table is not changed


def test_the_larger_p_comes_first() -> None:
    assert p_text(skill_row(p=0.2, p_newey_west=0.05)) == "p 0.20, NW p 0.050"
    assert p_text(skill_row(p=0.05, p_newey_west=0.2)) == "NW p 0.20, p 0.050"
    assert p_text(skill_row(p=0.05, p_newey_west=None)) == "p 0.050"
    assert p_text(skill_row(p=None, p_newey_west=None)) == ""


def test_worst_model_table_and_row_come_first() -> None:
    rows = [skill_row(model=m, baseline=b, horizon="all", skill=s) for m, b, s in WORST]
    tables = worst_first(pivot(rows))
    assert [table["model"] for table in tables] == ["leadership", "spending"]
    assert [row["baseline"] for row in tables[0]["rows"]] == ["b", "a"]
    lines = worst_lines(rows)
    assert lines[0].startswith("Leadership: The lowest skill is -20.0 %")
    assert lines[1].startswith("Spending: The lowest skill is +10.0 %")


WORST = [("spending", "a", 0.1), ("spending", "b", 0.5), ("leadership", "a", 0.3), ("leadership", "b", -0.2)]


def test_a_joint_forecast_shows_both_of_its_scores() -> None:
    stored = table(seen=0.5)
    joint = [skill_row(target="together", horizon="all", score=score) for score in ("energy", "variogram", "crps")]
    text = page(stored | {"skill": stored["skill"] + joint}, FACTS)
    assert "| together (energy) |" in text and "| together (variogram) |" in text and "together (CRPS)" not in text


def test_pivot_has_a_row_per_baseline_and_a_cell_per_horizon() -> None:
    (comparison,) = pivot([skill_row(), skill_row(horizon="all"), skill_row(baseline="other")])
    assert comparison["horizons"] == ["1.0", "all"]
    assert [row["baseline"] for row in comparison["rows"]] == ["naive", "other"]
    assert comparison["rows"][1]["cells"][1] is None
