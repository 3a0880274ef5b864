"""Run folders are whole or absent, also under kill -9 and on a full disk; runs are found by name."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.errors import RunError
from forecast.storage import files as runs
from forecast.storage import runs as runs_storage
from forecast.storage.locks import only_one
from tests.support import fake_posteriors as our


def write_run(home: Path, name: str, finished: str, **manifest: Any) -> Path:
    """A small run folder, as the pipeline would leave it."""
    folder = home / "runs" / name
    with runs.written_whole(folder) as aside:
        (aside / "headlines.json").write_text('{"headlines": [{"quantity": "x"}]}')
        runs.write_tree(aside / "projection.nc", tree())
        runs_storage.write_manifest(aside, {"id": name, "status": "complete", **manifest})
    kept = json.loads((folder / "manifest.json").read_text())
    runs.write_json(folder / "manifest.json", kept | {"finished": finished})
    return folder


def tree() -> xr.DataTree:
    return xr.DataTree.from_dict({"alliance": xr.Dataset({"x": ("t", np.arange(3.0))})})


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own, which says something on its standard output."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=our.ROOT)


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    final = tmp_path / "runs" / "one"
    with runs.written_whole(final) as aside:
        (aside / "deep").mkdir()
        (aside / "deep" / "a.txt").write_text("a")
        assert not final.exists()
        assert aside.parent == final.parent  # the same file system, so that renaming is atomic
    assert (final / "deep" / "a.txt").read_text() == "a"
    assert names_in(final.parent) == ["one"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_nothing_stands_under_the_final_name_if_the_block_raises(tmp_path: Path, error: BaseException) -> None:
    final = tmp_path / "one"
    with pytest.raises(type(error)), runs.written_whole(final) as aside:
        (aside / "a.txt").write_text("a")
        raise error
    assert names_in(tmp_path) == []


def test_what_stands_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    final = tmp_path / "one"
    with runs.written_whole(final) as aside:
        (aside / "old.txt").write_text("old")
    with pytest.raises(ValueError), runs.written_whole(final) as aside:
        raise ValueError
    assert names_in(final) == ["old.txt"]
    with runs.written_whole(final) as aside:
        (aside / "new.txt").write_text("new")
    assert names_in(final) == ["new.txt"]


def test_leftovers_of_the_dead_are_swept_and_of_the_living_kept(tmp_path: Path) -> None:
    dead = python("pass")
    dead.communicate(timeout=60)
    alive = [os.getpid(), os.getppid(), 1]
    for pid in (dead.pid, *alive):
        (tmp_path / f".writing-{pid}-other").mkdir()
        (tmp_path / f".writing-{pid}-other" / "part.nc").write_text("half")
    with runs.written_whole(tmp_path / "one"):
        pass
    assert names_in(tmp_path) == sorted(["one", *(f".writing-{pid}-other" for pid in alive)])


HALF_WRITTEN = """
import sys, time
from pathlib import Path
from forecast.storage.locks import only_one
from forecast.storage.files import written_whole
home = Path(sys.argv[1])
with only_one(home, "one"), written_whole(home / "runs" / "one") as aside:
    (aside / "part.nc").write_text("half")
    print(aside.name, flush=True)
    time.sleep(600)
"""


def test_kill_9_leaves_nothing_under_the_final_name_and_the_next_one_works(tmp_path: Path) -> None:
    process = python(HALF_WRITTEN, tmp_path)
    aside = heard(process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    folder = tmp_path / "runs"
    assert process.returncode == -signal.SIGKILL
    assert names_in(folder) == sorted([aside, ".lock-one"])
    assert runs_storage.list_runs(tmp_path) == []
    with only_one(tmp_path, "one"):  # the dead holder has let go
        write_run(tmp_path, "one", "2026-01-01")
    assert names_in(folder) == [".lock-one", "one"]
    assert runs_storage.open_run("latest", tmp_path).damaged_files() == []


HOLDER = """
import sys, time
from pathlib import Path
from forecast.storage.locks import only_one
home, log = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
with only_one(home, "one"):
    for word in ("in", "out"):
        with log.open("a") as file:
            file.write(word + " ")
        time.sleep(0.3)
