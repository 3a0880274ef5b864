"""The baselines that each model is compared with in the back-tests."""
