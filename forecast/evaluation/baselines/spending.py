"""Baselines for defence spending: random walks, drifts, pledge gaps, and three automatic methods.

Each baseline returns samples of the log share (country, step, sample) in the years after an origin, from what was known
then. The noise is Student-t; its degrees of freedom, common scale and country scales are estimated from the same
history. A baseline therefore has sensible intervals and loses only by what it leaves out. A drift includes its standard
error.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from forecast.array_types import Floats

_WINDOW: Final = 5  # years that a pooled drift is estimated from
_SHRINK: Final = 4.0  # weight of the pooled scale in a country's scale, in years of data
_OUTLIER: Final = 0.25  # log points; larger changes are cut to this size in a scale or slope
_NU: Final = (2.2, 2.5, 3.0, 3.5, 4.0, 5.0, 7.0, 10.0, 20.0)  # grid of degrees of freedom
_SHORTEST: Final = 8  # consecutive yearly changes that an automatic method needs


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """Hold what was known at an origin about the countries forecast; NaN where unknown.

    Attributes
    ----------
    changes, levels
        (country, year): yearly change of the log share, and the log share of the year before.
    gaps
        (country, year): log points below `mark`; 0 for countries outside NATO.
    start
        (country,): last log share.
    member
        (country,): whether the country is in NATO.
    mark
        Log of the pledged share of GDP.
    """

    changes: Floats
    levels: Floats
    gaps: Floats
    start: Floats
    member: NDArray[np.bool_]
    mark: float


def history_of(panel: xr.Dataset, countries: list[str], member: NDArray[np.bool_], mark: float) -> History:
    """Return the panel of an origin as arrays over `countries` and years; `mark` is the log of the pledge."""
    row_of = {name: i for i, name in enumerate(countries)}
    shape = (len(countries), panel.sizes["year"])
    changes, levels = np.full(shape, np.nan), np.full(shape, np.nan)
    names = panel["country"].to_numpy()[panel["country_of"].to_numpy()]
    for name, column, change, level in zip(
        names,
        panel["year_of"].to_numpy(),
        panel["change"].to_numpy(),
        panel["level"].to_numpy(),
        strict=True,
    ):
        if name in row_of:
            changes[row_of[name], column], levels[row_of[name], column] = change, level
    gaps = np.maximum(0.0, mark - levels) * member[:, None]
    start = panel["last_log_share"].sel(country=countries).to_numpy()
    return History(changes=changes, levels=levels, gaps=gaps, start=start, member=member, mark=mark)


def simple_forecasts(past: History, steps: int, size: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Return the samples of all simple baselines by name; they share noise, so they differ only by their rules."""
    drift, error = pooled_drift(past.changes)
    walk_noise = noise(past.changes, steps, size, rng)
    drift_noise = noise(past.changes - drift, steps, size, rng)
    common = drift + error * rng.normal(size=size)
    mean, spread = country_drift(past.changes)
    by_country = mean[:, None] + spread[:, None] * rng.normal(size=(len(mean), size))
    slope = gap_slope(past)
    return {
        "random walk": _walk(past.start, walk_noise),
        "pooled drift": _walk(past.start, drift_noise + common),
        "country drift": _walk(past.start, drift_noise + by_country[:, None, :]),
        "pooled AR": pooled_autoregression(past, steps, size, rng),
        "pledge gap": towards_pledge(past, slope, walk_noise),
        "half pledge gap": towards_pledge(past, slope / 2.0, walk_noise),
        "past years resampled": _walk(past.start, past_years(past.changes, steps, size, rng)),
    }


