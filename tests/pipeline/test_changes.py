"""What changed since the last run: inputs by name, headlines that moved by more than chance, and flipped verdicts."""

from pathlib import Path
from typing import Any

import pytest

from forecast import names
from forecast.pipeline.changes import MOST_MOVES, changes_since, compare_with_last, gone_runs, last_good
from forecast.storage.ledger import Entry, ledger_path, seal_run
from forecast.storage.runs import Run
from tests.support.headline_records import headline, verdict

VERSIONS = {"model_versions": "1", "simulation_version": "1", "libraries": "1", "schema_version": names.SCHEMA_VERSION}


def manifest(**other: Any) -> dict[str, Any]:
    return {
        "id": "a",
        "status": "complete",
        "finished": "2026-01-05T06:00:00+00:00",
        "plan": {"name": "p", "title": "old", "seed": 1},
        "tables": {"leaders": "1", "economy": "1"},
        "priors": {"spending": "1"},
        "provenance": VERSIONS,
    } | other


class Before(Run):
    """A run with given headlines."""

    given: tuple[dict[str, Any], ...] = ()

    @property
    def headlines(self) -> list[dict[str, Any]]:
        return list(self.given)


def before(*records: dict[str, Any], **other: Any) -> Run:
    run = Before(Path("runs/a"), manifest(**other))
    object.__setattr__(run, "given", records)
    return run


def test_a_move_is_reported_only_above_two_errors() -> None:
    last = names.END_OF_HORIZON
    old = before(headline(0.5), headline(0.5, war="lose"), headline(0.5, horizon_role=last))
    now = [headline(0.7), headline(0.55, war="lose"), headline(0.9, horizon_role=last)]
    since = changes_since(old, manifest(), now)
    assert since["compared"] == 3
    assert [m["value"] for m in since["moves"]] == [0.9, 0.7]  # the clearest first; 0.05 is 1.2 errors
    assert since["moves"][1]["errors"] == pytest.approx(0.2 / (0.03 * 2**0.5))
    assert since["inputs"] == []


def test_moves_of_the_cards_are_kept_beside_the_clearest_ones() -> None:
    many = [f"event_{n}" for n in range(MOST_MOVES + 5)]
    old = before(
        *(headline(0.1, target="alliance_event", unit_id=name) for name in many), *verdict(0.1, 0.2, 0.7, mcse=0.03)
    )
    now = [headline(0.9, target="alliance_event", unit_id=name) for name in many] + verdict(0.3, 0.2, 0.5, mcse=0.03)
    for design, kept in (("none", ["Weak", "Strong"]), ("other", [])):
        plan = {**manifest()["plan"], "design": [design]}
        since = changes_since(old, manifest(plan=plan), now)
        assert since["moved"] == len(many) + 2
        assert [move["target"] for move in since["moves"]] == ["alliance_event"] * MOST_MOVES
        assert [move["category"] for move in since["card_moves"]] == kept


def test_a_headline_new_to_the_plan_is_not_compared() -> None:
    since = changes_since(before(headline(0.5, unit_id="kfor")), manifest(), [headline(0.9)])
    assert (since["compared"], since["moved"], since["moves"]) == (0, 0, [])


def test_a_flipped_verdict_is_reported() -> None:
    """Strong becomes Weak in one of two scenarios; the other keeps its likeliest class."""
    old = before(*verdict(0.1, 0.2, 0.7), *verdict(0.1, 0.2, 0.7, war="lose"))
    now = [*verdict(0.7, 0.2, 0.1), *verdict(0.2, 0.2, 0.6, war="lose")]
    since = changes_since(old, manifest(), now)
    (flip,) = since["flips"]
    assert (flip["war"], flip["design"]) == ("win", "none")
    assert (flip["before"]["category"], flip["now"]["category"]) == ("Strong", "Weak")
    assert (flip["before"]["value"], flip["now"]["value"]) == (0.7, 0.7)
    assert flip["before"]["decided"] and flip["now"]["decided"]
    assert since["compared"] == 6
    moved = {(m["war"], m["category"]) for m in since["moves"]}
    assert moved == {("win", "Weak"), ("win", "Strong"), ("lose", "Weak"), ("lose", "Strong")}


