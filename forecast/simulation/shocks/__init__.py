"""Random shocks of a path, drawn by address, the same in every scenario."""
