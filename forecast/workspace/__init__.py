"""What a user supplies: plan, resolved entities, validated inputs, provenance, `check`, `init`."""
