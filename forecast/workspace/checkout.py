"""Say which git commit the code of a run is, when the package runs from a checkout of this project.

Git is asked itself: whether a file differs from the commit depends on line endings, filters and the index, which a few
lines cannot follow. It runs without hooks, locks or prompts. No answer, for whatever reason, is no error.
"""

import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Final, TypedDict

PACKAGE: Final = Path(__file__).parents[1]
_PROJECT: Final = re.compile(r'^name = "alliance-forecast"$', re.MULTILINE)
_COMMIT: Final = re.compile(r"^# branch\.oid ([0-9a-f]{40}|[0-9a-f]{64})$", re.MULTILINE)
_SECONDS: Final = 10  # longest wait for git


class Checkout(TypedDict):
    """A commit, and whether a file of the package differs from it or is not in it."""

    commit: str
    dirty: bool


@cache
def find_checkout(package: Path = PACKAGE) -> Checkout | None:
    """Return the commit of the code; None if the package is installed elsewhere or git does not answer.

    Only files of the package count as changes, because plans, priors and tables have digests of their own.
    """
    root = package.parent
    try:
        if not (root / ".git").exists() or not _PROJECT.search((root / "pyproject.toml").read_text(encoding="utf-8")):
            return None
        command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", str(root), "status"]
        asked = subprocess.run(
            [*command, "--porcelain=v2", "--branch", "--untracked-files=normal", "--", package.name],
            capture_output=True,
            check=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError):
        return None
    found = _COMMIT.search(asked.stdout)
    changes = [line for line in asked.stdout.splitlines() if not line.startswith("#")]
    return {"commit": found[1], "dirty": bool(changes)} if found else None
