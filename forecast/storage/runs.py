"""Run folders: list, open and describe them. A run folder is written once."""

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
DEGRADED: Final = "degraded"  # told too, but never the last good forecast
TOLD: Final = (COMPLETE, DEGRADED)


@dataclass(frozen=True, slots=True)
class Run:
    """An opened run folder. Trees are opened on demand; closing them is the caller's."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The name of the folder."""
        return self.path.name

    @property
    def status(self) -> str:
        """`complete`, `degraded`, `failed` or `damaged`."""
        return str(self.manifest["status"])

    @property
    def plan_name(self) -> str:
        """The name of the plan, as the manifest has it; of a damaged run its own name."""
        plan = self.manifest.get("plan", self.id)
        return str(plan["name"] if isinstance(plan, Mapping) else plan)

    @property
    def projection(self) -> "xr.DataTree":
        """The tree of `projection.output_schema`; raises RunError if it is damaged or of another output schema."""
        found = self.manifest.get("provenance", {}).get("schema_version", SCHEMA_VERSION)
        if found != SCHEMA_VERSION:
            raise RunError(f"{self.path}: output schema {found}, not {SCHEMA_VERSION}; run it again")
        return self._tree(PROJECTION)

    def posterior(self, model: str) -> "xr.DataTree":
        """The fit of `spending`, `leadership` or `withdrawal`, as ArviZ reads it."""
        return self._tree(f"posterior/{model}.nc")

    @property
    def headlines(self) -> list[dict[str, Any]]:
        """The published numbers."""
        return list(self.json(HEADLINES)["headlines"])

    def json(self, name: str) -> Any:
        """One JSON file of the run."""
        return read_json(self.path / name)

    def _tree(self, name: str) -> "xr.DataTree":
        import xarray as xr

        path = self.path / name
        try:
            return xr.open_datatree(path, engine="netcdf4")
        except FileNotFoundError:
            raise RunError(f"{path}: the file is missing; the run's status is {self.status}") from None
        except OSError as error:
            raise RunError(f"{path}: damaged ({error}); remove the folder and run the plan again") from None

    def damaged_files(self) -> list[str]:
        """Files whose sha256 is not the one in the manifest."""
        return [f for f, known in self.manifest["files"].items() if sha256_of(self.path / f) != known]


def list_runs(home: Path | str = ".") -> list[Run]:
    """All runs of a workspace, failed ones too, oldest first."""
    found = []
    for path in (Path(home) / "runs").glob(f"*/{MANIFEST}"):
        if not path.parent.name.startswith("."):
            try:
                manifest = read_json(path)
            except RunError as error:
                manifest = {"status": "damaged", "reason": str(error), "finished": ""}
            found.append(Run(path.parent, manifest))
    return sorted(found, key=lambda run: (run.manifest.get("finished", ""), run.id))


def open_run(name: str = "latest", home: Path | str = ".") -> Run:
    """A run by its id, a unique part of it, or `latest` (the last complete one); raises RunError."""
    home = Path(home)
    runs = list_runs(home)
    if name == "latest":
        complete = [run for run in runs if run.status == COMPLETE]
        if not complete:
            raise RunError(f"{home / 'runs'}: no complete run yet; make one with `forecast run quickstart`")
        return complete[-1]
    exact = [run for run in runs if run.id == name]
    near = exact or [run for run in runs if name in run.id]
    if len(near) == 1:
        return near[0]
    what = "several runs match" if near else "no run is called"
    known = ", ".join(run.id for run in near or runs) or "none"
    raise RunError(f"{home / 'runs'}: {what} {name!r}; known: {known}")


def write_manifest(folder: Path, manifest: Mapping[str, Any], apart: Sequence[str] = ()) -> None:
    """The manifest with the sha256 of every other file but those `apart`; `finished` is the time of writing."""
    files = {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in (MANIFEST, *apart)
    }
    finished = datetime.now(UTC).isoformat(timespec="milliseconds")
    write_json(folder / MANIFEST, {**manifest, "finished": finished, "files": files})


def write_failure(home: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """A folder that says what failed and why."""
    final = home / "runs" / f"{_FAILED}{name}"
    with written_whole(final) as folder:
        write_manifest(folder, {**manifest, "status": "failed"})
    return final


def clear_failure(home: Path, name: str) -> None:
    """Forget an earlier failure of a run that has now been made."""
    shutil.rmtree(home / "runs" / f"{_FAILED}{name}", ignore_errors=True)


def is_whole(folder: Path) -> bool:
    """Whether a folder with a manifest is there, and as written."""
    if not (folder / MANIFEST).is_file():
        return False
    return not Run(folder, read_json(folder / MANIFEST)).damaged_files()
