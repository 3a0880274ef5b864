"""Test the baselines of spending against closed forms, and their noise against known scales."""

import numpy as np
import pytest

from forecast.array_types import Floats
from forecast.evaluation.baselines.spending import (
    History,
    arima,
    automatic_forecasts,
    country_drift,
    country_scales,
    gap_slope,
    noise,
    past_years,
    pooled_autoregression,
    pooled_drift,
    simple_forecasts,
    smoothing,
    student_fit,
    theta,
    towards_pledge,
)

SIZE = 4000
MARK = float(np.log(2.0))


def past(changes: Floats, *, start: float = 0.3, member: bool = True) -> History:
    """Return a history with these changes; every country ends at the level `start`."""
    first = start - changes.sum(axis=1, keepdims=True)
    levels = first + np.cumsum(changes, axis=1) - changes
    members = np.full(len(changes), member)
    return History(
        changes=changes,
        levels=levels,
        gaps=np.maximum(0.0, MARK - levels) * members[:, None],
        start=np.full(len(changes), start),
        member=members,
        mark=MARK,
    )


def wobble(countries: int, years: int, drift: float, sd: float, seed: int = 1) -> Floats:
    return drift + sd * np.random.default_rng(seed).standard_t(5, (countries, years))


def test_every_baseline_has_samples_for_every_country_and_step() -> None:
    history = past(wobble(6, 20, 0.0, 0.05))
    history.changes[2, 7] = np.nan  # a year without a figure
    forecasts = simple_forecasts(history, 5, 50, np.random.default_rng(2))
    assert set(forecasts) == {
        "random walk",
        "pooled drift",
        "country drift",
        "pooled AR",
        "pledge gap",
        "half pledge gap",
        "past years resampled",
    }
    for name, paths in forecasts.items():
        assert paths.shape == (6, 5, 50), name
        assert np.isfinite(paths).all(), name


def test_centre_of_each_baseline_has_a_closed_form() -> None:
    changes = wobble(40, 25, -0.03, 0.02)
    history = past(changes, start=0.2)
    forecasts = simple_forecasts(history, 3, SIZE, np.random.default_rng(3))
    center = {name: np.median(paths, axis=(0, 2)) - 0.2 for name, paths in forecasts.items()}
    steps = np.arange(1, 4)
    close = {"abs": 0.004}  # 40 x 4,000 draws with SD 0.02 to 0.04: the rest is the skew of a finite sample
    assert center["random walk"] == pytest.approx([0.0] * 3, **close)
    assert center["pooled drift"] == pytest.approx(steps * changes[:, -5:].mean(), **close)
    assert center["country drift"] == pytest.approx(steps * changes.mean(), **close)
    slope = gap_slope(history)
    gap = (MARK - 0.2) * (1 - slope) ** steps
    assert center["pledge gap"] == pytest.approx(MARK - 0.2 - gap, abs=0.01)


def test_drift_has_the_standard_error_of_its_years() -> None:
    rising = np.repeat(np.arange(10.0)[None, :] / 100, 4, axis=0)  # the last five years have 0.05 to 0.09
    mean, error = pooled_drift(rising)
    assert mean == pytest.approx(0.07)
    assert error == pytest.approx(np.sqrt(0.001 / 4) / np.sqrt(5))
    means, errors = country_drift(rising)
    assert means == pytest.approx([0.045] * 4)
    assert (errors > 0).all()


def test_scale_is_shrunk_and_outliers_are_cut() -> None:
    changes = np.zeros((2, 12))
    changes[0] = 0.1
    changes[1, 0] = 5.0  # cut to 0.25
    pooled = (12 * 0.1**2 + 0.25**2) / 24
    expected = [(12 * 0.1**2 + 4 * pooled) / 16, (0.25**2 + 4 * pooled) / 16]
    assert country_scales(changes) == pytest.approx(np.sqrt(expected))


def test_degrees_of_freedom_and_scale_are_recovered() -> None:
    x = 0.7 * np.random.default_rng(4).standard_t(4, 5000)
    nu, scale = student_fit(np.append(x, np.nan))
    assert nu in (3.5, 4.0, 5.0)  # the neighbours on the grid
    assert scale == pytest.approx(0.7, rel=0.06)  # SE about 1.5 %, steps of the grid 4 %
    quiet = noise(wobble(30, 40, 0.0, 0.05), 2, SIZE, np.random.default_rng(5))
    assert np.median(np.abs(quiet)) == pytest.approx(0.05 * 0.727, rel=0.1)  # quartile of t(5)


def test_only_members_close_a_gap() -> None:
    still = np.zeros((2, 4, 1))
    history = past(np.zeros((2, 12)), start=0.1)
    history.member[1] = False
    paths = towards_pledge(history, 0.5, still)[..., 0]
    gap = MARK - 0.1
    assert paths[0] == pytest.approx(MARK - gap * 0.5 ** np.arange(1, 5))
    assert paths[1] == pytest.approx([0.1] * 4)


