"""Run one plan in a process of its own, limited in time and memory, and report how it ended.

The limits are those of the plan's `[schedule]`. Everything that the process prints goes into a log. The process reports
its result in a JSON file beside the log, so nothing depends on what it prints.
"""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from forecast.errors import ForecastError, cannot_write
from forecast.service import launch
from forecast.service.cancel import request_path
from forecast.service.loop import Cancelled, FellBack
from forecast.service.result import read_result, result_path
from forecast.service.schedules import Scheduled
from forecast.storage.runs import PUBLISHED

_GIB: Final = 1 << 30  # bytes
_POLL: Final = 0.1  # seconds between two looks at a running process
_GRACE: Final = 8.0  # seconds between asking a process to stop and killing it; a container has 10 s to stop
_INTERRUPTED: Final = 130  # exit code of the command after Ctrl-C
_QUOTED: Final = 400  # characters quoted from the end of a log


def run_plan(home: Path, scheduled: Scheduled, log: Path) -> str:
    """Run `forecast run` on the plan in a process of its own and return the id of the run.

    Parameters
    ----------
    home : Path
        The workspace.
    scheduled : Scheduled
        The plan.
    log : Path
        The file for what the process prints; the result is written beside it.

    Raises
    ------
    Cancelled
        If a user interrupted the run.
    FellBack
        If the run failed and was replaced by a degraded run, which the plan allows.
    ForecastError
        If the run failed, took too long, needed too much memory, was killed, or reported no result.
    """
    request = request_path(log)
    try:
        request.unlink(missing_ok=True)  # an earlier attempt at the slot may have left one
    except OSError as error:
        raise cannot_write(request, error) from error
    try:
        return _run(home, scheduled, log, request)
    except Cancelled:
        raise
    except ForecastError as error:
        if not scheduled.schedule.degraded:
            raise
        raise _fall_back(home, scheduled, log, str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            request.unlink(missing_ok=True)


def _fall_back(home: Path, scheduled: Scheduled, log: Path, reason: str) -> ForecastError:
    """Make a degraded run and return the error to raise: the failure, with the degraded run if there is one."""
    try:
        run = _run(home, scheduled, log.with_suffix(".degraded.log"), request_path(log), "--degraded")
    except Cancelled as cancelled:
        return cancelled
    except ForecastError as error:
        return ForecastError(f"{reason}; a degraded run failed too: {error}")
    return FellBack(reason, run)


def _run(home: Path, scheduled: Scheduled, log: Path, request: Path, *options: str) -> str:
    """Run the command and return the id of the run that it reports.

    With `-P` the command never imports a module of the folder in which the service was started.
    """
    path = result_path(log)
    files = ("--home", str(home.resolve()), "--result", str(path.resolve()))
    command = (sys.executable, "-P", "-m", "forecast", "run", scheduled.name, *files, *options)
    supervise(command, scheduled, log, request)
    result = read_result(path)
    if result is None:
        raise ForecastError(f"{path}: the run ended without an error but wrote no result; see {log}")
    if result.status not in PUBLISHED or not result.run:
        raise ForecastError(f"{path}: status is {result.status!r}, expected {' or '.join(PUBLISHED)}; see {log}")
    return result.run


def supervise(command: Sequence[str], scheduled: Scheduled, log: Path, request: Path) -> None:
    """Run a command within the limits of a plan; raise as `run_plan` does if it fails.

    Parameters
    ----------
    command : sequence of str
        The command, word by word. It may write a result to `result_path(log)`.
    scheduled : Scheduled
        The plan, for the limits.
    log : Path
        The file for what the command prints.
    request : Path
        The command is stopped when this file appears.
    """
    memory = _memory_limit(scheduled)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        result_path(log).unlink(missing_ok=True)  # an earlier attempt at the slot may have left one
        with log.open("w", encoding="utf-8") as output:
            code = _watch(_start(command, memory, output), scheduled, request)
    except OSError as error:
        raise cannot_write(log, error) from error
    if code == -signal.SIGTERM:  # to stop a whole service, the signal is sent to each of its processes, and so to us
        time.sleep(1.0)
    if code == _INTERRUPTED:
        raise Cancelled("cancelled")
    if code:
        raise ForecastError(_why(code, scheduled, log))


def _memory_limit(scheduled: Scheduled) -> int:
    """Return the largest address space of a run in bytes: the plan's limit, or that of this process if it is lower."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    return int(min(scheduled.schedule.memory * _GIB, sys.maxsize if hard == resource.RLIM_INFINITY else hard))


def _start(command: Sequence[str], memory: int, output: IO[str]) -> subprocess.Popen[str]:
    """Start a command in a process group of its own.

    Ctrl-C then reaches the command only through us. The open lock of the plan is passed on to it, so the slot is taken
    as long as the command runs.
    """
    launcher = (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(memory))
    return subprocess.Popen(
        (*launcher, *command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        text=True,
        start_new_session=True,
        close_fds=False,
    )


def _watch(process: subprocess.Popen[str], scheduled: Scheduled, request: Path) -> int:
    """Wait for the end of a process within the limits and return its exit code."""
    minutes = scheduled.schedule.timeout
    deadline = time.monotonic() + minutes * 60.0
    try:
        while not _has_ended(process):
            if request.exists():
                raise Cancelled("cancelled on request, by a command or by the end of the service")
            if time.monotonic() > deadline:
                raise ForecastError(f"took longer than {minutes:g} minutes, the timeout of the plan, and was stopped")
            time.sleep(_POLL)
    finally:
        _stop(process)
    return process.returncode


def _has_ended(process: subprocess.Popen[str]) -> bool:
    """Return whether a process has ended; its number stays taken until `_stop` has stopped its children too."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _stop(process: subprocess.Popen[str]) -> None:
    """Interrupt a process and its children as Ctrl-C would, then kill them."""
    if not _has_ended(process):
        os.killpg(process.pid, signal.SIGINT)
        deadline = time.monotonic() + _GRACE
        while not _has_ended(process) and time.monotonic() < deadline:
            time.sleep(_POLL)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # no child is left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if os.getpid() == 1:  # in a container the children of ended processes become ours
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _why(code: int, scheduled: Scheduled, log: Path) -> str:
    """Return why a process failed: the reason that it reported, else what its exit code and log show."""
    result = read_result(result_path(log))
    if result is not None and result.reason:
        return result.reason
    printed = log.read_text(encoding="utf-8", errors="replace")
    if code == launch.REFUSED:
        return printed.strip()
    if "MemoryError" in printed or "annot allocate memory" in printed or "memory allocation of" in printed:
        limit = _memory_limit(scheduled) / _GIB
        whose = "plan" if limit == scheduled.schedule.memory else "service, which is lower than the plan's"
        return f"needed more than {limit:.4g} GiB, the memory limit of the {whose}"
    if code < 0:
        name = signal.Signals(-code).name if -code in signal.Signals else f"signal {-code}"
        return f"killed by {name} before it wrote a result; see {log}"
    return f"ended with exit code {code} and wrote no result: {printed.strip()[-_QUOTED:]}"
