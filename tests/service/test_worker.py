"""A run in a process of its own: every way to end is produced with real processes and reported in words."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forecast.errors import ForecastError, RunError
from forecast.service.loop import Cancelled, FellBack
from forecast.service.result import Result, read_result, result_path, write_result
from forecast.service.slots import Slot, folder_of, lock_of
from forecast.service.worker import PID, call_hook, cancel, run_plan, supervise
from forecast.storage.locks import free_lock, only_one
from forecast.workspace.init import create_workspace
from forecast.workspace.plan import Plan
from tests.support.fake_posteriors import plan_with

PATIENCE = 60.0  # seconds until a test gives up waiting; not a measure of speed


def bounded(**limits: object) -> Plan:
    return plan_with(schedule={"cron": "0 6 * * mon", **limits})


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def log_in(folder: Path) -> Path:
    return folder / "slots" / "one.log"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_success_leaves_only_the_log(tmp_path: Path) -> None:
    supervise(python("print('done')"), bounded(), log_in(tmp_path))
    assert log_in(tmp_path).read_text() == "done\n"
    assert not (log_in(tmp_path).parent / PID).exists()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV before it wrote a result; see "),
        ("raise SystemExit('x' * 999)", "ended with exit code 1 and wrote no result: " + "x" * 400),
        ("x = bytearray(4 << 30)", "needed more than 3 GiB, the memory limit of the plan"),
    ],
)
def test_failure_without_a_result(tmp_path: Path, code: str, expected: str) -> None:
    with pytest.raises(ForecastError) as caught:
        supervise(python(code), bounded(memory=3), log_in(tmp_path))
    assert str(caught.value).removesuffix(str(log_in(tmp_path))) == expected


def fake_command(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let `forecast run` be this code, in which `path` is the file that the scheduler reads."""
    program = folder / "fake-python"
    begin = f"#!{sys.executable}\nimport json, os, pathlib, signal, sys\n"
    begin += "path = pathlib.Path(sys.argv[sys.argv.index('--result') + 1])\n"
    program.write_text(begin + code)
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def writes(**result: str) -> str:
    return f"path.write_text(json.dumps({ {'run': '', 'status': 'failed', 'reason': ''} | result }))\n"


@pytest.mark.parametrize("printed", ["", "run     runs/another-run", "forecast: all is lost"])
def test_run_id_comes_from_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str) -> None:
    fake_command(tmp_path, monkeypatch, f"print({printed!r})\n" + writes(run="2025-12-31-smoke-1", status="complete"))
    assert run_plan(tmp_path, bounded(), log_in(tmp_path)) == "2025-12-31-smoke-1"


def test_reason_of_a_failure_comes_from_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = writes(reason="a.csv: no row") + "print('forecast: another text'); sys.exit(1)"
    fake_command(tmp_path, monkeypatch, code)
    with pytest.raises(ForecastError) as caught:
        run_plan(tmp_path, bounded(), log_in(tmp_path))
    assert str(caught.value) == "a.csv: no row"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("print('run     runs/some-run')", "ended without an error but wrote no result"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL before it wrote a result"),
        ("os._exit(3)", "ended with exit code 3 and wrote no result"),
        ("path.write_text('{')", "damaged"),
        (writes(status="failed"), "status is 'failed', expected complete or degraded"),
        (writes(status="complete"), "status is 'complete', expected complete or degraded"),
    ],
)
def test_child_without_a_valid_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, expected: str
) -> None:
    fake_command(tmp_path, monkeypatch, code)
    log = log_in(tmp_path)
    write_result(result_path(log), Result(run="earlier", status="complete"))  # of an attempt that was killed
    with pytest.raises(ForecastError, match=expected):
        run_plan(tmp_path, bounded(), log)


def test_degraded_run_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"if '--degraded' in sys.argv: {writes(run='r-degraded', status='degraded')}"
    code += f"else:\n    {writes(reason='the chains do not agree')}    sys.exit(1)\n"
    fake_command(tmp_path, monkeypatch, code)
    with pytest.raises(FellBack, match="the chains do not agree") as caught:
        run_plan(tmp_path, bounded(degraded=True), log_in(tmp_path))
    assert caught.value.run == "r-degraded"


def test_result_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "slots" / "one.result.json"
    assert read_result(path) is None
    result = Result(run="r", status="complete")
    write_result(path, result)
    assert read_result(path) == result
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    write_result(None, result)


