"""Writing under a lock, in one step, without removing what somebody else put there; errors that say what is wrong."""

import ast
import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import RunError, cannot_read, cannot_write
from forecast.storage import files
from tests.support.fake_posteriors import ROOT
from tests.support.unprivileged import unprivileged


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def hidden(parent: Path, name: str, *, lock: bool = True) -> Path:
    """Make what a writer has left behind."""
    aside = parent / f".writing-{name}"
    (aside / "new" / "final").mkdir(parents=True)
    (aside / "new" / "final" / "part.nc").write_text("half")
    if lock:
        (aside / "lock").touch()
    return aside


WRITER = """
import sys, time
from pathlib import Path
from forecast.storage import files
final = Path(sys.argv[1])
if final.suffix:
    files.os.fsync = lambda descriptor: (print("writing", flush=True), time.sleep(600))
    files.replace_text(final, "new")
else:
    with files.written_whole(final) as folder:
        (folder / "a").write_text("new")
        print("writing", flush=True)
        time.sleep(600)
"""


@pytest.fixture(params=["folder", "file.json"])
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process in the middle of writing, and what it writes."""
    final = tmp_path / request.param
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, final], stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )
    assert process.stdout is not None and process.stdout.readline() == "writing\n"
    yield process, final
    process.kill()
    process.communicate()


@pytest.mark.case("B20")
def test_what_a_live_process_writes_is_left_and_what_a_killed_one_wrote_is_removed(
    writer: tuple[subprocess.Popen[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of the process does not matter: containers cannot see each other's, and give them out again."""
    process, final = writer
    monkeypatch.setattr(os, "getpid", lambda: process.pid)
    (aside,) = final.parent.iterdir()
    files.replace_text(final.parent / "other.txt", "x")
    assert names_in(final.parent) == sorted([aside.name, "other.txt"])
    process.send_signal(signal.SIGKILL)
    process.wait()
    with files.written_whole(final.parent / "next"):
        pass
    assert names_in(final.parent) == ["next", "other.txt"]


def test_a_folder_without_our_lock_is_not_removed(tmp_path: Path) -> None:
    theirs = hidden(tmp_path, "notes", lock=False)
    (tmp_path / ".writing-letter").write_text("dear")
    hidden(tmp_path, "ours")
    files.replace_text(tmp_path / "a", "a")
    assert names_in(tmp_path) == [".writing-letter", theirs.name, "a"]
    assert (theirs / "new" / "final" / "part.nc").exists()


@pytest.mark.case("B54")
def test_a_writer_killed_between_two_renames_loses_nothing(tmp_path: Path) -> None:
    aside = hidden(tmp_path, "ours")
    (aside / "old" / "final").mkdir(parents=True)
    (aside / "old" / "final" / "notes.txt").write_text("mine")
    files.replace_text(tmp_path / "a", "a")
    assert (tmp_path / "final" / "notes.txt").read_text() == "mine"
    assert names_in(tmp_path) == ["a", "final"]


@pytest.mark.case("B54")
@pytest.mark.parametrize("error", [OSError(errno.EIO, "x"), KeyboardInterrupt()])
def test_an_error_between_two_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    (tmp_path / "final").mkdir()
    (tmp_path / "final" / "notes.txt").write_text("mine")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.parent.name == "new":
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises((RunError, KeyboardInterrupt)), files.written_whole(tmp_path / "final") as new:
        (new / "a").touch()
    assert names_in(tmp_path / "final") == ["notes.txt"] and names_in(tmp_path) == ["final"]


@pytest.mark.parametrize("place", ["file", "link", "pipe", "folder with a pipe", "a folder of the name"])
def test_what_is_no_folder_of_files_is_not_replaced(tmp_path: Path, place: str) -> None:
    final = tmp_path / "final"
    if place == "file":
        final.write_text("mine")
    elif place == "link":
        final.symlink_to("nowhere")
    elif place == "pipe":
        os.mkfifo(final)
    elif place == "folder with a pipe":
        final.mkdir()
        os.mkfifo(final / "pipe")
    else:
        (final / "a.txt").mkdir(parents=True)
        (final / "a.txt" / "b").write_text("mine")
    with pytest.raises(RunError), files.written_whole(final) as new:
        (new / "a.txt").write_text("new")
    assert os.path.lexists(final) and names_in(tmp_path) == ["final"]
    if place == "file":
        assert final.read_text() == "mine"
    if place == "a folder of the name":
        assert (final / "a.txt" / "b").read_text() == "mine"


