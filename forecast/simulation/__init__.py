"""The compiled path simulator: random numbers, records, rules, shocks, steps, tallies, kernel."""
