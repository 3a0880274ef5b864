"""Make pages, figures, terminal text and exports from a run folder alone."""
