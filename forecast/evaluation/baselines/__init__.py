"""Baselines: what a forecast must beat."""
