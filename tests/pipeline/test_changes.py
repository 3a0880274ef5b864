"""What changed since the run before: inputs by name, headlines only where they moved by more than chance."""

from pathlib import Path
from typing import Any

import pytest

from forecast.pipeline.changes import changes_since, last_good
from forecast.storage.runs import Run

VERSIONS = {"model_versions": "1", "simulation_version": "1", "libraries": "1"}


def headline(value: float, **other: Any) -> dict[str, Any]:
    return {
        "quantity": "q",
        "war": "win",
        "design": "none",
        "horizon": "2030",
        "unit": "1",
        "value": value,
        "mcse": 0.03,
    } | other


def manifest(**other: Any) -> dict[str, Any]:
    return {
        "id": "a",
        "status": "complete",
        "finished": "2026-01-05T06:00:00+00:00",
        "plan": {"name": "p", "title": "old", "seed": 1},
        "tables": {"leaders": "1", "economy": "1"},
        "beliefs": {"spending": "1"},
        "provenance": VERSIONS,
    } | other


class Before(Run):
    """A run whose headlines are given."""

    told: tuple[dict[str, Any], ...] = ()

    @property
    def headlines(self) -> list[dict[str, Any]]:
        return list(self.told)


def before(*told: dict[str, Any]) -> Run:
    run = Before(Path("runs/a"), manifest())
    object.__setattr__(run, "told", told)
    return run


def test_a_move_is_told_only_where_it_is_more_than_chance() -> None:
    old = before(headline(0.5), headline(0.5, war="lose"), headline(0.5, horizon="2029"))
    now = [headline(0.7), headline(0.55, war="lose"), headline(0.9)]
    found = changes_since(old, manifest(), now)
    assert found["compared"] == 3
    assert [m["value"] for m in found["moves"]] == [
        0.9,
        0.7,
    ]  # the clearest first; .05 is 1.2 errors
    assert found["moves"][1]["errors"] == pytest.approx(0.2 / (0.03 * 2**0.5))
    assert found["inputs"] == []


def test_a_headline_that_was_not_there_is_not_compared() -> None:
    found = changes_since(before(headline(0.5, horizon="2029")), manifest(), [headline(0.9)])
    assert (found["compared"], found["moved"], found["moves"]) == (0, 0, [])


def test_numbers_without_error_are_clear_if_they_differ() -> None:
    old = before(headline(0.5, mcse=None))
    assert changes_since(old, manifest(), [headline(0.5, mcse=None)])["moved"] == 0
    assert changes_since(old, manifest(), [headline(0.4, mcse=0.0)])["moved"] == 1


def test_what_went_in_is_named() -> None:
    now = manifest(
        tables={"leaders": "2", "economy": "1", "polls": "1"},
        beliefs={"spending": "2"},
        plan={"name": "p", "title": "new", "seed": 2},
        provenance=VERSIONS | {"simulation_version": "2"},
    )
    told = changes_since(before(), now, [])["inputs"]
    assert told == [
        "table leaders",
        "table polls",
        "beliefs on spending",
        "plan: seed",
        "the version of the simulation",
    ]


def test_the_last_good_run_of_the_plan() -> None:
    runs = [
        Run(Path("runs/a"), manifest()),
        Run(Path("runs/b"), manifest(id="b")),
        Run(Path("runs/c"), manifest(id="c", plan={"name": "other"})),
        Run(Path("runs/d"), manifest(id="d", status="failed")),
    ]
    found = last_good(runs, "p")
    assert found is not None
    assert found.path.name == "b"
    assert last_good(runs, "none") is None
