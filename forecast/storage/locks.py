"""Named locks of a workspace, held by one process at a time and released when that process ends."""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from forecast.errors import RunError, cannot_write
from forecast.progress import Report, silent

Wait = Callable[[], AbstractContextManager[Report]]

#: What `flock` answers on a file system without locks.
_NO_LOCKS: Final = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
#: What `open` answers if the lock belongs to another user or its file system is read-only. A reader may lock it too.
_NOT_OURS: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
_GLANCE: Final = 0.05  # seconds; more than another process needs to find out whether a lock is free


@contextlib.contextmanager
def only_one(home: Path, name: str, wait: Wait = lambda: contextlib.nullcontext(silent)) -> Iterator[None]:
    """Hold the lock `name` of a workspace, after waiting for any other process that holds it.

    Parameters
    ----------
    home : folder of the workspace.
    name : what the lock is for.
    wait : gives a context with the function that reports a wait.

    Raises
    ------
    RunError
        If the lock cannot be opened, or if the file system has no locks.
    """
    with _lock_file(home, name) as lock:
        if not _try(lock, fcntl.LOCK_NB):
            with wait() as report:
                report(f"waiting for another process that makes {name}", 0.0)
                _try(lock)
        yield


@contextlib.contextmanager
def free_lock(home: Path, name: str) -> Iterator[bool]:
    """Try to hold the lock `name`: gives True, or False if another process holds it; raises as `only_one` does.

    A child process started with open descriptors (`close_fds=False`) also holds the lock, so the lock outlives a killed
    parent.
    """
    with _lock_file(home, name) as lock:
        locked = _try(lock, fcntl.LOCK_NB)
        if not locked:
            time.sleep(_GLANCE)
            locked = _try(lock, fcntl.LOCK_NB)
        os.set_inheritable(lock[1], locked)
        yield locked


@contextlib.contextmanager
def _lock_file(home: Path, name: str) -> Iterator[tuple[Path, int]]:
    """Open the file of a lock, and give its path and descriptor."""
    path = home / "runs" / f".lock-{name}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _open(path)
    except PermissionError as error:
        raise _of_another_user(path, error) from error
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield path, descriptor
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno not in _NOT_OURS or not path.is_file():
            raise
        return os.open(path, os.O_RDONLY)


def _of_another_user(path: Path, error: OSError) -> RunError:
    return RunError(
        f"{path}: cannot be opened ({error.strerror}), because it or its folder belongs to another user; "
        "let its owner give it to you with chown"
    )


def _try(lock: tuple[Path, int], flags: int = 0) -> bool:
    """Return whether the lock is held now; without flags, wait for it."""
    path, descriptor = lock
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | flags)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno == errno.EBADF:  # of NFS, where a reader may not lock
            raise _of_another_user(path, error) from error
        if error.errno not in _NO_LOCKS:
            raise cannot_write(path, error) from error
        raise RunError(
            f"{path}: cannot be locked ({error.strerror}), because its file system has no file locks (flock), expected "
            "one that has; move the workspace to a local or block volume, or mount the network share with locks"
        ) from error
    return True
