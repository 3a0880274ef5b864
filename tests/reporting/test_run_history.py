"""The index over all runs: last good forecasts, failures, verdicts, and the history of headlines."""

from pathlib import Path
from typing import Any

import pytest

from forecast import names
from forecast.reporting.html_report import write_index
from forecast.reporting.run_history import HeadlineSeries, plan_histories
from forecast.service.slots import Slot, write_slot
from forecast.storage.files import write_json, written_whole
from forecast.storage.runs import list_runs, write_failure, write_manifest
from tests.support.headline_records import headline, verdict

#: The scenario of these records, and what a run of a plan with a baseline adds to each.
FIELDS = {"war": "neutral", "design": "business_as_usual", "horizon": "2030", "mcse": 0.001, "baseline": 0.5}


def record(target: str, value: float, **other: Any) -> dict[str, Any]:
    return headline(value, **FIELDS | {"target": target} | other)


def verdicts(weak: float, fragmented: float, strong: float, war: str) -> list[dict[str, Any]]:
    return verdict(weak, fragmented, strong, **FIELDS | {"war": war})


def made(home: Path, name: str, plan: str, headlines: list[dict[str, Any]], schema: str = names.SCHEMA_VERSION) -> None:
    """Write a run with the given headlines."""
    with written_whole(home / "runs" / name) as folder:
        write_json(folder / "headlines.json", {"headlines": headlines})
        facts = {"id": name, "status": "complete", "plan": {"name": plan}}
        write_manifest(folder, {**facts, "provenance": {"schema_version": schema}})


SPENDING, SURVIVAL = names.EUROPEAN_SPENDING, names.MISSION_SURVIVAL
KFOR = {"unit_id": "kfor", "category": "nominal", "statistic": names.MEAN, "unit": "1"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made(tmp_path, "a-weekly-1", "weekly", [record(SPENDING, 0.2)])
    made(tmp_path, "b-weekly-2", "weekly", [record(SPENDING, 0.6, horizon="2031"), record(SURVIVAL, 0.5, **KFOR)])
    made(tmp_path, "c-monthly-1", "monthly", [record(SPENDING, 0.9)])
    newest = [record(SPENDING, 0.4), *verdicts(0.1, 0.2, 0.7, "win"), *verdicts(0.34, 0.36, 0.3, "lose")]
    made(tmp_path, "d-weekly-3", "weekly", newest)
    write_failure(tmp_path, "e-weekly-4", {"id": "e-weekly-4", "plan": "weekly", "reason": "no <space>"})
    return tmp_path


def test_runs_are_listed_by_plan_and_a_failure_does_not_hide_the_last_good_run(home: Path) -> None:
    weekly, monthly = plan_histories(list_runs(home))
    assert (weekly.plan, monthly.plan) == ("weekly", "monthly")
    assert [run.status for run in weekly.runs] == ["failed", "complete", "complete", "complete"]
    assert weekly.good is not None and weekly.good.id == "d-weekly-3"
    series = {line.title: line for line in weekly.series}
    assert series["European defence spending"].values == (0.2, 0.6, 0.4)  # joined though the horizon differs
    assert series["European defence spending"].last == "0.40\u00a0% of GDP"
    assert series["kfor: nominal participation"].values == (None, 0.5, None)
    assert series["kfor: nominal participation"].last == "0.50"
    assert series["kfor: nominal participation"].scenario == "neutral × business as usual"


def test_a_line_is_scaled_to_its_range() -> None:
    line = HeadlineSeries(record=record(SPENDING, 0.4), values=(0.2, None, 0.6, 0.4))
    places = [tuple(map(float, point.split(","))) for point in line.points.split()]
    assert [x for x, _ in places] == [3.0, 105.7, 157.0]  # the gap is left out, not closed
    heights = [y for _, y in places]
    assert heights == [31.0, 3.0, 17.0]  # lowest at the bottom, highest at the top
    flat = HeadlineSeries(record=record(SPENDING, 0.3), values=(0.3, 0.3))
    assert flat.points == "3.0,17.0 157.0,17.0"


@pytest.mark.case("A23")
def test_noise_of_the_simulation_fills_no_line() -> None:
    noise = HeadlineSeries(record=record(SPENDING, 0.3), values=(0.299, 0.301))  # two Monte Carlo errors of 0.001
    heights = [float(point.split(",")[1]) for point in noise.points.split()]
    assert heights == [18.4, 15.6]  # a tenth of the height of 28


def test_the_index_shows_verdicts_without_a_colour_where_undecided(home: Path) -> None:
    text = write_index(home).read_text().replace("\u00a0", " ")
    (grid,) = text.split('<table class="verdict">')[1:]
    grid = grid.split("</table>")[0]
    (decided,) = grid.split('<td style="--tint: var(--blue)"><strong>Strong</strong> <small>')[1:]
    assert "Strong 70 %" in decided.split("</small>")[0]
    undecided = '<td class="undecided"><strong>Undecided</strong> <small>Weak 34 %, Fragmented 36 %, Strong 30 %<'
    assert grid.count(undecided) == 1


def test_a_run_of_another_schema_is_listed_but_not_in_the_history(home: Path) -> None:
    made(home, "f-weekly-5", "weekly", [{"quantity": "a sentence", "value": 0.1}], schema="2")
    weekly = plan_histories(list_runs(home))[0]
    assert weekly.runs[0].id == "f-weekly-5"
    assert {line.values for line in weekly.series if line.title == "European defence spending"} == {(0.2, 0.6, 0.4)}
    text = write_index(home).read_text()
    assert "f-weekly-5" in text and "output schema 2: not part of the history" in text


def test_the_index_is_reproducible(home: Path) -> None:
    page = write_index(home)
    assert page == home / "reports" / "index.html"
    assert "d-weekly-3" in page.read_text() and "d-weekly-3/index.html" not in page.read_text()  # it has no page yet
    of_run = home / "reports" / "d-weekly-3" / "index.html"
    of_run.parent.mkdir()
    of_run.write_text("page")
    first = write_index(home).read_bytes()
    text = first.decode()
    assert "The newest run has failed." in text and "no &lt;space&gt;" in text
    assert 'href="d-weekly-3/index.html"' in text and "e-weekly-4/index.html" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert write_index(home).read_bytes() == first
    assert sorted(p.name for p in page.parent.iterdir()) == ["d-weekly-3", "index.html"]


def test_the_index_shows_a_slot_without_a_run(home: Path) -> None:
    """A run that took too long or wanted too much memory was stopped, and left nothing but its slot."""
    good = Slot(at="2026-01-05T06:00:00+00:00", status="complete", run="d-weekly-3")
    late = Slot(
        at="2026-01-12T06:00:00+00:00",
        status="failed",
        reason="took longer than 5 minutes",
        missed=("x",),
    )
    for plan, slot in (("weekly", good), ("weekly", late), ("daily", late)):
        write_slot(home, plan, slot)
    text = write_index(home).read_text()
    assert text.count("The slot of 2026-01-12 06:00 failed.") == 2
    assert text.count("took longer than 5 minutes") == 2
    assert "Replaces 1 missed slot." in text
    assert text.index("2026-01-12 06:00</th>") < text.index("2026-01-05 06:00</th>")
    assert "<h2>daily</h2>" in text  # it has a calendar and no run
    write_slot(home, "weekly", Slot(at="2026-01-19T06:00:00+00:00", status="complete", run="d-weekly-3"))
    assert write_index(home).read_text().count("The slot of") == 1


def test_the_index_of_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    assert "forecast run quickstart" in write_index(tmp_path).read_text()
