"""Every failure a user can meet is a `ForecastError`; each child is also the builtin a caller would catch.

A message names the place (file, key or coordinate), the value found, the value expected, and the mend.
"""

from collections.abc import Sequence
from pathlib import Path


class ForecastError(Exception):
    """Base of all errors that the command line prints without a traceback."""


class DataError(ForecastError, ValueError):
    """A table is malformed, incomplete or contradicts itself."""


class BeliefError(ForecastError, ValueError):
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
