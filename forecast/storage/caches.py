"""Folders for machine code that is kept between processes.

Cached code is loaded and run, so it is used only if nobody else can have written it: the folder, its contents and the
folders above it belong to the user or to root, and others cannot write to them. Folders with the sticky bit, such as
the system's temporary folder, may be shared.
"""

import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

_PROGRAM: Final = "alliance-forecast"


def cache_folder(name: str) -> Path | None:
    """Return the cache folder `name` of this program, created if needed.

    It is below `XDG_CACHE_HOME` if that is set. Otherwise it is below the user's home, or below the system's temporary
    folder where no home can be used.

    Returns
    -------
    Path or None
        None if no folder can be created, written and trusted; a line is logged for each folder that is not trusted.
    """
    for base in _bases():
        folder = base / _PROGRAM / name
        try:
            folder = folder.resolve()
            _make_private(folder)
            distrust = _distrust(folder)
        except OSError:
            continue
        if distrust:
            _warn_once(f"{folder}: this cache is not used, because {distrust}; repair it, or set XDG_CACHE_HOME")
        elif os.access(folder, os.W_OK):
            return folder
    return None


def _bases() -> Iterator[Path]:
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        yield Path(chosen)
        return
    with suppress(RuntimeError):  # a user without HOME and without an entry in the list of users
        yield Path.home() / ".cache"
    with suppress(OSError):  # no temporary folder can be written
        yield Path(tempfile.gettempdir()) / f"cache-{os.getuid()}"


def _make_private(folder: Path) -> None:
    """Create a folder and its missing parents, closed to other users whatever the umask is."""
    for path in (*reversed(folder.parents), folder):
        with suppress(FileExistsError):
            if not path.is_dir():
                path.mkdir(mode=0o700)


def _distrust(folder: Path) -> str:
    """Return why others can have changed the contents of a folder; an empty text if they cannot."""
    for path in (folder, *folder.parents):
        found = path.stat()
        if found.st_uid not in (0, os.getuid()):
            return f"{path} belongs to another user"
        if _others_write(found) and (path == folder or not found.st_mode & stat.S_ISVTX):
            return f"others can write to {path}"
    is_open = folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)
    for path in folder.rglob("*"):
        found = path.lstat()
        if found.st_uid not in (0, os.getuid()):
            return f"{path} belongs to another user"
        if is_open and _others_write(found) and not stat.S_ISLNK(found.st_mode):
            return f"others can write to {path}"
    return ""


def _others_write(found: os.stat_result) -> bool:
    """Return whether others can write; a group with the user's number is by convention the user's own."""
    group = 0 if found.st_gid == os.getuid() else stat.S_IWGRP
    return bool(found.st_mode & (stat.S_IWOTH | group))


@cache
def _warn_once(line: str) -> None:
    logging.getLogger("forecast").warning(line)
