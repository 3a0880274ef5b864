"""Draw the random shocks of a path by address; all scenario cells of the path share them."""