"""


def test_only_one_process_at_a_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    both = [python(HOLDER, tmp_path, log) for _ in range(2)]
    assert [heard(process) for process in both] == ["ready", "ready"]
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert log.read_text() == "in out in out "


def test_another_name_is_another_lock(tmp_path: Path) -> None:
    with only_one(tmp_path, "one"):
        begun = time.monotonic()
        other = python(HOLDER.replace('"one"', '"two"'), tmp_path, tmp_path / "log")
        other.communicate(timeout=60)
        assert other.returncode == 0
        assert time.monotonic() - begun < 60


def test_the_manifest_has_the_digest_of_every_file(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "one", "2026-01-01")
    files = runs_storage.open_run("one", tmp_path).manifest["files"]
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert files == {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
    assert set(files) == {"headlines.json", "projection.nc"}


def test_a_run_of_another_schema_is_not_read_as_if_it_were_of_this_one(tmp_path: Path) -> None:
    write_run(tmp_path, "old", "2026-01-01", provenance={"schema_version": "1"})
    with pytest.raises(RunError, match=r"old: output schema 1, not 2; run it again"):
        _ = runs_storage.open_run("old", tmp_path).projection


def test_damage_is_seen_and_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "one", "2026-01-01")
    run = runs_storage.open_run("one", tmp_path)
    with run.projection as whole:
        assert whole["alliance"]["x"].values.tolist() == [0.0, 1.0, 2.0]
    assert run.headlines == [{"quantity": "x"}]
    raw = (folder / "projection.nc").read_bytes()
    (folder / "projection.nc").write_bytes(raw[: len(raw) // 2])
    (folder / "headlines.json").write_text('{"headlines": [')
    assert run.damaged_files() == ["headlines.json", "projection.nc"]
    for read in (lambda: run.projection, lambda: run.headlines):
        with pytest.raises(RunError, match=r"one/.*damaged .*remove the folder and run the plan"):
            read()
    (folder / "projection.nc").unlink()
    assert run.damaged_files() == ["headlines.json", "projection.nc"]
    with pytest.raises(RunError, match=r"projection\.nc: the file is missing; .* complete"):
        _ = run.projection
    with pytest.raises(RunError, match=r"spending\.nc: the file is missing"):
        run.posterior("spending")


def test_runs_are_opened_by_name_or_a_unique_part_of_it(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no complete run yet; make one with `forecast run"):
        runs_storage.open_run("latest", tmp_path)
    for day, name in enumerate(("2025-12-31-smoke-b2", "2025-12-31-smoke-a1", "x-smoke-a1-long")):
        write_run(tmp_path, name, f"2026-01-0{day + 1}")
    assert runs_storage.list_runs(tmp_path)[0].id == "2025-12-31-smoke-b2"  # oldest first
    assert runs_storage.open_run("latest", tmp_path).id == "x-smoke-a1-long"
    assert runs_storage.open_run("b2", str(tmp_path)).id == "2025-12-31-smoke-b2"
    assert runs_storage.open_run("2025-12-31-smoke-a1", tmp_path).id == "2025-12-31-smoke-a1"
    with pytest.raises(RunError, match=r"several runs match 'a1'; known: .*-a1, x-smoke-a1-long"):
        runs_storage.open_run("a1", tmp_path)
    with pytest.raises(RunError, match=r"no run is called 'c3'; known: .*b2, .*a1, .*long"):
        runs_storage.open_run("c3", tmp_path)


def test_a_failure_is_listed_with_its_reason_and_is_never_the_latest(tmp_path: Path) -> None:
    write_run(tmp_path, "good", "2026-01-01T00:00:00+00:00")
    runs_storage.write_failure(tmp_path, "bad", {"id": "bad", "reason": "chains do not agree"})
    listed = runs_storage.list_runs(tmp_path)
    assert [(run.id, run.status) for run in listed] == [
        ("good", "complete"),
        ("failed-bad", "failed"),
    ]
    assert listed[1].manifest["reason"] == "chains do not agree"
    assert runs_storage.open_run("latest", tmp_path).id == "good"
    runs_storage.clear_failure(tmp_path, "bad")
    assert [run.id for run in runs_storage.list_runs(tmp_path)] == ["good"]


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "one", "2026-01-01")
    (folder / "manifest.json").write_text("{")
    write_run(tmp_path, "two", "2026-01-02")
    damaged, whole = runs_storage.list_runs(tmp_path)
    assert damaged.status == "damaged"
    assert "one/manifest.json: damaged" in damaged.manifest["reason"]
    assert runs_storage.open_run("latest", tmp_path).id == whole.id == "two"


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["os.fsync", "os.mkdir", "pathlib.Path.write_text"])
def test_a_full_disk_is_told_with_path_and_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(call, full_disk)
    with pytest.raises(RunError) as caught, runs.written_whole(home / "one") as aside:
        runs.write_json(aside / "a.json", {})
    monkeypatch.undo()
    told = str(caught.value)
    assert told.startswith(f"{home / 'one'}: cannot be written (No space left on device)")
    assert "nothing was kept. Free space or choose another workspace with --home" in told
    assert names_in(home) == []


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a folder should be")
    with pytest.raises(RunError, match="cannot be written"), only_one(tmp_path, "one"):
        pass


def test_the_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        runs.write_tree(tmp_path / f"{name}.nc", tree())
        runs.write_json(tmp_path / f"{name}.json", {"x": [1.5, "–"]})
    for suffix in ("nc", "json"):
        a, b = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
        assert a == b
    assert "–" in (tmp_path / "a.json").read_text(encoding="utf-8")
