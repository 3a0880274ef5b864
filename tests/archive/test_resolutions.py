"""An outcome is recorded once, with its source; contradictions, wrong days and damage are refused."""

import multiprocessing
import time
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.archive.questions import Question
from forecast.archive.resolutions import FILE, Resolution, read_resolutions, record
from forecast.errors import RunError
from tests.support.questions import question

EVENT = question("event")
NUMBER = question("number", query="E(spending[FRA] in 2026)", baseline=2.0)
YES = Resolution(
    question="event",
    digest=EVENT.digest,
    outcome=1.0,
    known="2026-09-01",
    source="gazette",
    reason="",
    recorded="2026-09-02T10:00:00+00:00",
)
LATER = "2028-02-01T00:00:00+00:00"


def test_an_outcome_is_recorded_once_and_stays(tmp_path: Path) -> None:
    assert read_resolutions(tmp_path) == {}
    assert record(tmp_path, EVENT, YES) == YES
    before = (tmp_path / FILE).read_bytes()
    assert record(tmp_path, EVENT, replace(YES, recorded=LATER)) == YES
    for other in (
        replace(YES, outcome=0.0, known="2028-01-01", recorded=LATER),
        replace(YES, known="2026-09-02"),
        replace(YES, source="another gazette"),
        replace(YES, outcome=None, reason="it was unclear"),
    ):
        with pytest.raises(RunError, match="event is 1 since 2026-09-01 by gazette, found"):
            record(tmp_path, EVENT, other)
    assert (tmp_path / FILE).read_bytes() == before
    annulled = replace(YES, question="number", outcome=None, reason="the source ended")
    record(tmp_path, NUMBER, annulled)
    assert (tmp_path / FILE).read_bytes().startswith(before)
    assert read_resolutions(tmp_path) == {"event": YES, "number": annulled}


@pytest.mark.parametrize(
    ("asked", "change", "found"),
    [
        (EVENT, {"outcome": 0.5}, "the outcome is 0.5, expected 0 or 1"),
        (NUMBER, {"outcome": float("nan")}, "the outcome is nan, expected a finite number"),
        (EVENT, {"known": "2026-09-03"}, "expected a day up to 2026-09-02"),
        (EVENT, {"known": "2026-01-01"}, "expected a day after 2026-01-01, when the question was opened"),
        (EVENT, {"outcome": 0.0}, "known not to happen on 2026-09-01, expected 2027-12-31 or later"),
        (EVENT, {"source": " "}, "the source is ' ', expected one line"),
        (EVENT, {"source": "a\nb"}, "the source is"),
        (EVENT, {"outcome": None}, "the reason is '', expected one line"),
    ],
)
def test_an_outcome_that_cannot_be_is_refused(
    tmp_path: Path, asked: Question, change: dict[str, object], found: str
) -> None:
    with pytest.raises(RunError, match=found):
        record(tmp_path, asked, replace(YES, question=asked.id, **change))  # type: ignore[arg-type]
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}\n", "resolutions.jsonl:1: damaged"),
        ("nonsense\n", "resolutions.jsonl:1: damaged"),
        ("LINE", "line 1 is cut off"),
        ("LINE\nLINE\n", "resolutions.jsonl:2: a second outcome of event"),
    ],
)
def test_a_damaged_file_is_refused_by_line(tmp_path: Path, text: str, found: str) -> None:
    record(tmp_path, EVENT, YES)
    line = (tmp_path / FILE).read_text().strip()
    (tmp_path / FILE).write_text(text.replace("LINE", line))
    with pytest.raises(RunError, match=found):
        read_resolutions(tmp_path)


def _resolve(home: Path, name: str, count: int) -> None:
    for number in range(count):
        asked = question(f"{name}{number}")
        record(home, asked, replace(YES, question=asked.id, digest=asked.digest))


@pytest.mark.slow
def test_processes_that_resolve_and_read_at_once_lose_nothing_and_see_nothing_half(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_resolve, args=(tmp_path, name, 25)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        found = len(read_resolutions(tmp_path))  # raises if a line is half there
        assert found >= seen
        seen = found
        time.sleep(0.005)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert len(read_resolutions(tmp_path)) == 75
