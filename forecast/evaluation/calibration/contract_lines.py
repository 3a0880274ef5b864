"""One line of the contract between a fit, the data and the simulation: an observed number beside a simulated one.

The line holds the number in the data, what the fit expects along the simulated histories, and the simulated numbers.
Two verdicts are separate. `within`: the observed number lies in the central 95 % of the simulated ones; a wrong model
or a poor fit makes this fail. `agrees`: over all simulated histories, what the compiled kernel did equals what the
equations of the fit expect given each history, within four standard errors; only a simulation that departs from the
fit makes this fail.
"""

from typing import Any, Final, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.storage.shapes import Number

COVERAGE: Final = 0.95  # of the interval of simulated numbers
ERRORS: Final = 4.0  # largest distance between simulation and fit, in standard errors
_ROUNDING: Final = 1e-9  # relative difference that is due to the order of sums


class Line(TypedDict):
    """A line of the contract; a number is None where the tables or the fit say nothing."""

    term: str
    unit: str
    observed: Number | None
    expected: Number | None
    simulated: Number
    lower: Number
    upper: Number
    within: bool | None
    agrees: bool | None
    apart: NotRequired[Number | None]  # distance between simulation and fit, standard errors


def make_line(
    term: str, unit: str, observed: float | None, simulated: Floats, expected: Floats | float | None = None
) -> Line:
    """Return a line; `simulated` and `expected` hold one number for each history, (path,)."""
    tail = (1.0 - COVERAGE) / 2
    lower, upper = np.quantile(simulated, (tail, 1.0 - tail))
    slack = _ROUNDING * max(1.0, abs(lower), abs(upper))
    apart = None if expected is None else _distance(simulated, np.broadcast_to(expected, simulated.shape))
    return {
        "term": term,
        "unit": unit,
        "observed": None if observed is None else float(observed),
        "expected": None if expected is None else float(np.mean(expected)),
        "simulated": float(simulated.mean()),
        "lower": float(lower),
        "upper": float(upper),
        "within": None if observed is None else bool(lower - slack <= observed <= upper + slack),
        "agrees": None if apart is None else bool(apart <= ERRORS),
        "apart": apart,
    }


def rate_line(
    term: str, unit: str, observed: tuple[float, float] | None, counted: Floats, expected: Floats, exposure: Floats
) -> Line:
    """Return a line on events per 100 units of exposure.

    Parameters
    ----------
    term, unit
        What is counted, and the unit of the rate.
    observed
        Events and exposure in the data, None if the tables do not record them.
    counted, expected, exposure
        Events, expected events and exposure of each history, (path,).
    """
    per = 100.0 / np.maximum(exposure, _ROUNDING)
    line = make_line(term, unit, None if observed is None else 100.0 * observed[0] / observed[1], counted * per)
    apart = _distance(counted, expected)
    return line | {
        "expected": float(100.0 * expected.sum() / max(exposure.sum(), _ROUNDING)),
        "agrees": bool(apart <= ERRORS),
        "apart": apart,
    }


def _distance(simulated: Floats, expected: NDArray[Any]) -> float:
    """Return the distance of the means in standard errors of the paired differences; 0 up to rounding."""
    difference = np.asarray(simulated - expected, dtype=float)
    error = difference.std() / np.sqrt(difference.size)
    mean = abs(float(difference.mean()))
    if mean <= _ROUNDING * max(1.0, float(np.abs(simulated).max())):
        return 0.0
    return float(min(mean / max(error, 1e-12), 1e6))
