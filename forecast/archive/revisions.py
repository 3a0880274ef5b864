"""How forecasts of one question change from run to run: flip-flop index and a test of efficient revisions.

A forecast that uses its information well moves like a martingale, so its next revision cannot be foreseen from the last
one (Nordhaus 1987). Revisions in the same direction show that news is used too slowly; opposite ones show that it is
used too strongly, or that noise is published.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

FEWEST: Final = 20  # questions with two revisions; with fewer, the test says nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Efficiency:
    """Test that the revisions of a question are uncorrelated.

    Attributes
    ----------
    questions : number of sequences with at least two revisions.
    revisions : number of pairs of successive revisions.
    slope : least-squares slope of a revision on the one before, through the origin; NaN without any revision.
    t, p : t statistic with one degree of freedom less than `questions`, and its two-sided p value; None if there are
        fewer than `FEWEST` questions.
    """

    questions: int
    revisions: int
    slope: float
    t: float | None
    p: float | None


def flip_flop(forecasts: Sequence[float]) -> float | None:
    """Return by how much forecasts of one event, in order of time, turn back and forth; None for fewer than three.

    It is the sum of the absolute revisions minus the range, divided by the number of possible turns (Griffiths et al.
    2019, Meteorological Applications 26); 0 for forecasts that only rise or only fall.
    """
    values = np.asarray(forecasts, dtype=float)
    if values.size < 3:
        return None
    return float((np.abs(np.diff(values)).sum() - np.ptp(values)) / (values.size - 2))


def efficiency(histories: Sequence[Sequence[float]]) -> Efficiency:
    """Return the test over the forecasts of several questions, each in order of time.

    The products of successive revisions are summed by question, because those of one question are not independent;
    the sums have mean 0 under efficiency, whatever their variances.
    """
    products: list[float] = []
    earlier_squared, pairs = 0.0, 0
    for history in histories:
        revisions = np.diff(np.asarray(history, dtype=float))
        if revisions.size < 2 or not revisions.any():
            continue
        products.append(float(revisions[1:] @ revisions[:-1]))
        earlier_squared += float(revisions[:-1] @ revisions[:-1])
        pairs += revisions.size - 1
    sums = np.array(products)
    slope = float(sums.sum() / earlier_squared) if earlier_squared > 0.0 else math.nan
    statistic, p = None, None
    if sums.size >= FEWEST and sums.any():
        from scipy.stats import t as student

        statistic = float(sums.sum() / math.sqrt(float(sums @ sums)))
        p = float(2.0 * student.sf(abs(statistic), sums.size - 1))
    return Efficiency(questions=sums.size, revisions=pairs, slope=slope, t=statistic, p=p)
