"""Compile the next model in the background while the current one is sampled.

Sampling leaves Python idle. Samplers and compiler share the processors, so the gain is the time in which a processor
would be idle.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any


class BackgroundCompiler:
    """Run named jobs in background threads, each once; asking for a result starts the next job.

    The threads are daemons: they end with the process, so Ctrl-C does not wait for a compiler.
    """

    def __init__(self, jobs: Mapping[str, Callable[[], Any]]) -> None:
        """Keep the jobs; none starts before the first call."""
        self._pending = dict(jobs)
        self._started: dict[str, Future[tuple[Any, float]]] = {}

    def __call__(self, name: str) -> tuple[Any, float]:
        """Return the result of the job `name` and its duration in seconds; raise what the job raised."""
        self._start(name)
        result = self._started[name].result()
        if self._pending:
            self._start(next(iter(self._pending)))
        return result

    def _start(self, name: str) -> None:
        if name in self._started:
            return
        job, future = self._pending.pop(name), Future[tuple[Any, float]]()
        self._started[name] = future

        def work() -> None:
            start = time.perf_counter()
            try:
                future.set_result((job(), time.perf_counter() - start))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work, name=f"compile {name}", daemon=True).start()
