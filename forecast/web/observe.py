"""Logs and metrics: one JSON line for each request, and what Prometheus asks for at `/metrics`.

A line names the route, the run and the holder of the token. It has no query, header or body, so no secret is logged.
"""

import json
import logging
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forecast.service.slots import read_slots
from forecast.storage.runs import COMPLETE
from forecast.web.models import summary_of
from forecast.web.service import Service

log = logging.getLogger("forecast.web")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message, and the facts of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "run": getattr(record, "run", ""),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_as_json() -> None:
    """Send every log line of this process to standard error, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class Observer:
    """Count, time and log every request."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "forecast_http_requests", "Requests by route and status.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "forecast_http_request_seconds", "Time to answer.", ("route",), registry=registry, buckets=_BUCKETS
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500
        scope["state"] = {**scope.get("state", {}), "facts": {}}

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - begun
            facts = scope["state"]["facts"]
            route = facts.pop("route", "none")
            method = scope["method"] if scope["method"].isalpha() and len(scope["method"]) < 8 else "other"
            self._requests.labels(method, route, str(status)).inc()
            self._seconds.labels(route).observe(seconds)
            run = facts.pop("run", "")
            facts = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000.0, 1), **facts}
            log.info("request", extra={"run": run, "facts": facts})


class Workspace(Collector):
    """What is known of the runs and schedules at the time of the question."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the workspace is read only when somebody asks."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of the workspace."""
        age = _gauge("facts_age_days", "Days since the as-of date of the last complete run.", "plan")
        last = _gauge("last_success_timestamp_seconds", "End of the last complete run.", "plan")
        took = _gauge("run_seconds", "Duration of the parts of the last complete run.", "plan", "part")
        stored = _gauge("runs", "Stored runs.", "plan", "status")
        slots = _gauge("slots", "Scheduled runs that ended.", "plan", "status")
        jobs = _gauge("jobs", "Runs that somebody asked for.", "status")
        runs = self._service.catalog.runs()
        for plan, run in {run.plan_name: run for run in runs if run.status == COMPLETE}.items():
            if (days := summary_of(run)["age_of_facts"]) is not None:
                age.add_metric([plan], days)
            last.add_metric([plan], datetime.fromisoformat(run.manifest["finished"]).timestamp())
            for part, seconds in run.manifest.get("host", {}).get("seconds", {}).items():
                took.add_metric([plan, part], seconds)
        for (plan, status), number in _counted((run.plan_name, run.status) for run in runs).items():
            stored.add_metric([plan, status], number)
        for state in self._service.calendar.look()[0]:
            statuses = ((slot.status,) for slot in read_slots(self._service.home, state.plan)[0])
            for (status,), number in _counted(statuses).items():
                slots.add_metric([state.plan, status], number)
        for (status,), number in _counted((job.status,) for job in self._service.jobs.list()).items():
            jobs.add_metric([status], number)
        return [age, last, took, stored, slots, jobs]


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"forecast_{name}", meaning, labels=labels)


def _counted(labels: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    counts: dict[tuple[str, ...], int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return counts


def metrics_text(registry: CollectorRegistry) -> bytes:
    """Return all metrics in the text format of Prometheus."""
    return generate_latest(registry)
