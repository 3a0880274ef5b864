"""Test the posterior of the rate of reductions against quadrature, and its recovery from simulated reductions."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

from forecast.data.deployments import mission_spells
from forecast.data.tables import load_tables
from forecast.data.troop_levels import level_windows
from forecast.inference.reductions import _overlaps, reduction_shift, shift_given
from forecast.models.withdrawal import log_rates
from forecast.priors.load import load_priors
from tests.support.flat_withdrawal import flat_withdrawal

PRIORS = load_priors(Path(__file__).parents[2] / "priors")
MEAN, SD = 0.35, 0.3


def test_posterior_matches_quadrature() -> None:
    hazard = np.array([[0.02, 0.5, 0.1, 0.3]])
    reduced = np.array([True, True, False, False])

    def density(x: float) -> float:
        prior = np.exp(-0.5 * ((x - MEAN) / SD) ** 2)
        cut = -np.expm1(-hazard[0, :2] * np.exp(x))
        return float(prior * cut.prod() * np.exp(-hazard[0, 2:].sum() * np.exp(x)))

    total = quad(density, -3, 4)[0]
    for u in (0.1, 0.5, 0.9):
        at = shift_given(hazard, reduced, MEAN, SD, np.array([u]))[0]
        # linear between grid points a fifth of a prior SD apart
        assert quad(density, -3, at)[0] / total == pytest.approx(u, abs=0.004)


def test_posterior_without_windows_is_prior() -> None:
    u = (np.arange(2000) + 0.5) / 2000
    draws = shift_given(np.zeros((2000, 0)), np.zeros(0, bool), MEAN, SD, u)
    assert draws.mean() == pytest.approx(MEAN, abs=1e-3)
    assert draws.std() == pytest.approx(SD, rel=0.02)


def test_known_shift_is_recovered() -> None:
    rng = np.random.default_rng(1)
    hazard = rng.gamma(1.0, 0.1, 4000)
    reduced = rng.random(4000) < -np.expm1(-hazard * np.exp(0.9))
    draws = shift_given(np.broadcast_to(hazard, (400, 4000)), reduced, MEAN, SD, rng.random(400))
    # about 900 reductions give a posterior SD of 0.035; four SDs are allowed
    assert draws.mean() == pytest.approx(0.9, abs=0.14)
    assert draws.std() < 0.06


@pytest.fixture(scope="module")
def fitted():
    tables = load_tables()
    return tables, mission_spells(tables, PRIORS)


def flat_draws(spells: xr.Dataset, level: float) -> xr.Dataset:
    """Return equal draws in which all contingents leave at the same log rate for either cause."""
    return flat_withdrawal(spells, 2, 3, defection_intercept=level, planned_intercept=level)


def test_windows_collect_overlapping_pieces(fitted) -> None:
    tables, spells = fitted
    windows = level_windows(tables, PRIORS)
    rows, overlap, window = _overlaps(spells, windows)
    assert (overlap > 0).all() and (overlap <= spells["length"].values[rows] + 1e-9).all()
    shared = np.bincount(window, overlap, minlength=len(windows))
    days = (windows["end"] - windows["start"]).dt.days.to_numpy()
    # quarters have 90 to 92 days, and a contingent is present from one count to the next
    np.testing.assert_allclose(shared, days / 91.3, rtol=0.05, atol=0.02)


def test_higher_defection_rates_lower_the_shift(fitted) -> None:
    tables, spells = fitted
    low, high = (reduction_shift(flat_draws(spells, level), spells, tables, PRIORS, 3) for level in (-5.0, -4.0))
    assert low.dims == ("chain", "draw") and (low > high).all()
    again = reduction_shift(flat_draws(spells, -4.0), spells, tables, PRIORS, 3)
    np.testing.assert_array_equal(again, high)
    rates = log_rates(spells, {k: v.values[0] for k, v in flat_draws(spells, -4.0).items()})
    assert np.allclose(rates[0], -4.0)
