"""Run folders are complete or absent, also after kill -9 and on a full disk; runs are found by name."""

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
from forecast.storage import files, runs
from forecast.storage.locks import only_one
from tests.support import fake_posteriors as our
from tests.support.headline_records import headline


def write_run(home: Path, name: str, finished: str, **manifest: Any) -> Path:
    """Write a small run folder in the form that the pipeline writes."""
    folder = home / "runs" / name
    with files.written_whole(folder) as temporary:
        files.write_json(temporary / "headlines.json", {"headlines": [headline(0.5)]})
        files.write_tree(temporary / "projection.nc", tree())
        runs.write_manifest(temporary, {"id": name, "status": "complete", **manifest})
    written = json.loads((folder / "manifest.json").read_text())
    files.write_json(folder / "manifest.json", files.with_checksums(written | {"finished": finished}))
    return folder


def tree() -> xr.DataTree:
    return xr.DataTree.from_dict({"alliance": xr.Dataset({"x": ("t", np.arange(3.0))})})


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start Python code in a process whose standard output can be read."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=our.ROOT)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_folder_appears_when_complete(tmp_path: Path) -> None:
    final = tmp_path / "runs" / "one"
    with files.written_whole(final) as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "a.txt").write_text("a")
        assert not final.exists()
        assert final.parent in temporary.parents  # the same file system, so that renaming is atomic
    assert (final / "deep" / "a.txt").read_text() == "a"
    assert names_in(final.parent) == ["one"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_no_folder_if_the_block_raises(tmp_path: Path, error: BaseException) -> None:
    final = tmp_path / "one"
    with pytest.raises(type(error)), files.written_whole(final) as temporary:
        (temporary / "a.txt").write_text("a")
        raise error
    assert names_in(tmp_path) == []


def test_old_folder_is_kept_until_the_new_one_is_complete(tmp_path: Path) -> None:
    final = tmp_path / "one"
    with files.written_whole(final) as temporary:
        (temporary / "old.txt").write_text("old")
    with pytest.raises(ValueError), files.written_whole(final) as temporary:
        raise ValueError
    assert names_in(final) == ["old.txt"]
    with files.written_whole(final) as temporary:
        (temporary / "new.txt").write_text("new")
    assert names_in(final) == ["new.txt", "old.txt"]  # nobody said that the old file may go
    with files.written_whole(final, own=["old.txt"]) as temporary:
        (temporary / "newer.txt").write_text("newer")
    assert names_in(final) == ["new.txt", "newer.txt"]


HALF_WRITTEN = """
import sys, time
from pathlib import Path
from forecast.storage.locks import only_one
from forecast.storage.files import written_whole
home = Path(sys.argv[1])
with only_one(home, "one"), written_whole(home / "runs" / "one") as temporary:
    (temporary / "part.nc").write_text("half")
    print(temporary.parents[1].name, flush=True)
    time.sleep(600)
"""


def test_killed_writer_leaves_no_folder_and_no_lock(tmp_path: Path) -> None:
    process = python(HALF_WRITTEN, tmp_path)
    temporary = read_line(process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    folder = tmp_path / "runs"
    assert process.returncode == -signal.SIGKILL
    assert names_in(folder) == sorted([temporary, ".lock-one"])
    assert runs.list_runs(tmp_path) == []
    with only_one(tmp_path, "one"):  # the lock of the killed process is free
        write_run(tmp_path, "one", "2026-01-01")
    assert names_in(folder) == [".lock-one", "one"]
    assert runs.open_run("latest", tmp_path).damaged_files() == []


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


def test_lock_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    both = [python(HOLDER, tmp_path, log) for _ in range(2)]
    assert [read_line(process) for process in both] == ["ready", "ready"]
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert log.read_text() == "in out in out "


def test_locks_with_different_names_are_independent(tmp_path: Path) -> None:
    with only_one(tmp_path, "one"):
        begun = time.monotonic()
        other = python(HOLDER.replace('"one"', '"two"'), tmp_path, tmp_path / "log")
        other.communicate(timeout=60)
        assert other.returncode == 0
        assert time.monotonic() - begun < 60


def test_manifest_has_the_digest_of_every_file(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "one", "2026-01-01")
    digests = runs.open_run("one", tmp_path).manifest["files"]
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
    assert digests == {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert set(digests) == {"headlines.json", "projection.nc"}


def test_run_of_another_schema_is_refused(tmp_path: Path) -> None:
    provenance = {"schema_version": "2", "forecast_version": "0.1.0"}
    write_run(tmp_path, "old", "2026-01-01", provenance=provenance, plan={"name": "weekly"})
    run = runs.open_run("old", tmp_path)
    message = (
        r"old: the run has output schema 2, but this version reads schema 5; run the plan again with "
        r"`forecast run weekly`, or read the run with the build that wrote it$"
    )
    for read in (lambda: run.projection, lambda: run.headlines):
        with pytest.raises(RunError, match=message):
            read()
    assert [listed.id for listed in runs.list_runs(tmp_path)] == ["old"]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "one", "2026-01-01")
    run = runs.open_run("one", tmp_path)
    with run.projection as whole:
        assert whole["alliance"]["x"].values.tolist() == [0.0, 1.0, 2.0]
    assert run.headlines == [headline(0.5)]
    raw = (folder / "projection.nc").read_bytes()
    (folder / "projection.nc").write_bytes(raw[: len(raw) // 2])
    (folder / "headlines.json").write_text('{"headlines": [')
    assert run.damaged_files() == ["headlines.json", "projection.nc"]
    for read in (lambda: run.projection, lambda: run.headlines):
        with pytest.raises(RunError, match=r"one/.*damaged .*move the folder away and run the plan"):
            read()
    (folder / "projection.nc").unlink()
    assert run.damaged_files() == ["headlines.json", "projection.nc"]
    with pytest.raises(RunError, match=r"projection\.nc: the file is missing, and the run is complete"):
        _ = run.projection
    with pytest.raises(RunError, match=r"spending\.nc: the file is missing"):
        run.posterior("spending")
    for name in ("exits", "", "../../secret"):
        with pytest.raises(RunError, match=r"one: no model is called .*, expected one of spending, leadership"):
            run.posterior(name)


def test_open_run_by_name_or_unique_part(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no complete run yet; make one with `forecast run"):
        runs.open_run("latest", tmp_path)
    for day, name in enumerate(("2025-12-31-smoke-b2", "2025-12-31-smoke-a1", "x-smoke-a1-long")):
        write_run(tmp_path, name, f"2026-01-0{day + 1}")
    assert runs.list_runs(tmp_path)[0].id == "2025-12-31-smoke-b2"  # oldest first
    assert runs.open_run("latest", tmp_path).id == "x-smoke-a1-long"
    assert runs.open_run("b2", str(tmp_path)).id == "2025-12-31-smoke-b2"
    assert runs.open_run("2025-12-31-smoke-a1", tmp_path).id == "2025-12-31-smoke-a1"
    with pytest.raises(RunError, match=r"several runs match 'a1'; known: .*-a1, x-smoke-a1-long"):
        runs.open_run("a1", tmp_path)
    with pytest.raises(RunError, match=rf"{tmp_path}/runs: no run is called 'c3'; known: .*b2, .*a1, .*long.*home="):
        runs.open_run("c3", tmp_path)


@pytest.mark.case("A14")
def test_the_name_of_a_plan_opens_its_last_complete_run(tmp_path: Path) -> None:
    for day, (name, plan) in enumerate((("a-smoke-1", "smoke"), ("a-smoke-2", "smoke"), ("a-smoke_b-1", "b"))):
        write_run(tmp_path, name, f"2026-01-0{day + 1}", plan={"name": plan})
    runs.write_failure(tmp_path, "a-smoke-3", {"id": "a-smoke-3", "plan": "smoke", "reason": "no space"})
    assert runs.open_run("smoke", tmp_path).id == "a-smoke-2"
    assert runs.open_run("b", tmp_path).id == "a-smoke_b-1"
    assert runs.open_run("smoke-1", tmp_path).id == "a-smoke-1"


def test_failure_is_listed_and_never_the_latest(tmp_path: Path) -> None:
    write_run(tmp_path, "good", "2026-01-01T00:00:00+00:00")
    runs.write_failure(tmp_path, "bad", {"id": "bad", "reason": "chains do not agree"})
    listed = runs.list_runs(tmp_path)
    assert [(run.id, run.status) for run in listed] == [
        ("good", "complete"),
        ("failed-bad", "failed"),
    ]
    assert listed[1].manifest["reason"] == "chains do not agree"
    assert runs.open_run("latest", tmp_path).id == "good"
    runs.clear_failure(tmp_path, "bad")
    assert [run.id for run in runs.list_runs(tmp_path)] == ["good"]


def test_damaged_manifest_is_listed(tmp_path: Path) -> None:
    folder = write_run(tmp_path, "one", "2026-01-01")
    (folder / "manifest.json").write_text("{")
    write_run(tmp_path, "two", "2026-01-02")
    whole, damaged = runs.list_runs(tmp_path)  # its time is that of its last change
    assert damaged.status == "damaged"
    assert "one/manifest.json: damaged" in damaged.manifest["reason"]
    assert runs.open_run("latest", tmp_path).id == whole.id == "two"


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["os.fsync", "os.mkdir", "pathlib.Path.write_text"])
def test_full_disk_error_names_path_and_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(call, full_disk)
    with pytest.raises(RunError) as caught, files.written_whole(home / "one") as temporary:
        files.write_json(temporary / "a.json", {})
    monkeypatch.undo()
    message = str(caught.value)
    assert message.startswith(f"{home / 'one'}: cannot be written (No space left on device)")
    assert "nothing was kept. Free space or choose another workspace with --home" in message
    assert names_in(home) == []


def test_lock_that_cannot_be_created_raises(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a folder should be")
    with pytest.raises(RunError, match="cannot be written"), only_one(tmp_path, "one"):
        pass


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        files.write_tree(tmp_path / f"{name}.nc", tree())
        files.write_json(tmp_path / f"{name}.json", {"x": [1.5, "–"]})
    for suffix in ("nc", "json"):
        a, b = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
        assert a == b
    assert "–" in (tmp_path / "a.json").read_text(encoding="utf-8")
