"""Score the answers that runs gave to questions, once their outcomes are known, beside a baseline.

A forecast counts if it was made before its outcome was known, by the deadline, and of the question as it now stands.
Every other one is listed with the reason; unresolved and annulled questions are counted.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from forecast.archive.answers import AnswerRecord, read_answers
from forecast.archive.questions import EVENT, Question, read_questions
from forecast.archive.resolutions import Resolution, read_resolutions
from forecast.archive.revisions import Efficiency, efficiency, flip_flop
from forecast.array_types import Floats
from forecast.errors import RunError
from forecast.evaluation.scoring import brier, crps, log_score_binary
from forecast.storage.runs import DAMAGED, PUBLISHED, Run, list_runs

ENOUGH: Final = 20  # outcomes below which calibration and skill are noise
_BINS: Final = 5  # of calibration
_TAIL: Final = 0.1  # on each side of the 80 % interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """An answer of a run to a question, in order of time within its question and plan."""

    question: str
    run: str
    plan: str
    made: str
    as_of: str
    value: float
    quantiles: tuple[float, ...]
    paths: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """The scores of a forecast and of its baseline: Brier and log score of an event, CRPS of a number."""

    forecast: Forecast
    kind: str
    outcome: float
    scores: Mapping[str, float]
    baseline: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Mean scores of the events that one run forecast, and how often it beat the baseline on all questions."""

    run: str
    made: str
    events: int
    scores: Mapping[str, float]
    baseline: Mapping[str, float]
    forecasts: int
    better: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Events whose probability lies in a bin: number, mean probability and share that happened."""

    low: float
    high: float
    events: int
    forecast: float
    happened: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Calibration of the last forecast of each question.

    Attributes
    ----------
    events : number of events.
    bins : bins of equal width that hold an event.
    z, p : Spiegelhalter's statistic (1986), standard normal if the probabilities are right, and its two-sided p value;
        None below `ENOUGH` events.
    numbers, inside : numbers, and those of them inside the 80 % interval.
    """

    events: int
    bins: tuple[Bin, ...]
    z: float | None
    p: float | None
    numbers: int
    inside: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Scoreboard:
    """The scores of a workspace.

    Attributes
    ----------
    scored : every forecast that counts, by question and time.
    moments : one for each run with a score, oldest first.
    calibration : of the last forecast of each question.
    not_counted : question, run and reason of forecasts that do not count, and runs that cannot be read.
    unresolved, annulled : ids of questions.
    flip_flop : by question and plan, for three forecasts or more.
    efficiency : test of the revisions of all forecasts, resolved or not.
    """

    scored: tuple[Scored, ...]
    moments: tuple[Moment, ...]
    calibration: Calibration
    not_counted: tuple[tuple[str, str, str], ...]
    unresolved: tuple[str, ...]
    annulled: tuple[str, ...]
    flip_flop: Mapping[str, float]
    efficiency: Efficiency


def scoreboard(home: Path) -> Scoreboard:
    """Return the scores of all published runs of a workspace; raises ForecastError if a file of it is damaged."""
    return score_answers(read_questions(home), read_resolutions(home), list_runs(home))


def score_answers(
    questions: Mapping[str, Question], resolutions: Mapping[str, Resolution], runs: Sequence[Run]
) -> Scoreboard:
    """Return the scores of the answers of `runs`, which are in order of time."""
    counted: list[Forecast] = []
    not_counted: list[tuple[str, str, str]] = []
    for run in runs:
        if run.status == DAMAGED:
            not_counted.append(("all", run.id, run.reason))
        if run.status not in PUBLISHED:
            continue
        try:
            answers = read_answers(run)
        except RunError as error:
            not_counted.append(("all", run.id, str(error)))
            continue
        for record in answers["answers"] if answers else []:
            forecast = _forecast(run, record)
            if reason := _not_counted(forecast, record, questions.get(forecast.question), resolutions):
                not_counted.append((forecast.question, run.id, reason))
            else:
                counted.append(forecast)
    histories = dict(_histories(counted))
    scored = tuple(_scored(f, questions[f.question], resolutions) for f in counted if _outcome(f, resolutions))
    return Scoreboard(
        scored=scored,
        moments=tuple(_moments(scored)),
        calibration=calibration(tuple({row.forecast.question: row for row in scored}.values())),
        not_counted=tuple(not_counted),
        unresolved=tuple(name for name in questions if name not in resolutions),
        annulled=tuple(n for n in questions if n in resolutions and resolutions[n].outcome is None),
        flip_flop={name: index for name, values in histories.items() if (index := flip_flop(values)) is not None},
        efficiency=efficiency(list(histories.values())),
    )


def _forecast(run: Run, record: AnswerRecord) -> Forecast:
    return Forecast(
        question=record["id"],
        run=run.id,
        plan=run.plan_name,
        made=run.manifest["finished"][:10],
        as_of=str(run.manifest["plan"]["as_of"]),
        value=record["value"],
        quantiles=tuple(record.get("quantiles", ())),
        paths=record["paths"],
    )


