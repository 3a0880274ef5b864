"""The judgement share is correct for outputs that are the sum of a shared and an independent part."""

import numpy as np
import pytest

from forecast.projection.judgement_share import shared_variance
from forecast.simulation.tallies import SampledPaths

PATHS = 20_000
ERROR = 4 / np.sqrt(PATHS)  # four standard errors of a correlation


def joint(values: np.ndarray) -> SampledPaths:
    """One cell, one year, one mission: all outputs are `values`."""
    cell = values.reshape(-1, 1, 1).astype(np.float32)
    return SampledPaths(
        cohesion=cell,
        european=cell,
        survival=cell[..., None, None],
        measures=cell[..., None],
        dyads=cell[..., None, None],
        verdict=cell,
        shares=cell[..., None],
        events=cell,
        landmarks=cell[..., None],
        membership=cell[..., None],
        exits=cell[..., None],
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_share_of_a_sum_is_its_share_of_the_variance(share: float) -> None:
    rng = np.random.default_rng(3)
    shared = np.sqrt(share) * rng.normal(size=PATHS)
    independent = np.sqrt(1 - share)
    first, second = (joint(5 + shared + independent * rng.normal(size=PATHS)) for _ in range(2))
    shares = shared_variance(first, second)
    assert shares["european"].item() == pytest.approx(share, abs=ERROR)
    assert shares["survival"].item() == pytest.approx(share, abs=ERROR)


def test_share_is_nan_without_variance_and_never_negative() -> None:
    constant = joint(np.ones(10))
    assert np.isnan(shared_variance(constant, constant)["european"]).all()
    up, down = joint(np.arange(10.0)), joint(-np.arange(10.0))
    assert shared_variance(up, down)["european"].item() == 0.0


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_share_of_an_event_is_that_of_its_indicator(share: float) -> None:
    """Of two normals of correlation r, the signs have the correlation 2 asin(r) / pi (Sheppard 1899)."""
    rng = np.random.default_rng(4)
    shared = np.sqrt(share) * rng.normal(size=PATHS)
    first, second = (joint(shared + np.sqrt(1 - share) * rng.normal(size=PATHS)) for _ in range(2))
    shares = shared_variance(first, second)
    expected = 2 * np.arcsin(share) / np.pi
    assert shares["events"].shape == (1, 1, 1)  # cell, event, quarter
    assert shares["events"].item() == pytest.approx(expected, abs=ERROR)  # it happened by quarter 0
    assert shares["landmarks"].item() == pytest.approx(expected, abs=ERROR)
    assert shares["measures"].item() == pytest.approx(share, abs=ERROR)


def test_an_event_that_never_happens_has_no_share() -> None:
    never = joint(np.full(10, np.nan))
    assert np.isnan(shared_variance(never, never)["events"]).all()
