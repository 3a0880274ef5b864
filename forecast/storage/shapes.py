"""The shapes of the files that a run stores: the keys that their readers use, and the type of each.

Other keys are allowed. The manifest holds the sha256 of every other file, so the shapes of those say less.
"""

import functools
import reprlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from forecast.errors import RunError


def _is_moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _is_inside(text: str) -> str:
    parts = text.split("/")  # a list of runs reads thousands of paths, so no object is made of each
    if text.startswith("/") or ".." in parts or "\0" in text or {"", "."}.issuperset(parts):
        raise ValueError("a path inside the folder is needed")
    return text


Number = Annotated[float, Field(allow_inf_nan=False)]
Moment = Annotated[str, AfterValidator(_is_moment)]
Files = dict[Annotated[str, AfterValidator(_is_inside)], str]  # sha256 by path
Digests = dict[str, str]


class Listed(TypedDict):
    """What the manifest of every stored folder holds."""

    finished: Moment
    files: Files


class Named(TypedDict):
    """The plan of a run, as far as a list of runs shows it."""

    name: str


class Version(TypedDict):
    """The provenance of a run in any output schema."""

    schema_version: NotRequired[str]
    degraded: NotRequired[str]


class AnyRun(Listed):
    """What the manifest of every run holds, in any output schema."""

    status: Literal["complete", "degraded", "pending", "failed"]
    pending: NotRequired[list[str]]
    plan: NotRequired[Named | str]
    provenance: NotRequired[Version]
    reason: NotRequired[str]


class Diagnostics(TypedDict):
    """Convergence of a fit."""

    rhat: Number
    rhat_worst: str
    ess_bulk: Number
    ess_bulk_worst: str
    ess_tail: Number
    ess_tail_worst: str
    divergences: int
    chains: int
    draws: int
    passed: bool


class Seconds(TypedDict):
    """Wall time of a fit."""

    compile: Number
    sample: Number


class LeaveOneOut(TypedDict):
    """Sums of the leave-one-out densities."""

    observations: int
    elpd: Number
    se: Number
    parameters: Number
    far: int
    largest_k: Number


class PredictiveCheck(TypedDict):
    """A statistic of the data and of replicated data."""

    what: str
    seen: Number
    median: Number
    lower: Number
    upper: Number
    p: Number


class Predictive(TypedDict):
    """A fit against its data."""

    loo: LeaveOneOut
    pit: list[int] | None
    checks: list[PredictiveCheck]


class Fit(TypedDict):
    """The facts of a fit."""

    diagnostics: Diagnostics
    attempts: int
    seconds: Seconds
    predictive: NotRequired[Predictive]
    taken_from: NotRequired[str]
    was: NotRequired[dict[str, str | None]]


class FitManifest(Fit, Listed):
    """The manifest of a stored fit."""


class Plan(TypedDict):
    """The plan of a run, as far as its report shows it."""

    name: str
    title: str
    as_of: str
    start: str
    draws: int
    quarters: int
    off: list[str]
    stress: NotRequired[dict[str, str]]


class Provenance(TypedDict):
    """The provenance of a run."""

    paths: int
    schema_version: str
    degraded: NotRequired[str]


class Host(TypedDict):
    """Threads and wall times of a run."""

    threads: int
    seconds: dict[str, Number]


class Scores(TypedDict):
    """The scores of the models of a run."""

    models: list[str]
    folders: list[str]
    skill: list[dict[str, Any]]
    cover: list[dict[str, Any]]


class Headline(TypedDict):
    """A headline record."""

    target: str
    unit_id: str
    war: str
    design: str
    horizon: str
    horizon_role: str
    statistic: str
    category: str | None
    unit: str
    value: Number
    mcse: Number | None
    lower: NotRequired[Number | None]
    upper: NotRequired[Number | None]
    mcse_draws: NotRequired[Number | None]
    judgement: NotRequired[Number | None]
    judgement_error: NotRequired[Number | None]
    baseline: NotRequired[Number | None]
    baseline_name: NotRequired[str | None]
    decided: NotRequired[bool | None]


