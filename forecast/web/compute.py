"""Compute for a request in another process, within a time limit, so that a costly question delays no other reader."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import anyio
import anyio.to_process

from forecast.errors import ForecastError
from forecast.web.problems import Problem

_PROCESSES: Final = 2


class Compute(Protocol):
    """Return what a function returns for these arguments; raises Problem if that takes longer than `seconds`."""

    def __call__(self, seconds: float, function: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """Call the function."""
        ...  # pragma: no cover


class Apart:
    """Compute in one of two processes of its own; a process that takes too long is killed."""

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(_PROCESSES)

    async def __call__(self, seconds: float, function: Callable[..., Any], *args: Any) -> Any:
        """Call the function; its arguments and its result go through a pipe."""
        try:
            with anyio.fail_after(seconds):
                value, error = await anyio.to_process.run_sync(
                    _value_or_error, function, *args, cancellable=True, limiter=self._limiter
                )
        except TimeoutError:
            raise Problem(503, f"the answer takes longer than {seconds:g} seconds; ask for less", _LATER) from None
        except anyio.BrokenWorkerProcess:
            raise Problem(503, "the process that computes the answer was killed; ask for less", _LATER) from None
        if error is not None:
            raise error
        return value


def _value_or_error(function: Callable[..., Any], *args: Any) -> tuple[Any, ForecastError | None]:
    """Return the value of a function, or the error of the user that it raises, without what led to it.

    A cause of another library, such as a parser's, may hold what cannot go through a pipe.
    """
    try:
        return function(*args), None
    except ForecastError as error:
        return None, type(error)(*error.args)


_LATER: Final = {"retry-after": "60"}
