"""Pages, figures, terminal text, exports, made from a run folder alone."""
