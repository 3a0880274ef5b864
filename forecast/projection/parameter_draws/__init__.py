"""Posterior and prior draws of every parameter, as the records that the kernel reads."""
