"""What a test of a requirement gives: the number found, in words, and whether it is what was asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """The value found, as it is printed, and whether the claim holds."""

    value: str
    met: bool
