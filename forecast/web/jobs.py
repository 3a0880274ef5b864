"""Runs that a person has asked for: one after the other, each in a supervised process of its own.

A job has a record and a log in `runs/jobs/`. The record is written at each step, so a restart of the service knows
which runs it interrupted. The scheduler's worker runs them, with the limits of the plan.
"""

import logging
import queue
import secrets
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypedDict

from forecast.errors import ForecastError, RunError, shown
from forecast.service.cancel import request_path
from forecast.service.loop import Cancelled, FellBack
from forecast.service.schedules import Scheduled, message_of
from forecast.storage.files import read_json, replace_json, replace_text, with_checksums
from forecast.storage.shapes import Moment
from forecast.web.problems import Problem
from forecast.workspace.plan import Schedule, load_plan

log = logging.getLogger("forecast.web")

Status = Literal["waiting", "running", "complete", "degraded", "failed", "cancelled"]
Runner = Callable[[Path, Scheduled, Path], str]  # home, plan and log; as `service.worker.run_plan`
OPEN: Final = ("waiting", "running")
_WAITING: Final = 8  # jobs
_KEPT: Final = 200  # records in memory
_STOP: Final = 9.0  # seconds to wait for the end of a run when the service stops
_NOT_BEGUN: Final = "the service stopped before the run began; start it again"
_NEVER: Final = "0 0 1 1 *"  # stands for a schedule; a job runs at once


class _Stored(TypedDict):
    id: str
    plan: str
    by: str
    status: Status
    asked: Moment
    started: str
    finished: str
    run: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A run that somebody has asked for.

    Attributes
    ----------
    id : its name.
    plan : name of the plan.
    by : name of the token.
    status : `waiting`, `running`, `complete`, `degraded`, `failed` or `cancelled`.
    asked, started, finished : times (UTC, ISO 8601), empty if not yet.
    run : id of the run; empty until it is made.
    reason : why there is no run.
    """

    id: str
    plan: str
    by: str
    status: Status = "waiting"
    asked: str
    started: str = ""
    finished: str = ""
    run: str = ""
    reason: str = ""


class Jobs:
    """The jobs of one workspace, and the thread that runs them."""

    def __init__(self, home: Path, runner: Runner) -> None:
        self._home, self._runner = home, runner
        self._folder = home / "runs" / "jobs"
        self._lock = threading.Lock()
        self._queue: queue.Queue[str] = queue.Queue(_WAITING)
        self._jobs: dict[str, Job] = {}
        self._stopping = False
        self._thread = threading.Thread()

    def begin(self) -> None:
        """Read the records, close those that the last service left open, and start the thread."""
        for path in sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[-_KEPT:]:
            try:
                content = read_json(path, _Stored)
            except RunError as error:  # the other records are read
                log.warning("%s", error)
                continue
            job = Job(**{key: content[key] for key in Job.__slots__})
            self._jobs[job.id] = job
            if job.status in OPEN:
                self._set(job, status="failed", reason="the service stopped before the run ended; start it again")
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop the running job and the thread."""
        self._stopping = True
        for job in self.list():
            if job.status in OPEN:
                self.cancel(job.id, _NOT_BEGUN)
        if self._thread.is_alive():
            self._queue.put("")
            self._thread.join(_STOP)

    def list(self) -> list[Job]:
        """Return all jobs, oldest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: (job.asked, job.id))

    def get(self, name: str) -> Job:
        """Return a job; raises KeyError if there is none of the name."""
        with self._lock:
            return self._jobs[name]

    def log_of(self, job: Job) -> Path:
        """Return the file for what the run of a job prints."""
        return self._folder / f"{job.id}.log"

    def start(self, plan: str, by: str) -> Job:
        """Add a job for a plan of the workspace and return it.

        Raises
        ------
        ForecastError
            If the plan has faults, or too many jobs wait.
        """
        load_plan(self._home, plan)
        job = Job(id=secrets.token_hex(8), plan=plan, by=by, asked=_now())
        with self._lock:
            same = [other for other in self._jobs.values() if other.plan == plan and other.status in OPEN]
        if same:
            raise RunError(f"{plan}: is {same[0].status} already as job {same[0].id}; follow it, or cancel it")
        self._set(job)
        try:
            self._queue.put_nowait(job.id)
        except queue.Full:
            self._set(job, status="failed", reason="too many runs waited", finished=_now())
            raise RunError(f"{_WAITING} runs wait already, expected fewer; wait for them, or cancel one") from None
        return job

    def cancel(self, name: str, why: str = "cancelled on request, before the run began") -> Job:
        """Ask a job to stop and return it; raises KeyError as `get`, and RunError if it has ended.

        `why` is the reason of a job that waits; the supervisor of a running one gives its own.
        """
        job = self.get(name)
        if job.status == "waiting":
            return self._set(job, status="cancelled", reason=why, finished=_now())
        if job.status != "running":
            raise RunError(f"job {job.id}: has ended ({job.status}), expected one that is running; start it again")
        replace_text(request_path(self.log_of(job)), "")
        return job

    def _work(self) -> None:
        while name := self._queue.get():
            job = self.get(name)
            if job.status == "waiting" and not self._stopping:
                self._run(job)

    def _run(self, job: Job) -> None:
        job = self._set(job, status="running", started=_now())
        status: Status = "complete"
        run = reason = ""
        try:
            schedule = load_plan(self._home, job.plan).schedule or Schedule(cron=_NEVER)
            run = self._runner(self._home, Scheduled(name=job.plan, schedule=schedule), self.log_of(job))
        except Cancelled as error:
            status, reason = "cancelled", str(error)
        except FellBack as error:
            status, reason, run = "degraded", str(error), error.run
        except Exception as error:  # whatever it is, the next job is run
            status, reason = "failed", message_of(job.plan, error)
        self._set(job, status=status, run=run, reason=reason, finished=_now())
        log.info("job ended", extra={"run": run, "facts": {"job": job.id, "plan": job.plan, "status": status}})

    def _set(self, job: Job, **changes: str) -> Job:
        """Change a job, in memory and in its record, and return it."""
        changed = replace(job, **changes)  # type: ignore[arg-type]
        with self._lock:
            self._jobs[job.id] = changed
            if len(self._jobs) > _KEPT:
                oldest = next((name for name, other in self._jobs.items() if other.status not in OPEN), None)
                self._jobs.pop(oldest, None) if oldest else None
        try:
            replace_json(self._folder / f"{job.id}.json", with_checksums(asdict(changed)))
        except ForecastError as error:
            if job.status == "waiting" and not changes:
                with self._lock:
                    self._jobs.pop(job.id, None)
                raise
            log.warning("%s", error)
        return changed


def require_job(jobs: Jobs, name: str) -> Job:
    """Return a job by its name; raises Problem if there is none."""
    try:
        return jobs.get(name)
    except KeyError:
        raise Problem(
            404, f"runs/jobs: no job is called {shown(name)}, expected one that is listed; list them"
        ) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
