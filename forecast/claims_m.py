"""Claims on defection from coalitions."""
