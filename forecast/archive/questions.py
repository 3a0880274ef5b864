"""Read `runs/questions.toml`: what the forecasts of this workspace are scored on, written before it happens.

A question says what is asked, which query or quantity of a run answers it, how it is resolved and from which source,
and how the scenarios of a run become one number. Its digest changes with any of its words.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from forecast import names
from forecast.archive.query_language import Query, parse_query
from forecast.errors import PlanError, PriorError, RunError, all_faults, did_you_mean
from forecast.evaluation.resolution.questions import QUESTIONS
from forecast.evaluation.resolution.questions import Question as Kind
from forecast.priors.validation import A_NAME, NAME, Real, Strict, matching, validate
from forecast.storage.files import digest_of
from forecast.storage.toml_files import read_toml
from forecast.workspace.plan import Text, calendar_day

FILE: Final = Path("runs", "questions.toml")
EVENT, NUMBER = "event", "number"
_BETWEEN: Final = " × "  # war × design
_NEAR_ONE: Final = 1e-9  # by which the weights of scenarios may miss one

Day = Annotated[date, BeforeValidator(calendar_day)]
Identifier = Annotated[str, matching(NAME, A_NAME)]
Long = Annotated[str, matching(r"(?s)(?=.*\S).{1,2000}", "some text of at most 2000 characters")]


def _cell(name: str) -> str:
    war, between, design = name.partition(_BETWEEN)
    if not (between and re.fullmatch(NAME, war) and re.fullmatch(NAME, design)):
        example = f"{names.NEUTRAL}{_BETWEEN}{names.NO_DESIGN}"
        raise ValueError(f"expected a scenario as war{_BETWEEN}design, such as {example!r}")
    return name


class Quantity(Strict):
    """A stored probability or distribution, in the words of `forecast resolve`: target, unit and period."""

    target: str = Field(description=f"one of {', '.join(QUESTIONS)}")
    unit: Text = Field(default=names.ALLIANCE, description="whose, such as kfor:DEU")
    period: Annotated[str, matching("(19|20|21)[0-9]{2}(Q[1-4])?", "a quarter (2027Q4) or a year (2027)")]

    @model_validator(mode="after")
    def _is_stored(self) -> "Quantity":
        kind = QUESTIONS.get(self.target)
        if kind is None or kind.kind == "verdict":
            known = [name for name, question in QUESTIONS.items() if question.kind != "verdict"]
            raise ValueError(f"target is {self.target!r}, expected one of {', '.join(known)}")
        if ("Q" in self.period) != (kind.time == names.QUARTER):
            raise ValueError(f"period is {self.period!r}, expected a {kind.time}")
        parts = self.unit.split(":") if kind.unit_dims else []
        if len(parts) != len(kind.unit_dims) or (not kind.unit_dims and self.unit != names.ALLIANCE):
            raise ValueError(f"unit is {self.unit!r}, expected {':'.join(kind.unit_dims) or names.ALLIANCE}")
        return self

    @property
    def kind(self) -> Kind:
        """Return where the quantity lies in a run."""
        return QUESTIONS[self.target]


class Question(Strict):
    """One question, with the fields as they are in the file."""

    documented = True

    id: Identifier = Field(description="name of its table in the file")
    text: Text = Field(description="the question in one line")
    query: str | None = Field(default=None, description="query P(…) or E(…) that answers it, without scenarios")
    quantity: Quantity | None = Field(default=None, description="quantity of a run that answers it, instead of `query`")
    rule: Long = Field(description="how the outcome is decided, in words")
    source: Text = Field(description="where the outcome is taken from")
    opened: Day = Field(description="day on which the question was written")
    deadline: Day = Field(description="last day of what is asked, or of its publication; no forecast counts after it")
    scenario: Annotated[str, AfterValidator(_cell)] | None = Field(
        default=None, description=f"scenario whose forecast counts, as war{_BETWEEN}design"
    )
    weights: Mapping[Annotated[str, AfterValidator(_cell)], Annotated[Real, Field(gt=0.0, le=1.0)]] | None = Field(
        default=None, description="weight of each scenario, instead of `scenario`; they sum to 1"
    )
    weights_source: Text | None = Field(default=None, description="source of the weights")
    baseline: Real = Field(description="what a simple rule forecasts: a probability, or a number")
    baseline_source: Text = Field(description="the rule, or the record, behind the baseline")

    @model_validator(mode="after")
    def _is_answerable(self) -> "Question":
        if (self.query is None) == (self.quantity is None):
            raise ValueError("query and quantity: expected one of the two")
        if self.query is not None:
            try:
                _require_plain(parse_query(self.query))
            except RunError as error:
                raise ValueError(f"query: {str(error).removeprefix('query: ')}") from None
        if self.kind == EVENT and not 0.0 < self.baseline < 1.0:
            raise ValueError(f"baseline is {self.baseline:g}, expected a probability between 0 and 1")
        return self

    @model_validator(mode="after")
    def _is_dated_and_weighted(self) -> "Question":
        if self.deadline <= self.opened:
            raise ValueError(f"deadline is {self.deadline}, expected a day after {self.opened}, when it was opened")
        if (self.scenario is None) == (self.weights is None):
            raise ValueError("scenario and weights: expected one of the two")
        if self.weights is not None and abs(total := sum(self.weights.values()) - 1.0) > _NEAR_ONE:
            raise ValueError(f"weights sum to {1.0 + total:.6g}, expected 1")
        if (self.weights is None) != (self.weights_source is None):
            raise ValueError("weights and weights_source: expected both or none")
        return self

    @cached_property
    def parsed(self) -> Query | None:
        """Return the parsed query; None if a quantity answers the question."""
        return parse_query(self.query) if self.query is not None else None

    @property
    def kind(self) -> str:
        """Return what the outcome is: `event` (0 or 1) or `number`."""
        if self.quantity is not None:
            return EVENT if self.quantity.kind.kind == "event" else NUMBER
        assert self.parsed is not None
        return EVENT if self.parsed.term.asked == "probability" else NUMBER

    @property
    def cells(self) -> dict[tuple[str, str], float]:
        """Return the weight of each scenario (war, design) that the answer uses."""
        weights = self.weights or {str(self.scenario): 1.0}
        return {(cell.split(_BETWEEN)[0], cell.split(_BETWEEN)[1]): weight for cell, weight in weights.items()}

    @property
    def digest(self) -> str:
        """Return the digest of all fields, by which an answer knows which question it answered."""
        return digest_of(self.model_dump(mode="json"))[:16]

    def is_open(self, as_of: date) -> bool:
        """Return whether a run that knows nothing after `as_of` answers the question."""
        return as_of <= self.deadline


def _require_plain(query: Query) -> None:
    """Raise RunError unless a query is one P(…) or E(…) whose scenarios and conditions leave one number."""
    term = query.term
    if query.minus is not None or term.asked == "quantile" or term.scenario:
        raise RunError("query: expected one P(…) or E(…) without scenarios; name them in scenario or weights")
    if term.condition is not None and term.condition.probability is not None:
        raise RunError("query: the condition has a probability, expected a condition that holds or annuls the question")


def read_questions(home: Path) -> dict[str, Question]:
    """Return the questions of a workspace by id, in the order of the file; none if there is no file.

    Raises
    ------
    PlanError
        If the file has any fault; the message lists all.
    """
    path = home / FILE
    if not path.exists():
        return {}
    try:
        content = read_toml(path)
    except PriorError as error:
        raise PlanError(str(error)) from None
    return parse_questions(str(path), content)


def parse_questions(where: str, content: Mapping[str, Any]) -> dict[str, Question]:
    """Return the questions of a parsed file by id; raises PlanError as `read_questions`."""
    questions: dict[str, Question] = {}
    faults: list[str] = []
    for name, entry in content.items():
        if not isinstance(entry, Mapping):
            faults.append(f"{where}: {name} is no table, expected [{name}] with the keys of a question; correct it")
            continue
        question, wrong = validate(f"{where} [{name}]", Question, entry, given={"id": name})
        faults += wrong
        if question is not None:
            questions[name] = question
    if faults:
        raise all_faults(PlanError, faults)
    return questions


def question_of(questions: Mapping[str, Question], name: str, home: Path) -> Question:
    """Return a question by its id; raises PlanError if there is none of that id."""
    if name not in questions:
        known = ", ".join(questions) or "none"
        raise PlanError(f"{home / FILE}: no question {name!r}, expected one of {known}{did_you_mean(name, questions)}")
    return questions[name]
