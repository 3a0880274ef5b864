"""Files of editors and file systems are passed by; files of users are not."""

from pathlib import Path

import pytest

from forecast.storage.listing import list_files, list_folders

SIDE_FILES = (
    ".#weekly.toml",
    "._weekly.toml",
    ".weekly.toml.swp.toml",
    ".hidden/weekly.toml",
    ".ipynb_checkpoints/weekly-checkpoint.toml",
    "..2026_11_28/weekly.toml",
    "#weekly.toml#",
    "#weekly.toml",
    "~$weekly.toml",
    "weekly.toml~",
    "weekly.toml.orig",
    "__MACOSX/weekly.toml",
    "@eaDir/weekly.toml",
    "lost+found/weekly.toml",
)


@pytest.mark.case("B28", "B69")
def test_side_files_are_passed_by(tmp_path: Path) -> None:
    wanted = ["WEEKLY.TOML", "daily.toml", "below/yearly.toml"]
    for name in (*SIDE_FILES, *wanted):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "dangling.toml").symlink_to("nowhere")  # a fault to report, not a file to pass by
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [str(path.relative_to(tmp_path)) for path in list_files(tmp_path, ".toml", recursive=True)]
    assert found == sorted([*wanted, "dangling.toml"])
    assert [path.name for path in list_files(tmp_path, ".toml")] == ["WEEKLY.TOML", "daily.toml", "dangling.toml"]
    assert [path.name for path in list_folders(tmp_path)] == ["below", "loop"]


@pytest.mark.case("B28")
def test_mounted_files_are_listed_through_their_links(tmp_path: Path) -> None:
    mount = tmp_path / "..2026_11_28"
    mount.mkdir()
    (mount / "weekly.toml").touch()
    (tmp_path / "..data").symlink_to(mount.name)
    (tmp_path / "weekly.toml").symlink_to("..data/weekly.toml")
    assert list_files(tmp_path, ".toml", recursive=True) == [tmp_path / "weekly.toml"]


def test_a_missing_folder_has_no_files(tmp_path: Path) -> None:
    assert list_files(tmp_path / "nowhere", ".toml") == []
    assert list_folders(tmp_path / "nowhere") == []
