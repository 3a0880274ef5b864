"""List what can be resolved: the questions that a run answers with a probability or a distribution.

A question names a headline or a probability of `projection.nc`. Its unit is written as the labels of the dimensions
other than time and scenario, joined by colons: `kfor:DEU` for a contributor of a mission.
"""

from dataclasses import dataclass
from typing import Final, Literal

from forecast import names
from forecast.projection.output_schema import VARIABLES

Kind = Literal["verdict", "event", "number"]
_NO_UNIT: Final = (
    names.WAR,
    names.DESIGN,
    names.QUARTER,
    names.YEAR,
    names.VERDICT,
    names.SHARE_BIN,
    names.SURVIVAL_BIN,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One kind of question.

    Attributes
    ----------
    variable
        Variable of `projection.nc` with the forecast: probabilities, or the histogram of a number.
    kind
        What the outcome is: a verdict, whether an event occurred (0 or 1), or a number.
    lasting
        The outcome that never changes once it holds, such as 1 for "has left by"; None if it can change.
    low, high
        Range of a number, in `unit`.
    """

    variable: str
    kind: Kind
    lasting: int | None = None
    low: float = 0.0
    high: float = 1.0
    unit: str = "share"

    @property
    def group(self) -> str:
        """Return the group of `projection.nc` that holds the variable."""
        return VARIABLES[self.variable].group

    @property
    def unit_dims(self) -> tuple[str, ...]:
        """Return the dimensions whose labels make up the unit, in order."""
        return tuple(dim for dim in VARIABLES[self.variable].dims if dim not in _NO_UNIT)

    @property
    def time(self) -> str:
        """Return the dimension of the period: `quarter` or `year`."""
        return names.YEAR if names.YEAR in VARIABLES[self.variable].dims else names.QUARTER

    @property
    def expected(self) -> str:
        """Return in words which outcomes there are."""
        if self.kind == "verdict":
            return f"one of {', '.join(names.VERDICTS)}"
        if self.kind == "event":
            return "0 or 1"
        return f"a number from {self.low:g} to {self.high:g} ({self.unit})"


def _event(variable: str, lasting: int | None = None) -> tuple[str, Question]:
    return variable, Question(variable=variable, kind="event", lasting=lasting)


_SHARE_OF_GDP: Final = {"low": 0.1, "high": 60.0, "unit": "percent of GDP"}

QUESTIONS: Final[dict[str, Question]] = {
    names.COHESION_VERDICT: Question(variable="verdict_probability", kind="verdict"),
    names.EUROPEAN_SPENDING: Question(variable="european_share_count", kind="number", **_SHARE_OF_GDP),  # type: ignore[arg-type]
    names.MISSION_SURVIVAL: Question(variable="survival_count", kind="number"),
    "spending_share": Question(variable="spending_share_count", kind="number", **_SHARE_OF_GDP),  # type: ignore[arg-type]
    **dict(
        [
            _event("leader_change_probability"),
            _event("exit_probability", lasting=1),
            _event("collapse_probability", lasting=1),
            _event("nominal_end_probability", lasting=1),
            _event("hand_over_probability", lasting=1),
            _event("event_probability", lasting=1),
            _event("entrapment_probability", lasting=1),
            _event("intact_probability", lasting=0),
        ]
    ),
}
