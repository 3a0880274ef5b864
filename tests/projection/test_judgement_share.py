"""The share of judgement is right where it is known: outputs that are a sum of a shared and an own part."""

import numpy as np
import pytest

from forecast.projection.judgement_share import explained
from forecast.simulation.tallies import SampledPaths

PATHS = 20_000
ERROR = 4 / np.sqrt(PATHS)  # four standard errors of a correlation


def joint(values: np.ndarray) -> SampledPaths:
    """One cell, one year, one mission: all outputs are `values`."""
    one = values.reshape(-1, 1, 1).astype(np.float32)
    return SampledPaths(
        cohesion=one, european=one, survival=one[..., None, None], measures=one[..., None], dyads=one[..., None, None]
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_the_share_of_a_sum_is_that_of_its_variance(share: float) -> None:
    rng = np.random.default_rng(3)
    shared = np.sqrt(share) * rng.normal(size=PATHS)
    own = np.sqrt(1 - share)
    first, second = (joint(5 + shared + own * rng.normal(size=PATHS)) for _ in range(2))
    found = explained(first, second)
    assert found["european"].item() == pytest.approx(share, abs=ERROR)
    assert found["survival"].item() == pytest.approx(share, abs=ERROR)


def test_it_is_nan_without_variance_and_never_negative() -> None:
    constant = joint(np.ones(10))
    assert np.isnan(explained(constant, constant)["european"]).all()
    up, down = joint(np.arange(10.0)), joint(-np.arange(10.0))
    assert explained(up, down)["european"].item() == 0.0
