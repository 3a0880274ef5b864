"""A new workspace is complete, passes its own check, and never overwrites what is there."""

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
def test_a_new_workspace_has_the_default_priors_and_plans(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    made = create_workspace(home)
    for part in PARTS:
        assert contents(home / part) == contents(our.ROOT / part)
    assert sorted(made) == sorted(path for path in home.rglob("*") if path.is_file())
    assert (home / "reports").is_dir()


def test_it_passes_its_own_check(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    sound = check_workspace(tmp_path)
    assert len(sound) == 2 + len(list((our.ROOT / "runs/plans").glob("*.toml")))


@pytest.mark.parametrize("part", PARTS)
def test_what_is_there_is_left_alone(tmp_path: Path, part: str) -> None:
    mine = tmp_path / part / "mine.toml"
    mine.parent.mkdir(parents=True)
    mine.write_text("# mine")
    with pytest.raises(RunError, match=f"{part}: already there; choose an empty folder"):
        create_workspace(tmp_path)
    assert contents(tmp_path) == {f"{part}/mine.toml": b"# mine"}
    assert not (tmp_path / "reports").exists()


def test_a_second_time_is_refused(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    with pytest.raises(RunError, match="nothing was changed"):
        create_workspace(tmp_path)


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match="taken: cannot be written"):
        create_workspace(tmp_path / "taken")
