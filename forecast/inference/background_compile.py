"""One job ahead: while a model is sampled, which leaves Python idle, the next is compiled.

The samplers and the compiler share the processors, so only the time when one processor would wait is saved.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any


class BackgroundCompiler:
    """Jobs by name, each done once, in order; asking for one begins the next.

    A thread that nobody waits for ends with the process, so Ctrl-C is not held up by a compiler.
    """

    def __init__(self, jobs: Mapping[str, Callable[[], Any]]) -> None:
        """Nothing begins before it is asked for."""
        self._waiting = dict(jobs)
        self._begun: dict[str, Future[tuple[Any, float]]] = {}

    def __call__(self, name: str) -> tuple[Any, float]:
        """What the job `name` gives and the seconds it took; raises what the job raises."""
        self._begin(name)
        done = self._begun[name].result()
        if self._waiting:
            self._begin(next(iter(self._waiting)))
        return done

    def _begin(self, name: str) -> None:
        if name in self._begun:
            return
        job, future = self._waiting.pop(name), Future[tuple[Any, float]]()
        self._begun[name] = future

        def work() -> None:
            begun = time.perf_counter()
            try:
                future.set_result((job(), time.perf_counter() - begun))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=work, name=f"compile {name}", daemon=True).start()
