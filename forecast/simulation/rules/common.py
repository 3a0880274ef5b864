"""State the rules that several parts of the model share.

A rule takes state, parameters and noise, and returns a number. It draws no random numbers and has no side effects.
"""

from forecast.simulation.jit import device


@device
def ramp(quarter, onset, length):
    """Return r = min(1, (t - onset + 1) / length), 0 before the onset: the part of a shift that is in force."""
    if quarter < onset:
        return 0.0
    return min(1.0, (quarter - onset + 1) / length)


@device
def fade(quarter, onset, half_life):
    """Return 2^(-(t - onset) / half_life), the part of a shift that is left; 1 if half_life is 0 (a lasting shift)."""
    if half_life <= 0.0 or quarter < onset:
        return 1.0
    return 0.5 ** ((quarter - onset) / half_life)


@device
def autoregress(x, mean, phi, sd, z):
    """Return x' = mean + phi (x - mean) + sd z, one step of an AR(1)."""
    return mean + phi * (x - mean) + sd * z


@device
def bin_of(bins, quarters):
    """Return the bin of a whole number of quarters, from the table `bins`; the last bin is open."""
    return bins[min(quarters, bins.size - 1)]
