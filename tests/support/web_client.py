"""A client of the web service in this process, with a runner that needs no fit, and computation without processes."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from forecast.service.cancel import request_path
from forecast.service.loop import Cancelled
from forecast.service.schedules import Scheduled
from forecast.storage.runs import Run
from forecast.web.app import create_app
from forecast.web.settings import Settings

ADDRESS = "http://127.0.0.1"
PATIENCE = 60.0  # seconds until a test gives up waiting; not a measure of speed
PAGE = "<!DOCTYPE html><html lang='en'><title>report</title>" + "<p>A line of the report.</p>" * 200


async def at_once(seconds: float, function: Callable[..., Any], *args: Any) -> Any:
    """Compute in this process."""
    return function(*args)


def print_lines(home: Path, scheduled: Scheduled, log: Path) -> str:
    """Stand for a run: print three lines, one with a path, and return an id."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(f"project: paths 25%\nreport: {home.resolve()}/reports\ndone\n")
    return f"2025-12-31-{scheduled.name}-0123abcd"


def wait_for_cancel(home: Path, scheduled: Scheduled, log: Path) -> str:
    """Stand for a run that ends only when somebody stops it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("up\n")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if request_path(log).exists():
            raise Cancelled("cancelled on request, by a command or by the end of the service")
        time.sleep(0.02)
    raise AssertionError("nobody stopped the run")


def client(home: Path, runner: Any = print_lines, compute: Any = at_once, **settings: Any) -> TestClient:
    """Return a client; use it as a context, so that the service begins and ends."""
    app = create_app(home, Settings(**settings), compute=compute, runner=runner)
    return TestClient(app, ADDRESS, raise_server_exceptions=False, follow_redirects=False)


def copy_workspace(run: Run, home: Path) -> Path:
    """Copy the workspace of a run, with a page for it, and return the copy."""
    shutil.copytree(run.path.parents[1], home)
    folder = home / "reports" / run.id
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (home / "reports" / "index.html").write_text("<!DOCTYPE html><title>all</title>")
    return home


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
