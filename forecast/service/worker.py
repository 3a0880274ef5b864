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
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from forecast.errors import ForecastError, cannot_write
from forecast.service.loop import Cancelled, FellBack
from forecast.service.result import read_result, result_path
from forecast.service.slots import Slot, folder_of, lock_of
from forecast.storage.locks import free_lock
from forecast.storage.runs import PUBLISHED
from forecast.workspace.plan import Plan

PID: Final = "running.pid"  # beside the log, while the process runs
_GIB: Final = 1 << 30  # bytes
_HOOK_TIMEOUT: Final = 60.0  # seconds
_GRACE: Final = 20.0  # seconds between asking a process to stop and killing it
_INTERRUPTED: Final = 130  # exit code of the command after Ctrl-C
_QUOTED: Final = 400  # characters quoted from the end of a log


def run_plan(home: Path, plan: Plan, log: Path) -> str:
    """Run `forecast run` on the plan in a process of its own and return the id of the run.

    Parameters
    ----------
    home : Path
        The workspace.
    plan : Plan
        A plan with a schedule.
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
    try:
        return _run(home, plan, log)
    except Cancelled:
        raise
    except ForecastError as error:
        if plan.schedule is None or not plan.schedule.degraded:
            raise
        raise _fall_back(home, plan, log, str(error)) from error


def _fall_back(home: Path, plan: Plan, log: Path, reason: str) -> ForecastError:
    """Make a degraded run and return the error to raise: the failure, with the degraded run if there is one."""
    try:
        run = _run(home, plan, log.with_suffix(".degraded.log"), "--degraded")
    except Cancelled as cancelled:
        return cancelled
    except ForecastError as error:
        return ForecastError(f"{reason}; a degraded run failed too: {error}")
    return FellBack(reason, run)


def _run(home: Path, plan: Plan, log: Path, *options: str) -> str:
    """Run the command and return the id of the run that it reports."""
    path = result_path(log)
    files = ("--home", str(home.resolve()), "--result", str(path.resolve()))
    supervise((sys.executable, "-m", "forecast", "run", plan.name, *files, *options), plan, log)
    result = read_result(path)
    if result is None:
        raise ForecastError(f"{path}: the run ended without an error but wrote no result; see {log}")
    if result.status not in PUBLISHED or not result.run:
        raise ForecastError(f"{path}: status is {result.status!r}, expected {' or '.join(PUBLISHED)}; see {log}")
    return result.run


def supervise(command: Sequence[str], plan: Plan, log: Path) -> None:
    """Run a command within the limits of a plan; raise as `run_plan` does if it fails.

    Parameters
    ----------
    command : sequence of str
        The command, word by word. It may write a result to `result_path(log)`.
    plan : Plan
        A plan with a schedule, for the limits.
    log : Path
        The file for what the command prints.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        result_path(log).unlink(missing_ok=True)  # an earlier attempt at the slot may have left one
        with log.open("w", encoding="utf-8") as output:
            code = _watch(_start(command, output), plan, log.parent / PID)
    except OSError as error:
        raise cannot_write(log, error) from error
    if code == _INTERRUPTED:
        raise Cancelled("cancelled")
    if code:
        raise ForecastError(_why(code, plan, log))


def _watch(process: subprocess.Popen[str], plan: Plan, pid: Path) -> int:
    """Wait for the end of a process within the limits and return its exit code."""
    assert plan.schedule is not None
    limit = int(plan.schedule.memory * _GIB)
    try:
        pid.write_text(f"{process.pid}\n", encoding="utf-8")
        resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))
        return process.wait(plan.schedule.timeout * 60.0)
    except subprocess.TimeoutExpired:
        raise ForecastError(
            f"took longer than {plan.schedule.timeout:g} minutes, the timeout of the plan, and was stopped"
        ) from None
    except ProcessLookupError:  # the process has already ended
        return process.wait()
    finally:
        _stop(process)
        pid.unlink(missing_ok=True)


def cancel(home: Path, plan: str) -> int:
    """Interrupt the running slot of a plan, as Ctrl-C would; return its process id, or 0 if none is running."""
    with free_lock(home, lock_of(plan)) as idle:
        if not idle:
            path = folder_of(home, plan) / PID
            process = int(path.read_text(encoding="utf-8")) if path.is_file() else 0
            if process:
                os.killpg(process, signal.SIGINT)
            return process
    return 0


def call_hook(plan: Plan, slot: Slot, before: Slot | None) -> None:
    """Run the plan's command for a failure, or for the first success after a failure.

    The command has FORECAST_PLAN, FORECAST_SLOT, FORECAST_STATUS, FORECAST_RUN and FORECAST_REASON in its environment.
    If it fails, a warning is printed and nothing else happens.

    Parameters
    ----------
    plan : Plan
        A plan with a schedule.
    slot : Slot
        The slot that was run.
    before : Slot, optional
        The slot before it.
    """
    assert plan.schedule is not None
    recovered = slot.status == "complete" and before is not None and before.status == "failed"
    command = plan.schedule.on_recovery if recovered else ()
    if slot.status == "failed":
        command = plan.schedule.on_failure
    if not command:
        return
    facts = {"PLAN": plan.name, "SLOT": slot.at, "STATUS": slot.status, "RUN": slot.run, "REASON": slot.reason}
    environment = os.environ | {f"FORECAST_{key}": value for key, value in facts.items()}
    try:
        subprocess.run(command, env=environment, timeout=_HOOK_TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"forecast: the hook of {plan.name} failed: {error}", file=sys.stderr)


def _start(command: Sequence[str], output: IO[str]) -> subprocess.Popen[str]:
    """Start a command in a process group of its own.

    Ctrl-C then reaches the command only through us. The open lock of the plan is passed on to it.
    """
    return subprocess.Popen(command, stdout=output, stderr=output, text=True, start_new_session=True, close_fds=False)


def _stop(process: subprocess.Popen[str]) -> None:
    """Interrupt a process and its children as Ctrl-C would, then kill them."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _why(code: int, plan: Plan, log: Path) -> str:
    """Return why a process failed: the reason that it reported, else what its exit code and log show."""
    assert plan.schedule is not None
    result = read_result(result_path(log))
    if result is not None and result.reason:
        return result.reason
    printed = log.read_text(encoding="utf-8", errors="replace")
    if "MemoryError" in printed or "annot allocate memory" in printed or "memory allocation of" in printed:
        return f"needed more than {plan.schedule.memory:g} GiB, the memory limit of the plan"
    if code < 0:
        return f"killed by {signal.Signals(-code).name} before it wrote a result; see {log}"
    return f"ended with exit code {code} and wrote no result: {printed.strip()[-_QUOTED:]}"
