"""In a linear Gaussian model the value of information is the known one, and its errors cover it."""

import datetime

import numpy as np
import pytest

from forecast.archive.information import (
    coming,
    explained_shares,
    value_of_information,
)
from forecast.errors import RunError
from forecast.priors.releases import Release
from tests.support.scenario_weights import sampled

ONE = np.ones(1)


def release(*reveals: str, day: str = "2026-03-01", announced: bool = True) -> Release:
    return Release(
        name=f"Figures of {day}",
        date=datetime.date.fromisoformat(day),
        announced=announced,
        source="an office",
        reveals=reveals,
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
def test_linear_gaussian_case_has_the_closed_form(share: float) -> None:
    """y = a x + e has var(E[y | x]) / var(y) = a^2 / (a^2 + sd^2); two quantities add up."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4000, 1, 2))
    e = rng.normal(size=(4000, 1))
    y = np.sqrt(share * 0.75) * x[..., 0] - np.sqrt(share * 0.25) * x[..., 1] + np.sqrt(1.0 - share) * e
    found, error = explained_shares(x, y[..., None], ONE, np.arange(4000))
    assert found.item() == pytest.approx(share, abs=4.0 * error.item() + 0.006)  # cut at three standard deviations


def test_errors_cover_the_closed_form() -> None:
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, e = rng.normal(size=(2, 400, 1))
        found, error = explained_shares(x[..., None], (0.6 * x + 0.8 * e)[..., None], ONE, np.arange(400))
        covered += abs(found.item() - 0.36) <= 1.96 * error.item()
    assert 89 <= covered <= 99


def test_draws_that_serve_several_paths_are_no_new_evidence() -> None:
    """Copies of the same paths change neither the share nor its error, and leave the folds apart."""
    rng = np.random.default_rng(4)
    x, e = rng.normal(size=(2, 300, 1))
    y = x + e
    once = explained_shares(x[..., None], y[..., None], ONE, np.arange(300))
    thrice = explained_shares(*(np.tile(v, (3, 1))[..., None] for v in (x, y)), ONE, np.tile(np.arange(300), 3))
    assert thrice[0] == pytest.approx(once[0], rel=1e-6) and thrice[1] == pytest.approx(once[1], rel=1e-6)


def test_an_event_and_a_scenario_can_be_revealed() -> None:
    """In a mixture, knowing which of two scenarios came true removes the variance between them."""
    rng = np.random.default_rng(6)
    which = np.tile([0.0, 1.0], (500, 1))
    y = 2.0 * which + rng.normal(size=(500, 2))
    found, error = explained_shares(which[..., None], y[..., None], np.array([0.5, 0.5]), np.arange(500))
    assert found.item() == pytest.approx(0.5, abs=4.0 * error.item())


def test_a_headline_without_variance_is_left_out() -> None:
    x = np.random.default_rng(1).normal(size=200)
    (found,) = value_of_information([release("E(x in 2026)")], sampled(np.ones(200), {"E(x in 2026)": x}))
    assert found.narrowings == []


def test_past_releases_are_left_out() -> None:
    early, late = release("E(x in 2026)", day="2026-01-31"), release("E(x in 2026)", day="2026-06-01")
    assert coming([early, late], "2025-12-31") == [early, late]
    assert coming([early, late], "2026-01-31") == [late]
    with pytest.raises(RunError, match="the last release of the calendar is on 2026-06-01, expected one after"):
        coming([early, late], "2026-06-01")
