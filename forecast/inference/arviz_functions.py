"""ArviZ's statistics with its default settings: an `arvizrc` of the user or of the working folder has no effect."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from forecast.errors import ForecastError


@contextmanager
def arviz() -> Iterator[Any]:
    """Yield the module `arviz` under its default settings; raise ForecastError if it cannot be loaded."""
    with loading():
        import arviz as az
        from arviz_base.rcparams import rc_params
    defaults: Any = rc_params
    with az.rc_context(dict(defaults(ignore_files=True))):
        yield az


@contextmanager
def loading() -> Iterator[None]:
    """Raise ForecastError if ArviZ, or a part of it, cannot be imported inside, because of an arvizrc."""
    try:
        yield
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ForecastError(f"ArviZ cannot be loaded ({reason}): correct or remove this arvizrc") from error


def array_stats() -> Any:
    """Return ArviZ's statistics on NumPy arrays, which have no settings; its methods carry no types.

    The whole of ArviZ would load matplotlib.
    """
    with loading():
        from arviz_stats.base.array import array_stats as functions

    return functions
