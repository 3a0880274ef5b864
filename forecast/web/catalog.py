"""The runs of a workspace in memory. A run is read again when one of its files has changed, at most once a second."""

import threading
import time
from pathlib import Path
from typing import Final

from forecast.errors import shown
from forecast.storage.runs import COMPLETE, Run, read_run, run_folders
from forecast.web.problems import Problem

_FRESH: Final = 1.0  # seconds
_Marks = tuple[tuple[str, int, int, int], ...]
AT_LATEST: Final = "@latest"


class Catalog:
    """The runs of one workspace, oldest first."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._known: dict[Path, tuple[_Marks, Run]] = {}
        self._runs: list[Run] = []

    def runs(self) -> list[Run]:
        """Return all runs, including failed and damaged ones; raises RunError if they cannot be listed."""
        with self._lock:
            if time.monotonic() - self._looked > _FRESH:
                self._known = {folder: self._read(folder) for folder in run_folders(self._home)}
                runs = [run for _, run in self._known.values()]
                self._runs = sorted(runs, key=lambda run: (run.manifest.get("finished", ""), run.id))
                self._looked = time.monotonic()
            return self._runs

    def find(self, name: str) -> Run:
        """Return a run by its id, as `latest`, or as `PLAN@latest`; raises Problem if there is none."""
        runs = self.runs()
        if name == "latest" or name.endswith(AT_LATEST):
            plan = name.removesuffix("latest").removesuffix("@")
            found = [run for run in runs if run.status == COMPLETE and plan in ("", run.plan_name)]
        else:
            found = [run for run in runs if run.id == name]
        if not found:
            raise Problem(
                404, f"runs: no run is called {shown(name)}, expected an id, latest or PLAN@latest; list them"
            )
        return found[-1]

    def _read(self, folder: Path) -> tuple[_Marks, Run]:
        marks, known = _marks(folder), self._known.get(folder)
        return known if known and known[0] == marks else (marks, read_run(folder))


def _marks(folder: Path) -> _Marks:
    """Return name, size and times of every file of a folder, which differ after every change."""
    marks = []
    for path in (folder, *sorted(folder.rglob("*"))):
        try:
            found = path.lstat()
        except OSError:
            continue  # it was removed meanwhile
        marks.append((str(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    return tuple(marks)
