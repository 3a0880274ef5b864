"""The real smoke plan in real processes: killed, starved, fed nonsense, and run again.

The tests of this file share one workspace and build on each other in order: what a kill leaves behind is the start
of the next test, and the models are fitted once.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forecast.names import MODELS
from forecast.storage.runs import Run, list_runs, open_run
from forecast.workspace.init import create_workspace
from tests.support.hubverse_rules import faults
from tests.support.markdown_code import NOTEBOOKS, play

pytestmark = pytest.mark.slow

PATIENCE = 900  # seconds until a process that says nothing new is given up; never a measure of speed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    create_workspace(folder)
    return folder


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "forecast", *words, "--home", str(home)]


def forecast(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(home, *words), capture_output=True, text=True, timeout=PATIENCE, check=False)


def kill_at(home: Path, sign: str) -> None:
    """Start the smoke plan and kill it, as by `kill -9`, as soon as it says `sign`."""
    kill_when(home, lambda log: sign in log.read_text())


def kill_when(home: Path, due: Callable[[Path], bool]) -> None:
    """Start the smoke plan and kill it as soon as `due` is true of its log."""
    log = home / "log.txt"
    with log.open("w") as out:
        with subprocess.Popen(command(home, "run", "smoke"), stdout=out, stderr=out) as process:
            try:
                wait_until(lambda: due(log), process, log)
            finally:
                process.send_signal(signal.SIGKILL)


def wait_until(true: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `true`, as long as the process lives and its log grows."""
    size, deadline = -1, 0.0
    while not true():
        assert process.poll() is None, "the run ended before it could be killed"
        if log.stat().st_size > size:
            size, deadline = log.stat().st_size, time.monotonic() + PATIENCE
        assert time.monotonic() < deadline, "the run said nothing new for a long time"
        time.sleep(0.05)


def finished(home: Path) -> list[str]:
    return [run.id for run in list_runs(home)]


def files(run: Run) -> dict[str, str]:
    return dict(run.manifest["files"])


def borrowed(tmp_path: Path, home: Path) -> Path:
    """A workspace of its own that uses the fits of `home`."""
    folder = tmp_path / "workspace"
    create_workspace(folder)
    (folder / "runs" / "fits").symlink_to(home / "runs" / "fits")
    return folder


def test_killed_while_fitting_keeps_what_was_fitted_before(home: Path) -> None:
    def fitted() -> set[str]:
        return {path.parent.name.split("-")[0] for path in (home / "runs" / "fits").glob("*/manifest.json")}

    kill_when(home, lambda log: bool(fitted()))
    assert finished(home) == []
    assert set() < fitted() < set(MODELS)
    assert "no runs" in forecast(home, "list").stdout


def test_killed_while_projecting_leaves_only_fits(home: Path) -> None:
    kill_at(home, "project: projecting")
    assert finished(home) == []
    assert len(list((home / "runs" / "fits").glob("*/manifest.json"))) == len(MODELS)


def test_the_next_run_is_whole(home: Path) -> None:
    done = forecast(home, "run", "smoke", "--threads", "1")
    assert done.returncode == 0, done.stderr
    run = open_run("latest", home)
    assert run.damaged_files() == []
    assert set(files(run)) == {
        "priors.json",
        "checks.json",
        "headlines.json",
        "mixture.json",
        "projection.nc",
        "scores.json",
        *(f"posterior/{model}.nc" for model in MODELS),
    }
    assert str(home / "reports" / run.id / "index.html") in done.stdout
    assert f"next    open {(home / 'reports' / run.id / 'index.html').resolve().as_uri()} in a browser" in done.stdout
    assert not list((home / "runs").glob(".writing-*"))
    unmet = [name for name, check in run.json("checks.json").items() if not check.get("met", True)]
    assert unmet == []


def test_the_same_run_is_used_again(home: Path) -> None:
    before = (open_run("latest", home).path / "projection.nc").stat()
    again = forecast(home, "run", "smoke")
    assert again.returncode == 0
    assert finished(home) == [open_run("latest", home).id]
    after = (open_run("latest", home).path / "projection.nc").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_a_report_needs_only_the_run_folder(home: Path, tmp_path: Path) -> None:
    run = open_run("latest", home)
    alone = tmp_path / "alone"
    shutil.copytree(run.path, alone / "runs" / run.id)
    done = forecast(alone, "report", "latest")
    assert done.returncode == 0, done.stderr
    page = (alone / "reports" / run.id / "index.html").read_bytes()
    assert page == (home / "reports" / run.id / "index.html").read_bytes()


