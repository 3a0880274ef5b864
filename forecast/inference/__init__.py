"""Fit the models, check the fits and store them; only `pymc_models` imports PyMC."""
