"""Rules shared by several parts of the model: one small scalar function each, with its equation and source.

A rule takes state, parameters and its noise, and returns a number. It draws nothing and loops over nothing.
"""

from forecast.simulation.jit import device


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
def autoregress(x, mean, phi, sd, z):
    """x' = mean + phi (x - mean) + sd z: common factor of spending, response to a gap, factors of cohesion."""
    return mean + phi * (x - mean) + sd * z


@device
def clip(x, low, high):
    """The nearest number to x between low and high."""
    return min(max(x, low), high)


@device
def bin_of(bins, quarters):
    """The bin of so many whole quarters, from the table of bins; the last bin is open."""
    return bins[min(quarters, bins.size - 1)]
