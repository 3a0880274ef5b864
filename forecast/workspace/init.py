"""A workspace: a folder with `priors/`, `runs/` and `reports/`, laid from the defaults the package carries."""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from forecast.errors import RunError


def create_workspace(home: Path) -> list[Path]:
    """Copy the default priors and plans into `home` and give the files made; raises RunError if any is there."""
    made = []
    with as_file(files("forecast") / "defaults") as packaged:
        source = packaged if packaged.is_dir() else Path(__file__).parents[2]
        parts = {"priors": source / "priors", "runs/plans": source / "runs" / "plans"}
        taken = [home / part for part in parts if (home / part).exists()]
        if taken:
            there = ", ".join(str(path) for path in taken)
            raise RunError(f"{there}: already there; choose an empty folder, nothing was changed")
        try:
            for part, folder in parts.items():
                shutil.copytree(folder, home / part)
                made += sorted(p for p in (home / part).rglob("*") if p.is_file())
            (home / "reports").mkdir(exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"{home}: cannot be written ({reason}); choose another folder") from None
    return made
