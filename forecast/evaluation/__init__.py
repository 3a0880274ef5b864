"""Proper scores, back-tests, baselines, SBC calibration, requirement checks, recodings."""
