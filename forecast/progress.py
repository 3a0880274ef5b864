"""The protocol by which long computations report their progress."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Report = Callable[[str, float], None]  # arguments: what is being done, and the fraction done in [0, 1]


class Stages(Protocol):
    """A function that opens a stage by its title and returns a function that reports the progress of the stage."""

    def __call__(self, title: str) -> AbstractContextManager[Report]:
        """Open the stage `title`."""
        ...  # pragma: no cover


def silent(what: str, part: float) -> None:
    """Report nothing."""
