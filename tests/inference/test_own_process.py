"""Functions run in processes of their own: stages, results, errors, and ends."""

import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

import pytest

from forecast.errors import PlanError, RunError
from forecast.inference.own_process import run_in_processes, running, serve
from forecast.progress import Report, Stages


def write(path: Path, text: str, stages: Stages) -> None:
    with stages(f"write {text}") as report:
        report("half", 0.5)
        print("a library prints this")
        path.write_text(f"{text} {os.getpid()}")


def write_mapping(path: Path, content: MappingProxyType[str, int], stages: Stages) -> None:
    path.write_text(repr(type(content)) + repr(dict(content)))


def refuse(stages: Stages) -> None:
    with stages("refuse"):
        raise PlanError("plan, seed: found -1")


def die(stages: Stages) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Unpicklable(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


def fail_oddly(stages: Stages) -> None:
    raise Unpicklable("one and two")


def wait_long(path: Path, stages: Stages) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(600)


class Shown:
    """Stages that note what is shown."""

    def __init__(self) -> None:
        self.lines: list[object] = []

    @contextmanager
    def __call__(self, title: str) -> Iterator[Report]:
        self.lines.append(title)
        yield lambda what, part: self.lines.append((what, part))
        self.lines.append("end")


def test_stages_are_shown_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    shown, names = Shown(), ("a", "b", "c")
    run_in_processes([partial(write, tmp_path / name, name) for name in names], shown)
    expected = [line for name in names for line in (f"write {name}", ("half", 0.5), "end")]
    assert shown.lines == expected
    processes = {(tmp_path / name).read_text().split()[1] for name in names}
    assert len(processes) == 3
    assert str(os.getpid()) not in processes


def write_priority(path: Path, stages: Stages) -> None:
    path.write_text(str(os.nice(0)))


def test_later_jobs_run_at_low_priority_and_are_shown_when_asked_for(tmp_path: Path) -> None:
    shown, priorities = Shown(), [tmp_path / "first", tmp_path / "later"]
    first, later = (partial(write_priority, path) for path in priorities)
    with running([first], [later, partial(write, tmp_path / "x", "x")]) as show:
        show(shown, 1)
        assert shown.lines == []
        show(shown, 2)
    assert shown.lines == ["write x", ("half", 0.5), "end"]
    assert [int(path.read_text()) - os.nice(0) for path in priorities] == [0, min(5, 19 - os.nice(0))]


def test_jobs_that_nobody_waits_for_are_stopped(tmp_path: Path) -> None:
    with running([], [partial(wait_long, tmp_path / "pid")]):
        child = int(_when_written(tmp_path / "pid"))
    assert _ends(child)


def test_read_only_mappings_are_handed_over(tmp_path: Path) -> None:
    run_in_processes([partial(write_mapping, tmp_path / "x", MappingProxyType({"a": 1}))], Shown())
    assert (tmp_path / "x").read_text() == "<class 'mappingproxy'>{'a': 1}"


def test_an_error_of_a_job_is_raised_and_ends_the_others(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(PlanError, match="plan, seed: found -1"):
        run_in_processes([refuse, partial(wait_long, tmp_path / "pid")], Shown())
    assert time.monotonic() - begun < 300


def test_a_killed_process_is_told() -> None:
    with pytest.raises(RunError, match="ended with code -9"):
        run_in_processes([die], Shown())


def test_an_error_that_cannot_be_pickled_keeps_its_text() -> None:
    answer = io.BytesIO()
    serve(fail_oddly, answer)
    kind, error = pickle.loads(answer.getvalue())
    assert kind == "failed"
    assert str(error) == "Unpicklable: one and two"


def test_served_stages() -> None:
    answer = io.BytesIO()
    serve(partial(write, Path(os.devnull), "x"), answer)
    answer.seek(0)
    told = [pickle.load(answer) for _ in range(4)]
    assert told == [("begin", "write x"), ("report", "half", 0.5), ("end",), ("done",)]


PARENT = """
from functools import partial
from pathlib import Path
from tests.inference.test_own_process import Shown, run_in_processes, wait_long
run_in_processes([partial(wait_long, Path({path!r}))], Shown())
"""


def test_a_process_ends_with_the_one_that_asked(tmp_path: Path) -> None:
    """Also if that one is killed, so that it can clean up nothing."""
    root = str(Path(__file__).parents[2])
    code = PARENT.format(path=str(tmp_path / "pid"))
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, env={**os.environ, "PYTHONPATH": root}) as parent:
        child = int(_when_written(tmp_path / "pid"))
        parent.kill()
    assert _ends(child)


def _when_written(path: Path) -> str:
    for _ in range(6000):
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{path} was not written")


def _ends(pid: int) -> bool:
    for _ in range(6000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False
