"""ArviZ's statistics with its default settings: an `arvizrc` of the user or of the working folder has no effect."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from forecast.errors import ForecastError


@contextmanager
def arviz() -> Iterator[Any]:
    """Yield the module `arviz` under its default settings; raise ForecastError if it cannot be loaded."""
    try:
        import arviz as az
        from arviz_base.rcparams import rc_params
    except ValueError as error:  # raised for an arvizrc that cannot be read
        reason = " ".join(str(error).split())
        raise ForecastError(f"ArviZ cannot be loaded ({reason}): correct or remove this arvizrc") from error
    defaults: Any = rc_params
    with az.rc_context(dict(defaults(ignore_files=True))):
        yield az
