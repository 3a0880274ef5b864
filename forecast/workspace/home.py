"""Recognise the folder of a workspace."""

from pathlib import Path

from forecast.errors import RunError


def require_workspace(home: Path) -> None:
    """Raise RunError if `home` is no workspace: a folder that holds `priors/` or `runs/`."""
    if home.is_dir() and ((home / "priors").is_dir() or (home / "runs").is_dir()):
        return
    found = "is not a folder" if home.exists() and not home.is_dir() else "has neither priors/ nor runs/"
    if not home.exists():
        found = "does not exist"
    raise RunError(
        f"{home.absolute()}: no workspace here, because it {found}; name a workspace with --home DIR, or make one with "
        "`forecast init DIR`"
    )
