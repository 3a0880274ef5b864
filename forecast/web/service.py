"""What the routes share: the workspace, the settings, and what is kept in memory."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from forecast.service.loop import calendar_at
from forecast.service.slots import State
from forecast.storage.runs import PUBLISHED, Run
from forecast.web.catalog import Catalog
from forecast.web.compute import Compute
from forecast.web.jobs import Jobs
from forecast.web.problems import Problem
from forecast.web.sessions import Sessions
from forecast.web.settings import Settings
from forecast.web.trees import Trees

_FRESH: Final = 2.0  # seconds


class Calendar:
    """The state of every schedule, read at most every two seconds: a look touches the locks of the scheduler."""

    def __init__(self, home: Path) -> None:
        self._home, self._lock, self._looked = home, threading.Lock(), float("-inf")
        self._found: tuple[list[State], list[str]] = ([], [])

    def look(self) -> tuple[list[State], list[str]]:
        """Return the states, and what is wrong with any plan or record."""
        with self._lock:
            if time.monotonic() - self._looked > _FRESH:
                self._found = calendar_at(self._home, datetime.now(UTC))
                self._looked = time.monotonic()
            return self._found

    def running(self, plan: str) -> str:
        """Return when the running slot of a plan was due; empty if none is running."""
        return next((state.running for state in self.look()[0] if state.plan == plan), "")


class Streams:
    """The connections that follow the progress of a run; only so many are open at one time."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold one connection; raises Problem if all are in use."""
        if not self._free.acquire(blocking=False):
            raise Problem(503, "too many connections follow a run, expected fewer; try later", {"retry-after": "30"})
        try:
            yield
        finally:
            self._free.release()


@dataclass(frozen=True, kw_only=True)
class Service:
    """One workspace that is served."""

    home: Path
    settings: Settings
    compute_in: Compute
    catalog: Catalog
    calendar: Calendar
    jobs: Jobs
    streams: Streams
    sessions: Sessions = field(default_factory=Sessions)
    trees: Trees = field(default_factory=Trees)

    async def compute(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return what a function returns, computed in another process within the time limit."""
        return await self.compute_in(self.settings.seconds, function, *args)


def service_of(request: Request) -> Service:
    """Return the service that a request is made to."""
    service: Service = request.app.state.service
    return service


Site = Annotated[Service, Depends(service_of)]


def note(request: Request, **facts: str) -> None:
    """Add facts to the log line of a request."""
    request.scope["state"].setdefault("facts", {}).update(facts)


def opened(run: str, service: Site, request: Request) -> Run:
    """Return the run that a path names: an id, `latest` or `PLAN@latest`."""
    found = service.catalog.find(run)
    note(request, run=found.id)
    return found


def published(run: Annotated[Run, Depends(opened)]) -> Run:
    """Return a published run of this output schema; raises Problem or RunError for any other, with the reason."""
    if run.status not in PUBLISHED:
        raise Problem(409, run.reason or f"runs/{run.id}: the run is {run.status}, expected a published one")
    run.require_schema()
    return run


#: The run that a path names, of any status, and a published one.
AnyRun = Annotated[Run, Depends(opened)]
Published = Annotated[Run, Depends(published)]
