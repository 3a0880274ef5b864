"""One run in a process of its own: bounded in time and memory, logged, and stopped with all that it started.

The limits are those of the plan's `[schedule]`. What the process says goes into the log; what it ended by is told in
the words of a user.
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
from forecast.service.slots import Slot, folder_of, lock_of
from forecast.storage.locks import free_lock
from forecast.workspace.plan import Plan

PID: Final = "running.pid"  # beside the log, while the process lives
_GIB: Final = 1 << 30
_HOOK: Final = 60.0  # seconds that a hook may take
_GRACE: Final = 20.0  # seconds between asking a process to stop and killing it
_INTERRUPTED: Final = 130  # exit code of the command after Ctrl-C
_LAST: Final = 400  # characters of the log that are quoted


def run_plan(home: Path, plan: Plan, log: Path) -> str:
    """The job of a slot: `forecast run` on the plan; gives the id of the run.

    Raises
    ------
    Cancelled
        When somebody interrupted it.
    FellBack
        When it failed and a degraded run, which the plan allows, stands in.
    ForecastError
        When it failed, took too long, wanted too much memory, or was killed.
    """
    try:
        return _run(home, plan, log)
    except Cancelled:
        raise
    except ForecastError as error:
        if plan.schedule is None or not plan.schedule.degraded:
            raise
        raise _fallen_back(home, plan, log, str(error)) from error


def _fallen_back(home: Path, plan: Plan, log: Path, reason: str) -> ForecastError:
    """The failure, with the run that is published in its stead if that can be made."""
    try:
        run = _run(home, plan, log.with_suffix(".degraded.log"), "--degraded")
    except Cancelled as stopped:
        return stopped
    except ForecastError as error:
        return ForecastError(f"{reason}; nor could a degraded run be made: {error}")
    return FellBack(reason, run)


def _run(home: Path, plan: Plan, log: Path, *options: str) -> str:
    place = ("--home", str(home.resolve()))
    supervise((sys.executable, "-m", "forecast", "run", plan.name, *place, *options), plan, log)
    found = [line.split()[1] for line in log.read_text().splitlines() if line.startswith("run  ")]
    if not found:
        raise ForecastError(f"{log}: ended well but named no run")
    return Path(found[-1]).name


def supervise(command: Sequence[str], plan: Plan, log: Path) -> None:
    """Run a command within the limits of a plan, all it says into `log`; raises as `run_plan` does."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as out:
            code = _watch(_start(command, out), plan, log.parent / PID)
    except OSError as error:
        raise cannot_write(log, error) from error
    if code == _INTERRUPTED:
        raise Cancelled("cancelled")
    if code:
        raise ForecastError(_why(code, plan, log))


def _watch(process: subprocess.Popen[str], plan: Plan, pid: Path) -> int:
    """Wait for its end within the limits; gives its exit code."""
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
    except ProcessLookupError:  # it has ended already
        return process.wait()
    finally:
        _stop(process)
        pid.unlink(missing_ok=True)


def cancel(home: Path, plan: str) -> int:
    """Ask the running slot of a plan to stop, as Ctrl-C would; gives the process, 0 where none is running."""
    with free_lock(home, lock_of(plan)) as idle:
        if not idle:
            path = folder_of(home, plan) / PID
            process = int(path.read_text(encoding="utf-8")) if path.is_file() else 0
            if process:
                os.killpg(process, signal.SIGINT)
            return process
    return 0


def call_hook(plan: Plan, slot: Slot, before: Slot | None) -> None:
    """Run the command that a plan has for a failure, or for the first success after one; its own failure is warned of.

    It finds FORECAST_PLAN, FORECAST_SLOT, FORECAST_STATUS, FORECAST_RUN and FORECAST_REASON in its environment.
    """
    assert plan.schedule is not None
    recovered = slot.status == "complete" and before is not None and before.status == "failed"
    command = plan.schedule.on_recovery if recovered else ()
    if slot.status == "failed":
        command = plan.schedule.on_failure
    if not command:
        return
    facts = {"SLOT": slot.at, "STATUS": slot.status, "RUN": slot.run, "REASON": slot.reason}
    told = os.environ | {f"FORECAST_{k}": v for k, v in {"PLAN": plan.name, **facts}.items()}
    try:
        subprocess.run(command, env=told, timeout=_HOOK, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"forecast: the hook of {plan.name} failed: {error}", file=sys.stderr)


def _start(command: Sequence[str], out: IO[str]) -> subprocess.Popen[str]:
    """In a process group of its own, so that Ctrl-C reaches it through us alone; it holds the plan's lock with us."""
    return subprocess.Popen(command, stdout=out, stderr=out, text=True, start_new_session=True, close_fds=False)


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask it and all that it started to stop as Ctrl-C would, then kill them."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _why(code: int, plan: Plan, log: Path) -> str:
    """What a process ended by."""
    assert plan.schedule is not None
    said = log.read_text(encoding="utf-8", errors="replace")
    told = [line.removeprefix("forecast: ") for line in said.splitlines() if line.startswith("forecast: ")]
    if told:
        return told[-1]
    if "MemoryError" in said or "annot allocate memory" in said or "memory allocation of" in said:
        return f"wanted more than {plan.schedule.memory:g} GiB, the memory of the plan"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with {code}: {said.strip()[-_LAST:]}"