def _not_counted(
    forecast: Forecast, record: AnswerRecord, question: Question | None, resolutions: Mapping[str, Resolution]
) -> str:
    """Return why a forecast does not count; empty if it does."""
    if question is None:
        return "the question is no longer in the file"
    if question.digest != record["digest"]:
        return "the question was changed since"
    day = max(date.fromisoformat(forecast.made), date.fromisoformat(forecast.as_of))
    resolution = resolutions.get(question.id)
    if resolution is not None and date.fromisoformat(resolution.known) <= day:
        return f"made on {day}, but the outcome was known on {resolution.known}"
    if day > question.deadline:
        return f"made on {day}, after the deadline of {question.deadline}"
    return ""


def _outcome(forecast: Forecast, resolutions: Mapping[str, Resolution]) -> bool:
    return (found := resolutions.get(forecast.question)) is not None and found.outcome is not None


def _histories(counted: Sequence[Forecast]) -> Iterator[tuple[str, list[float]]]:
    """Yield the values of each question and plan in order of the as-of day, the last of each day."""
    groups: dict[str, dict[str, float]] = {}
    for forecast in counted:
        groups.setdefault(f"{forecast.question} ({forecast.plan})", {})[forecast.as_of] = forecast.value
    for name, values in groups.items():
        yield name, [values[day] for day in sorted(values)]


def _scored(forecast: Forecast, question: Question, resolutions: Mapping[str, Resolution]) -> Scored:
    outcome = resolutions[question.id].outcome
    assert outcome is not None
    if question.kind == EVENT:
        # a probability from n paths is not known more closely than half a path, so no log score is infinite
        bounded = min(max(forecast.value, 0.5 / forecast.paths), 1.0 - 0.5 / forecast.paths)
        scores = _event_scores(forecast.value, bounded, outcome)
        baseline = _event_scores(question.baseline, question.baseline, outcome)
    else:
        scores = {"CRPS": float(crps(forecast.quantiles, outcome))}
        baseline = {"CRPS": abs(question.baseline - outcome)}
    return Scored(forecast=forecast, kind=question.kind, outcome=outcome, scores=scores, baseline=baseline)


def _event_scores(p: float, bounded: float, outcome: float) -> dict[str, float]:
    return {"Brier": float(brier(p, outcome)), "log": float(log_score_binary(bounded, outcome))}


def _moments(scored: Sequence[Scored]) -> Iterator[Moment]:
    """Yield the mean scores of each run, in order of time."""
    runs: dict[str, list[Scored]] = {}
    for row in scored:
        runs.setdefault(row.forecast.run, []).append(row)
    for run, rows in runs.items():
        events = [row for row in rows if row.kind == EVENT]
        yield Moment(
            run=run,
            made=rows[0].forecast.made,
            events=len(events),
            scores=_means([row.scores for row in events]),
            baseline=_means([row.baseline for row in events]),
            forecasts=len(rows),
            better=sum(_first(row.scores) < _first(row.baseline) for row in rows),
        )


def _first(scores: Mapping[str, float]) -> float:
    return next(iter(scores.values()))


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in (rows[0] if rows else ())}


def calibration(last: Sequence[Scored]) -> Calibration:
    """Return the calibration of forecasts of different questions."""
    events = [row for row in last if row.kind == EVENT]
    numbers = [row for row in last if row.kind != EVENT]
    p = np.array([row.forecast.value for row in events])
    y = np.array([row.outcome for row in events])
    place = np.minimum((p * _BINS).astype(int), _BINS - 1)
    bins = tuple(
        Bin(
            low=k / _BINS,
            high=(k + 1) / _BINS,
            events=int(inside.sum()),
            forecast=float(p[inside].mean()),
            happened=float(y[inside].mean()),
        )
        for k in range(_BINS)
        if (inside := place == k).any()
    )
    z, p_value = _spiegelhalter(p, y) if len(events) >= ENOUGH else (None, None)
    return Calibration(
        events=len(events), bins=bins, z=z, p=p_value, numbers=len(numbers), inside=sum(map(_covered, numbers))
    )


def _spiegelhalter(p: Floats, y: Floats) -> tuple[float | None, float | None]:
    variance = float(((1.0 - 2.0 * p) ** 2 * p * (1.0 - p)).sum())
    if variance == 0.0:
        return None, None
    z = float(((y - p) * (1.0 - 2.0 * p)).sum() / math.sqrt(variance))
    return z, math.erfc(abs(z) / math.sqrt(2.0))


def _covered(row: Scored) -> bool:
    low, high = np.quantile(row.forecast.quantiles, [_TAIL, 1.0 - _TAIL])
    return bool(low <= row.outcome <= high)
