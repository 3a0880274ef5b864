"""Run functions in processes of their own, which give back their memory when they end.

PyMC, its compiler and the draws of a fit take half a gigabyte. A function and its error are pickled. The stages that it
opens are shown by the process that asked for it. A process ends when that one does, because its standard input closes.
"""

import copyreg
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from queue import SimpleQueue
from types import MappingProxyType
from typing import IO, Any, Final

from forecast.errors import RunError
from forecast.progress import Report, Stages

AT_ONCE: Final = 2  # processes
_LOW: Final = 5  # niceness of processes that may wait; more of it would starve them on a busy machine
Job = Callable[[Stages], object]


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))  # tables and priors have some


Show = Callable[[Stages, int], None]


def run_in_processes(jobs: Sequence[Job], stages: Stages) -> None:
    """Run jobs, two at a time, and show their stages in the order of the jobs; raise what a job raises."""
    with running(jobs) as show:
        show(stages, len(jobs))


@contextmanager
def running(jobs: Sequence[Job], later: Sequence[Job] = ()) -> Iterator[Show]:
    """Run jobs, two at a time, while the block runs; those that are not done when it ends are stopped.

    Jobs in `later` begin when a place is free, at low priority, so that they hardly slow down anything else.

    Yields a function that shows the stages of the next jobs, as many as asked for, until they are done; it raises what
    a job raises.
    """
    queues: list[SimpleQueue[Any]] = [SimpleQueue() for _ in (*jobs, *later)]
    started: list[subprocess.Popen[bytes]] = []
    stopped = threading.Event()

    def work(number: int, job: Job, told: "SimpleQueue[Any]") -> None:
        if stopped.is_set():
            return
        process = subprocess.Popen(_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment())
        started.append(process)
        if stopped.is_set():
            process.kill()
        if number >= len(jobs):
            with suppress(OSError):  # it has ended already
                os.setpriority(os.PRIO_PROCESS, process.pid, os.nice(0) + _LOW)
        told.put(("failed", _converse(process, job, told)))

    def show(stages: Stages, count: int) -> None:
        for told in islice(messages, count):
            _show(told, stages)

    messages = iter(queues)
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        for number, (job, told) in enumerate(zip((*jobs, *later), queues, strict=True)):
            pool.submit(work, number, job, told)
        yield show
    finally:
        stopped.set()
        for process in started:
            process.kill()
        pool.shutdown(cancel_futures=True)


def _command() -> list[str]:
    return [sys.executable, "-P", "-m", __name__]


def _environment() -> dict[str, str]:
    """Return the environment of a process that finds the same packages as this one.

    glibc gives each thread of the sampler memory of its own, and keeps it, unless the number of such arenas is limited.
    """
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "MALLOC_ARENA_MAX": "2"}


def _converse(process: "subprocess.Popen[bytes]", job: Job, told: "SimpleQueue[Any]") -> RunError:
    """Hand over the job and pass on what the process says; return the error for a process that says no last word."""
    assert process.stdin is not None and process.stdout is not None
    with process, suppress(OSError, EOFError, pickle.UnpicklingError):
        pickle.dump(job, process.stdin)
        process.stdin.flush()
        while True:
            told.put(pickle.load(process.stdout))
    return RunError(
        f"a process that fits a model ended with code {process.returncode} before it was done; -9 usually means that "
        "memory was too small: free some and run the plan again"
    )


def _show(told: "SimpleQueue[Any]", stages: Stages) -> None:
    """Show the stages of one job until it is done; raise its error."""
    with ExitStack() as stage:
        report: Report
        while (message := told.get())[0] != "done":
            match message:
                case "begin", title:
                    report = stage.enter_context(stages(title))
                case "report", what, part:
                    report(what, part)
                case ("end",):
                    stage.close()
                case "failed", error:
                    raise error


def serve(job: Job, answer: IO[bytes]) -> None:
    """Run a job and write its stages, then its end or its error, as pickled messages."""

    def tell(*message: Any) -> None:
        answer.write(pickle.dumps(message))
        answer.flush()

    @contextmanager
    def stages(title: str) -> Iterator[Report]:
        tell("begin", title)
        yield lambda what, part: tell("report", what, part)
        tell("end")

    try:
        job(stages)
    except BaseException as error:
        tell("failed", _portable(error))
    else:
        tell("done")


def _portable(error: BaseException) -> BaseException:
    """Return an error that can be pickled: itself, or one with the same text."""
    try:
        return pickle.loads(pickle.dumps(error))  # type: ignore[no-any-return]
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


def _end_with_parent() -> None:  # pragma: no cover: ends the process
    """Wait until standard input closes, then end this process."""
    os.read(0, 1)
    os._exit(1)


def main() -> None:  # pragma: no cover: runs in a process of its own
    """Run the job on standard input. What libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked is interrupted too, and ends this one
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    job = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(job, answer)


if __name__ == "__main__":  # pragma: no cover
    main()
