"""The API for changes: submit a plan, a scenario, a table or rows (analyst), start and cancel a run (operator).

A file that is there already is replaced only if `If-Match` names the version that the sender has read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from forecast.errors import PlanError, shown
from forecast.service.cancel import cancel
from forecast.service.slots import file_of
from forecast.web.access import analyst, operator, reader
from forecast.web.guard import HEAD
from forecast.web.inputs import (
    digest_of_input,
    plan_file,
    scenario_file,
    submit_files,
    submit_rows,
    table_file,
)
from forecast.web.jobs import OPEN, Job, require_job
from forecast.web.models import Checked, Rows, Start, Stopped
from forecast.web.problems import Problem, without_home
from forecast.web.service import Service, Site
from forecast.web.tokens import Holder

_LOOK: Final = 0.5  # seconds between two looks at a log
_LINES: Final = 1000  # lines of a log that are sent at most

writing = APIRouter(prefix="/api/v1")
Analyst = Annotated[Holder, Depends(analyst)]
Operator = Annotated[Holder, Depends(operator)]
IfMatch = Annotated[str, Header(max_length=100)]


@writing.put("/plans/{name}", response_model=Checked, tags=["inputs"])
async def put_plan(
    request: Request, site: Site, who: Analyst, name: str, if_match: IfMatch = "", check_only: bool = False
) -> Any:
    """Check a plan (TOML), and write it unless `check_only`."""
    return await _put(request, site, plan_file(name), if_match, check_only)


@writing.put("/scenarios/{part}", response_model=Checked, tags=["inputs"])
async def put_scenario(
    request: Request, site: Site, who: Analyst, part: str, if_match: IfMatch = "", check_only: bool = False
) -> Any:
    """Check a part of the scenarios (TOML) with all plans of the workspace, and write it unless `check_only`."""
    return await _put(request, site, scenario_file(part), if_match, check_only)


@writing.put("/tables/{name}", response_model=Checked, tags=["inputs"])
async def put_table(
    request: Request, site: Site, who: Analyst, name: str, if_match: IfMatch = "", check_only: bool = False
) -> Any:
    """Check the workspace's own rows of a table (CSV), and write them unless `check_only`."""
    return await _put(request, site, table_file(name), if_match, check_only)


@writing.post("/tables", response_model=Checked, tags=["inputs"])
async def add_rows(site: Site, who: Analyst, rows: Rows, check_only: bool = False) -> Any:
    """Add rows to tables, checked and written together: a mission needs rows of `missions` and `deployments`."""
    notes = await site.compute(submit_rows, site.home, rows.rows, not check_only)
    return Checked(written=not check_only, name=", ".join(rows.rows), notes=notes)


async def _put(request: Request, site: Service, file: Path, if_match: str, check_only: bool) -> Checked:
    replaces = if_match.strip('"')
    if not replaces and digest_of_input(site.home, file) and not check_only:
        raise Problem(428, f"{file}: is there already, expected its ETag in the header If-Match; read it first")
    replaces = digest_of_input(site.home, file) if check_only else replaces
    text = _text(await request.body(), file)
    notes = await site.compute(submit_files, site.home, {file: text}, {file: replaces}, not check_only)
    return Checked(written=not check_only, name=file.stem, notes=notes)


def _text(body: bytes, file: Path) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanError(f"{file}: byte {error.start} is not UTF-8, expected text; send it as UTF-8") from None


@writing.get("/jobs", response_model=list[Job], tags=["jobs"], dependencies=[Depends(reader)])
def list_jobs(site: Site) -> Any:
    """List the runs that somebody has asked for, oldest first."""
    return site.jobs.list()


@writing.post("/jobs", status_code=202, response_model=Job, tags=["jobs"])
def start_job(site: Site, who: Operator, start: Start, response: Response) -> Any:
    """Start a run of a plan; follow it at the address in `Location`."""
    job = site.jobs.start(plan_file(start.plan).stem, who.name)
    response.headers["location"] = f"/api/v1/jobs/{job.id}"
    return job


def asked_job(site: Site, name: str) -> Job:
    """Return the job that a path names."""
    return require_job(site.jobs, name)


def one_stream(site: Site) -> Iterator[None]:
    """Hold one of the connections that follow a run."""
    with site.streams.one():
        yield


Asked = Annotated[Job, Depends(asked_job)]
_FOLLOW: Final = (Depends(reader), Depends(one_stream))


@writing.get("/jobs/{name}", response_model=Job, tags=["jobs"], dependencies=[Depends(reader)])
def show_job(job: Asked) -> Any:
    """Return the state of a job."""
    return job


@writing.delete("/jobs/{name}", status_code=202, response_model=Job, tags=["jobs"])
def cancel_job(site: Site, who: Operator, job: Asked) -> Any:
    """Stop a job, waiting or running."""
    return site.jobs.cancel(job.id)


@writing.delete("/schedule/{plan}", response_model=Stopped, tags=["jobs"])
def cancel_slot(site: Site, who: Operator, plan: str) -> Any:
    """Stop the scheduled run of a plan that is in progress, and wait for its end."""
    return Stopped(plan=plan, at=cancel(site.home, plan_file(plan).stem))


@writing.get("/jobs/{name}/events", tags=["jobs"], response_class=EventSourceResponse, dependencies=_FOLLOW)
async def follow_job(request: Request, site: Site, job: Asked) -> AsyncIterator[ServerSentEvent]:
    """Send each line that the run prints as an event, and at its end the state of the job as the event `end`."""
    if not request.scope.get(HEAD):
        async for line in _lines(site.jobs.log_of(job), lambda: site.jobs.get(job.id).status in OPEN):
            yield ServerSentEvent(raw_data=without_home(line, site.home))
        yield ServerSentEvent(data=site.jobs.get(job.id), event="end")


def running_slot_of(site: Site, plan: str) -> str:
    """Return when the running slot of a plan was due; raises Problem if none is running."""
    at = site.calendar.running(plan)
    if not at:
        raise Problem(404, f"{shown(plan)}: no scheduled run is in progress, expected one; see /api/v1/schedule")
    return at


@writing.get("/schedule/{plan}/events", tags=["jobs"], response_class=EventSourceResponse, dependencies=_FOLLOW)
async def follow_slot(
    request: Request, site: Site, plan: str, at: Annotated[str, Depends(running_slot_of)]
) -> AsyncIterator[ServerSentEvent]:
    """Send each line that the scheduled run of a plan prints as an event, and the event `end` at its end."""
    if not request.scope.get(HEAD):
        async for line in _lines(file_of(site.home, plan, at, ".log"), lambda: site.calendar.running(plan) == at):
            yield ServerSentEvent(raw_data=without_home(line, site.home))
        yield ServerSentEvent(data=Stopped(plan=plan, at=at), event="end")


async def _lines(path: Path, running: Callable[[], bool]) -> AsyncIterator[str]:
    """Yield the lines of a log until what writes it has ended."""
    place, sent, ended = 0, 0, False
    while not ended and sent < _LINES:
        ended = not await run_in_threadpool(running)  # it may wait for a lock
        if path.exists():
            with path.open("rb") as handle:
                handle.seek(place)
                text = handle.read(2**20)
            whole = text if ended else text[: text.rfind(b"\n") + 1]
            place += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                yield line
                sent += 1
        if not ended:
            await asyncio.sleep(_LOOK)