def test_a_flip_is_reported_after_a_move_of_the_as_of_quarter() -> None:
    old = before(*verdict(0.1, 0.2, 0.7), headline(2.0))
    now = [*verdict(0.48, 0.47, 0.05, horizon="2028Q1"), headline(2.5, horizon="2031")]
    since = changes_since(old, manifest(), now)
    (flip,) = since["flips"]
    assert (flip["before"]["horizon"], flip["now"]["horizon"]) == ("2027Q4", "2028Q1")
    assert not flip["now"]["decided"]  # the margin is 0.01
    assert since["compared"] == 4
    spending = next(m for m in since["moves"] if m["target"] == names.EUROPEAN_SPENDING)
    assert (spending["before_horizon"], spending["horizon"]) == ("2030", "2031")


def test_numbers_without_error_moved_if_they_differ() -> None:
    old = before(headline(0.5, mcse=None))
    assert changes_since(old, manifest(), [headline(0.5, mcse=None)])["moved"] == 0
    assert changes_since(old, manifest(), [headline(0.4, mcse=0.0)])["moved"] == 1


def test_changed_inputs_are_named() -> None:
    now = manifest(
        tables={"leaders": "2", "economy": "1", "polls": "1"},
        priors={"spending": "2"},
        plan={"name": "p", "title": "new", "seed": 2},
        provenance=VERSIONS | {"simulation_version": "2"},
    )
    assert changes_since(before(), now, [])["inputs"] == [
        "table leaders",
        "table polls",
        "priors of spending",
        "plan setting seed",
        "version of the simulation (was 1, is 2)",
    ]


def test_the_last_good_run_of_the_plan() -> None:
    runs = [
        Run(Path("runs/a"), manifest()),
        Run(Path("runs/b"), manifest(id="b")),
        Run(Path("runs/c"), manifest(id="c", plan={"name": "other"})),
        Run(Path("runs/d"), manifest(id="d", status="failed")),
    ]
    run = last_good(runs, "p")
    assert run is not None
    assert run.path.name == "b"
    assert last_good(runs, "none") is None


def test_runs_of_another_schema_are_passed_over_and_listed() -> None:
    old_schema = Run(Path("runs/b"), manifest(provenance=VERSIONS | {"schema_version": "2"}))
    comparable = before(headline(0.5))
    since = compare_with_last([comparable, old_schema], manifest(), [headline(0.5)])
    assert (since["run"], since["compared"]) == ("a", 1)
    assert since["passed_over"] == [{"run": "b", "schema": "2"}]
    assert compare_with_last([old_schema], manifest(), []) == {
        "run": None,
        "passed_over": [{"run": "b", "schema": "2"}],
    }
    assert compare_with_last([], manifest(), []) == {"run": None, "passed_over": []}


def sealed(run: str, time: str) -> Entry:
    return Entry(number=1, time=time, run=run, headlines="", files="", reason="", previous="", seal="")


def test_runs_that_are_no_longer_there_are_named_if_they_are_newer() -> None:
    gone = [sealed("old", "2025-01-01T00:00:00+00:00"), sealed("new", "2026-02-01T00:00:00+00:00")]
    since = compare_with_last([before(headline(0.5))], manifest(), [headline(0.5)], gone)
    assert (since["run"], since["passed_over"]) == ("a", [{"run": "new", "gone": "2026-02-01T00:00:00+00:00"}])
    without = compare_with_last([], manifest(), [], gone)
    assert without["run"] is None and [run["run"] for run in without["passed_over"]] == ["new", "old"]


def test_the_ledger_names_the_runs_of_the_plan_that_are_gone(tmp_path: Path) -> None:
    ids = ["2025-12-31-p-00000001", "2025-12-31-other-00000002", "2025-12-31-p-00000003", "2025-12-31-p-00000004"]
    for number, name in enumerate(ids):
        run = Run(tmp_path / "runs" / name, {"files": {names.HEADLINES: str(number)}})
        seal_run(tmp_path, run, f"2026-01-0{number + 1}T00:00:00+00:00")
    there = [Run(tmp_path / "runs" / ids[3], manifest())]
    now = manifest(id=ids[2])  # made again after its folder was moved away
    assert [entry.run for entry in gone_runs(tmp_path, there, now)] == [ids[0]]
    ledger_path(tmp_path).write_text("damaged\n")
    assert gone_runs(tmp_path, there, now) == []
