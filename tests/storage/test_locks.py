"""Locks: one holder at a time, a wait that is reported, and locks that cannot be opened or held."""

import errno
import fcntl
import os
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from forecast.errors import RunError
from forecast.storage.locks import free_lock, only_one

NOBODY = 65534


@pytest.mark.case("L6")
def test_wait_is_reported_before_it_begins(tmp_path: Path) -> None:
    reported, told = [], threading.Event()

    def report(what: str, part: float) -> None:
        reported.append(what)
        told.set()

    def second() -> None:
        with only_one(tmp_path, "2025-12-31-weekly-1", lambda: nullcontext(report)):
            reported.append("held")

    thread = threading.Thread(target=second)
    with only_one(tmp_path, "2025-12-31-weekly-1", lambda: nullcontext(report)):
        assert reported == []
        thread.start()
        assert told.wait(60.0)
        assert reported == ["waiting for another process that makes 2025-12-31-weekly-1"]
    thread.join(60.0)
    assert reported[1:] == ["held"]


def test_a_glance_at_a_lock_does_not_keep_others_from_it(tmp_path: Path) -> None:
    """The second try comes later than any process needs to see that a lock is free."""
    handle = (tmp_path / "runs").mkdir() or os.open(tmp_path / "runs" / ".lock-one", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    timer = threading.Timer(0.01, os.close, [handle])
    timer.start()
    with free_lock(tmp_path, "one") as locked:
        assert locked
    timer.join()


@pytest.mark.case("B97")
def test_lock_of_another_user_that_can_be_read_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without the rights of root may lock a file that it may only read."""
    with free_lock(tmp_path, "one"):
        pass
    real = os.open

    def refuses_writing(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuses_writing)
    with free_lock(tmp_path, "one") as first, free_lock(tmp_path, "one") as second:
        assert (first, second) == (True, False)


@pytest.mark.case("B97")
def test_lock_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(path: Path, flags: int, mode: int = 0o777) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuses)
    with pytest.raises(RunError, match=r"/\.lock-one: cannot be opened .*chown"), free_lock(tmp_path, "one"):
        pass


@pytest.mark.case("B97")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
@pytest.mark.parametrize(("mode", "expected"), [(0o644, 0), (0o600, 7)])
def test_lock_left_by_root(tmp_path: Path, mode: int, expected: int) -> None:
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    with free_lock(tmp_path, "one"):
        (tmp_path / "runs" / ".lock-one").chmod(mode)
    if (child := os.fork()) == 0:
        os.setuid(NOBODY)
        try:
            with free_lock(tmp_path, "one") as locked:
                os._exit(0 if locked else 1)
        except RunError:
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == expected


@pytest.mark.case("B20")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_file_system_without_locks_is_named_as_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def has_none(descriptor: int, flags: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", has_none)
    with pytest.raises(RunError, match=r"cannot be locked .*file system has no file locks .*local or block volume"):
        with only_one(tmp_path, "one"):
            pass
    with pytest.raises(RunError, match="file system has no file locks"), free_lock(tmp_path, "one"):
        pass


@pytest.mark.case("B97")
def test_lock_of_another_user_on_a_network_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wants_a_writer(descriptor: int, flags: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", wants_a_writer)
    with pytest.raises(RunError, match="belongs to another user"), free_lock(tmp_path, "one"):
        pass


def test_lock_of_other_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(descriptor: int, flags: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fails)
    with pytest.raises(RunError, match=r"cannot be written .Input/output error"), only_one(tmp_path, "one"):
        pass


@pytest.mark.case("H2")
def test_lock_empties_no_file(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".lock-one").write_text("notes")
    with only_one(tmp_path, "one"):
        pass
    assert (tmp_path / "runs" / ".lock-one").read_text() == "notes"
