"""Simple forecasts of defence spending that a model must beat: random walks, drifts, gaps, and two automatic methods.

Each is a distribution: samples of the log share (country, step, sample) over the years after an origin, from what was
known then. Noise is Student-t with degrees of freedom, a common scale and country scales learnt from the same past, so
that a baseline loses by what it leaves out and not by silly intervals. A drift carries its own standard error.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from forecast.array_types import Floats

_WINDOW: Final = 5  # years behind a pooled drift
_SHRINK: Final = 4.0  # years of data that the pooled scale counts for in a country's own
_OUTLIER: Final = 0.25  # log points: larger changes count as this much in a scale or a slope
_NU: Final = (2.2, 2.5, 3.0, 3.5, 4.0, 5.0, 7.0, 10.0, 20.0)
_SHORTEST: Final = 8  # changes in a row that an automatic method needs


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What was known at an origin, for the countries forecast: yearly changes, levels, gaps; NaN where unknown.

    `changes`, `levels` (of the year before) and `gaps` (log points below `mark`, 0 for those outside NATO) are
    (country, year); `start`, the last log share, and `member`, whether in NATO, are (country,).
    """

    changes: Floats
    levels: Floats
    gaps: Floats
    start: Floats
    member: NDArray[np.bool_]
    mark: float


def history_of(panel: xr.Dataset, countries: list[str], member: NDArray[np.bool_], mark: float) -> History:
    """The panel of an origin as tables of the `countries`, whose last level is that of the origin."""
    place = {name: i for i, name in enumerate(countries)}
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
        if name in place:
            changes[place[name], column], levels[place[name], column] = change, level
    gaps = np.maximum(0.0, mark - levels) * member[:, None]
    start = panel["last_log_share"].sel(country=countries).to_numpy()
    return History(changes=changes, levels=levels, gaps=gaps, start=start, member=member, mark=mark)


def simple_forecasts(past: History, steps: int, size: int, rng: np.random.Generator) -> dict[str, Floats]:
    """All baselines without a library, by name; common noise, so that they differ by what they say."""
    drift, error = pooled_drift(past.changes)
    still = noise(past.changes, steps, size, rng)
    around = noise(past.changes - drift, steps, size, rng)
    common = drift + error * rng.normal(size=size)
    mean, spread = country_drift(past.changes)
    own = mean[:, None] + spread[:, None] * rng.normal(size=(len(mean), size))
    slope = gap_slope(past)
    return {
        "random walk": _walk(past.start, still),
        "pooled drift": _walk(past.start, around + common),
        "country drift": _walk(past.start, around + own[:, None, :]),
        "pooled AR": pooled_autoregression(past, steps, size, rng),
        "pledge gap": towards_pledge(past, slope, still),
        "half pledge gap": towards_pledge(past, slope / 2.0, still),
    }


