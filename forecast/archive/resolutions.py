"""Record the outcome of a question once, with its source; the file `runs/resolutions.jsonl` only grows.

An outcome is a number, 0 or 1 for an event, or annulled with a reason. A second outcome of the same question is refused
unless it says the same.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, TypedDict

from forecast.archive.questions import EVENT, Question
from forecast.errors import RunError, shown
from forecast.storage.files import parse_json, read_bytes, replace_text
from forecast.storage.locks import only_one
from forecast.storage.shapes import Moment, Number

FILE: Final = Path("runs", "resolutions.jsonl")
_LONGEST: Final = 500  # characters of a source or a reason
_FIX: Final = "restore the file from a backup"


class _Content(TypedDict):
    """One line of the file."""

    question: str
    digest: str
    outcome: Number | None
    known: Moment
    source: str
    reason: str
    recorded: Moment


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """The outcome of a question.

    Attributes
    ----------
    question : id of the question.
    digest : digest of the question as it was when its outcome was recorded.
    outcome : the number, 0 or 1 for an event; None if the question is annulled.
    known : day on which the outcome became known, YYYY-MM-DD; no forecast of that day or later counts.
    source : where the outcome is from.
    reason : why the question is annulled; else empty.
    recorded : moment of writing (UTC, ISO 8601).
    """

    question: str
    digest: str
    outcome: float | None
    known: str
    source: str
    reason: str
    recorded: str

    @property
    def says(self) -> str:
        """Return the outcome in words."""
        return "annulled" if self.outcome is None else f"{self.outcome:g}"


def read_resolutions(home: Path) -> dict[str, Resolution]:
    """Return the recorded outcomes by question; raises RunError at the first line that is damaged or repeated."""
    path = home / FILE
    if not os.path.lexists(path):
        return {}
    lines = read_bytes(path, fix=_FIX).split(b"\n")
    found: dict[str, Resolution] = {}
    for number, line in enumerate(lines[:-1], 1):
        content: Mapping[str, Any] = parse_json(Path(f"{path}:{number}"), line, _Content, fix=_FIX)
        resolution = Resolution(**{name: content[name] for name in Resolution.__slots__})
        if resolution.question in found:
            raise RunError(f"{path}:{number}: a second outcome of {resolution.question}, expected one; {_FIX}")
        found[resolution.question] = resolution
    if lines[-1]:
        raise RunError(f"{path}: line {len(lines)} is cut off, expected a line break at its end; {_FIX}")
    return found


def record(home: Path, question: Question, resolution: Resolution) -> Resolution:
    """Add the outcome of a question to the file and return it; if it is there already, return that.

    Raises
    ------
    RunError
        If the outcome cannot be one of this question, another one is recorded, or the file cannot be written.
    """
    _require_possible(question, resolution)
    with only_one(home, "resolutions"):
        known = read_resolutions(home)
        earlier = known.get(question.id)
        if earlier is None:
            lines = [*known.values(), resolution]
            replace_text(home / FILE, "".join(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in lines))
            return resolution
    if (earlier.outcome, earlier.known, earlier.source) == (resolution.outcome, resolution.known, resolution.source):
        return earlier
    raise RunError(
        f"{home / FILE}: {question.id} is {earlier.says} since {earlier.known} by {earlier.source}, found "
        f"{resolution.says} on {resolution.known} by {resolution.source}; an outcome is recorded once and stays"
    )


def _require_possible(question: Question, resolution: Resolution) -> None:
    """Raise RunError unless the outcome suits the question and its dates."""
    name, outcome = question.id, resolution.outcome
    day, recorded = date.fromisoformat(resolution.known), date.fromisoformat(resolution.recorded[:10])
    _require_line(name, "source", resolution.source)
    if outcome is None:
        _require_line(name, "reason", resolution.reason)
    elif question.kind == EVENT and outcome not in (0.0, 1.0):
        raise RunError(f"{name}: the outcome is {outcome:g}, expected 0 or 1; correct it")
    elif not math.isfinite(outcome):
        raise RunError(f"{name}: the outcome is {outcome}, expected a finite number; correct it")
    if day > recorded:
        raise RunError(f"{name}: known on {day}, expected a day up to {recorded}; record it when it is known")
    if outcome is not None and day <= question.opened:
        raise RunError(
            f"{name}: known on {day}, expected a day after {question.opened}, when the question was opened; annul it"
        )
    if question.kind == EVENT and outcome == 0.0 and day < question.deadline:
        raise RunError(
            f"{name}: known not to happen on {day}, expected {question.deadline} or later, the deadline; wait for it"
        )


def _require_line(name: str, key: str, text: str) -> None:
    if not (text.strip() and text.isprintable() and len(text) <= _LONGEST):
        raise RunError(
            f"{name}: the {key} is {shown(text)}, expected one line of at most {_LONGEST} printable characters; "
            "correct it"
        )