def test_remove_files_leaves_what_it_does_not_name(tmp_path: Path) -> None:
    for folder in ("ours", "shared"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a").touch()
    (tmp_path / "shared" / "notes.txt").touch()
    for folder in ("ours", "shared", "absent"):
        files.remove_files(tmp_path / folder, ["a", "b"])
    assert names_in(tmp_path) == ["shared"] and names_in(tmp_path / "shared") == ["notes.txt"]


@pytest.mark.case("B20")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(RunError, match=r"/a\.json: cannot be written \(.*The file system does not lock files"):
        files.replace_json(tmp_path / "a.json", {})
    assert names_in(tmp_path) == []


CAUSES = {
    errno.ENOSPC: "No space left on device); nothing was kept. Free space",
    errno.EDQUOT: "ask for a larger quota",
    errno.EACCES: "Permission denied); nothing was kept. Ask the owner",
    errno.EROFS: "The file system can only be read",
    errno.ENAMETOOLONG: "File name too long); nothing was kept. Use a shorter name",
    errno.EFBIG: "ulimit -f",
    errno.EMFILE: "ulimit -n",
    errno.EISDIR: "Something else is in its place",
    errno.EBUSY: "mount point",
    errno.EIO: "The disk or the network failed",
    errno.EXDEV: "Choose another place",
}


@pytest.mark.case("L3")
@pytest.mark.parametrize("number", CAUSES)
def test_each_cause_has_its_own_fix(number: int) -> None:
    error = OSError(number, os.strerror(number))
    message = str(cannot_write(Path("a"), error))
    assert message.startswith(f"a: cannot be written ({os.strerror(number)})") and CAUSES[number] in message
    assert number == errno.ENOSPC or "Free space" not in message
    assert str(cannot_read(Path("a"), error)).startswith(f"a: cannot be read ({os.strerror(number)})")


@pytest.mark.case("L3")
@pytest.mark.parametrize("said", [RuntimeError("NetCDF: HDF error"), PermissionError(errno.EACCES, "denied")])
def test_a_full_disk_is_told_whatever_the_library_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Exception
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise said

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    tree = xr.DataTree.from_dict({"a": xr.Dataset({"x": ("t", np.arange(3.0))})})
    monkeypatch.setattr(xr.DataTree, "to_netcdf", fail)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(RunError, match=r"No space left.*Free space"), files.written_whole(tmp_path / "a") as new:
        files.write_tree(new / "x.nc", tree)
    monkeypatch.undo()
    monkeypatch.setattr(xr.DataTree, "to_netcdf", fail)
    with pytest.raises(RunError, match=str(said.args[-1])), files.written_whole(tmp_path / "a") as new:
        files.write_tree(new / "x.nc", tree)


@pytest.mark.case("L3")
def test_a_real_limit_on_the_size_of_files_is_told(tmp_path: Path) -> None:
    """As on a full disk: HDF5 fails in the middle of writing, and does not say why."""
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np, xarray as xr
from forecast.storage import files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
tree = xr.DataTree.from_dict({"a": xr.Dataset({"x": ("t", np.random.default_rng(1).normal(size=100_000))})})
try:
    with files.written_whole(Path(sys.argv[1])) as folder:
        files.write_tree(folder / "x.nc", tree)
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a"], capture_output=True, text=True, cwd=ROOT)
    assert "a: cannot be written (File too large); nothing was kept. Raise the largest size" in done.stdout
    assert names_in(tmp_path) == []


BROKEN = {
    "empty": b"",
    "cut": b'{"a": [1, 2',
    "no JSON": b"a: 1",
    "no text": b"\xff\xfe{",
    "deep": b"[" * 100_000,
    "a large number": b'{"a": ' + b"9" * 5000 + b"}",
    "not a number": b'{"a": NaN}',
    "half a character": b'{"a": "\\ud800"}',
    "a list": b"[]",
    "nothing": b"null",
    "a number": b"1",
}


@pytest.mark.case("M12")
@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_with_a_fix(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(raw)
    with pytest.raises(RunError, match=r"a\.json: damaged \(.*\); move the file away$") as caught:
        files.read_json(path, dict[str, Any])
    assert len(str(caught.value)) < 300 + len(str(path))


@pytest.mark.case("M12")
@pytest.mark.parametrize("place", ["pipe", "folder", "device", "loop", "larger"])
def test_what_is_no_file_is_named_at_once(tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    if place == "pipe":
        os.mkfifo(path)
    elif place == "folder":
        path.mkdir()
    elif place == "larger":
        path.write_text("[" + " " * 100 + "]")
        monkeypatch.setattr(files, "_MOST_BYTES", 50)
    else:
        path.symlink_to("/dev/zero" if place == "device" else path)
    with pytest.raises(RunError, match=r"a\.json: (cannot be read|damaged) \("):
        files.read_json(path)


def test_numbers_are_read_as_python_reads_them(tmp_path: Path) -> None:
    numbers = [*np.random.default_rng(2).integers(0, 2**63, 5000).view(float).tolist(), 5e-324, 2**70, -0.0, 1e22]
    content = {"x": [x for x in numbers if np.isfinite(float(x))], "t": "–\u2028\U0001f600"}
    files.write_json(tmp_path / "a.json", content)
    read = files.read_json(tmp_path / "a.json")
    assert read == json.loads((tmp_path / "a.json").read_text("utf-8")) == content


@pytest.mark.case("M18")
def test_an_unreadable_file_is_told_as_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    path.chmod(0)
    with unprivileged(tmp_path), pytest.raises(RunError) as caught:
        files.read_json(path)
    assert str(caught.value) == (
        f"{path}: cannot be read (Permission denied); nothing was changed. Ask the owner for the right to it, or "
        "choose another place"
    )


#: Functions that remove, replace or move files; of `replace` and `rename`, those that take one path.
REMOVERS = {"rmtree", "unlink", "rmdir", "removedirs", "remove", "move", "renames", "truncate"}
ALLOWED = {
    "storage/files.py": REMOVERS | {"rename", "replace"},
    "service/prune.py": {"rename"},  # a run that its user prunes, into a folder that is removed whole
    "service/slots.py": {"unlink"},  # the record of the running slot
    "service/worker.py": {"unlink"},  # the request to cancel and the result of the process that it started
    "workspace/init.py": {"rmtree", "rmdir", "rename"},  # what the same call has placed, after an error
}


def removals(text: str) -> set[str]:
    """Return the names of the functions in a module that remove, replace or move files."""
    found = set()
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute):
            name, owner = call.func.attr, call.func.value
            of_lists = name == "remove" and not (isinstance(owner, ast.Name) and owner.id == "os")
            one_path = len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Dict)
            of_os = isinstance(owner, ast.Name) and owner.id == "os"
            if (name in REMOVERS and not of_lists) or (name in ("rename", "replace") and (one_path or of_os)):
                found.add(name)
        elif isinstance(call.func, ast.Name) and call.func.id in REMOVERS:
            found.add(call.func.id)
    return found


@pytest.mark.case("B54")
def test_only_one_module_removes_or_replaces_files() -> None:
    package = ROOT / "forecast"
    found = {str(p.relative_to(package)): removals(p.read_text("utf-8")) for p in sorted(package.rglob("*.py"))}
    assert {
        name: uses - ALLOWED.get(name, set()) for name, uses in found.items() if uses - ALLOWED.get(name, set())
    } == {}
    assert {"rmtree", "unlink", "rename", "replace", "rmdir"} <= found["storage/files.py"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("shutil.rmtree(path)", {"rmtree"}),
        ("a.rename(b); os.replace(a, b)", {"rename", "replace"}),
        ("os.remove(a)", {"remove"}),
        ("text.replace('a', 'b'); data.rename(a='b'); data.rename({'a': 'b'}); items.remove(a)", set()),
        ("dataclasses.replace(a, b=1)", set()),
    ],
)
def test_the_list_of_removals_finds_them(code: str, expected: set[str]) -> None:
    assert removals(code) == expected


