"""List, open and describe run folders.

A run folder is written once. A failed run has a folder `failed-<id>` whose manifest states the reason.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.errors import RunError
from forecast.names import HEADLINES, MANIFEST, PROJECTION, SCHEMA_VERSION
from forecast.storage.files import read_json, sha256_of, write_json, written_whole

if TYPE_CHECKING:
    import xarray as xr


_FAILED: Final = "failed-"
COMPLETE: Final = "complete"
DEGRADED: Final = "degraded"  # published, but never counted as the last good forecast
PUBLISHED: Final = (COMPLETE, DEGRADED)  # statuses of runs that have headlines and a report


@dataclass(frozen=True, slots=True)
class Run:
    """An opened run folder. The caller closes the trees that it opens."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def status(self) -> str:
        """Status of the run: `complete`, `degraded`, `failed` or `damaged`."""
        return str(self.manifest["status"])

    @property
    def plan_name(self) -> str:
        """Name of the plan in the manifest; for a damaged run, the name of its folder."""
        plan = self.manifest.get("plan", self.id)
        return str(plan["name"] if isinstance(plan, Mapping) else plan)

    @property
    def schema_version(self) -> str:
        """Output schema of the run, as its manifest states it."""
        return str(self.manifest.get("provenance", {}).get("schema_version", SCHEMA_VERSION))

    def require_schema(self) -> None:
        """Raise RunError if the run is in another output schema than this version reads."""
        if self.schema_version != SCHEMA_VERSION:
            raise RunError(
                f"{self.path}: the run has output schema {self.schema_version}, but this version reads schema "
                f"{SCHEMA_VERSION}; run the plan again with `forecast run {self.plan_name}`, or read the run with "
                "the build that wrote it"
            )

    @property
    def projection(self) -> "xr.DataTree":
        """Tree of `projection.output_schema`; raises RunError if it is damaged or in another output schema."""
        self.require_schema()
        return self._tree(PROJECTION)

    def posterior(self, model: str) -> "xr.DataTree":
        """Return the fit of one model of `names.MODELS`, in the form that ArviZ reads."""
        return self._tree(f"posterior/{model}.nc")

    @property
    def headlines(self) -> list[dict[str, Any]]:
        """Headline records; raises RunError if the file is damaged or in another output schema."""
        self.require_schema()
        return list(self.json(HEADLINES)["headlines"])

    def json(self, name: str) -> Any:
        """Return the content of one JSON file of the run."""
        return read_json(self.path / name)

    def _tree(self, name: str) -> "xr.DataTree":
        import xarray as xr

        path = self.path / name
        try:
            return xr.open_datatree(path, engine="netcdf4")
        except FileNotFoundError:
            raise RunError(f"{path}: the file is missing, and the run is {self.status}; run the plan again") from None
        except OSError as error:
            raise RunError(f"{path}: damaged ({error}); remove the folder and run the plan again") from None

    def damaged_files(self) -> list[str]:
        """Return the files whose sha256 differs from the one in the manifest."""
        return [name for name, known in self.manifest["files"].items() if sha256_of(self.path / name) != known]


def list_runs(home: Path | str = ".") -> list[Run]:
    """Return all runs of a workspace, including failed ones, oldest first."""
    runs = []
    for path in (Path(home) / "runs").glob(f"*/{MANIFEST}"):
        if not path.parent.name.startswith("."):
            try:
                manifest = read_json(path)
            except RunError as error:
                manifest = {"status": "damaged", "reason": str(error), "finished": ""}
            runs.append(Run(path.parent, manifest))
    return sorted(runs, key=lambda run: (run.manifest.get("finished", ""), run.id))


def open_run(name: str = "latest", home: Path | str = ".") -> Run:
    """Return a run by its id, by a unique part of it, or as `latest`, the last complete run.

    Raises
    ------
    RunError
        If no run or several runs match.
    """
    home = Path(home)
    runs = list_runs(home)
    if name == "latest":
        complete = [run for run in runs if run.status == COMPLETE]
        if not complete:
            raise RunError(f"{home / 'runs'}: no complete run yet; make one with `forecast run quickstart`")
        return complete[-1]
    exact = [run for run in runs if run.id == name]
    matches = exact or [run for run in runs if name in run.id]
    if len(matches) == 1:
        return matches[0]
    reason = "several runs match" if matches else "no run is called"
    known = ", ".join(run.id for run in matches or runs) or "none"
    raise RunError(f"{home / 'runs'}: {reason} {name!r}; known: {known}")


def write_manifest(folder: Path, manifest: Mapping[str, Any], apart: Sequence[str] = ()) -> None:
    """Write the manifest, with the time of writing and the sha256 of every other file.

    Parameters
    ----------
    folder : run folder.
    manifest : content to write; `finished` (UTC) and `files` (sha256 by relative path) are added.
    apart : file names without a sha256 in the manifest.
    """
    files = {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (MANIFEST, *apart)
    }
    finished = datetime.now(UTC).isoformat(timespec="milliseconds")
    write_json(folder / MANIFEST, {**manifest, "finished": finished, "files": files})


def write_failure(home: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """Write the folder of a failed run, whose manifest states the reason, and return its path."""
    final = home / "runs" / f"{_FAILED}{name}"
    with written_whole(final) as folder:
        write_manifest(folder, {**manifest, "status": "failed"})
    return final


def clear_failure(home: Path, name: str) -> None:
    """Remove the folder of an earlier failure of a run that has now succeeded."""
    shutil.rmtree(home / "runs" / f"{_FAILED}{name}", ignore_errors=True)


def is_whole(folder: Path) -> bool:
    """Return whether a folder has a manifest and all its files are undamaged."""
    if not (folder / MANIFEST).is_file():
        return False
    return not Run(folder, read_json(folder / MANIFEST)).damaged_files()