def noise(changes: Floats, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Yearly noise (country, step, sample): Student-t, with scales of the countries shrunk to the pooled one."""
    scale = country_scales(changes)
    nu, common = student_fit((changes / scale[:, None]).ravel())
    return rng.standard_t(nu, (len(scale), steps, size)) * (common * scale)[:, None, None]


def country_scales(changes: Floats) -> Floats:
    """Root mean square of each country's changes, drawn to that of all; outliers count as .25 log points."""
    square = np.minimum(np.abs(changes), _OUTLIER) ** 2
    known = np.isfinite(changes).sum(axis=1)
    pooled = np.nanmean(square)
    return np.asarray(np.sqrt((np.nansum(square, axis=1) + _SHRINK * pooled) / (known + _SHRINK)))


def student_fit(x: Floats) -> tuple[float, float]:
    """Degrees of freedom and scale of a centred Student-t, by maximum likelihood on a grid."""
    x = x[np.isfinite(x)]
    grid = np.exp(np.linspace(-1.5, 0.7, 56))
    fits = [(float((stats.t.logpdf(x[:, None] / grid, nu) - np.log(grid)).sum(axis=0).max()), nu) for nu in _NU]
    nu = max(fits)[1]
    density = (stats.t.logpdf(x[:, None] / grid, nu) - np.log(grid)).sum(axis=0)
    return nu, float(grid[density.argmax()])


def pooled_drift(changes: Floats) -> tuple[float, float]:
    """Mean change of the last five years over all countries, and its standard error by years."""
    years = np.nanmean(changes[:, -_WINDOW:], axis=0)
    years = years[np.isfinite(years)]
    return float(years.mean()), float(years.std(ddof=1) / np.sqrt(years.size))


def country_drift(changes: Floats) -> tuple[Floats, Floats]:
    """Mean change of each country over all years, and its standard error from the country's scale."""
    known = np.isfinite(changes).sum(axis=1)
    mean = np.nanmean(changes, axis=1)
    return mean, country_scales(changes - mean[:, None]) / np.sqrt(known)


def gap_slope(past: History) -> float:
    """Change for each log point below 2 %, least squares through the origin over the last ten years."""
    gap, change = past.gaps[:, -2 * _WINDOW :], past.changes[:, -2 * _WINDOW :]
    short = np.isfinite(change) & (gap > 0.0)
    change = np.clip(change[short], -_OUTLIER, _OUTLIER)
    return float((gap[short] * change).sum() / (gap[short] ** 2).sum())


def towards_pledge(past: History, slope: float, still: Floats) -> Floats:
    """A random walk on which members of NATO below 2 % close `slope` of their gap each year."""
    share = np.repeat(past.start[:, None], still.shape[2], axis=1)
    out = np.empty_like(still)
    for step in range(still.shape[1]):
        gap = np.maximum(0.0, past.mark - share) * past.member[:, None]
        share = share + slope * gap + still[:, step]
        out[:, step] = share
    return out


def pooled_autoregression(past: History, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """change = a + b change of last year + c level, one equation for all countries, by least squares."""
    before = np.column_stack([np.full(len(past.start), np.nan), past.changes[:, :-1]])
    known = np.isfinite(past.changes) & np.isfinite(before)
    clipped = [np.clip(x[known], -_OUTLIER, _OUTLIER) for x in (past.changes, before)]
    x = np.column_stack([np.ones(known.sum()), clipped[1], past.levels[known]])
    a, b, c = np.linalg.lstsq(x, clipped[0], rcond=None)[0]
    rest = np.where(known, past.changes - a - b * before - c * past.levels, np.nan)
    shocks = noise(rest, steps, size, rng)
    share = np.repeat(past.start[:, None], size, axis=1)
    last = np.repeat(np.nan_to_num(past.changes[:, -1:]), size, axis=1)
    out = np.empty_like(shocks)
    for step in range(steps):
        last = a + b * np.clip(last, -_OUTLIER, _OUTLIER) + c * share + shocks[:, step]
        share = share + last
        out[:, step] = share
    return out


def automatic_forecasts(past: History, steps: int, size: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Automatic ARIMA and exponential smoothing of statsmodels, country by country; both have normal errors.

    They see the years up to the origin without a gap, changes linked to a level. A country with fewer than eight gets
    the random walk.
    """
    still = noise(past.changes, steps, size, rng)
    out = {name: _walk(past.start, still) for name in ("automatic ARIMA", "exponential smoothing")}
    for i, row in enumerate(past.changes):
        changes = row[np.isnan(row).nonzero()[0].max(initial=-1) + 1 :]
        if changes.size >= _SHORTEST:
            out["automatic ARIMA"][i] = past.start[i] + arima(changes, steps, size, rng)
            out["exponential smoothing"][i] = past.start[i] + smoothing(changes, steps, size, rng)
    return out


def arima(changes: Floats, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Samples (step, size) of the level, 0 at the start: ARIMA(p, 1, q) with or without drift, by AICc, stepwise.

    After Hyndman and Khandakar 2008, Journal of Statistical Software 27; one difference and p + q <= 2 throughout.
    Each step has its own distribution; those of one sample do not go together.
    """
    level = np.cumsum(changes) - changes.sum()
    fits = {(order, trend): _arima(level, order, trend) for order in ((0, 0), (1, 0), (0, 1)) for trend in ("n", "t")}
    while True:
        (p, q), trend = min(fits, key=lambda key: fits[key].aicc)
        near = ((p + 1, q), (p, q + 1)) if p + q == 1 else ()
        fresh = [order for order in near if (order, trend) not in fits]
        if not fresh:
            break
        fits |= {(order, trend): _arima(level, order, trend) for order in fresh}
    ahead = min(fits.values(), key=lambda fit: fit.aicc).get_forecast(steps)
    noise = ahead.se_mean[:, None] * rng.normal(size=(steps, size))
    return np.asarray(ahead.predicted_mean[:, None] + noise)


def _arima(level: Floats, order: tuple[int, int], trend: str) -> Any:
    """A linear trend of the level is a drift of its difference; the variance is solved for unless it stands alone."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    alone = sum(order) == 0 and trend == "n"
    with warnings.catch_warnings():  # starting values outside the stationary region are mended by statsmodels
        warnings.simplefilter("ignore")
        model = SARIMAX(level, order=(order[0], 1, order[1]), trend=trend, concentrate_scale=not alone)
        return model.fit(disp=0, maxiter=30, cov_type="none")


def smoothing(changes: Floats, steps: int, size: int, rng: np.random.Generator) -> Floats:
    """Samples (step, size) of the level, 0 at the start: additive errors; no, a straight or a damped trend, by AICc."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    level = np.cumsum(changes) - changes.sum()
    trends: tuple[dict[str, Any], ...] = (
        {},
        {"trend": "add"},
        {"trend": "add", "damped_trend": True},
    )
    with warnings.catch_warnings():  # a likelihood that is flat at its end is said to have not converged
        warnings.simplefilter("ignore")
        fits = [ETSModel(level, error="add", **trend).fit(disp=False) for trend in trends]
    best = min(fits, key=lambda fit: fit.aicc)
    return np.asarray(best.simulate(steps, anchor="end", repetitions=size, rng=rng)).reshape(steps, size)


def _walk(start: Floats, change: Floats) -> Floats:
    """Start plus the changes so far."""
    return np.asarray(start[:, None, None] + np.cumsum(change, axis=1))
