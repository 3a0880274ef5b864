"""Create a workspace: a folder with `priors/`, `runs/` and `reports/`, filled with the defaults of the package."""

import shutil
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

from forecast.errors import RunError
from forecast.workspace.example import write_example


def create_workspace(home: Path, *, example: bool = False) -> list[Path]:
    """Copy the default priors and plans into a folder and return the files written.

    Parameters
    ----------
    home : folder of the workspace, which is created if needed.
    example : whether to add tables with an invented ally and mission, and a plan `example` that projects them.

    Raises
    ------
    RunError
        If `home` already has one of the parts to write, or cannot be written. Nothing is left behind then, nor after
        Ctrl-C.
    """
    parts = [Path("priors"), Path("runs/plans"), *([Path("tables")] if example else [])]
    existing = [home / part for part in parts if (home / part).exists() or (home / part).is_symlink()]
    if existing:
        paths = ", ".join(str(path) for path in existing)
        raise RunError(f"{paths}: already there; choose an empty folder, nothing was changed")
    added = [path for path in (home / "runs", home / "reports", home, *home.parents) if not path.exists()]
    placed: list[Path] = []
    try:
        for folder in (home / "runs", home / "reports"):
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=home) as name:
            draft = Path(name)
            _write_defaults(draft)
            if example:
                write_example(draft)
            written = [home / path.relative_to(draft) for path in sorted(draft.rglob("*")) if path.is_file()]
            for part in parts:
                (draft / part).rename(home / part)
                placed.append(home / part)
    except BaseException as error:
        _remove(placed, added)
        if isinstance(error, OSError):
            raise RunError(f"{home}: cannot be written ({error.strerror or error}); choose another folder") from None
        raise
    return written


def _write_defaults(home: Path) -> None:
    """Copy the contents of the packaged files, but not their modes: a package may be read-only, a workspace is not."""
    with as_file(files("forecast") / "defaults") as packaged:
        source = packaged if packaged.is_dir() else Path(__file__).parents[2]
        for part in ("priors", "runs/plans"):
            for path in sorted((source / part).rglob("*")):
                if path.is_file():
                    copy = home / path.relative_to(source)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, copy)


def _remove(folders: list[Path], added: list[Path]) -> None:
    """Remove the folders that were filled, and those that were added if they are empty."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in added:
        try:
            folder.rmdir()
        except OSError:  # not made yet, or somebody else uses it
            continue
