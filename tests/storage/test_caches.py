"""Cached machine code is used only where nobody else can have written it, and no home is needed."""

import logging
import os
import pwd
from pathlib import Path

import pytest

from forecast.storage import caches
from forecast.storage.caches import cache_folder


@pytest.fixture(autouse=True)
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caches._warn_once.cache_clear()
    caplog.set_level(logging.WARNING, logger="forecast")
    return caplog


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that was made before, with one file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = cache_folder("kernel")
    assert made is not None
    (made / "sub").mkdir()
    (made / "sub" / "index.nbi").write_bytes(b"")
    return made


@pytest.mark.case("L7")
@pytest.mark.parametrize("umask", [0o000, 0o002, 0o077])
def test_a_new_folder_is_closed_to_others_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture, umask: int
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "deep" / "cache"))
    before = os.umask(umask)
    try:
        made = cache_folder("kernel")
        assert made is not None
        (made / "by-numba").mkdir()
    finally:
        os.umask(before)
    assert made.stat().st_mode & 0o077 == 0
    assert cache_folder("kernel") == made
    assert said.messages == []


@pytest.mark.case("L7")
@pytest.mark.parametrize("part", ["", "..", "../.."])
@pytest.mark.parametrize("mode", [0o777, 0o757])
def test_a_folder_that_others_can_write_to_is_not_used(
    folder: Path, said: pytest.LogCaptureFixture, part: str, mode: int
) -> None:
    (folder / part).chmod(mode)
    assert cache_folder("kernel") is None
    assert cache_folder("kernel") is None
    assert len(said.messages) == 1
    assert f"others can write to {(folder / part).resolve()}; repair it, or set XDG_CACHE_HOME" in said.messages[0]


@pytest.mark.case("L7")
def test_a_parent_with_the_sticky_bit_may_be_shared(folder: Path) -> None:
    folder.parents[1].chmod(0o1777)
    assert cache_folder("kernel") == folder
    folder.chmod(0o1777)
    assert cache_folder("kernel") is None


@pytest.mark.case("L7")
def test_a_file_that_others_can_write_to_is_not_used(folder: Path) -> None:
    (folder / "sub" / "index.nbi").chmod(0o666)
    assert cache_folder("kernel") == folder  # nobody else can enter the folder
    folder.chmod(0o755)
    assert cache_folder("kernel") is None


@pytest.mark.case("L7")
@pytest.mark.parametrize("part", ["", "..", "../..", "sub/index.nbi"])
def test_what_belongs_to_another_user_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: pytest.LogCaptureFixture, part: str
) -> None:
    """Another user is played by another number for this one; as root, by a file that is given away."""
    if os.getuid() == 0:
        os.chown(folder / part, 4321, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 4321)
    assert cache_folder("kernel") is None
    assert "belongs to another user" in said.messages[0]


@pytest.mark.case("L7")
def test_the_folder_behind_a_link_is_judged(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(folder.parents[1])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "link"))
    assert cache_folder("kernel") == folder
    folder.parents[1].chmod(0o777)
    assert cache_folder("kernel") is None


@pytest.mark.case("B03")
@pytest.mark.parametrize("home", ["none", "a file", "read-only"])
def test_without_a_usable_home_the_temporary_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if home == "none":
        monkeypatch.delenv("HOME", raising=False)
        monkeypatch.setattr(pwd, "getpwuid", lambda number: {}[number])
    else:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        (tmp_path / "home").write_text("") if home == "a file" else (tmp_path / "home").symlink_to("/proc/self")
    made = cache_folder("kernel")
    assert made == tmp_path / f"cache-{os.getuid()}" / "alliance-forecast" / "kernel"


@pytest.mark.case("B03")
def test_there_may_be_no_folder_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/self")
    monkeypatch.setattr("tempfile.tempdir", "/proc/self")
    assert cache_folder("kernel") is None
