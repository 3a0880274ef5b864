"""Make the command independent of its surroundings, before it loads a library.

A library reads variables, files and the user's home when it is imported. Whatever could change a number or a page, or
stop the command with an error of the library, is set here. Settings that a program makes later are overruled where they
act: `forecast.inference.pymc_models`, `forecast.inference.arviz_functions` and
`forecast.data.library_options`.
"""

import errno
import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, Final

from forecast.errors import ForecastError

#: Beginnings of the names of variables that are ignored: numba, pandas, ArviZ, and the window system of matplotlib.
_IGNORED: Final = ("NUMBA_", "PANDAS_", "ARVIZ_", "MPLBACKEND")


def settle() -> None:
    """Ignore variables that change results; accept a missing home, a terminal of any encoding, and to be process 1.

    Raises
    ------
    ForecastError
        If Python runs without docstrings, which ArviZ needs.
    """
    if sys.flags.optimize > 1:
        raise ForecastError(
            f"Python runs with optimisation level {sys.flags.optimize}, expected 0 or 1: ArviZ needs docstrings; "
            "unset PYTHONOPTIMIZE, or leave out -OO"
        )
    for name in list(os.environ):
        if name.startswith(_IGNORED):
            del os.environ[name]
    try:
        Path.home()
    except RuntimeError:  # a user number without HOME and without an entry in the list of users
        os.environ["HOME"] = "/nonexistent"
    warnings.filters[:] = [kept for kept in warnings.filters if kept[0] != "error"]  # type: ignore[index]
    # numba reads `.numba_config.yaml` in the current folder and warns of what it does not understand
    warnings.filterwarnings("ignore", message=r"(?s)\s*Environment variable 'NUMBA_", category=RuntimeWarning)
    if os.getpid() == 1:  # of a container, where the system ignores a signal without a handler
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # no line about a home that cannot be written
    for stream in (sys.stdout, sys.stderr):
        _accept_all_letters(stream)


def failure_of_output(text: str) -> str | None:
    """Return why standard output cannot take this text, after what was printed; None if it can.

    What is left of it is dropped, because Python would try again to write it. A reader that ends early, such as `head`,
    is no failure.
    """
    try:
        print(text, end="", flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return None if error.errno == errno.EPIPE else error.strerror
    return None


def _end(number: int, frame: object) -> None:
    """End the process with its clean-up, so that nothing is half-written and no child is left."""
    raise SystemExit(128 + number)


def _accept_all_letters(stream: Any) -> None:
    """Print a question mark for a letter that the terminal's encoding lacks."""
    if hasattr(stream, "reconfigure"):  # not where a notebook or a test replaces the stream
        stream.reconfigure(errors="replace")