def noise(changes: Floats, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Return yearly Student-t noise (country, step, sample) whose country scales are shrunk to the pooled scale."""
    scale = country_scales(changes)
    nu, common = student_fit((changes / scale[:, None]).ravel())
    return rng.standard_t(nu, (len(scale), steps, size)) * (common * scale)[:, None, None]


def country_scales(changes: Floats) -> Floats:
    """Return each country's root mean square change, shrunk to the pooled one; outliers are cut to 0.25 log points."""
    square = np.minimum(np.abs(changes), _OUTLIER) ** 2
    known = np.isfinite(changes).sum(axis=1)
    pooled = np.nanmean(square)
    return np.asarray(np.sqrt((np.nansum(square, axis=1) + _SHRINK * pooled) / (known + _SHRINK)))


def past_years(changes: Floats, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Return yearly changes (country, step, sample), each step with the changes of one past year in all countries.

    Countries therefore move together as they did. A country without a change in that year gets one of its own past
    changes. Only years in which half of the countries have a change are drawn.
    """
    known = np.isfinite(changes)
    years = np.flatnonzero(2 * known.sum(axis=0) >= len(changes))
    drawn = changes[:, rng.choice(years, (steps, size))]
    for paths, row, has in zip(drawn, changes, known, strict=True):
        missing = ~np.isfinite(paths)
        paths[missing] = rng.choice(row[has] if has.any() else changes[known], missing.sum())
    return np.asarray(drawn)


def student_fit(x: Floats) -> tuple[float, float]:
    """Return degrees of freedom and scale of a centred Student-t, by maximum likelihood on a grid."""
    x = x[np.isfinite(x)]
    grid = np.exp(np.linspace(-1.5, 0.7, 56))
    fits = [(float((stats.t.logpdf(x[:, None] / grid, nu) - np.log(grid)).sum(axis=0).max()), nu) for nu in _NU]
    nu = max(fits)[1]
    density = (stats.t.logpdf(x[:, None] / grid, nu) - np.log(grid)).sum(axis=0)
    return nu, float(grid[density.argmax()])


def pooled_drift(changes: Floats) -> tuple[float, float]:
    """Return the mean change of all countries in the last five years, and its standard error from yearly means."""
    years = np.nanmean(changes[:, -_WINDOW:], axis=0)
    years = years[np.isfinite(years)]
    return float(years.mean()), float(years.std(ddof=1) / np.sqrt(years.size))


def country_drift(changes: Floats) -> tuple[Floats, Floats]:
    """Return each country's mean change over all years, and its standard error from the country's scale."""
    known = np.isfinite(changes).sum(axis=1)
    mean = np.nanmean(changes, axis=1)
    return mean, country_scales(changes - mean[:, None]) / np.sqrt(known)


def gap_slope(past: History) -> float:
    """Return the change per log point below the pledge, by least squares through the origin over the last ten years."""
    gap, change = past.gaps[:, -2 * _WINDOW :], past.changes[:, -2 * _WINDOW :]
    short = np.isfinite(change) & (gap > 0.0)
    change = np.clip(change[short], -_OUTLIER, _OUTLIER)
    return float((gap[short] * change).sum() / (gap[short] ** 2).sum())


def towards_pledge(past: History, slope: float, shocks: Floats) -> Floats:
    """Return a random walk on which NATO members below the pledge close the fraction `slope` of their gap each year."""
    share = np.repeat(past.start[:, None], shocks.shape[2], axis=1)
    paths = np.empty_like(shocks)
    for step in range(shocks.shape[1]):
        gap = np.maximum(0.0, past.mark - share) * past.member[:, None]
        share = share + slope * gap + shocks[:, step]
        paths[:, step] = share
    return paths


def pooled_autoregression(past: History, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Return samples of change = a + b * (last change) + c * level, one least-squares equation for all countries."""
    before = np.column_stack([np.full(len(past.start), np.nan), past.changes[:, :-1]])
    known = np.isfinite(past.changes) & np.isfinite(before)
    clipped = [np.clip(x[known], -_OUTLIER, _OUTLIER) for x in (past.changes, before)]
    x = np.column_stack([np.ones(known.sum()), clipped[1], past.levels[known]])
    a, b, c = np.linalg.lstsq(x, clipped[0], rcond=None)[0]
    residual = np.where(known, past.changes - a - b * before - c * past.levels, np.nan)
    shocks = noise(residual, steps, size, rng)
    share = np.repeat(past.start[:, None], size, axis=1)
    last = np.repeat(np.nan_to_num(past.changes[:, -1:]), size, axis=1)
    paths = np.empty_like(shocks)
    for step in range(steps):
        last = a + b * np.clip(last, -_OUTLIER, _OUTLIER) + c * share + shocks[:, step]
        share = share + last
        paths[:, step] = share
    return paths


def automatic_forecasts(past: History, steps: int, size: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Return samples of automatic ARIMA, exponential smoothing and Theta by name, each fitted to each country alone.

    The methods have normal errors. They use the unbroken run of yearly changes that ends at the origin. A country with
    fewer than eight such changes gets the random walk.
    """
    methods = {"automatic ARIMA": arima, "exponential smoothing": smoothing, "Theta": theta}
    walk_noise = noise(past.changes, steps, size, rng)
    paths = {name: _walk(past.start, walk_noise) for name in methods}
    for i, row in enumerate(past.changes):
        changes = row[np.isnan(row).nonzero()[0].max(initial=-1) + 1 :]
        if changes.size >= _SHORTEST:
            for name, method in methods.items():
                paths[name][i] = past.start[i] + method(changes, steps, size, rng)
    return paths


def arima(changes: Floats, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Return samples (step, size) of the level, 0 at the start, of the stepwise best ARIMA(p, 1, q) by AICc.

    The search follows Hyndman and Khandakar (2008), Journal of Statistical Software 27, with one difference,
    p + q <= 2, and a drift or none. Steps are sampled independently, so a sample is not a path.
    """
    level = _levels(changes)
    fits = {(order, trend): _arima(level, order, trend) for order in ((0, 0), (1, 0), (0, 1)) for trend in ("n", "c")}
    while True:
        (p, q), trend = min(fits, key=lambda key: fits[key].aicc)
        near = ((p + 1, q), (p, q + 1)) if p + q == 1 else ()
        fresh = [order for order in near if (order, trend) not in fits]
        if not fresh:
            break
        fits |= {(order, trend): _arima(level, order, trend) for order in fresh}
    ahead = min(fits.values(), key=lambda fit: fit.aicc).get_forecast(steps)
    errors = ahead.se_mean[:, None] * rng.normal(size=(steps, size))
    return np.asarray(ahead.predicted_mean[:, None] + errors)


def _arima(level: Floats, order: tuple[int, int], trend: str) -> Any:
    """Return the fitted ARIMA; the constant of the differenced series is a drift of the level.

    The variance is concentrated out of the likelihood, unless it is the only parameter.
    """
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    alone = sum(order) == 0 and trend == "n"
    with warnings.catch_warnings():  # statsmodels replaces starting values outside the stationary region
        warnings.simplefilter("ignore")
        model = SARIMAX(level, order=(order[0], 1, order[1]), trend=trend, concentrate_scale=not alone)
        return model.fit(disp=0, maxiter=30, cov_type="none")


def smoothing(changes: Floats, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Return samples (step, size) of the level, 0 at the start, of exponential smoothing with additive errors.

    The trend is none, linear or damped, whichever has the lowest AICc.
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    level = _levels(changes)
    trends: tuple[dict[str, Any], ...] = (
        {},
        {"trend": "add"},
        {"trend": "add", "damped_trend": True},
    )
    with warnings.catch_warnings():  # statsmodels reports a flat likelihood as not converged
        warnings.simplefilter("ignore")
        fits = [ETSModel(level, error="add", **trend).fit(disp=False) for trend in trends]
    best = min(fits, key=lambda fit: fit.aicc)
    return np.asarray(best.simulate(steps, anchor="end", repetitions=size, rng=rng)).reshape(steps, size)


def theta(changes: Floats, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Return samples (step, size) of the level, 0 at the start, of the Theta method.

    The forecast is exponential smoothing with half the slope of the series as drift (Assimakopoulos and Nikolopoulos
    2000, International Journal of Forecasting 16). Its variance after h steps is the first, times
    1 + (h - 1) alpha^2 (Hyndman and Billah 2003, same journal 19). The variance is computed here: statsmodels fits a
    second model for it, which takes a second for each series. Steps are sampled independently.
    """
    from statsmodels.tsa.forecasting.theta import ThetaModel

    level = _levels(changes)
    with warnings.catch_warnings():  # statsmodels reports a flat likelihood as not converged
        warnings.simplefilter("ignore")
        fit = ThetaModel(level, period=1, deseasonalize=False).fit()
    slope, alpha = fit.params.iloc[0], fit.params.iloc[1]
    errors, smooth = np.empty(changes.size), level[0]
    for i, value in enumerate(level[1:]):
        errors[i] = value - smooth - slope / 2.0
        smooth += alpha * (value - smooth)
    spread = errors.std() * np.sqrt(1.0 + np.arange(steps) * alpha**2)
    return np.asarray(fit.forecast(steps).to_numpy()[:, None] + spread[:, None] * rng.normal(size=(steps, size)))


def _levels(changes: Floats) -> Floats:
    """Return the levels before the first change and after each, of which the last is 0."""
    return np.asarray(np.concatenate([[0.0], np.cumsum(changes)]) - changes.sum())


def _walk(start: Floats, change: Floats) -> Floats:
    """Return the paths (country, step, sample) that begin at `start` and add up `change`."""
    return np.asarray(start[:, None, None] + np.cumsum(change, axis=1))
