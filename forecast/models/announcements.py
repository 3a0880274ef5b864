"""How much announced spending is worth: weights learnt from earlier announcements, and forecasts updated with them.

The weight of an announcement is the part of its distance from the forecast that the outcome closed: realised =
forecast + w (announced - forecast) + error. It is 1 for a country that does what it announces, and 0 where the
announcement says no more than the forecast. This is the regression of Granger and Ramanathan (1984), Journal of
Forecasting. Each horizon has a weight of its own, and each country differs from it by a normal effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.priors.load import Priors
from forecast.simulation.rules.spending import announced_share

_FARTHEST: Final = 3.0  # standard deviations of the forecast to which distances and errors are cut
_IQR: Final = 1.349  # interquartile range of a standard normal number


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Hold forecasts made beside announcements, with their outcomes, all (case,).

    Attributes
    ----------
    country, horizon
        Whose announcement, and years ahead.
    forecast, spread
        Median and standard deviation of the forecast without the announcement, log points.
    announced, outcome
        Log shares of GDP.
    """

    country: NDArray[np.str_]
    horizon: NDArray[np.int64]
    forecast: Floats
    spread: Floats
    announced: Floats
    outcome: Floats


def learned_weights(record: Record, countries: Sequence[str], horizon: int, priors: Priors) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the weights of `countries` at a horizon, both (country,).

    The posterior is exact: the weights are normal before, the errors in standard deviations of the forecast are normal.
    Forecasts of h years from consecutive origins share h - 1 years, so each counts as 1/h of a case.
    """
    names = ("weight_mean", "weight_sd", "country_sd")
    mean, sd, country_sd = (priors.value(f"announcements.{name}") for name in names)
    used = record.horizon == horizon
    cut = [
        np.clip((x[used] - record.forecast[used]) / record.spread[used], -_FARTHEST, _FARTHEST)
        for x in (record.announced, record.outcome)
    ]
    rows = [*countries, *sorted(set(record.country[used]) - set(countries))]
    own = record.country[used][:, None] == np.array(rows)
    # one column for the common weight, one for the effect of each country
    design = cut[0][:, None] * np.column_stack([np.ones(used.sum()), own])
    precision = np.diag(np.array([sd**-2.0] + [country_sd**-2.0] * len(rows))) + design.T @ design / horizon
    pull = np.zeros(len(rows) + 1)
    pull[0] = mean / sd**2
    covariance = np.linalg.inv(precision)
    effects = covariance @ (pull + design.T @ cut[1] / horizon)
    k = len(countries)
    variance = covariance[0, 0] + 2.0 * covariance[0, 1 : k + 1] + np.diag(covariance)[1 : k + 1]
    return effects[0] + effects[1 : k + 1], np.sqrt(variance)


def with_announcements(
    paths: Floats, announced: Floats, weights: Sequence[tuple[Floats, Floats]], rng: np.random.Generator
) -> Floats:
    """Return the samples of a forecast after the news of announcements, (country, step, sample).

    Parameters
    ----------
    paths : samples without announcements, (country, step, sample), log percent of GDP.
    announced : announced log shares, (country, step); NaN where no announcement is in force. After the last announced
        year the samples keep the shift of that year. The width of the forecast stays.
    weights : mean and standard deviation of the weights by step, each (country,).
    rng : generator of the draws of weights.
    """
    updated = paths.copy()
    size = paths.shape[2]
    shift = np.zeros((len(paths), size))
    for step, (mean, sd) in enumerate(weights):
        weight = np.clip(mean[:, None] + sd[:, None] * rng.normal(size=size), 0.0, 1.0)
        x, a = paths[:, step], announced[:, step, None]
        middle = np.median(x, axis=1, keepdims=True)
        shift = np.where(np.isfinite(a), announced_share(x, a, weight, middle) - x, shift)
        updated[:, step] = x + shift
    return updated


def spread_of(samples: Floats) -> Floats:
    """Return the standard deviation of each forecast from the interquartile range of its samples (..., sample)."""
    low, high = np.quantile(samples, [0.25, 0.75], axis=-1)
    return np.asarray((high - low) / _IQR)
