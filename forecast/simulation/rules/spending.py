"""Rules of defence spending: one function for each equation, with its source.

Each rule takes numbers in the kernel, and NumPy arrays in the back-tests and in the checks of a fit. `spending_change`
uses addition and multiplication alone, so the PyMC model calls it on symbolic variables too.
"""

import math

from forecast.constants import GROWTH_CENTER
from forecast.simulation.elementary import exp
from forecast.simulation.jit import device
from forecast.simulation.lanes import maximum, minimum, sqrt

_LOG_2 = math.log(2.0)


@device
def growth(last, mean, phi, bounce, sd, z):
    """Return GDP growth in the next year, a fraction: g' = mean + phi (g - mean) + bounce max(0, -g) + sd z.

    A slump is followed by a rebound (Friedman 1993).
    """
    return mean + phi * (last - mean) + bounce * maximum(0.0, -last) + sd * z


@device
def centred_growth(growth):
    """Return growth less its usual 2 % a year, the form in which the spending equation takes it."""
    return growth - GROWTH_CENTER


@device
def gap(log_share, log_mark):
    """Return the shortfall from a mark in log points: max(0, log mark - log share)."""
    return maximum(0.0, log_mark - log_share)


@device
def response(log_response):
    """Return the part of a gap that is closed in a year: min(1, exp x), with x an AR(1)."""
    return minimum(1.0, exp(log_response))


@device
def scaled(part, multiplier):
    """Return 1 + r (m - 1): a multiplier m of which the part r is in force."""
    return 1.0 + part * (multiplier - 1.0)


@device
def bounded(log_share, start, floor, cap):
    """Return the log share within the bounds of an ally, widened to half and twice the country's share at the start.

    The bounds stop runaway paths of the heavy-tailed noise. They were set for allies, so a country that already spends
    less or more than they allow gets bounds around its own level.
    """
    return minimum(maximum(log_share, minimum(floor, start - _LOG_2)), maximum(cap, start + _LOG_2))


@device
def spread(scale, log_volatility):
    """Return the scale of the noise of a year: sigma_i exp h_t, with h an AR(1) common to all countries."""
    return scale * exp(log_volatility)


@device
def innovation_scale(sd, phi):
    """Return the scale of the innovations of a stationary AR(1) with standard deviation sd: sd sqrt(1 - phi^2)."""
    return sd * sqrt(1.0 - phi**2)


@device
def announced_share(log_share, announced, weight, forecast):
    """Return the log share of a sample after the news of an announced log share: x + w (a - m).

    `forecast` is the middle m of the samples and `weight` the reliability of the announcement, from 0 to 1. This is the
    combination of two forecasts (Bates and Granger 1969, Operational Research Quarterly) with the width of the first.
    """
    return log_share + weight * (announced - forecast)


@device
def announced_change(change, announced, weight):
    """Return the expected change of a year when a change is announced: d + w (a - d); the yearly `announced_share`."""
    return change + weight * (announced - change)


@device
def spending_change(
    log_share,
    target,
    pull,
    loading,
    factor,
    response,
    gap,
    front,
    front_gap,
    b_growth,
    growth,
    b_lag,
    growth_before,
    b_election,
    election,
):
    """Return the expected change of the log share of GDP in a year, in log points.

    d log s = pull (target - log s) + loading factor + response (gap + front front_gap)
              + b_g growth + b_l growth_before + b_e election

    Growth of this year and of the year before is centred. Both gaps are already multiplied by what switches them on or
    scales them: membership, the position on the front line, the threat level, and the pledge multiplier of a design.
    This is the one statement of the equation: the PyMC model, the back-test and the kernel all call it.
    """
    return (
        pull * (target - log_share)
        + loading * factor
        + response * (gap + front * front_gap)
        + b_growth * growth
        + b_lag * growth_before
        + b_election * election
    )
