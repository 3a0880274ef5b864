"""Make the application: the routes, the guard before them, and every error as a problem."""

import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import RedirectResponse, Response

from forecast import __version__
from forecast.errors import ForecastError
from forecast.service.worker import run_plan
from forecast.web.access import bearer, reader
from forecast.web.catalog import Catalog
from forecast.web.compute import Apart, Compute
from forecast.web.guard import Guard
from forecast.web.inputs import OutOfDate
from forecast.web.jobs import Jobs, Runner
from forecast.web.models import HealthState
from forecast.web.observe import Observer, Workspace, metrics_text
from forecast.web.pages import page, pages
from forecast.web.problems import MEDIA_TYPE, Problem, ProblemBody, problem_response, status_of, without_home
from forecast.web.reading import reading
from forecast.web.service import Calendar, Service, Site, Streams, note
from forecast.web.settings import Settings
from forecast.web.writing import writing

log = logging.getLogger("forecast.web")

_DESCRIPTION = "Stored forecasts of alliance cohesion, and questions to them. Every error is a problem (RFC 9457)."
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemBody, "description": "The request cannot be answered.", "content": {MEDIA_TYPE: {}}},
    "503": {"model": ProblemBody, "description": "Not now.", "content": {MEDIA_TYPE: {}}},
}


def create_app(home: Path, settings: Settings, *, compute: Compute | None = None, runner: Runner = run_plan) -> FastAPI:
    """Return the application that serves a workspace.

    Parameters
    ----------
    home : folder of the workspace.
    settings : what the service allows.
    compute : computes for a request; in processes of its own if None.
    runner : runs a plan and returns the id of the run.
    """
    service = Service(
        home=home,
        settings=settings,
        compute_in=compute or Apart(),
        catalog=Catalog(home),
        calendar=Calendar(home),
        jobs=Jobs(home, runner),
        streams=Streams(settings.streams),
    )
    registry = CollectorRegistry()
    registry.register(Workspace(service))

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.jobs.begin()
        yield
        service.jobs.end()

    app = FastAPI(
        title="forecast",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        responses=_PROBLEMS,
        dependencies=[Depends(bearer), Depends(_note_route)],
    )
    app.state.service = service
    for router in (reading, writing, pages):
        app.include_router(router)
    _add_states(app, registry)
    _add_handlers(app, home)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.body)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(Observer, registry=registry)
    return app


def _note_route(request: Request) -> None:
    """Note the route of a request for its log line."""
    note(request, route=request.scope["route"].path)


def _add_states(app: FastAPI, registry: CollectorRegistry) -> None:
    """Add the addresses by which other programs watch the service."""

    @app.get("/healthz", tags=["service"])
    def healthz() -> HealthState:
        """Say that the service answers."""
        return HealthState(status="ok")

    @app.get("/readyz", tags=["service"])
    def readyz(site: Site) -> HealthState:
        """Say that the workspace can be read."""
        try:
            site.catalog.runs()
        except ForecastError as error:
            raise Problem(503, str(error)) from None
        return HealthState(status="ready")

    @app.get("/metrics", tags=["service"], response_class=Response, dependencies=[Depends(reader)])
    def metrics() -> Response:
        """Return the metrics for Prometheus."""
        return Response(metrics_text(registry), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_handlers(app: FastAPI, home: Path) -> None:
    """Turn every error into a problem; a browser gets a page."""

    def answer(request: Request, status: int, detail: str, headers: Any = None) -> Response:
        detail = without_home(detail, home)
        if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/"):
            if status == 401:
                return RedirectResponse("/login", 303)
            return page("problem.html", status, lines=detail.splitlines())
        return problem_response(status, detail, headers)

    @app.exception_handler(Problem)
    def problem(request: Request, error: Problem) -> Response:
        return answer(request, error.status, error.detail, error.headers)

    @app.exception_handler(ForecastError)
    def fault(request: Request, error: ForecastError) -> Response:
        return answer(request, 412 if isinstance(error, OutOfDate) else status_of(error), str(error))

    @app.exception_handler(HTTPException)
    def refusal(request: Request, error: HTTPException) -> Response:
        return answer(request, error.status_code, f"{request.url.path[:200]}: {error.detail}", error.headers)

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> Response:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        title = "1 fault:" if len(faults) == 1 else f"{len(faults)} faults:"
        return answer(request, 422, "\n".join([title, *faults[:25]]))

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return answer(request, 500, f"{type(error).__name__}: not expected; the log of the service has the details")
