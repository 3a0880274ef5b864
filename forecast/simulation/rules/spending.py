"""Rules of defence spending: one small scalar function each, with its equation and source."""

import math

from forecast.simulation.jit import device


@device
def growth(last, mean, phi, bounce, sd, z):
    """g' = mean + phi (g - mean) + bounce max(0, -g) + sd z, of GDP: after a slump it bounces back (Friedman 1993)."""
    return mean + phi * (last - mean) + bounce * max(0.0, -last) + sd * z


@device
def gap(log_share, log_mark):
    """gap+ = max(0, log mark - log share): below the pledge, or on the front line below its mark."""
    return max(0.0, log_mark - log_share)


@device
def response(log_response):
    """beta_t = min(1, exp x_t), x an AR(1): the part of a gap that is closed in a year. `pymc_models/spending.py`."""
    return min(1.0, math.exp(log_response))


@device
def scaled(part, multiplier):
    """1 + r (m - 1): a multiplier that comes into force by the ramp r."""
    return 1.0 + part * (multiplier - 1.0)


@device
def spread(scale, log_volatility):
    """sigma_it = sigma_i exp h_t, h an AR(1) common to all members: the scale of the noise of a year."""
    return scale * math.exp(log_volatility)


@device
def spending_change(log_share, target, kappa, common, gap, front, b_growth, growth, election, extra, noise):
    """Change of the log share of GDP in a year. The model of `inference/pymc_models/spending.py`.

    d log s = -kappa (log s - mu) + lambda f + beta (gap+ + omega theta front gap+) + b_g (g - .02) + b_e elec + extra
    + noise;
    `common`, `gap`, `front` and `election` are given as the products.
    """
    pull = -kappa * (log_share - target)
    return pull + common + gap + front + b_growth * (growth - 0.02) + election + extra + noise
