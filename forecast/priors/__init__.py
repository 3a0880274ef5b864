"""From TOML to `Prior`s and scenarios, with the registry of what must exist; draws from them."""
