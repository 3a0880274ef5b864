"""Fits: PyMC graphs behind `pymc_models/`, diagnostics, draws, predictive checks, the fit store."""
