"""CSV tables, validated data frames, and one labelled data set for each model."""
