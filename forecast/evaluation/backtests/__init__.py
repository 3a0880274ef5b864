"""Back-tests: each model and its baselines scored on outcomes."""
