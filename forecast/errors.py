"""Every failure a user can meet is a `ForecastError`; each child is also the builtin a caller would catch.

A message names the place (file, key or coordinate), the value found, the value expected, and the mend.
"""

import difflib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path


class ForecastError(Exception):
    """Base of all errors that the command line prints without a traceback."""


class DataError(ForecastError, ValueError):
    """A table is malformed, incomplete or contradicts itself."""


class PriorError(ForecastError, ValueError):
    """A prior, a structural constant or a scenario is malformed, unsourced, unknown or missing."""


class PlanError(ForecastError, ValueError):
    """A plan asks for something that cannot be run."""


class NotConvergedError(ForecastError, RuntimeError):
    """A fit missed the diagnostics gate, also when sampled longer."""


class RunError(ForecastError, OSError):
    """A run folder is missing, damaged or cannot be written."""


def all_faults(error: type[ForecastError], faults: Sequence[str]) -> ForecastError:
    """One error that lists every fault, one a line."""
    if len(faults) == 1:
        return error(faults[0])
    return error(f"{len(faults)} faults:\n" + "\n".join(f"  - {fault}" for fault in faults))


def cannot_write(path: Path, error: OSError) -> RunError:
    """What is told where a file or folder cannot be written."""
    return RunError(
        f"{path}: cannot be written ({error.strerror or error}); nothing was kept. "
        "Free space or choose another workspace with --home"
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the closest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def nearest_or_none(name: str, known: Sequence[str]) -> str:
    """A hint: the known name closest to `name`, if one is close."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else "no name is near it"
