"""Create a workspace: a folder with `priors/`, `runs/` and `reports/`, filled with the defaults of the package."""

import shutil
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
        If `home` already has one of the parts to write, or cannot be written.
    """
    written = []
    with as_file(files("forecast") / "defaults") as packaged:
        source = packaged if packaged.is_dir() else Path(__file__).parents[2]
        parts = {"priors": source / "priors", "runs/plans": source / "runs" / "plans"}
        new = [*parts, "tables"] if example else [*parts]
        existing = [home / part for part in new if (home / part).exists()]
        if existing:
            paths = ", ".join(str(path) for path in existing)
            raise RunError(f"{paths}: already there; choose an empty folder, nothing was changed")
        try:
            for part, folder in parts.items():
                shutil.copytree(folder, home / part)
                written += sorted(path for path in (home / part).rglob("*") if path.is_file())
            (home / "reports").mkdir(exist_ok=True)
            if example:
                written += write_example(home)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"{home}: cannot be written ({reason}); choose another folder") from None
    return written
