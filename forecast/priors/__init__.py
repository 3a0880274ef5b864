"""Read and validate priors and scenarios from TOML files, and draw from them."""
