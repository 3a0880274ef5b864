"""A run that is served is read by its address; every fault of address, service or answer is one clear error."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import forecast
from forecast.errors import RunError
from forecast.names import SCHEMA_VERSION
from forecast.storage.remote_runs import RemoteRun

RUN = {"id": "r-1", "plan": "small", "status": "complete", "provenance": {"schema_version": SCHEMA_VERSION}}
ANSWERS: dict[str, Any] = {
    "/runs/small@latest": RUN,
    "/runs/r-1/headlines": [{"value": 0.5}],
    "/runs/r-1/files/manifest.json": {"id": "r-1"},
    "/runs/old": {**RUN, "provenance": {"schema_version": "3"}},
    "/runs/list": [1],
}


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, list[str]]]:
    """An address, and the tokens that were sent to it."""
    sent: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append(self.headers.get("Authorization", ""))
            body = json.dumps(ANSWERS.get(self.path, {"detail": "runs: no run is called so"})).encode()
            if self.path == "/runs/broken":
                body = b"<html>"
            self.send_response(200 if self.path in ANSWERS or self.path == "/runs/broken" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *facts: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", sent
    server.shutdown()
    server.server_close()


def test_a_run_by_its_address(service: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, sent = service
    monkeypatch.setenv("FORECAST_TOKEN", "secret")
    run = forecast.open_run(f"{address}/runs/small@latest/")
    assert isinstance(run, RemoteRun) and run.url == f"{address}/runs/r-1"
    assert (run.id, run.plan_name, run.status) == ("r-1", "small", "complete")
    assert run.headlines == [{"value": 0.5}] and run.manifest == {"id": "r-1"}
    assert set(sent) == {"Bearer secret"}
    with pytest.raises(RunError, match="no model is called 'nix', expected one of spending"):
        run.posterior("nix")
    with pytest.raises(RunError, match="cannot be opened"):
        _ = run.projection


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/runs/nix", "no run is called so"),
        ("/runs/old", f"has output schema 3, expected {SCHEMA_VERSION}"),
        ("/runs/list", "no run, expected an address"),
        ("/runs/broken", "cannot be read"),
    ],
)
def test_what_is_no_run(service: tuple[str, list[str]], path: str, part: str) -> None:
    with pytest.raises(RunError, match=part):
        forecast.open_run(f"{service[0]}{path}")


def test_a_service_that_does_not_run() -> None:
    with pytest.raises(RunError, match="check the address, and that the service runs"):
        forecast.open_run("http://127.0.0.1:9/api/v1/runs/latest")
