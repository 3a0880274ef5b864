"""Start the process of the web service beside the scheduler, and end it with the scheduler. Loads no web library."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from forecast.errors import ForecastError
from forecast.service import launch
from forecast.storage.locks import free_lock
from forecast.web.settings import Settings

_LIBRARIES: Final = ("fastapi", "uvicorn", "prometheus_client")
_PATIENCE: Final = 12.0  # seconds; its run may take 8 to stop


def require_libraries() -> None:
    """Raise ForecastError unless the libraries of the extra `serve` are installed."""
    if missing := [name for name in _LIBRARIES if find_spec(name) is None]:
        raise ForecastError(
            f"--http needs {', '.join(missing)}, expected the extra 'serve'; install alliance-forecast[serve]"
        )


def require_unserved(home: Path) -> None:
    """Raise ForecastError if another process serves a workspace over HTTP."""
    with free_lock(home, "http") as free:
        if not free:
            raise ForecastError(f"{home}: is served already by another process, expected none; end it")


@contextlib.contextmanager
def web_process(home: Path, listener: socket.socket, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Give the process that serves a workspace on a socket; it is stopped at the end.

    It has a session of its own, so Ctrl-C reaches it through us alone, and on Linux it does not outlast this process.
    """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    launcher = (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(memory))
    command = (
        sys.executable,
        "-P",
        "-m",
        "forecast.web",
        str(listener.fileno()),
        str(home.resolve()),
        settings.as_json(),
    )
    process = subprocess.Popen(
        (*launcher, *command), stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=(listener.fileno(),)
    )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it has started."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def require_alive(process: subprocess.Popen[bytes]) -> None:
    """Raise ForecastError if the process has ended."""
    if (code := process.poll()) is not None:
        raise ForecastError(f"the web service ended with exit code {code}, expected it to run; see its log above")
