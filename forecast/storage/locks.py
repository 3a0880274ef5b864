"""Locks of a workspace: one process at a time does what has a name; a killed holder lets go."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from forecast.errors import cannot_write


@contextlib.contextmanager
def only_one(home: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` of a workspace; waits for another process that holds it. A killed holder lets go."""
    with _lock_file(home, name) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def free_lock(home: Path, name: str) -> Iterator[bool]:
    """Hold the lock `name` if nobody does: True, or False where another process has it. Waits for nothing.

    A child that is started with open descriptors (`close_fds=False`) holds it too, should its parent be killed.
    """
    with _lock_file(home, name) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            os.set_inheritable(handle.fileno(), True)
            yield True


def _lock_file(home: Path, name: str) -> IO[str]:
    path = home / "runs" / f".lock-{name}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w")
    except OSError as error:
        raise cannot_write(path, error) from error
