"""State the rules that several parts of the model share.

A rule takes state, parameters and noise, and returns a number. It draws no random numbers and has no side effects.
"""

from forecast.simulation.elementary import power
from forecast.simulation.jit import device
from forecast.simulation.lanes import minimum, where


@device
def ramp(quarter, onset, length):
    """Return r = min(1, (t - onset + 1) / length), 0 before the onset: the part of a shift that is in force."""
    if quarter < onset:
        return 0.0
    return minimum(1.0, (quarter - onset + 1) / length)


@device
def fade(quarter, onset, half_life):
    """Return 2^(-(t - onset) / half_life), the part of a shift that is left; 1 if half_life is 0 (a lasting shift)."""
    if quarter < onset:
        return 1.0
    fades = half_life > 0.0
    return where(fades, power(0.5, (quarter - onset) / where(fades, half_life, 1.0)), 1.0)


@device
def autoregress(x, mean, phi, sd, z):
    """Return x' = mean + phi (x - mean) + sd z, one step of an AR(1)."""
    return mean + phi * (x - mean) + sd * z


@device
def bin_of(bins, quarters):
    """Return the bin of a whole number of quarters, from the table `bins`; the last bin is open."""
    return bins[min(quarters, bins.size - 1)]


@device
def value_in_bin(edges, values, quarters):
    """Return the value of the bin that holds a number of quarters; `edges` are the first quarters of the bins."""
    value = values[0]
    for i in range(1, len(edges)):
        value = where(quarters >= edges[i], values[i], value)
    return value