class Move(Headline):
    """A headline that moved since the last run."""

    before: Number
    before_horizon: str
    errors: Number


class LikeliestClass(TypedDict):
    """The likeliest class of a verdict."""

    category: str
    value: Number
    horizon: str
    decided: bool
    probabilities: NotRequired[dict[str, Number]]


class Flip(TypedDict):
    """A verdict whose likeliest class changed."""

    war: str
    design: str
    before: LikeliestClass
    now: LikeliestClass


class PassedOver(TypedDict):
    """An earlier run that cannot be compared: it has another output schema, is damaged, or is no longer there."""

    run: str
    schema: NotRequired[str]
    damage: NotRequired[str]
    gone: NotRequired[Moment]  # when it was published


class Drifted(TypedDict):
    """How a table drifted since the last run."""

    table: str
    added: int
    removed: int
    revised: int
    largest: Number | None
    where: str
    usual: Number | None
    unusual: int
    text: str


class Since(TypedDict):
    """Changes since the last run."""

    run: str
    passed_over: NotRequired[list[PassedOver]]
    finished: str
    inputs: list[str]
    compared: int
    moved: int
    moves: list[Move]
    card_moves: NotRequired[list[Move]]
    flips: list[Flip]
    drift: NotRequired[list[Drifted]]


class NotCompared(TypedDict):
    """No earlier run can be compared."""

    run: None
    passed_over: list[PassedOver]


class Checkout(TypedDict):
    """The git commit of the code."""

    commit: str
    dirty: bool


class Expired(TypedDict):
    """Assumptions of a file that were to be looked at again by a day before the run."""

    file: str
    names: list[str]
    author: str
    expires: str


class Published(Listed):
    """The manifest of a complete or degraded run in the output schema of this version."""

    provenance: Provenance
    plan: Plan
    tables: Digests
    overlaid: list[str]
    priors: Digests
    fits: dict[str, Fit]
    models: NotRequired[Digests]
    certificates: NotRequired[Digests]
    scores: NotRequired[Scores | str]
    host: Host
    since: NotRequired[Since | NotCompared]
    code: NotRequired[Checkout | None]
    expired: NotRequired[list[Expired]]


class ScoresFile(TypedDict):
    """The file of the scores of the models."""

    scores: Scores | str


class Headlines(TypedDict):
    """The file of the headlines."""

    headlines: list[Headline]


def require_shape(where: str, content: Any, shape: Any, *, fix: str, absent: bool = False) -> None:
    """Raise RunError with file, key, value found and value expected if the content has another shape.

    Parameters
    ----------
    where : name of the file.
    content : parsed JSON.
    shape : type to have.
    fix : what a user can do about it, for the error.
    absent : whether keys may be absent, but for those of `Listed`.
    """
    try:
        _adapter(shape).validate_python(content, strict=True)
    except ValidationError as error:
        faults = [
            fault
            for fault in error.errors(include_url=False)
            if not (absent and fault["type"] == "missing" and fault["loc"][0] not in Listed.__annotations__)
        ]
        if faults:
            raise RunError(f"{where}: damaged ({_fault(content, faults[0])}); {fix}") from None


@functools.cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _fault(content: Any, fault: Any) -> str:
    """Return key, value found and value expected of a fault."""
    keys = []
    for part in fault["loc"]:  # pydantic's marks for the members of a union are no keys of the file
        if (isinstance(content, Mapping) and part in content) or (isinstance(content, list) and isinstance(part, int)):
            keys.append(str(part))
            content = content[part]
    if fault["type"] == "missing":
        return f"{'.'.join([*keys, fault['loc'][-1]])} is missing"
    expected = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"{'.'.join(keys) or 'the content'} is {reprlib.repr(fault['input'])}, expected {expected}"
