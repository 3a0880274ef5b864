"""Helpers for tests of projections."""

import numpy as np

from forecast.simulation.histograms import COHESION_STEP
from forecast.simulation.tallies import UNIT, SampledPaths, Tally


def assert_same(first: tuple[Tally, SampledPaths], second: tuple[Tally, SampledPaths]) -> None:
    for a, b in zip(first, second, strict=True):
        for name, left, right in zip(a._fields, a, b, strict=True):
            np.testing.assert_array_equal(left, right, err_msg=name)


def tiny_estimates(tally: Tally) -> dict[str, np.ndarray]:
    """Return a probability, a mean and a median of the tiny plan."""
    n = tally.paths.sum()
    middle = (tally.cohesion.cumsum(-1) < n / 2).sum(-1)
    return {
        "verdict": tally.verdict / n,
        "cohesion": tally.cohesion_sum / UNIT / n,
        "median": COHESION_STEP * middle.astype(float),
    }
