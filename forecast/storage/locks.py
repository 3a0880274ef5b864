"""Named locks of a workspace, held by one process at a time and released when that process ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from forecast.errors import cannot_write


@contextlib.contextmanager
def only_one(home: Path, name: str) -> Iterator[None]:
    """Hold the lock `name` of a workspace, after waiting for any other process that holds it."""
    with _lock_file(home, name) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def free_lock(home: Path, name: str) -> Iterator[bool]:
    """Try to hold the lock `name` without waiting: gives True, or False if another process holds it.

    A child process started with open descriptors (`close_fds=False`) also holds the lock, so the lock outlives a killed
    parent.
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
