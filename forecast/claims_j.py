"""Claims on coalitions of the willing against the alliance."""
