"""Claims on ailing alliances and the dyads."""
