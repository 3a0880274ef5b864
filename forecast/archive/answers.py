"""Answer the open questions of a workspace from a projection; a run stores the answers in `answers.json`.

An answer is one number: the probability of an event, or the mean of a number with its distribution. Scenarios are
combined by the weights of the question. A question that this plan cannot answer is listed with the reason.
"""

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, NotRequired, TypedDict

import numpy as np
import xarray as xr

from forecast import names
from forecast.archive.estimates import weighted_quantiles
from forecast.archive.quantities import event_holds, value_of
from forecast.archive.query import answer_query, paths_of
from forecast.archive.query_language import Count, Value
from forecast.archive.questions import EVENT, Question, read_questions
from forecast.archive.resolutions import Resolution
from forecast.array_types import Floats
from forecast.errors import PlanError, RunError
from forecast.storage.files import digest_of
from forecast.storage.runs import Run
from forecast.storage.shapes import Number
from forecast.workspace.inputs import Inputs

log = logging.getLogger(__name__)

ANSWERS: Final = "answers.json"
#: Levels of the quantiles that stand for the distribution of a number: each stands for one fiftieth of it.
LEVELS: Final = tuple(round((k + 0.5) / 50, 3) for k in range(50))
#: Error times paths where no path differs: twice this is the upper 95 % limit of a probability (the rule of three).
_CERTAIN: Final = 1.5


class AnswerRecord(TypedDict):
    """An answer in the file: `value` is a probability, or a mean; `error` its Monte Carlo error, at most."""

    id: str
    digest: str
    kind: str
    value: Number
    error: Number
    paths: Number
    quantiles: NotRequired[list[Number]]


class NoAnswer(TypedDict):
    """A question that the plan cannot answer, with the reason."""

    id: str
    digest: str
    reason: str


class AnswersFile(TypedDict):
    """The file: what an answer is made of, the questions that were answered, and those that were not."""

    questions: str
    levels: list[Number]
    answers: list[AnswerRecord]
    unanswered: list[NoAnswer]


def answer_open(inputs: Inputs, tree: xr.DataTree) -> dict[str, Any]:
    """Return the further files of a run by name: the answers to the questions that are open at its as-of date.

    A fault of the file of questions is logged, and the run goes on without answers.
    """
    try:
        questions = read_questions(inputs.home)
    except PlanError as error:
        log.warning("%s; the run answers no question", error)
        return {}
    if not questions:
        return {}
    return {ANSWERS: answers_of(questions, tree, inputs.plan.as_of, inputs.plan.draws)}


def answers_of(questions: Mapping[str, Question], tree: xr.DataTree, as_of: date, draws: int) -> dict[str, Any]:
    """Return the content of `answers.json`.

    Parameters
    ----------
    questions : all questions of the workspace by id.
    tree : projection of `output_schema`.
    as_of : last day whose data the projection knows; it answers the questions with a later deadline.
    draws : number of parameter draws.
    """
    joint = paths_of(tree)
    answers: list[dict[str, Any]] = []
    unanswered: list[dict[str, Any]] = []
    for question in (question for question in questions.values() if question.is_open(as_of)):
        facts = {"id": question.id, "digest": question.digest}
        try:
            found = _from_quantity(question, tree) if question.quantity else _from_paths(question, joint, draws)
        except RunError as error:
            unanswered.append({**facts, "reason": str(error).removeprefix("query: ")})
            log.warning("question %s is not answered: %s", question.id, error)
            continue
        answers.append({**facts, "kind": question.kind, **found})
    return {
        "questions": digest_of({question.id: question.digest for question in questions.values()}),
        "levels": list(LEVELS),
        "answers": answers,
        "unanswered": unanswered,
    }


def read_answers(run: Run) -> AnswersFile | None:
    """Return the answers of a run; None if it has none. Raises RunError if the file is damaged."""
    if ANSWERS not in run.manifest.get("files", {}):
        return None
    content: AnswersFile = run.json(ANSWERS, AnswersFile)
    return content


def question_rows(
    questions: Mapping[str, Question], resolutions: Mapping[str, Resolution], run: Run
) -> list[dict[str, Any]]:
    """Return one plain record for each question: the question, its state, and the answer of a run or why it has none.

    `state` is `open`, `resolved` or `annulled`. Raises RunError if the answers of the run are damaged.
    """
    stored = read_answers(run)
    answers = {record["id"]: record for record in stored["answers"]} if stored else {}
    reasons = {record["id"]: record["reason"] for record in stored["unanswered"]} if stored else {}
    rows = []
    for name, question in questions.items():
        row: dict[str, Any] = question.model_dump(mode="json", exclude_none=True) | {"digest": question.digest}
        resolution = resolutions.get(name)
        row["kind"] = question.kind
        row["state"] = "open" if resolution is None else "annulled" if resolution.outcome is None else "resolved"
        row["outcome"] = resolution.outcome if resolution else None
        answer = answers.get(name)
        if answer is not None and answer["digest"] == question.digest:
            row["answer"] = {key: answer[key] for key in ("value", "error", "paths", "quantiles") if key in answer}
        else:
            changed = "the question was changed since" if answer else "the question was added since, or had closed"
            row["no_answer"] = reasons.get(name, changed if stored else "the run has no answers")
        rows.append(row)
    return rows


