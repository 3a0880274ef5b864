"""Logs are JSON, one line a record, and the state of the workspace is what programs are given that watch it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.errors import RunError
from forecast.web.observe import log_as_json
from tests.support.web_client import client


@pytest.fixture
def as_json(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Logs as JSON to the captured standard error, until the end of the test."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    log_as_json()
    yield
    root.handlers[:], root.level = before, level


@pytest.mark.usefixtures("as_json")
def test_every_record_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("forecast.web")
    log.info("job ended", extra={"run": "r-1", "facts": {"job": "j", "seconds": 1.5}})
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        log.error("unexpected error", exc_info=error)
    logging.getLogger("forecast.storage").warning("%s is passed over", "r-2")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    first, second, third = lines
    assert first.items() >= {"level": "info", "message": "job ended", "run": "r-1", "job": "j", "seconds": 1.5}.items()
    assert second["level"] == "error" and "ValueError: two\nlines" in second["error"]
    assert third["message"] == "r-2 is passed over" and third["time"].endswith("+00:00")


def test_a_workspace_that_cannot_be_read_is_not_ready(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(home: Path) -> None:
        raise RunError(f"{home}/runs: cannot be read (Permission denied); nothing was changed")

    monkeypatch.setattr("forecast.web.catalog.run_folders", broken)
    with client(home) as web:
        answer = web.get("/readyz")
        assert answer.status_code == 503 and answer.json()["detail"].startswith("runs: cannot be read")
        assert web.get("/healthz").status_code == 200 and web.get("/api/v1/runs").status_code == 409