def test_an_interrupt_while_a_tree_is_written_takes_effect_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def to_netcdf(self: xr.DataTree, path: Path, **options: object) -> None:
        signal.raise_signal(signal.SIGINT)
        written.append(path)

    monkeypatch.setattr(xr.DataTree, "to_netcdf", to_netcdf)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        files.write_tree(tmp_path / "tree.nc", xr.DataTree())
    assert written == [tmp_path / "tree.nc"]
    assert signal.getsignal(signal.SIGINT) is handler


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.case("M13")
@given(content=st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=5), data=st.data())
def test_every_edited_byte_of_a_file_with_checksums_is_found(content: dict[str, Any], data: st.DataObject) -> None:
    """The file is damaged, or the byte was a blank or a digit that changes nothing that is read."""
    whole = files._json_text(files.with_checksums(content)).encode()
    read = files.parse_json(Path("a.json"), whole, None, fix="")
    position = data.draw(st.integers(0, len(whole) - 1))
    edit = data.draw(st.sampled_from([b"", b"x", b"0", b" ", b'"', whole[position : position + 1] * 2]))
    try:
        found = files.parse_json(Path("a.json"), whole[:position] + edit + whole[position + 1 :], None, fix="")
    except RunError as error:
        assert str(error).startswith("a.json: damaged (")
    else:
        assert json.dumps(found, sort_keys=True) == json.dumps(read, sort_keys=True)
