"""A new workspace is complete, passes `forecast check`, and never overwrites files."""

from pathlib import Path

import pytest

from forecast.errors import RunError
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
    assert len(valid) == 2 + len(list((our.ROOT / "runs/plans").glob("*.toml")))


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