def _require_cells(question: Question, data: xr.Dataset | xr.DataArray) -> None:
    for war, design in question.cells:
        if war not in data[names.WAR].values or design not in data[names.DESIGN].values:
            raise RunError(f"the plan has no scenario {war} × {design}, which the question uses")


def _from_paths(question: Question, joint: xr.Dataset, draws: int) -> dict[str, Any]:
    """Return the answer from the sampled paths of a run."""
    query = question.parsed
    assert query is not None
    _require_cells(question, joint)
    found = {
        (answer.scenario[names.WAR], answer.scenario[names.DESIGN]): answer.estimate
        for answer in answer_query(query, joint, draws)
    }
    cells = question.cells
    answer = {
        "value": float(sum(weight * found[cell].value for cell, weight in cells.items())),
        "error": float(sum(weight * found[cell].error for cell, weight in cells.items())),
        "paths": min(found[cell].support for cell in cells),
    }
    of, condition = query.term.of, query.term.condition
    if question.kind == EVENT and answer["value"] in (0.0, 1.0):
        answer["error"] = _CERTAIN / answer["paths"]
    if not isinstance(of, Value | Count):
        return answer
    values, masses = [], []
    for (war, design), weight in cells.items():
        cell = joint.sel({names.WAR: war, names.DESIGN: design})
        sample = value_of(of, cell)
        kept = event_holds(condition.event, cell) if condition else np.ones(sample.size, dtype=bool)
        values.append(sample[kept])
        masses.append(np.full(int(kept.sum()), weight / kept.sum()))
    return answer | {"quantiles": _quantiles(np.concatenate(values), np.concatenate(masses))}


def _from_quantity(question: Question, tree: xr.DataTree) -> dict[str, Any]:
    """Return the answer from a probability or a histogram over all paths."""
    quantity = question.quantity
    assert quantity is not None
    kind = quantity.kind
    if kind.group not in tree:
        raise RunError(f"the run has no group {kind.group}")
    labels: dict[str, Any] = dict(zip(kind.unit_dims, quantity.unit.split(":"), strict=False))
    labels[kind.time] = quantity.period if kind.time == names.QUARTER else int(quantity.period)
    data = tree[kind.group].to_dataset()[kind.variable]
    for dimension, label in labels.items():
        if label not in data[dimension].values:
            raise RunError(f"the run has no {dimension} {label}")
    if names.WAR in data.dims:
        _require_cells(question, data)
    parts = _parts(data.sel(labels), question)
    if any(part.isnull().any() or (kind.kind == "number" and not part.any()) for part, _ in parts):
        raise RunError(f"the run has no {quantity.target} of {quantity.unit} in {quantity.period}")
    errors = _errors(kind.variable, tree[names.MCSE].to_dataset()).sel(labels)
    facts = {
        "error": float(sum(weight * error.item() for error, weight in _parts(errors, question))),
        "paths": int(tree.attrs["paths"]),
    }
    if kind.kind == "event":
        value = sum(weight * part.item() for part, weight in parts)
        return {"value": min(max(float(value), 0.0), 1.0), **facts}
    bins = parts[0][0][parts[0][0].dims[0]].to_numpy().astype(float)
    mass = np.sum([weight * part.to_numpy() / part.to_numpy().sum() for part, weight in parts], axis=0)
    return {"value": float(bins @ mass), **facts, "quantiles": _quantiles(bins, mass)}


def _parts(data: xr.DataArray, question: Question) -> list[tuple[xr.DataArray, float]]:
    """Return the values of the scenarios of a question with their weights; one value if no scenario acts on them."""
    if names.WAR not in data.dims:
        return [(data, 1.0)]
    return [(data.sel({names.WAR: w, names.DESIGN: d}), weight) for (w, d), weight in question.cells.items()]


def _errors(variable: str, errors: xr.Dataset) -> xr.DataArray:
    """Return the Monte Carlo error of a probability or of the mean of a histogram, from paths and draws together.

    Where the run has no error of the mean, the error of the median stands for it. It is larger unless a distribution
    is flat.
    """
    name = variable.removesuffix("_count")
    if f"{name}_mean" in errors:
        name = f"{name}_mean"
    error = errors[name].sel({names.SOURCE: names.SOURCES[0]})
    return error.sel({names.QUANTILE: 0.5}) if names.QUANTILE in error.dims else error


def _quantiles(values: Floats, mass: Floats) -> list[float]:
    return [round(float(x), 9) for x in weighted_quantiles(values, mass, LEVELS)]