def test_gap_slope_is_recovered() -> None:
    history = past(np.zeros((3, 12)), start=0.1)
    closing = History(
        changes=0.2 * history.gaps,
        levels=history.levels,
        gaps=history.gaps,
        start=history.start,
        member=history.member,
        mark=MARK,
    )
    assert gap_slope(closing) == pytest.approx(0.2)


def test_autoregression_recovers_its_equation() -> None:
    rng = np.random.default_rng(6)
    share, last = np.full(200, 0.4), np.zeros(200)
    changes, levels = np.empty((200, 25)), np.empty((200, 25))
    for t in range(25):
        levels[:, t] = share
        last = 0.01 + 0.3 * last - 0.05 * share + 0.02 * rng.normal(size=200)
        changes[:, t], share = last, share + last
    history = History(
        changes=changes,
        levels=levels,
        gaps=0 * levels,
        start=share,
        member=np.zeros(200, bool),
        mark=MARK,
    )
    ahead = pooled_autoregression(history, 1, SIZE, rng)[:, 0]
    wanted = share + 0.01 + 0.3 * last - 0.05 * share
    # 5,000 rows and 4,000 draws: coefficients within a hundredth, medians within 0.001
    assert np.median(ahead, axis=1) == pytest.approx(wanted, abs=0.003)


def test_automatic_methods_follow_trend_and_random_walk() -> None:
    rng = np.random.default_rng(7)
    trend = -0.05 + 0.01 * rng.normal(size=30)
    for method in (arima, smoothing):
        paths = method(trend, 5, 500, rng)
        assert paths.shape == (5, 500)
        assert np.median(paths[4]) == pytest.approx(-0.25, abs=0.05), method.__name__
    walk = 0.05 * rng.normal(size=60)
    spread = arima(walk, 4, SIZE, rng).std(axis=1)
    assert spread[3] / spread[0] == pytest.approx(2.0, rel=0.25)  # root of time for a random walk


@pytest.mark.parametrize("method", [arima, smoothing])
def test_automatic_methods_continue_a_steady_drift(method) -> None:
    changes = 0.0448 + 0.001 * np.random.default_rng(9).normal(size=25)
    ahead = np.median(method(changes, 6, SIZE, np.random.default_rng(10)), axis=1)
    # The standard error of a mean of 25 changes is 0.0002, after six years 0.0012.
    assert np.diff(ahead, prepend=0.0) == pytest.approx(0.0448, abs=0.002)


@pytest.mark.parametrize("method", [arima, smoothing, theta])
def test_automatic_methods_stay_after_a_step(method) -> None:
    changes = np.zeros(30) + 0.002 * np.random.default_rng(9).normal(size=30)
    changes[12] = 0.4  # one rise, then a flat level
    ahead = np.median(method(changes, 5, SIZE, np.random.default_rng(10)), axis=1)
    assert ahead == pytest.approx(0.0, abs=0.1)  # a drift would be 0.4 / 30 a year, 0.07 after five


def test_theta_continues_half_of_a_steady_drift() -> None:
    """On a straight line, exponential smoothing ends at the last value, and the drift of Theta is half the slope."""
    changes = 0.04 + 0.0005 * np.random.default_rng(9).normal(size=25)
    ahead = theta(changes, 4, SIZE, np.random.default_rng(10))
    assert np.median(ahead, axis=1) == pytest.approx(0.02 * np.arange(1, 5), abs=0.01)


def test_spread_of_theta_is_that_of_its_moving_average() -> None:
    """The spread grows with the root of time for a random walk, and not at all for noise around a level."""
    rng = np.random.default_rng(12)
    walk, level = 0.05 * rng.normal(size=60), 0.05 * np.diff(rng.normal(size=61))
    for changes, growth in ((walk, 2.0), (level, 1.0)):
        spread = theta(changes, 4, SIZE, rng).std(axis=1)
        assert spread[3] / spread[0] == pytest.approx(growth, rel=0.25)
        assert spread[0] == pytest.approx(0.05, rel=0.25)


def test_past_years_move_all_countries_together() -> None:
    """If all countries always changed alike, they do so in every sample, by a change of some past year."""
    years = np.array([0.01, -0.02, 0.03, 0.05])
    changes = np.tile(years, (3, 1))
    changes[2, :2] = np.nan  # joins late: in the years before, it gets changes of its own
    drawn = past_years(changes, 2, 500, np.random.default_rng(3))
    assert (drawn[0] == drawn[1]).all()
    assert set(np.unique(drawn[0])) == set(years)
    assert set(np.unique(drawn[2])) == {0.03, 0.05}
    together = drawn[0] > 0.02
    assert (drawn[2][together] == drawn[0][together]).all()


def test_short_series_gets_the_random_walk() -> None:
    changes = wobble(2, 15, 0.0, 0.05)
    changes[1, 9] = np.nan  # five consecutive years remain
    forecasts = automatic_forecasts(past(changes), 2, 200, np.random.default_rng(8))
    walk = noise(changes, 2, 200, np.random.default_rng(8))
    for paths in forecasts.values():
        assert not np.allclose(paths[0], 0.3 + np.cumsum(walk[0], axis=0))
        assert paths[1] == pytest.approx(0.3 + np.cumsum(walk[1], axis=0), nan_ok=True)
