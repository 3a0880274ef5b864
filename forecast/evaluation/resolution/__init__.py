"""Resolve forecasts: score stored runs on outcomes that became known after they were made."""
