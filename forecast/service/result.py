"""Write and read the small JSON file by which `forecast run` reports its result to the scheduler."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from forecast.errors import ForecastError, RunError
from forecast.storage.files import replace_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a run ended.

    Attributes
    ----------
    run : str
        Id of the run; empty if there is none.
    status : str
        `complete`, `degraded`, `failed` or `cancelled`.
    reason : str
        Why the run failed; else empty.
    """

    run: str = ""
    status: str
    reason: str = ""


_RESULT: Final = TypeAdapter(Result)


def result_path(log: Path) -> Path:
    """Return the path of the result that belongs to a log."""
    return log.with_suffix(".result.json")


def write_result(path: Path | None, result: Result) -> None:
    """Replace the file in one step, or do nothing without a path; raise RunError if it cannot be written."""
    if path is not None:
        replace_json(path, asdict(result))


def read_result(path: Path) -> Result | None:
    """Return the result, or None if no file was written; raise RunError if it is damaged."""
    if not path.is_file():
        return None
    try:
        return _RESULT.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunError(f"{path}: damaged, expected the status of a run, its id and reason as text ({error})") from None


@contextlib.contextmanager
def failures_reported(path: Path | None) -> Iterator[None]:
    """Write a result if the block raises a ForecastError or is interrupted; the exception goes on."""
    try:
        yield
    except (ForecastError, KeyboardInterrupt) as error:
        status = "failed" if isinstance(error, ForecastError) else "cancelled"
        with contextlib.suppress(RunError):  # the error that is already raised matters more
            write_result(path, Result(status=status, reason=str(error)))
        raise
