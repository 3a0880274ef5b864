"""State the equations of the simulated model: one small scalar function per rule, with its equation and source."""
