"""Errors that a user can meet.

Every one is a `ForecastError` and also the builtin exception that a caller would catch. A message is one sentence. It
names the file, key or coordinate, the value found, the value expected, and how to fix it.
"""

import difflib
import errno
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final


class ForecastError(Exception):
    """Base of all errors that the command line prints without a traceback."""


class DataError(ForecastError, ValueError):
    """A table is malformed or incomplete, or contradicts itself."""


class PriorError(ForecastError, ValueError):
    """A prior, a structural constant or a scenario is malformed, unsourced, unknown or missing."""


class PlanError(ForecastError, ValueError):
    """A plan asks for something that cannot be run."""


class NotConvergedError(ForecastError, RuntimeError):
    """A fit failed the diagnostics gate, even after sampling for longer."""


class RunError(ForecastError, OSError):
    """A run folder is missing, damaged or cannot be written."""


def all_faults(error: type[ForecastError], faults: Sequence[str]) -> ForecastError:
    """Return one error of the given type that lists every fault, one per line."""
    if len(faults) == 1:
        return error(faults[0])
    return error(f"{len(faults)} faults:\n" + "\n".join(f"  - {fault}" for fault in faults))


def faults_of(error: ForecastError) -> list[str]:
    """Return the faults that `all_faults` joined."""
    first, *others = str(error).splitlines() or [""]
    return [line.strip().removeprefix("- ") for line in (others or [first])]


_FIXES: Final[Mapping[int, str]] = {
    errno.ENOSPC: "Free space or choose another workspace with --home",
    errno.EDQUOT: "Remove files of your own, ask for a larger quota, or choose another workspace with --home",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "Ask the owner for the right to it, or choose another place"),
    errno.EROFS: "The file system can only be read; mount it for writing, or choose another place",
    errno.ENAMETOOLONG: "Use a shorter name, or a workspace with a shorter path",
    errno.EFBIG: "Raise the largest size of a file (ulimit -f), or choose another file system",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "Raise the number of open files (ulimit -n)"),
    **dict.fromkeys(
        (errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY),
        "Something else is in its place or in the place of a folder above it; move that away",
    ),
    **dict.fromkeys(
        (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP),
        "The file system does not lock files; mount it with locks, or choose a place on another file system",
    ),
    errno.EBUSY: "It is in use, for instance as a mount point; choose another place",
    errno.EIO: "The disk or the network failed; check it, then try again",
    errno.ESTALE: "The network file system lost the file; mount it again, then try again",
}


def cannot_write(path: Path, error: OSError) -> RunError:
    """Return the error for a file or folder that cannot be written, with the fix for its cause."""
    fix = _FIXES.get(error.errno or 0, "Choose another place")
    return RunError(f"{path}: cannot be written ({error.strerror or error}); nothing was kept. {fix}")


def cannot_read(path: Path, error: OSError) -> RunError:
    """Return the error for a file or folder that is there but cannot be read, with the fix for its cause."""
    fix = _FIXES.get(error.errno or 0, "Check what is there")
    return RunError(f"{path}: cannot be read ({error.strerror or error}); nothing was changed. {fix}")


_LONGEST: Final = 80  # characters of a value that a message shows


def shown(value: object, longest: int = _LONGEST) -> str:
    """Return a value for a message, shortened: text in quotes and escaped, a day or a truth value as TOML has it."""
    text = str(value) if isinstance(value, date) else str(value).lower() if isinstance(value, bool) else repr(value)
    quote = text[0] if isinstance(value, str) else ""
    return text if len(text) <= longest else f"{text[: longest - 1]}…{quote}"


def shown_key(key: str, longest: int = _LONGEST) -> str:
    """Return a key for a message: as it stands, or in quotes, escaped and shortened if it is odd or long."""
    return key if len(key) <= longest and key.isprintable() and " " not in key else shown(key, longest)


def shown_place(keys: Iterable[str | int]) -> str:
    """Return the keys that lead to a value, such as `hypothetical #2.lead`; items of a list are counted from 1."""
    return "".join(f" #{key + 1}" if isinstance(key, int) else f".{shown_key(key)}" for key in keys).lstrip(".")


def listed(names: Iterable[str], most: int = 25) -> str:
    """Return names with commas between them; of a long list, the first ones and the number of the others."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return f"{', '.join(every[:most])}{more}"


def one_line(message: str) -> str:
    """Return a message in one line; of a list of faults, their number and the first one."""
    head, *faults = message.splitlines() or [""]
    return f"{head} {faults[0].strip().removeprefix('- ')}" if faults else head


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` with the known word closest to `word`, or an empty text if none is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {str(close[0])!r}?" if close else ""
