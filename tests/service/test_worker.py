"""A run in a process of its own: each way to end is provoked for real and told in words."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forecast.errors import ForecastError, RunError
from forecast.service.loop import Cancelled
from forecast.service.slots import Slot, folder_of, lock_of
from forecast.service.worker import PID, call_hook, cancel, supervise
from forecast.storage.locks import free_lock, only_one
from forecast.workspace.plan import Plan
from tests.support.fake_posteriors import plan_with

PATIENCE = 60.0  # seconds until a process that does nothing is given up; never a measure of speed


def bounded(**limits: object) -> Plan:
    return plan_with(schedule={"cron": "0 6 * * mon", **limits})


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def log_in(folder: Path) -> Path:
    return folder / "slots" / "one.log"


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_ends_well_leaves_its_log_and_no_process(tmp_path: Path) -> None:
    supervise(python("print('done')"), bounded(), log_in(tmp_path))
    assert log_in(tmp_path).read_text() == "done\n"
    assert not (log_in(tmp_path).parent / PID).exists()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; print('forecast: a.csv: no row', file=sys.stderr); sys.exit(1)", "a.csv: no row"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("raise SystemExit('x' * 999)", "ended with 1: " + "x" * 400),
        ("x = bytearray(3 << 30)", "wanted more than 2 GiB, the memory of the plan"),
    ],
)
def test_what_fails_is_told(tmp_path: Path, code: str, told: str) -> None:
    with pytest.raises(ForecastError) as caught:
        supervise(python(code), bounded(memory=2), log_in(tmp_path))
    assert str(caught.value) == told


def test_what_takes_too_long_is_stopped_as_by_ctrl_c(tmp_path: Path) -> None:
    code = "import time\ntry: time.sleep(600)\nexcept KeyboardInterrupt: print('bye')"
    with pytest.raises(ForecastError, match=r"longer than 0\.05 minutes"):
        supervise(python(code), bounded(timeout=0.05), log_in(tmp_path))
    assert log_in(tmp_path).read_text() == "bye\n"
    assert not (log_in(tmp_path).parent / PID).exists()


def test_what_it_started_is_stopped_with_it(tmp_path: Path) -> None:
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(4711)'])"
    with pytest.raises(ForecastError, match="timeout of the plan"):
        supervise(python(code), bounded(timeout=0.03), log_in(tmp_path))
    found = [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"time.sleep(4711)" in read(p)]
    assert found == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("a file in the way")
    with pytest.raises(RunError, match="cannot be written"):
        supervise(python("print()"), bounded(), log_in(tmp_path))


def test_the_run_of_a_killed_service_keeps_the_lock_while_it_lives(tmp_path: Path) -> None:
    if (service := os.fork()) == 0:
        with free_lock(tmp_path, lock_of("smoke")):
            supervise(python("import time; time.sleep(600)"), bounded(), log_in(tmp_path))
        os._exit(0)
    pid = log_in(tmp_path).parent / PID
    wait_for(lambda: pid.is_file() and pid.read_text() != "")
    os.kill(service, signal.SIGKILL)
    os.waitpid(service, 0)
    with free_lock(tmp_path, lock_of("smoke")) as mine:
        assert not mine
    os.killpg(int(pid.read_text()), signal.SIGKILL)
    wait_for(lambda: is_free(tmp_path))


def is_free(home: Path) -> bool:
    with free_lock(home, lock_of("smoke")) as mine:
        return mine


def test_somebody_may_cancel_it(tmp_path: Path) -> None:
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


def test_a_hook_hears_of_a_failure_and_of_the_recovery(tmp_path: Path) -> None:
    def hook(word: str) -> tuple[str, ...]:
        line = f"{word} $FORECAST_PLAN $FORECAST_STATUS $FORECAST_REASON"
        return ("sh", "-c", f'echo "{line}" >> {tmp_path / "heard"}')

    plan = bounded(on_failure=hook("alas"), on_recovery=hook("hurrah"))
    good = Slot(at="2026-01-05T05:00:00+00:00", status="complete", run="r")
    bad = Slot(at="2026-01-12T05:00:00+00:00", status="failed", reason="no space")
    for slot, before in ((good, None), (bad, good), (bad, bad), (good, bad), (good, good)):
        call_hook(plan, slot, before)
    heard = (tmp_path / "heard").read_text().split("\n")[:-1]
    alas = "alas smoke failed no space"
    assert heard == [alas, alas, "hurrah smoke complete "]


def test_a_hook_that_fails_is_told_and_stops_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    plan = bounded(on_failure=("no-such-command",))
    call_hook(plan, Slot(at="x", status="failed", reason="y"), None)
    assert "the hook of smoke failed" in capfd.readouterr().err
