"""The equations of the four models (and the alliance-exit rate) in NumPy: mean, rate, simulate."""
