"""Verbs, each a few lines."""
