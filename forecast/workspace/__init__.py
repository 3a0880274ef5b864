"""Workspace of a user: plans, resolved entities, validated inputs, provenance, and `forecast check` and `init`."""
