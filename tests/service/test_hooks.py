"""What is reported of a plan that fails, recovers or moves a headline, by a command and by a web service."""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from forecast.errors import ForecastError
from forecast.service.hooks import call_hooks, events_of
from forecast.service.loop import Cancelled, run_due
from forecast.service.schedules import Scheduled
from forecast.service.slots import Slot
from forecast.storage.files import written_whole
from forecast.storage.runs import write_manifest
from forecast.workspace.plan import Schedule

GOOD = Slot(at="2026-01-05T05:00:00+00:00", status="complete", run="2025-12-31-smoke-00000001")
BAD = Slot(at="2026-01-12T05:00:00+00:00", status="failed", reason="no space")
MOVE = {
    "target": "european_spending",
    "unit_id": "alliance",
    "war": "win",
    "design": "none",
    "horizon": "2035",
    "horizon_role": "end of horizon",
    "statistic": "median",
    "category": None,
    "unit": "percent of GDP",
    "value": 3.0,
    "lower": 2.0,
    "upper": 4.0,
    "mcse": 0.1,
    "before": 2.5,
    "before_horizon": "2035",
    "errors": 7.5,
}
EVENTS: dict[str, tuple[Slot, int, int, list[str]]] = {
    "first failure": (BAD, 0, 0, ["failed"]),
    "second": (BAD, 1, 0, ["still failing"]),
    "third": (BAD, 2, 0, []),
    "fourth": (BAD, 3, 0, ["still failing"]),
    "fifth": (BAD, 4, 0, []),
    "sixteenth": (BAD, 15, 0, ["still failing"]),
    "success": (GOOD, 0, 0, []),
    "recovery": (GOOD, 5, 0, ["recovered"]),
    "move": (GOOD, 0, 2, ["moved"]),
    "recovery with a move": (GOOD, 1, 2, ["recovered", "moved"]),
    "nothing new": (replace(GOOD, unchanged=True), 0, 2, []),
    "cancelled": (replace(BAD, status="cancelled"), 3, 0, []),
}


@pytest.mark.parametrize("case", EVENTS)
def test_events(case: str) -> None:
    slot, failures, moved, expected = EVENTS[case]
    assert events_of(slot, failures, moved) == expected


def scheduled(**keys: object) -> Scheduled:
    return Scheduled(name="smoke", schedule=Schedule.model_validate({"cron": "0 6 * * mon", **keys}))


def write_run(home: Path, moved: int) -> None:
    with written_whole(home / "runs" / GOOD.run) as folder:
        since = {"run": "before", "finished": "", "inputs": [], "compared": 5, "moved": moved, "moves": [MOVE]}
        old = {"schema_version": "3"}  # of which a reader asks less
        manifest = {"id": GOOD.run, "status": "complete", "plan": "smoke", "provenance": old}
        write_manifest(folder, manifest | {"since": since | {"flips": []}})


def test_commands_are_called_by_event(tmp_path: Path) -> None:
    write_run(tmp_path, 3)
    line = "$FORECAST_EVENT $FORECAST_PLAN $FORECAST_STATUS $FORECAST_FAILURES $FORECAST_MOVED $FORECAST_REASON"
    hook = ("sh", "-c", f'echo "{line}" >> {tmp_path / "calls"}')
    plan = scheduled(on_failure=hook, on_recovery=hook, on_change=hook)
    for slot, failures in ((BAD, 0), (BAD, 1), (BAD, 2), (GOOD, 3), (replace(GOOD, unchanged=True), 0)):
        call_hooks(tmp_path, plan, slot, failures)
    assert (tmp_path / "calls").read_text().splitlines() == [
        "failed smoke failed 1 0 no space",
        "still failing smoke failed 2 0 no space",
        "recovered smoke complete 3 3 ",
        "moved smoke complete 3 3 ",
    ]


