"""The rules of the model: one small scalar function each, with its equation and source.

A rule takes state, parameters and its noise, and gives back a number. It draws nothing and loops over nothing.
"""

import math

from forecast.core.compile import device


@device
def ramp(quarter, onset, length):
    """r = min(1, (t - onset + 1) / length), 0 before the onset: the part of a shift that is in force."""
    if quarter < onset:
        return 0.0
    return min(1.0, (quarter - onset + 1) / length)


@device
def fade(quarter, onset, half_life):
    """2^(-(t - onset) / half_life); 1 where half_life is 0 (a lasting shift)."""
    if half_life <= 0.0 or quarter < onset:
        return 1.0
    return 0.5 ** ((quarter - onset) / half_life)


@device
def threat_level(level, target, persistence, sd, z):
    """theta' = rho theta + (1 - rho) theta* + sd z, never below 0. Drives spending. Judgement."""
    return max(0.0, persistence * level + (1.0 - persistence) * target + sd * z)


@device
def autoregress(x, mean, phi, sd, z):
    """x' = mean + phi (x - mean) + sd z: common factor of spending, response to a gap, factors of cohesion."""
    return mean + phi * (x - mean) + sd * z


@device
def growth(last, mean, phi, bounce, sd, z):
    """g' = mean + phi (g - mean) + bounce max(0, -g) + sd z, of GDP: after a slump it bounces back (Friedman 1993)."""
    return mean + phi * (last - mean) + bounce * max(0.0, -last) + sd * z


@device
def correlate(z, common, correlation):
    """Four normals with equal correlation c from one common and one own normal: sqrt(c) z0 + sqrt(1 - c) z."""
    return math.sqrt(correlation) * common + math.sqrt(1.0 - correlation) * z


@device
def gap(log_share, log_mark):
    """gap+ = max(0, log mark - log share): below the pledge, or on the front line below its mark."""
    return max(0.0, log_mark - log_share)


@device
def response(log_response):
    """beta_t = min(1, exp x_t), x an AR(1): the part of a gap that is closed in a year. `models/spending.py`."""
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
def spending_change(
    log_share, target, kappa, common, gap, front, b_growth, growth, election, extra, noise
):
    """Change of the log share of GDP in a year. The model of `models/spending.py`.

    d log s = -kappa (log s - mu) + lambda f + beta (gap+ + omega theta front gap+) + b_g (g - .02) + b_e elec + extra
    + noise;
    `common`, `gap`, `front` and `election` are given as the products.
    """
    pull = -kappa * (log_share - target)
    return pull + common + gap + front + b_growth * (growth - 0.02) + election + extra + noise


@device
def clip(x, low, high):
    """The nearest number to x between low and high."""
    return min(max(x, low), high)


@device
def turnover_probability(quiet, offset, vote, after, before, b_vote, b_after, b_before, tenure):
    """logit p = a + u + (b_E + d u) E + (b_A + d u) A + b_P P + w(tenure). The model of `models/leadership.py`."""
    logit = quiet + vote * (b_vote + offset) + after * (b_after + offset)
    return 1.0 / (1.0 + math.exp(-(logit + before * b_before + tenure)))


@device
def president_turnover(inauguration, limited, p_election, p_off_cycle):
    """United States: off cycle nearly never; in the quarter after the vote surely if limited, else p_election."""
    if not inauguration:
        return p_off_cycle
    return 1.0 if limited else p_election


@device
def cohesion_index(weights, factors):
    """C = sum of weight times factor over the four factors (Kunertova and Schmitt 2023)."""
    return (
        weights[0] * factors[0]
        + weights[1] * factors[1]
        + weights[2] * factors[2]
        + weights[3] * factors[3]
    )


@device
def verdict(cohesion, low, high, rater_sd, z):
    """0 Weak, 1 Fragmented, 2 Strong: an ordered probit, C + sd z against two cut points."""
    seen = cohesion + rater_sd * z
    if seen < low:
        return 0
    return 1 if seen < high else 2


@device
def bin_of(bins, quarters):
    """The bin of so many whole quarters, from the table of bins; the last bin is open."""
    return bins[min(quarters, bins.size - 1)]
