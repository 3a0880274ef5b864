"""Machine code is kept under the digest of the sources, or not at all."""

from pathlib import Path

import numba
import pytest

from forecast.simulation import jit as core


def twice(x: float) -> float:
    return 2.0 * x


def test_the_folder_is_made_below_the_cache_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = core.cache_folder()
    assert folder is not None and folder.is_dir() and folder == core.cache_folder()
    assert folder.parent == tmp_path / "alliance-forecast"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    other = core.cache_folder()
    assert other == tmp_path / ".cache" / "alliance-forecast" / folder.name


def test_any_change_of_a_source_changes_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(core, "__file__", str(tmp_path / "compile.py"))
    source, folders = tmp_path / "rule.py", []
    for text in ("a = 1\n", "a = 2\n", "a = 1\n"):
        source.write_text(text)
        folders.append(core.cache_folder())
    assert folders[0] == folders[2] != folders[1]


def test_the_kernel_is_cached_in_that_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)
    before = numba.config.CACHE_DIR
    dispatcher = core.entry(twice)
    assert Path(dispatcher.stats.cache_path).is_relative_to(tmp_path)
    assert before == numba.config.CACHE_DIR


def test_without_a_folder_the_kernel_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert core.cache_folder() is None
    assert core.entry(twice)(2.0) == 4.0