def test_timeout_interrupts(tmp_path: Path) -> None:
    code = "import time\ntry: time.sleep(600)\nexcept KeyboardInterrupt: print('bye')"
    with pytest.raises(ForecastError, match=r"longer than 0\.05 minutes"):
        supervise(python(code), bounded(timeout=0.05), log_in(tmp_path))
    assert log_in(tmp_path).read_text() == "bye\n"
    assert not (log_in(tmp_path).parent / PID).exists()


def test_timeout_stops_children(tmp_path: Path) -> None:
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(4711)'])"
    with pytest.raises(ForecastError, match="timeout of the plan"):
        supervise(python(code), bounded(timeout=0.03), log_in(tmp_path))
    children = [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"time.sleep(4711)" in read(p)]
    assert children == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has ended
        return b""


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("a file in the way")
    with pytest.raises(RunError, match="cannot be written"):
        supervise(python("print()"), bounded(), log_in(tmp_path))


def test_run_of_a_killed_scheduler_keeps_the_lock(tmp_path: Path) -> None:
    if (service := os.fork()) == 0:
        with free_lock(tmp_path, lock_of("smoke")):
            supervise(python("import time; time.sleep(600)"), bounded(), log_in(tmp_path))
        os._exit(0)
    pid = log_in(tmp_path).parent / PID
    wait_for(lambda: pid.is_file() and pid.read_text() != "")
    os.kill(service, signal.SIGKILL)
    os.waitpid(service, 0)
    with free_lock(tmp_path, lock_of("smoke")) as locked:
        assert not locked
    os.killpg(int(pid.read_text()), signal.SIGKILL)
    wait_for(lambda: is_free(tmp_path))


def is_free(home: Path) -> bool:
    with free_lock(home, lock_of("smoke")) as locked:
        return locked


def test_cancel(tmp_path: Path) -> None:
    log, ended = folder_of(tmp_path, "smoke") / "one.log", []
    code = "import sys, time\ntry:\n  print('up', flush=True)\n  time.sleep(600)\n"
    code += "except KeyboardInterrupt: sys.exit(130)"

    def work() -> None:
        with only_one(tmp_path, lock_of("smoke")), pytest.raises(Cancelled):
            supervise(python(code), bounded(), log)
        ended.append(True)

    assert cancel(tmp_path, "smoke") == 0
    thread = threading.Thread(target=work)
    thread.start()
    wait_for(lambda: log.is_file() and log.read_text() == "up\n")
    assert cancel(tmp_path, "smoke") > 0
    thread.join(PATIENCE)
    assert ended == [True]


def test_hooks_of_failure_and_recovery(tmp_path: Path) -> None:
    def hook(word: str) -> tuple[str, ...]:
        line = f"{word} $FORECAST_PLAN $FORECAST_STATUS $FORECAST_REASON"
        return ("sh", "-c", f'echo "{line}" >> {tmp_path / "calls"}')

    plan = bounded(on_failure=hook("failure"), on_recovery=hook("recovery"))
    good = Slot(at="2026-01-05T05:00:00+00:00", status="complete", run="r")
    bad = Slot(at="2026-01-12T05:00:00+00:00", status="failed", reason="no space")
    for slot, before in ((good, None), (bad, good), (bad, bad), (good, bad), (good, good)):
        call_hook(plan, slot, before)
    calls = (tmp_path / "calls").read_text().split("\n")[:-1]
    failure = "failure smoke failed no space"
    assert calls == [failure, failure, "recovery smoke complete "]


def test_failing_hook_is_a_warning(capfd: pytest.CaptureFixture[str]) -> None:
    plan = bounded(on_failure=("no-such-command",))
    call_hook(plan, Slot(at="x", status="failed", reason="y"), None)
    assert "the hook of smoke failed" in capfd.readouterr().err


def test_real_command_reports_its_failure(tmp_path: Path) -> None:
    create_workspace(tmp_path / "home")
    path = tmp_path / "home" / "runs" / "plans" / "smoke.toml"
    path.write_text(path.read_text("utf-8").replace('"kfor"', '"kfro"'), encoding="utf-8")
    log = log_in(tmp_path)
    with pytest.raises(ForecastError, match="no mission 'kfro'"):
        run_plan(tmp_path / "home", bounded(), log)
    result = read_result(result_path(log))
    assert result is not None
    assert (result.run, result.status) == ("", "failed")
