"""The command `forecast serve --http` with real processes: a notebook reads one variable, and a signal stops all."""

import contextlib
import http.server
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import forecast
from forecast.errors import RunError
from forecast.storage.remote_runs import RemoteRun
from forecast.storage.runs import Run
from forecast.web.tokens import add_token
from forecast.workspace.init import create_workspace
from tests.support.markdown_code import NOTEBOOKS, cells, execute
from tests.support.web_client import PATIENCE, copy_workspace, wait_until

SHARE = 0.05  # largest part of the file that a reader of one variable fetches
PLAN = 'title = "t"\nas_of = 2025-12-31\nseed = 1\nmissions = ["kfor"]\n'


@contextlib.contextmanager
def served(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give the command and its address, when it answers; kill what is left of it at the end."""
    command = [sys.executable, "-m", "forecast", "serve", "--http", "127.0.0.1:0", "--home", str(home), *options]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.fullmatch(r"http +(http://127\.0\.0\.1:\d+)/\n", process.stdout.readline())
            assert found, (home / "log").read_text()
            wait_until(lambda: answers(found[1]) or process.poll() is not None)
            assert process.poll() is None, (home / "log").read_text()
            yield process, found[1]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=PATIENCE) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Relay:
    """Counts what a web service sends: an address between a reader and the service."""

    def __init__(self, address: str) -> None:
        relay = self
        self.sent = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name: self.headers[name] for name in ("Accept-Encoding", "Range") if self.headers[name]}
                request = urllib.request.Request(f"{address}{self.path}", headers=headers)
                try:
                    answer = urllib.request.urlopen(request)
                except urllib.error.HTTPError as error:
                    answer = error
                body = answer.read()
                relay.sent += len(body)
                self.send_response(answer.status)
                for name in ("Content-Type", "Content-Encoding", "ETag"):
                    if answer.headers[name]:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *facts: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.mark.slow
def test_a_notebook_reads_one_variable_of_a_run(made_run: Run, tmp_path: Path) -> None:
    home = copy_workspace(made_run, tmp_path / "home")
    with served(home) as (_, address):
        run = forecast.open_run(f"{address}/api/v1/runs/small@latest")
        assert isinstance(run, RemoteRun) and run.url.endswith(f"/{made_run.id}")
        assert (run.id, run.status, run.plan_name) == (made_run.id, "complete", "small")
        assert run.headlines == made_run.headlines and run.manifest == made_run.manifest
        with run.projection as there, made_run.projection as here:
            xr.testing.assert_identical(there["missions"].to_dataset(), here["missions"].to_dataset())
        with run.posterior("spending") as there, made_run.posterior("spending") as here:
            xr.testing.assert_equal(there["posterior"].to_dataset(), here["posterior"].to_dataset())
        with pytest.raises(RunError, match="no model is called 'nix'"):
            run.posterior("nix")
        with pytest.raises(RunError, match="no run is called 'nix'"):
            forecast.open_run(f"{address}/api/v1/runs/nix")
        with pytest.raises(RunError, match="no run, expected an address"):
            forecast.open_run(f"{address}/healthz")
        relay = Relay(address)
        with xr.open_datatree(f"{relay.address}/api/v1/runs/latest/projection.zarr") as tree:
            values = tree["alliance"]["verdict_probability"].values
        with made_run.projection as here:
            np.testing.assert_array_equal(values, here["alliance"]["verdict_probability"].values)
        relay.server.shutdown()
        relay.server.server_close()
        size = (made_run.path / "projection.nc").stat().st_size
        assert relay.sent <= SHARE * size, (relay.sent, size)
    with pytest.raises(RunError, match="check the address, and that the service runs"):
        forecast.open_run(f"{address}/api/v1/runs/latest")


@pytest.mark.slow
def test_the_notebook_opens_a_run_by_its_address(
    made_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It plots with dates on the axis, calls ArviZ, closes the tree and opens it again."""
    (notebook,) = [path for path in NOTEBOOKS if path.stem == "load_and_plot"]
    home = copy_workspace(made_run, tmp_path / "home")
    monkeypatch.setenv("FORECAST_HOME", str(home))
    with served(home) as (_, address):
        monkeypatch.setenv("FORECAST_RUN", f"{address}/api/v1/runs/small@latest")
        values: dict[str, Any] = {"__name__": "__main__"}
        shown = [execute(code, notebook.name, values) for code in cells(notebook)]
    assert isinstance(values["run"], RemoteRun)
    assert "Date" in type(values["axis"].xaxis.get_major_formatter()).__name__
    assert any(hasattr(value, "elpd") for value in shown)


@pytest.mark.slow
def test_a_notebook_with_a_token(made_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = copy_workspace(made_run, tmp_path / "home")
    token = add_token(home, "anna", "reader", "2026-11-28T10:00:00+00:00")
    with served(home, "--reading", "token") as (_, address):
        with pytest.raises(RunError, match="this needs a token with the role reader"):
            forecast.open_run(f"{address}/api/v1/runs/latest")
        monkeypatch.setenv("FORECAST_TOKEN", token)
        run = forecast.open_run(f"{address}/api/v1/runs/latest")
        with run.projection as tree:
            assert tree["alliance"]["cohesion"].sizes["war"] == 4
    assert token not in (home / "log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_the_calendar_and_the_web_service(tmp_path: Path, number: int, code: int) -> None:
    forecast_home = tmp_path / "home"
    create_workspace(forecast_home)
    (forecast_home / "runs" / "plans" / "minutely.toml").write_text(PLAN + '[schedule]\ncron = "* * * * *"\n')
    with served(forecast_home) as (process, address):
        wait_until(lambda: list((forecast_home / "runs" / "slots" / "minutely").glob("running.json")))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2  # the web service and the run
        process.send_signal(number)
        assert process.wait(PATIENCE) == code
        assert not answers(address)
        for child in children:
            wait_until(lambda child=child: not Path(f"/proc/{child}").exists())
    printed = (forecast_home / "log").read_text()
    assert "Traceback" not in printed and "stopped; a slot that was running will be run again" in printed


@pytest.mark.slow
def test_the_web_service_does_not_outlast_the_calendar(tmp_path: Path) -> None:
    create_workspace(tmp_path / "home")
    with served(tmp_path / "home") as (process, address):
        second = subprocess.run(
            [sys.executable, "-m", "forecast", "serve", "--http", "127.0.0.1:0", "--home", str(tmp_path / "home")],
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        assert second.returncode == 1 and second.stdout == ""
        assert "is served already by another process" in second.stderr and len(second.stderr.splitlines()) == 1
        process.kill()
        process.wait(PATIENCE)
        wait_until(lambda: not answers(address))
