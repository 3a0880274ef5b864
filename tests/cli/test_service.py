"""The scheduler as a command: signals as systemd, a shell and a container send them, and faults that stop no plan."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.errors import ForecastError
from forecast.reporting import html_report
from forecast.service import worker
from forecast.service.slots import read_slots, running_slot
from forecast.storage.locks import only_one
from forecast.workspace.init import create_workspace
from forecast.workspace.inputs import read_inputs

PATIENCE = 120.0  # seconds until a test gives up waiting; not a measure of speed
PLAN = 'title = "t"\nas_of = 2025-12-31\nseed = 1\nmissions = ["kfor"]\n'
#: Stands for `forecast run`: says that it is up, then waits to be interrupted, and leaves its number.
RUN = """#!{python}
import os, subprocess, sys, time
if sys.argv[1] == "-I":  # the launcher
    os.execv("{python}", ["{python}", *sys.argv[1:]])
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid, "up", flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    sys.exit(130)
"""
DRIVER = """
import sys
from forecast.cli.app import main
sys.executable, sys.argv = sys.argv[1], sys.argv[1:]
main()
"""
UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def may_unshare() -> bool:
    """Return whether this user may make process namespaces, as containers have."""
    return bool(shutil.which("unshare")) and subprocess.run([*UNSHARE, "true"], check=False).returncode == 0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace in a folder with a blank in its name, with a plan that is due each minute."""
    folder = tmp_path / "my work"
    create_workspace(folder)
    (folder / "runs" / "plans" / "minutely.toml").write_text(PLAN + '[schedule]\ncron = "* * * * *"\n')
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "fake-python"
    path.write_text(RUN.format(python=sys.executable))
    path.chmod(0o755)
    return path


def command(home: Path, program: Path, *words: str) -> list[str]:
    return [sys.executable, "-c", DRIVER, str(program), *words, "--home", str(home)]


def log_of(home: Path) -> str:
    return "".join(path.read_text() for path in (home / "runs" / "slots" / "minutely").glob("*Z.log"))


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextlib.contextmanager
def started(home: Path, words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a service and wait until its run is up; kill what is left of it at the end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, text=True, start_new_session=True, **pipes) as process:
        try:
            wait_for(lambda: "up" in log_of(home) or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def slot_is_open(home: Path) -> bool:
    return running_slot(home, "minutely") == "" and read_slots(home, "minutely") == ([], [])


@pytest.mark.slow
@pytest.mark.case("B71")
@pytest.mark.parametrize("words", [("serve",), ("run", "--due")], ids=" ".join)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signal_stops_the_service_and_its_run(
    home: Path, program: Path, words: tuple[str, ...], number: int, code: int
) -> None:
    with started(home, command(home, program, *words)) as service:
        run, child, _ = log_of(home).split()
        service.send_signal(number)
        _, printed = service.communicate(timeout=PATIENCE)
        assert service.returncode == code
        assert "stopped; a slot that was running will be run again" in printed and "Traceback" not in printed
        assert not Path(f"/proc/{run}").exists()
        wait_for(lambda: not Path(f"/proc/{child}").exists())  # it is killed; process 1 takes note of it a little later
        assert slot_is_open(home)


@pytest.mark.slow
@pytest.mark.case("B71")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_service_in_the_background_of_a_script(home: Path, program: Path, number: int) -> None:
    script = f'{shlex.join(command(home, program, "serve"))} & echo $!; wait $!; echo "code $?"'
    with started(home, ["sh", "-c", script]) as shell:
        assert shell.stdout is not None
        os.kill(int(shell.stdout.readline()), number)
        printed, _ = shell.communicate(timeout=PATIENCE)
        assert f"code {128 + number}" in printed
        assert slot_is_open(home)


@pytest.mark.slow
@pytest.mark.case("B71")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGQUIT])
def test_run_does_not_outlast_a_service_that_is_killed(home: Path, program: Path, number: int) -> None:
    with started(home, command(home, program, "serve")) as service:
        run, *_ = log_of(home).split()
        service.send_signal(number)
        service.wait(PATIENCE)
        wait_for(lambda: not Path(f"/proc/{run}").exists())
        assert slot_is_open(home)


needs_namespaces = pytest.mark.skipif(not may_unshare(), reason="needs the right to make process namespaces")


@pytest.mark.slow
@pytest.mark.case("B71")
@needs_namespaces
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_service_as_process_1_of_a_container_stops(home: Path, program: Path, number: int, code: int) -> None:
    with started(home, [*UNSHARE, *command(home, program, "serve")]) as container:
        (service,) = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split()
        os.kill(int(service), number)
        assert container.wait(PATIENCE) == code
        assert slot_is_open(home)


