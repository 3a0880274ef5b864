"""Test that machine code is cached under the digest of the sources, or not at all."""

from pathlib import Path

import numba
import pytest

from forecast.simulation import jit


def twice(x: float) -> float:
    return 2.0 * x


def test_cache_folder_is_below_user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = jit.cache_folder()
    assert folder is not None and folder.is_dir() and folder == jit.cache_folder()
    assert folder.parent == tmp_path / "alliance-forecast"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    other = jit.cache_folder()
    assert other == tmp_path / ".cache" / "alliance-forecast" / folder.name


def test_changed_source_changes_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(jit, "__file__", str(tmp_path / "compile.py"))
    source, folders = tmp_path / "rule.py", []
    for text in ("a = 1\n", "a = 2\n", "a = 1\n"):
        source.write_text(text)
        folders.append(jit.cache_folder())
    assert folders[0] == folders[2] != folders[1]


def test_kernel_is_cached_in_that_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)
    before = numba.config.CACHE_DIR
    dispatcher = jit.entry(twice)
    assert Path(dispatcher.stats.cache_path).is_relative_to(tmp_path)
    assert before == numba.config.CACHE_DIR


def test_kernel_runs_without_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert jit.cache_folder() is None
    assert jit.entry(twice)(2.0) == 4.0
