"""From draws and plan to a labelled tree with errors, headlines and run checks."""