@pytest.mark.slow
@pytest.mark.case("B71")
@needs_namespaces
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_plain_command_as_process_1_of_a_container_stops(home: Path, number: int) -> None:
    (home / "runs" / "plans" / "minutely.toml").write_text(PLAN)
    words = [*UNSHARE, sys.executable, "-m", "forecast", "run", "minutely", "--home", str(home)]
    with (
        only_one(home, read_inputs(home, "minutely").run_id),  # so that the command waits
        subprocess.Popen(words, text=True, stderr=subprocess.PIPE) as container,
    ):
        assert container.stderr is not None
        assert any("waiting for another process" in line for line in container.stderr)
        (command,) = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split()
        os.kill(int(command), number)
        assert container.wait(PATIENCE) == 128 + number
        assert "Traceback" not in container.stderr.read()


@pytest.mark.slow
@pytest.mark.case("B20", "M15")
@needs_namespaces
def test_cancel_from_another_container(home: Path, program: Path) -> None:
    with started(home, [*UNSHARE, *command(home, program, "run", "--due")]) as container:
        done = subprocess.run(
            [*UNSHARE, *command(home, program, "cancel", "minutely")], check=False, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "is stopped and recorded as cancelled" in done.stdout
        assert container.wait(PATIENCE) == 1
        assert [slot.status for slot in read_slots(home, "minutely")[0]] == ["cancelled"]


#: Supervises two runs that each leave a process behind, and prints the first of these if it is left.
TWO_RUNS = """
import pathlib, subprocess, sys
from forecast.service.schedules import Scheduled
from forecast.service.worker import supervise
from forecast.workspace.plan import Schedule
code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
log = pathlib.Path(sys.argv[1]) / "one.log"
left = []
for _ in range(2):
    plan = Scheduled(name="one", schedule=Schedule(cron="* * * * *"))
    supervise((sys.executable, "-c", code), plan, log, log.with_suffix(".cancel"))
    left.append(log.read_text().strip())
print(*(number for number in left[:1] if pathlib.Path("/proc", number).exists()))
"""


@pytest.mark.slow
@pytest.mark.case("B71")
@needs_namespaces
def test_process_1_takes_note_of_the_end_of_every_process(tmp_path: Path) -> None:
    words = [*UNSHARE, sys.executable, "-c", TWO_RUNS, str(tmp_path)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs end at once, with an id, and make no pages."""
    monkeypatch.setattr(worker, "run_plan", lambda home, scheduled, log: f"2025-12-31-{scheduled.name}-1")
    monkeypatch.setattr(html_report, "write_index", lambda home: None)


@pytest.mark.usefixtures("instant")
@pytest.mark.case("A22", "B02", "B97", "H5")
def test_draft_with_faults_is_named_and_the_good_plan_is_run(home: Path) -> None:
    (home / "runs" / "plans" / "a_draft.toml").write_text("titel = 5\n")
    done = CliRunner().invoke(app, ["run", "--due", "--home", str(home)])
    assert done.exit_code == 1
    assert "unknown key 'titel'" in done.stderr and "run 2025-12-31-minutely-1" in done.stdout
    assert re.search(
        r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+  minutely: running; what the run prints goes to .*Z\.log\n", done.stdout
    )
    shown = CliRunner().invoke(app, ["schedule", "--home", str(home)])
    assert shown.exit_code == 1
    assert "unknown key 'titel'" in shown.stderr and "last good  2025-12-31-minutely-1" in shown.stdout
    (home / "runs" / "plans" / "a_draft.toml").unlink()
    assert CliRunner().invoke(app, ["schedule", "--home", str(home)]).exit_code == 0


@pytest.mark.usefixtures("instant")
def test_hook_is_called_though_the_index_page_cannot_be_written(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*facts: object) -> str:
        raise ForecastError("2 faults:\n  - one\n  - two")

    def broken(home: Path) -> None:
        raise KeyError("manifest")

    monkeypatch.setattr(worker, "run_plan", fails)
    monkeypatch.setattr(html_report, "write_index", broken)
    plan = home / "runs" / "plans" / "minutely.toml"
    plan.write_text(plan.read_text() + """on_failure = ["sh", "-c", 'echo "hook: $FORECAST_REASON"']\n""")
    done = CliRunner().invoke(app, ["run", "--due", "--home", str(home)])
    assert done.exit_code == 1
    assert "minutely: KeyError: 'manifest'" in done.stderr
    assert "hook: 2 faults:\n  - one\n  - two" in capfd.readouterr().out


@pytest.mark.parametrize("words", [("run", "--due"), ("schedule",), ("serve",)], ids=" ".join)
def test_signals_are_handled_as_before_after_the_command(home: Path, words: tuple[str, ...]) -> None:
    shutil.rmtree(home / "runs" / "plans")
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)]
    CliRunner().invoke(app, [*words, "--home", str(home)])
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)] == before


@pytest.mark.case("H2")
def test_cancel_refuses_a_name_that_climbs(home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("notes")
    done = CliRunner().invoke(app, ["cancel", "../../../notes", "--home", str(home)])
    assert isinstance(done.exception, ForecastError) and "expected a name of at most 64 lower-case letters" in str(
        done.exception
    )
    assert (tmp_path / "notes").read_text() == "notes"
    assert not (home / "runs" / "slots").exists() and not list((home / "runs").glob(".lock*"))
