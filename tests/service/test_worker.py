"""A run in a process of its own: every way to end is produced with real processes and reported in words."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forecast.errors import ForecastError, RunError
from forecast.service import worker
from forecast.service.cancel import request_path
from forecast.service.loop import Cancelled, FellBack
from forecast.service.result import Result, read_result, result_path, write_result
from forecast.service.schedules import Scheduled
from forecast.service.slots import lock_of
from forecast.service.worker import _GRACE, run_plan, supervise
from forecast.storage.locks import free_lock
from forecast.workspace.init import create_workspace
from forecast.workspace.plan import Schedule

PATIENCE = 60.0  # seconds until a test gives up waiting; not a measure of speed


def bounded(**limits: object) -> Scheduled:
    return Scheduled(name="smoke", schedule=Schedule.model_validate({"cron": "0 6 * * mon", **limits}))


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def run_code(folder: Path, code: str, **limits: object) -> None:
    supervise(python(code), bounded(**limits), log_in(folder), request_path(log_in(folder)))


def log_in(folder: Path) -> Path:
    return folder / "slots" / "one.log"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_success_leaves_only_the_log(tmp_path: Path) -> None:
    run_code(tmp_path, "print('done')")
    assert log_in(tmp_path).read_text() == "done\n"
    assert list(log_in(tmp_path).parent.iterdir()) == [log_in(tmp_path)]


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
        run_code(tmp_path, code, memory=3)
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


@pytest.mark.case("B01")
@pytest.mark.parametrize("printed", ["", "run     runs/another-run", "forecast: all is lost"])
def test_run_id_comes_from_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str) -> None:
    fake_command(tmp_path, monkeypatch, f"print({printed!r})\n" + writes(run="2025-12-31-smoke-1", status="complete"))
    assert run_plan(tmp_path / "my work", bounded(), log_in(tmp_path / "my work")) == "2025-12-31-smoke-1"


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
        ("path.write_text('[]')", "damaged"),
        ("path.write_text(json.dumps({'run': 5}))", "damaged"),
        ("path.write_bytes(bytes([255]))", "damaged"),
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
        run_code(tmp_path, code, timeout=0.05)
    assert log_in(tmp_path).read_text() == "bye\n"


def test_timeout_stops_children(tmp_path: Path) -> None:
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(4711)'])"
    with pytest.raises(ForecastError, match="timeout of the plan"):
        run_code(tmp_path, code, timeout=0.03)
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
        run_code(tmp_path, "print()")


SLEEPS = "import sys, time\ntry:\n  print('up', flush=True)\n  time.sleep(600)\nexcept KeyboardInterrupt: sys.exit(130)"


@pytest.mark.case("B71", "M15")
def test_run_ends_with_its_killed_scheduler(tmp_path: Path) -> None:
    if (service := os.fork()) == 0:
        with free_lock(tmp_path, lock_of("smoke")):
            run_code(tmp_path, SLEEPS)
        os._exit(0)
    wait_for(lambda: is_up(log_in(tmp_path)))
    with free_lock(tmp_path, lock_of("smoke")) as locked:
        assert not locked
    os.kill(service, signal.SIGKILL)
    os.waitpid(service, 0)
    wait_for(lambda: is_free(tmp_path))  # the run holds the lock as long as it has not ended


def is_up(log: Path) -> bool:
    return log.is_file() and log.read_text() == "up\n"


def is_free(home: Path) -> bool:
    with free_lock(home, lock_of("smoke")) as locked:
        return locked


@pytest.mark.case("B71")
def test_run_can_be_interrupted_though_sigint_is_ignored(tmp_path: Path) -> None:
    """A shell ignores SIGINT for a command that a script starts in the background."""
    if (service := os.fork()) == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            run_code(tmp_path, SLEEPS)
        except Cancelled:
            os._exit(7)
    wait_for(lambda: is_up(log_in(tmp_path)))
    request_path(log_in(tmp_path)).touch()
    begun = time.monotonic()
    assert os.waitstatus_to_exitcode(os.waitpid(service, 0)[1]) == 7
    assert time.monotonic() - begun < _GRACE  # it ended because it was interrupted, and was not killed


@pytest.mark.case("B21")
def test_lower_limit_of_the_service_is_kept(tmp_path: Path) -> None:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_AS))"
    if (service := os.fork()) == 0:
        resource.setrlimit(resource.RLIMIT_AS, (9 << 30, 9 << 30))
        run_code(tmp_path, code)
        os._exit(0)
    assert os.waitpid(service, 0)[1] == 0
    assert log_in(tmp_path).read_text() == f"({9 << 30}, {9 << 30})\n"


@pytest.mark.case("M10")
@pytest.mark.parametrize("memory", [3.0, 65536.0])
def test_memory_limit_without_another(tmp_path: Path, memory: float) -> None:
    run_code(tmp_path, "import resource; print(resource.getrlimit(resource.RLIMIT_AS)[0])", memory=memory)
    assert int(log_in(tmp_path).read_text()) in (int(memory * (1 << 30)), sys.maxsize, resource.RLIM_INFINITY)


@pytest.mark.case("B21")
def test_refused_limit_is_reported_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_memory_limit", lambda scheduled: 1 << 70)
    with pytest.raises(ForecastError, match=r"^the system refused the memory limit of .* GiB"):
        run_code(tmp_path, "print('never')")


def test_missing_command(tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match="no-such-command: cannot be started"):
        supervise(("no-such-command",), bounded(), log_in(tmp_path), request_path(log_in(tmp_path)))


def test_unforeseen_error_stops_the_run(tmp_path: Path) -> None:
    class Odd(Path):
        def exists(self, *, follow_symlinks: bool = True) -> bool:
            raise OverflowError("odd")

    with pytest.raises(OverflowError):
        supervise(python(SLEEPS), bounded(), log_in(tmp_path), Odd(tmp_path / "request"))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # no child is left, neither running nor as a zombie


@pytest.mark.case("B01", "B38", "M19")
def test_real_command_reports_its_faults_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules of the working folder are not imported, and a blank in a path cuts nothing."""
    for module in ("forecast.py", "random.py", "ctypes.py", "dask/__init__.py", "pydantic/__init__.py"):
        path = tmp_path / module
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "my work"
    create_workspace(home)
    path = home / "runs" / "plans" / "smoke.toml"
    path.write_text("pahts = 5\nsede = 1\n" + path.read_text("utf-8"), encoding="utf-8")
    with pytest.raises(ForecastError, match=r"unknown key 'pahts'.*\n.*unknown key 'sede'"):
        run_plan(home, bounded(), log_in(home))
    result = read_result(result_path(log_in(home)))
    assert result is not None
    assert (result.run, result.status) == ("", "failed")
