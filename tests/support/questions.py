"""Make questions, and run folders that hold nothing but answers to them."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from forecast.archive.answers import ANSWERS, LEVELS
from forecast.archive.questions import Question, parse_questions
from forecast.names import SCHEMA_VERSION
from forecast.storage.files import write_json
from forecast.storage.runs import Run, read_run, write_manifest

GOOD: dict[str, Any] = {
    "text": "Does it happen?",
    "query": "P(crisis by 2027Q4)",
    "rule": "It is in the source.",
    "source": "a gazette",
    "opened": date(2026, 1, 1),
    "deadline": date(2027, 12, 31),
    "scenario": "neutral × none",
    "baseline": 0.2,
    "baseline_source": "a rate",
}


def question(name: str, **changes: Any) -> Question:
    """Return a question on an event of 2027, opened in 2026, with some fields changed."""
    return parse_questions("questions", {name: GOOD | changes})[name]


def answered_run(
    home: Path, made: str, answers: Mapping[Question, float | Sequence[float]], paths: int = 1000, as_of: str = ""
) -> Run:
    """Write a run folder that was made on a day and answers questions: a probability, or quantiles at 50 levels."""
    records = []
    for asked, answer in answers.items():
        record: dict[str, Any] = {"id": asked.id, "digest": asked.digest, "kind": asked.kind, "paths": paths}
        if isinstance(answer, float):
            record |= {"value": answer, "error": 0.01}
        else:
            record |= {"value": sum(answer) / len(answer), "error": 0.01, "quantiles": list(answer)}
        records.append(record)
    folder = home / "runs" / f"{made}-test-{made.replace('-', '')}"
    folder.mkdir(parents=True)
    content = {"questions": "", "levels": list(LEVELS), "answers": records, "unanswered": []}
    write_json(folder / ANSWERS, content)
    plan = {"name": "test", "as_of": as_of or made}
    write_manifest(
        folder,
        {"id": folder.name, "status": "complete", "plan": plan, "provenance": {"schema_version": SCHEMA_VERSION}},
    )
    run = read_run(folder)
    return Run(folder, {**run.manifest, "finished": f"{made}T12:00:00+00:00"})
