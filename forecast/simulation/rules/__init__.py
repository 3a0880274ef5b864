"""The rules of the model: one small scalar function each, with its equation and source."""
