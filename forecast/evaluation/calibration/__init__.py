"""Simulation-based calibration (SBC) of the four models, and checks of their prior predictive distributions."""
