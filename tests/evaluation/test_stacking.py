"""Weights of stacked forecasters: known answers, and nothing learnt from outcomes that were not known."""

import numpy as np
import pytest

from forecast.evaluation.scoring import crps
from forecast.evaluation.stacking import distances, mixture, stacking_weights

SIZE, FORECASTS = 400, 200


def forecasts(rng: np.random.Generator, *laws: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return samples (forecaster, forecast, sample) of normal forecasters, and outcomes from a standard normal."""
    observed = rng.normal(size=FORECASTS)
    samples = np.stack([mean + sd * rng.normal(size=(FORECASTS, SIZE)) for mean, sd in laws])
    return samples, observed


def test_the_right_forecaster_gets_the_weight() -> None:
    past = [distances(*forecasts(np.random.default_rng(1), (0.0, 1.0), (2.0, 1.0)), known=2010)]
    assert stacking_weights(past, 2010, 2) == pytest.approx([1.0, 0.0], abs=0.03)


def test_two_biased_forecasters_are_mixed_evenly() -> None:
    """Outcomes from an even mixture of two laws have the lowest CRPS under the even mixture."""
    rng = np.random.default_rng(2)
    observed = np.where(rng.random(2000) < 0.5, -1.0, 1.0) + 0.3 * rng.normal(size=2000)
    samples = np.stack([mean + 0.3 * rng.normal(size=(2000, SIZE)) for mean in (-1.0, 1.0)])
    assert stacking_weights([distances(samples, observed, 2010)], 2011, 2) == pytest.approx([0.5, 0.5], abs=0.04)


def test_weights_minimise_the_crps_of_the_mixture() -> None:
    rng = np.random.default_rng(3)
    samples, observed = forecasts(rng, (0.6, 0.8), (-0.9, 1.2), (0.0, 3.0))
    best = stacking_weights([distances(samples, observed, 0)], 0, 3)
    scores = {}
    for name, weights in {"best": best, "equal": np.full(3, 1 / 3), **{str(k): np.eye(3)[k] for k in range(3)}}.items():
        scores[name] = crps(mixture(samples, weights, np.random.default_rng(4)), observed).mean()
    assert scores["best"] <= min(scores.values()) + 0.003  # Monte Carlo error of a few hundred samples
    assert scores["best"] < scores["equal"]


def test_outcomes_that_are_not_known_yet_do_not_count() -> None:
    rng = np.random.default_rng(5)
    early = distances(*forecasts(rng, (0.0, 1.0), (2.0, 1.0)), known=2010)
    late = distances(*forecasts(rng, (2.0, 1.0), (0.0, 1.0)), known=2013)
    for now in (2010, 2012):
        assert (stacking_weights([early, late], now, 2) == stacking_weights([early], now, 2)).all()
    assert stacking_weights([early, late], 2013, 2) == pytest.approx([0.5, 0.5], abs=0.15)
    assert (stacking_weights([early, late], 2009, 2) == [0.5, 0.5]).all()


def test_a_mixture_takes_each_index_from_one_forecaster() -> None:
    samples = np.stack([np.full((3, 1000), value) for value in (1.0, 2.0)])
    mixed = mixture(samples, np.array([0.25, 0.75]), np.random.default_rng(6))
    assert mixed.shape == (3, 1000)
    assert (mixed == mixed[0]).all()
    assert mixed.mean() == pytest.approx(1.75, abs=0.06)
