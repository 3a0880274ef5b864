"""Scores of thousands of random forecasts equal those of the package scoringrules."""

import numpy as np
import pytest
import scoringrules
from numpy.random import Generator

from forecast.evaluation.scoring import (
    brier,
    crps,
    crps_of_histogram,
    energy_score,
    log_score_binary,
    rps,
    variogram_score,
)

SIZE = 4000


@pytest.fixture
def rng() -> Generator:
    return np.random.default_rng(20251231)


@pytest.mark.parametrize("samples", [1, 2, 7, 200])
def test_crps(samples: int, rng: Generator) -> None:
    forecasts = rng.standard_t(3, (SIZE, samples)) * rng.lognormal(size=(SIZE, 1))
    observed = 2.0 * rng.normal(size=SIZE)
    np.testing.assert_allclose(
        crps(forecasts, observed), scoringrules.crps_ensemble(observed, forecasts, estimator="nrg"), atol=1e-12
    )


def test_crps_of_counts_with_ties(rng: Generator) -> None:
    forecasts, observed = rng.poisson(2.0, (SIZE, 50)), rng.poisson(2.0, SIZE)
    reference = scoringrules.crps_ensemble(observed.astype(float), forecasts.astype(float), estimator="nrg")
    np.testing.assert_allclose(crps(forecasts, observed), reference, atol=1e-12)


def test_crps_of_a_histogram(rng: Generator) -> None:
    """A histogram has the score of the samples that it counts, for outcomes on, between and beyond its values."""
    values = np.arange(1.0, 7.0)
    for outcome in (*values, *rng.uniform(-2.0, 10.0, 300)):
        counts = rng.integers(0, 5, values.size) + np.eye(6, dtype=int)[2]
        samples = np.repeat(values, counts)
        reference = scoringrules.crps_ensemble(outcome, samples, estimator="nrg")
        assert crps_of_histogram(values, counts, outcome) == pytest.approx(reference, abs=1e-12)


def test_brier_and_log_score(rng: Generator) -> None:
    p, happened = rng.uniform(0.001, 0.999, SIZE), rng.integers(0, 2, SIZE)
    np.testing.assert_allclose(brier(p, happened), scoringrules.brier_score(happened, p), atol=1e-15)
    np.testing.assert_allclose(log_score_binary(p, happened), scoringrules.log_score(happened, p), atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_ranked_probability_score(classes: int, rng: Generator) -> None:
    p, outcome = rng.dirichlet(np.ones(classes), SIZE), rng.integers(0, classes, SIZE)
    np.testing.assert_allclose(rps(p, outcome), scoringrules.rps_score(outcome + 1, p), atol=1e-12)


def test_energy_and_variogram_score(rng: Generator) -> None:
    for _ in range(300):
        size, samples = rng.integers(2, 9), rng.integers(2, 40)
        mixing = rng.normal(size=(size, size))
        joint, observed = mixing @ rng.normal(size=(size, samples)), mixing @ rng.normal(size=size)
        assert energy_score(joint, observed) == pytest.approx(scoringrules.es_ensemble(observed, joint.T), rel=1e-9)
        reference = scoringrules.vs_ensemble(observed, joint.T, p=0.5) / size**2  # a sum over pairs, not a mean
        assert variogram_score(joint, observed) == pytest.approx(reference, rel=1e-9, abs=1e-12)


def test_the_variogram_score_sees_what_the_margins_hide(rng: Generator) -> None:
    """Two forecasts with the same margins differ only by their correlation, and the true one has the better score."""
    common, own = rng.normal(size=(1, 2000)), rng.normal(size=(4, 2000))
    together, apart = 0.9 * common + 0.436 * own, np.array([rng.permutation(row) for row in 0.9 * common + 0.436 * own])
    outcomes = 0.9 * rng.normal(size=(1, 200)) + 0.436 * rng.normal(size=(4, 200))
    for score in (variogram_score, energy_score):
        assert np.mean([score(together, y) - score(apart, y) for y in outcomes.T]) < 0.0
