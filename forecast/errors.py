"""Errors that a user can meet.

Every one is a `ForecastError` and also the builtin exception that a caller would catch. A message is one sentence. It
names the file, key or coordinate, the value found, the value expected, and how to fix it.
"""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path


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


def cannot_write(path: Path, error: OSError) -> RunError:
    """Return the error for a file or folder that cannot be written."""
    return RunError(
        f"{path}: cannot be written ({error.strerror or error}); nothing was kept. "
        "Free space or choose another workspace with --home"
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` with the known word closest to `word`, or an empty text if none is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
