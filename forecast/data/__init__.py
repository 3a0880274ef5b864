"""From CSV tables to validated frames to one labelled data set for each model."""
