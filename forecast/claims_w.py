"""Claims on four designs of the alliance."""