def test_show_prints_and_exports(home: Path) -> None:
    assert "met" in forecast(home, "show", "latest").stdout
    told = json.loads(forecast(home, "show", "latest", "--json").stdout)
    assert told["manifest"]["status"] == "complete"
    assert {"value", "mcse", "baseline", "judgement"} <= set(told["headlines"][0])


# the small plan has too few draws for the leave-one-out density of every observation, and ArviZ says so
@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto:UserWarning")
def test_a_notebook_and_a_hub_take_the_real_run(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORECAST_HOME", str(home))
    (notebook,) = [path for path in NOTEBOOKS if path.stem == "load_and_plot"]
    assert any(value is not None for value in play(notebook))
    done = forecast(home, "export", "--to", "hubverse", "--out", str(tmp_path / "hub"))
    assert done.returncode == 0, done.stderr
    assert faults(tmp_path / "hub") == []


def spoil_prior(folder: Path) -> str:
    path = folder / "priors" / "spending.toml"
    path.write_text(path.read_text().replace('source = "judgement"', "", 1))
    return "source is missing"


def spoil_key(folder: Path) -> str:
    path = folder / "runs" / "plans" / "smoke.toml"
    path.write_text("pahts = 5\n" + path.read_text())
    return "did you mean 'paths'"


def spoil_table(folder: Path) -> str:
    (folder / "tables").mkdir()
    whole = "country,year,basis,share_gdp,estimate,source\nPOL,2025,nato,4.5,true,mine\nEST,2025,na"
    (folder / "tables" / "defence_spending.csv").write_text(whole)
    return "defence_spending.csv"


SPOILT = (spoil_prior, spoil_key, spoil_table)


@pytest.mark.parametrize("spoil", SPOILT)
def test_bad_input_is_named_before_anything_is_done(home: Path, tmp_path: Path, spoil: Callable[[Path], str]) -> None:
    folder = borrowed(tmp_path, home)
    told = spoil(folder)
    done = forecast(folder, "run", "smoke")
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert finished(folder) == []


def test_a_check_names_every_fault(home: Path, tmp_path: Path) -> None:
    folder = borrowed(tmp_path, home)
    told = [spoil(folder) for spoil in SPOILT]
    done = forecast(folder, "check")
    assert done.returncode == 1
    assert [one for one in told if one not in done.stderr] == []
    assert "Traceback" not in done.stderr


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[tuple[Path, bool]]:
    """A file system of four megabytes, too small for a run; a plain folder, and False, without the right to mount."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)],
        check=False,
        capture_output=True,
    )
    yield place, mounted.returncode == 0
    if mounted.returncode == 0:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_told_and_the_next_run_on_two_threads_has_the_same_bytes(
    home: Path, tmp_path: Path, tiny_disk: tuple[Path, bool]
) -> None:
    place, tiny = tiny_disk
    folder = tmp_path / "workspace"
    create_workspace(folder)
    shutil.move(folder / "runs" / "plans", place / "plans")
    (folder / "runs").rmdir()
    (folder / "runs").symlink_to(place)
    (place / "fits").symlink_to(home / "runs" / "fits")
    if tiny:
        done = forecast(folder, "project", "smoke")
        assert done.returncode == 1
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr
        assert [run.status for run in list_runs(folder)] in ([], ["failed"])
        assert not list(place.glob(".writing-*"))
        subprocess.run(["mount", "-o", "remount,size=200m", str(place)], check=True)
    done = forecast(folder, "project", "smoke", "--threads", "2")
    assert done.returncode == 0, done.stderr
    assert [run.status for run in list_runs(folder)] == ["complete"]
    assert open_run("latest", folder).id == open_run("latest", home).id
    assert files(open_run("latest", folder)) == files(open_run("latest", home))


def test_ctrl_c_stops_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    folder = borrowed(tmp_path, home)
    log = tmp_path / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(command(folder, "run", "smoke"), stdout=out, stderr=out, env={**os.environ})
        wait_until(lambda: "project: projecting" in log.read_text(), process, log)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert "Traceback" not in log.read_text()
    assert finished(folder) == []
    assert not list((folder / "runs").glob(".writing-*"))
