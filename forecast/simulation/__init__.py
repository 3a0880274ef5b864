"""Simulate paths with compiled code; the order of a quarter stands in `forecast.simulation.kernel`."""
