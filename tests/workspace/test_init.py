"""A new workspace is complete, passes `forecast check`, and never overwrites files."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from forecast.errors import RunError
from forecast.workspace import init
from forecast.workspace.check import check_workspace
from forecast.workspace.init import create_workspace
from tests.support import fake_posteriors as our

PARTS = ("priors", "runs/plans")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", ["", "new", "deep/er"])
def test_new_workspace_has_the_default_priors_and_plans(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    written = create_workspace(home)
    for part in PARTS:
        assert contents(home / part) == contents(our.ROOT / part)
    assert sorted(written) == sorted(path for path in home.rglob("*") if path.is_file())
    assert (home / "reports").is_dir()


def test_new_workspace_passes_the_check(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    valid = check_workspace(tmp_path)
    assert len(valid) == 4 + len(list((our.ROOT / "runs/plans").glob("*.toml")))


@pytest.mark.parametrize("part", PARTS)
def test_existing_files_are_unchanged(tmp_path: Path, part: str) -> None:
    existing = tmp_path / part / "mine.toml"
    existing.parent.mkdir(parents=True)
    existing.write_text("# mine")
    with pytest.raises(RunError, match=f"{part}: already there; choose an empty folder"):
        create_workspace(tmp_path)
    assert contents(tmp_path) == {f"{part}/mine.toml": b"# mine"}
    assert not (tmp_path / "reports").exists()


def test_second_init_raises(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    with pytest.raises(RunError, match="nothing was changed"):
        create_workspace(tmp_path)


def test_file_in_place_of_the_folder_raises(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match="taken: cannot be written"):
        create_workspace(tmp_path / "taken")


@pytest.mark.case("B30")
def test_a_read_only_package_gives_a_workspace_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package"
    for part in PARTS:
        shutil.copytree(our.ROOT / part, package / part)
    inside = [path for path in package.rglob("*")]
    for path in inside:
        path.chmod(0o555 if path.is_dir() else 0o444)
    monkeypatch.setattr(init, "__file__", str(package / "forecast" / "workspace" / "init.py"))
    create_workspace(tmp_path / "home")
    for path in inside:
        path.chmod(0o755)
    made = list((tmp_path / "home").rglob("*"))
    assert len(made) > 15
    assert [path for path in made if not path.stat().st_mode & stat.S_IWUSR] == []


@pytest.mark.case("B30")
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [0, 3, "rename 1", "rename 2"])
def test_nothing_is_left_of_an_interrupted_init(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, at: object
) -> None:
    """Neither files nor folders, and what was there before stays."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("mine")
    calls: list[object] = []

    def interrupted(original: object, kind: str) -> object:
        def call(*arguments: object) -> object:
            calls.append(kind)
            count = calls.count(kind)
            if at in (f"{kind} {count}", count - 1 if kind == "copy" else None):
                raise error
            return original(*arguments)  # type: ignore[operator]

        return call

    monkeypatch.setattr(shutil, "copyfile", interrupted(shutil.copyfile, "copy"))
    monkeypatch.setattr(Path, "rename", interrupted(Path.rename, "rename"))
    with pytest.raises((RunError, KeyboardInterrupt)):
        create_workspace(tmp_path / "mine" / "deep" / "er")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "note.txt"]


@pytest.mark.case("B30")
def test_a_part_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copyfile

    def somebody_else(source: Path, target: Path) -> None:
        (tmp_path / "runs" / "plans").mkdir(exist_ok=True)
        (tmp_path / "runs" / "plans" / "mine.toml").write_text("# mine")
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", somebody_else)
    with pytest.raises(RunError, match="cannot be written"):
        create_workspace(tmp_path)
    assert contents(tmp_path) == {"runs/plans/mine.toml": b"# mine"}


@pytest.mark.case("B30")
def test_a_link_in_place_of_a_part_is_kept(tmp_path: Path) -> None:
    (tmp_path / "priors").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="priors: already there"):
        create_workspace(tmp_path)
    assert os.readlink(tmp_path / "priors") == str(tmp_path / "elsewhere")
