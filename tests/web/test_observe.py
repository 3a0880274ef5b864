"""Logs are JSON, one line a record, and the state of the workspace is what programs are given that watch it."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import RunError
from forecast.web.observe import JsonLines
from tests.support.web_client import client


def record(name: str, level: int, message: str, *args: str, **more: Any) -> dict[str, Any]:
    """Return the line of a log record, parsed."""
    error = more.pop("error", None)
    facts = (type(error), error, None) if error else None
    made = logging.getLogger(name).makeRecord(name, level, "file", 1, message, args, facts, extra=more)
    line = JsonLines().format(made)
    assert "\n" not in line
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_every_record_is_one_line() -> None:
    first = record("forecast.web", logging.INFO, "job ended", run="r-1", facts={"job": "j", "seconds": 1.5})
    assert first.items() >= {"level": "info", "message": "job ended", "run": "r-1", "job": "j", "seconds": 1.5}.items()
    second = record("forecast.web", logging.ERROR, "unexpected error", error=ValueError("two\nlines"))
    assert second["level"] == "error" and "ValueError: two\nlines" in second["error"]
    third = record("forecast.storage", logging.WARNING, "%s is passed over", "r-2")
    assert third["message"] == "r-2 is passed over" and third["time"].endswith("+00:00")


def test_a_workspace_that_cannot_be_read_is_not_ready(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(home: Path) -> None:
        raise RunError(f"{home}/runs: cannot be read (Permission denied); nothing was changed")

    monkeypatch.setattr("forecast.web.catalog.run_folders", broken)
    with client(home) as web:
        answer = web.get("/readyz")
        assert answer.status_code == 503 and answer.json()["detail"].startswith("runs: cannot be read")
        assert web.get("/healthz").status_code == 200 and web.get("/api/v1/runs").status_code == 409
