"""The progress protocol: how long work reports what it does."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Report = Callable[[str, float], None]  # (what happens, part done in [0, 1])


class Stages(Protocol):
    """Opens a stage by its title and gives a function that reports its progress."""

    def __call__(self, title: str) -> AbstractContextManager[Report]:
        """Open the stage `title`."""
        ...  # pragma: no cover


def silent(what: str, part: float) -> None:
    """Report to nobody."""
