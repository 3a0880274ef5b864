"""What tests of projections share."""

import numpy as np

from forecast.simulation.tallies import UNIT, SampledPaths, Tally


def assert_same(one: tuple[Tally, SampledPaths], other: tuple[Tally, SampledPaths]) -> None:
    for a, b in zip(one, other, strict=True):
        for name, left, right in zip(a._fields, a, b, strict=True):
            np.testing.assert_array_equal(left, right, err_msg=name)


def tell(tally: Tally) -> dict[str, np.ndarray]:
    """What a tally of the tiny plan tells: a probability, a mean and a median."""
    n = tally.paths.sum()
    middle = (tally.cohesion.cumsum(-1) < n / 2).sum(-1)
    return {
        "verdict": tally.verdict / n,
        "cohesion": tally.cohesion_sum / UNIT / n,
        "median": 0.02 * middle.astype(float),
    }