@pytest.mark.case("A9")
def test_recovery_is_reported_after_a_cancelled_slot(tmp_path: Path) -> None:
    plans = tmp_path / "runs" / "plans"
    plans.mkdir(parents=True)
    plan = 'title = "t"\nas_of = 2025-12-31\nseed = 1\nmissions = ["kfor"]\n[schedule]\ncron = "* * * * *"\n'
    (plans / "minutely.toml").write_text(plan)
    ends = iter([ForecastError("no space"), Cancelled("cancelled"), ForecastError("no space"), None, None])
    events = []

    def job(plan: Scheduled, log: Path) -> str:
        if end := next(ends):
            raise end
        return "r"

    def listener(plan: Scheduled, slot: Slot, failures: int) -> None:
        events.append((failures, events_of(slot, failures, 0), slot.outcome))

    for minute in range(5):
        run_due(tmp_path, partial(datetime, 2026, 1, 5, 5, minute, tzinfo=UTC), job, listener)
    assert events == [
        (0, ["failed"], "failed"),
        (1, [], "cancelled"),
        (1, ["still failing"], "failed"),
        (2, ["recovered"], "complete"),
        (0, [], "unchanged"),
    ]


@pytest.mark.case("M10")
@pytest.mark.parametrize("command", ["no-such-command", "false"])
def test_failing_hook_is_a_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str) -> None:
    call_hooks(tmp_path, scheduled(on_failure=(command,)), BAD, 0)
    assert "the hook of smoke failed" in capfd.readouterr().err


@pytest.mark.case("M19")
@pytest.mark.parametrize("reason", ["2 faults:\n  - one\n  - two", "x" * 500_000, "a\0b", "\udcff"])
def test_hook_is_given_any_reason(tmp_path: Path, capfd: pytest.CaptureFixture[str], reason: str) -> None:
    plan = scheduled(on_failure=("sh", "-c", 'printf %s "$FORECAST_REASON"'))
    call_hooks(tmp_path, plan, replace(BAD, reason=reason), 0)
    out, err = capfd.readouterr()
    assert err == "" and out[:100] == reason[:100].replace("\0", " ").replace("\udcff", "\ufffd")


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answer the first `refusals` requests with an error, and keep the others."""

    refusals = 0
    received: ClassVar[list[Any]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if Receiver.refusals:
            Receiver.refusals -= 1
            self.send_error(503)
            return
        Receiver.received.append(body)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Receiver.received, Receiver.refusals = [], 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/secret-token"
        monkeypatch.setenv("MY_HOOK", url)
        yield url
        server.shutdown()


def test_webhook_receives_the_moves(tmp_path: Path, address: str) -> None:
    write_run(tmp_path, 2)
    call_hooks(tmp_path, scheduled(webhook="MY_HOOK"), GOOD, 0)
    (sent,) = Receiver.received
    assert (sent["event"], sent["plan"], sent["run"], sent["moved"]) == ("moved", "smoke", GOOD.run, 2)
    assert sent["moves"][0]["before"] == 2.5 and sent["moves"][0]["errors"] == 7.5


@pytest.mark.parametrize(("refusals", "pauses"), [(0, []), (2, [1.0, 5.0]), (3, [1.0, 5.0])])
def test_webhook_is_tried_three_times_and_its_address_is_never_printed(
    tmp_path: Path, address: str, capfd: pytest.CaptureFixture[str], refusals: int, pauses: list[float]
) -> None:
    Receiver.refusals, slept = refusals, []
    call_hooks(tmp_path, scheduled(webhook="MY_HOOK"), BAD, 0, slept.append)
    assert slept == pauses
    assert len(Receiver.received) == (refusals < 3)
    err = capfd.readouterr().err
    assert ("the webhook of smoke failed (status 503)" in err) == (refusals == 3)
    assert "secret-token" not in err


@pytest.mark.parametrize("value", ["", "file:///etc/secret-token", "http://secret-token\n", "http://[secret-token"])
def test_webhook_without_a_good_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("MY_HOOK", value)
    call_hooks(tmp_path, scheduled(webhook="MY_HOOK"), BAD, 0, lambda seconds: None)
    err = capfd.readouterr().err
    assert "webhook of smoke" in err and "MY_HOOK" in err and "secret-token" not in err
