"""State which numbers a place in the model can use, and compare priors with it.

A domain is an interval. A constant must lie in it. The support of a distribution must lie in it too: a draw outside
would stop a run or make no sense. Where an end is only a limit of what is plausible, thin tails may pass it; the range
of three standard deviations around the mean may not.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from forecast.priors.prior import Prior


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """An interval of numbers that a place in the model can use.

    Attributes
    ----------
    meaning : str
        What a fault says is expected.
    low, high : float
        Ends of the interval.
    open_low, open_high : bool
        Whether a constant must lie strictly inside that end. A continuous distribution never hits an end.
    tail_low, tail_high : bool
        Whether thin tails of a distribution may pass that end.
    whole : bool
        Whether the number must be whole.
    """

    meaning: str
    low: float
    high: float
    open_low: bool = False
    open_high: bool = False
    tail_low: bool = False
    tail_high: bool = False
    whole: bool = False

    def holds(self, prior: "Prior") -> bool:
        """Return whether the place can use every number that the prior gives."""
        if prior.dist == "Constant":
            value = prior.params[0]
            above = value > self.low if self.open_low else value >= self.low
            below = value < self.high if self.open_high else value <= self.high
            return above and below and not (self.whole and value != math.floor(value))
        (lowest, highest), (least, most) = prior.support(), prior.bulk()
        low, high = least if self.tail_low else lowest, most if self.tail_high else highest
        return self.low <= low and high <= self.high and not self.whole


REAL: Final = Domain(meaning="a number from -100 to 100", low=-100.0, high=100.0, tail_low=True, tail_high=True)
YEARLY_CHANGE: Final = Domain(
    meaning="a change a year as a fraction, from -1 to 1", low=-1.0, high=1.0, tail_low=True, tail_high=True
)
SIGNAL: Final = Domain(meaning="a number from -1 to 1", low=-1.0, high=1.0, tail_low=True, tail_high=True)
ORIENTATION: Final = Domain(meaning="an orientation from -1 to 1", low=-1.0, high=1.0)
POSITIVE: Final = Domain(meaning="a number above 0 and at most 100", low=0.0, high=100.0, open_low=True, tail_high=True)
NOT_NEGATIVE: Final = Domain(meaning="a number from 0 to 100", low=0.0, high=100.0, tail_high=True)
#: Standard deviations of logarithms, log odds and sign units.
SD: Final = Domain(meaning="a standard deviation from 0 to 10", low=0.0, high=10.0, tail_high=True)
SD_ABOVE_0: Final = Domain(
    meaning="a standard deviation above 0 and at most 10", low=0.0, high=10.0, open_low=True, tail_high=True
)
SMALL_SD: Final = Domain(meaning="a standard deviation from 0 to 1", low=0.0, high=1.0, tail_high=True)
#: The model divides by it.
UNIT_SD: Final = Domain(meaning="a standard deviation from 0.01 to 10", low=0.01, high=10.0)
RATE: Final = Domain(meaning="events a year, from 0 to 10", low=0.0, high=10.0, tail_high=True)
RATE_ABOVE_0: Final = Domain(
    meaning="events a year, above 0 and at most 10", low=0.0, high=10.0, open_low=True, tail_high=True
)
PERSONS: Final = Domain(meaning="a number of persons from 0 to 10,000", low=0.0, high=10_000.0)
DISTANCE: Final = Domain(meaning="thousands of kilometres, from 0.1 to 20.1", low=0.1, high=20.1, tail_high=True)
HALF_LIFE: Final = Domain(meaning="a half-life of 0.25 to 400 quarters", low=0.25, high=400.0)
MEAN_GROWTH: Final = Domain(meaning="growth a year as a fraction, from -0.2 to 0.2", low=-0.2, high=0.2)
PERCENT_OF_GDP: Final = Domain(
    meaning="percent of GDP, above 0 and at most 50", low=0.0, high=50.0, open_low=True, tail_high=True
)
PLEDGE: Final = Domain(meaning="percent of GDP, above 0 and at most 10", low=0.0, high=10.0, open_low=True)
SHARE: Final = Domain(meaning="a share or probability from 0 to 1", low=0.0, high=1.0)
SHARE_WITH_TAIL: Final = Domain(
    meaning="a share from 0 to 1, which thin tails may exceed", low=0.0, high=1.0, tail_high=True
)
SHARE_ABOVE_0: Final = Domain(meaning="a share or probability above 0 and at most 1", low=0.0, high=1.0, open_low=True)
SHARE_BELOW_1: Final = Domain(meaning="a share from 0 to below 1", low=0.0, high=1.0, open_high=True)
INSIDE_SHARE: Final = Domain(
    meaning="a share or probability above 0 and below 1", low=0.0, high=1.0, open_low=True, open_high=True
)
PERSISTENCE: Final = Domain(meaning="a persistence from 0 to below 1", low=0.0, high=1.0, open_high=True)
#: The cohesion model divides by powers of this persistence.
STRONG_PERSISTENCE: Final = Domain(meaning="a persistence from 0.1 to below 1", low=0.1, high=1.0, open_high=True)
QUARTERS: Final = Domain(meaning="a whole number of quarters from 1 to 400", low=1.0, high=400.0, whole=True)
YEARS: Final = Domain(meaning="a whole number of years from 1 to 100", low=1.0, high=100.0, whole=True)
CALENDAR_YEAR: Final = Domain(meaning="a calendar year from 1950 to 2150", low=1950.0, high=2150.0, whole=True)
#: A multiplier that a design may draw from a Normal: the tail below 0 is thin.
MULTIPLIER: Final = Domain(meaning="a factor from 0 to 100", low=0.0, high=100.0, tail_low=True, tail_high=True)
FACTOR: Final = Domain(meaning="a factor from 0 to 100", low=0.0, high=100.0, tail_high=True)
THREAT: Final = Domain(meaning="a level of threat from 0 to 10, where 2023 is 1", low=0.0, high=10.0)


def domain_fault(domain: Domain, prior: "Prior") -> str:
    """Return why a place in the model cannot use a prior; empty if it can."""
    if domain.holds(prior):
        return ""
    if prior.dist == "Constant":
        return f"value is {prior.params[0]:g}, expected {domain.meaning}; correct it"
    return (
        f"{prior.describe()} gives numbers {_range(prior)}, expected {domain.meaning}; "
        "correct its parameters or use a distribution with this range"
    )


def _range(prior: "Prior") -> str:
    """Return the range of a distribution in words: its ends, or three standard deviations where it has none."""
    (lowest, highest), (least, most) = prior.support(), prior.bulk()
    return f"from {'about ' * math.isinf(lowest)}{least:.3g} to {'about ' * math.isinf(highest)}{most:.3g}"
