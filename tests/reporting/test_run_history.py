"""The index over all runs: what is in front, what failed, and lines that go where the numbers go."""

from pathlib import Path

import pytest

from forecast.reporting.html_report import write_index
from forecast.reporting.run_history import HeadlineSeries, plan_histories
from forecast.service.slots import Slot, write_slot
from forecast.storage.files import write_json, written_whole
from forecast.storage.runs import list_runs, write_failure, write_manifest


def made(home: Path, name: str, plan: str, values: dict[str, float]) -> None:
    """A run with one headline a quantity."""
    with written_whole(home / "runs" / name) as folder:
        one = {"war": "neutral", "design": "none", "horizon": "2030", "unit": "1"}
        told = [{"quantity": q, "value": x, **one} for q, x in values.items()]
        write_json(folder / "headlines.json", {"headlines": told})
        write_manifest(folder, {"id": name, "status": "complete", "plan": {"name": plan}})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made(tmp_path, "a-weekly-1", "weekly", {"cohesion": 0.2})
    made(tmp_path, "b-weekly-2", "weekly", {"cohesion": 0.6, "flags": 0.5})
    made(tmp_path, "c-monthly-1", "monthly", {"cohesion": 0.9})
    made(tmp_path, "d-weekly-3", "weekly", {"cohesion": 0.4})
    write_failure(tmp_path, "e-weekly-4", {"id": "e-weekly-4", "plan": "weekly", "reason": "no <space>"})
    return tmp_path


def test_runs_stand_by_plan_the_newest_first_and_failures_do_not_hide_the_last_good_one(
    home: Path,
) -> None:
    weekly, monthly = plan_histories(list_runs(home))
    assert (weekly.plan, monthly.plan) == ("weekly", "monthly")
    assert [run.status for run in weekly.runs] == ["failed", "complete", "complete", "complete"]
    assert weekly.good is not None and weekly.good.id == "d-weekly-3"
    lines = {line.quantity: line for line in weekly.lines}
    assert lines["cohesion"].values == (0.2, 0.6, 0.4)
    assert lines["flags"].values == (None, 0.5, None) and lines["flags"].last == 0.5


def test_a_line_spans_its_own_range() -> None:
    line = HeadlineSeries(quantity="q", cell="c", unit="1", values=(0.2, None, 0.6, 0.4), horizon="2030")
    places = [tuple(map(float, point.split(","))) for point in line.points.split()]
    assert [x for x, _ in places] == [3.0, 105.7, 157.0]  # the gap is left out, not closed
    heights = [y for _, y in places]
    assert heights == [31.0, 3.0, 17.0]  # lowest at the bottom, highest at the top
    flat = HeadlineSeries(quantity="q", cell="c", unit="1", values=(0.3, 0.3), horizon="2030")
    assert flat.points == "3.0,17.0 157.0,17.0"


def test_the_index_is_one_page_with_the_same_bytes(home: Path) -> None:
    page = write_index(home)
    assert page == home / "reports" / "index.html"
    first = page.read_bytes()
    text = first.decode()
    assert "The newest run has failed." in text and "no &lt;space&gt;" in text
    assert 'href="d-weekly-3/index.html"' in text and "e-weekly-4/index.html" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert write_index(home).read_bytes() == first
    assert sorted(p.name for p in page.parent.iterdir()) == ["index.html"]


def test_the_page_tells_a_slot_that_left_no_run(home: Path) -> None:
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
    assert "Stands for 1 missed before it." in text
    assert text.index("2026-01-12 06:00</th>") < text.index("2026-01-05 06:00</th>")
    assert "<h2>daily</h2>" in text  # it has a calendar and no run
    write_slot(home, "weekly", Slot(at="2026-01-19T06:00:00+00:00", status="complete", run="d-weekly-3"))
    assert write_index(home).read_text().count("The slot of") == 1


def test_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    assert "forecast run quickstart" in write_index(tmp_path).read_text()
