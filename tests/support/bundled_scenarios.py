"""The names of the wars and designs of the bundled workspace, the references first."""

from typing import Final

WARS: Final = ("neutral", "win", "lose", "stalemate")
DESIGNS: Final = ("none", "business_as_usual", "democracy_international", "global_vs_china", "division_of_labour")
