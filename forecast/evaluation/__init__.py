"""Evaluate the models: proper scores, back-tests, baselines, calibration, requirement checks and recodings."""
