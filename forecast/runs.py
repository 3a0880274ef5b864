"""Doorkeeper of `runs/`: plans that say what to run, and one write-once folder for each run.

A run folder is written aside under a hidden name and renamed when it is whole, so nothing half-written ever stands
under a final name. What a killed run left aside is swept away by the next one. A failed run is a folder too,
`failed-<id>`, with its reason. Fits are kept in `runs/fits/<digest>/` and used again while model, tables, beliefs
and settings are unchanged.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.errors import BeliefError, PlanError, RunError, cannot_write
from forecast.names import HEADLINES, MANIFEST, PROJECTION, SCHEMA_VERSION

if TYPE_CHECKING:  # who only reads headlines need not wait for these
    import xarray as xr

    from forecast.plan import Plan

_ASIDE: Final = ".writing-"
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
        """The tree of `forecast.schema`; raises RunError if it is damaged or of another output schema."""
        found = self.manifest.get("provenance", {}).get("schema_version", SCHEMA_VERSION)
        if found != SCHEMA_VERSION:
            raise RunError(
                f"{self.path}: output schema {found}, not {SCHEMA_VERSION}; run it again"
            )
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
            raise RunError(
                f"{path}: the file is missing; the run's status is {self.status}"
            ) from None
        except OSError as error:
            raise RunError(
                f"{path}: damaged ({error}); remove the folder and run the plan again"
            ) from None

    def damaged_files(self) -> list[str]:
        """Files whose sha256 is not the one in the manifest."""
        return [
            f for f, known in self.manifest["files"].items() if sha256_of(self.path / f) != known
        ]


def load_plan(home: Path, name: str) -> "Plan":
    """The plan `name` of a workspace, or a plan file by its path; raises PlanError."""
    from forecast.plan import parse_plan
    from forecast.priors import read_toml

    path = Path(name) if name.endswith(".toml") else home / "runs" / "plans" / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(known_plans(home)) or "none"
        raise PlanError(f"{path}: no such plan; known plans here: {known} (see `forecast init`)")
    try:
        return parse_plan(str(path), path.stem, read_toml(path))
    except BeliefError as error:
        raise PlanError(str(error)) from None


def known_plans(home: Path) -> list[str]:
    """Names of the plans of a workspace."""
    return sorted(path.stem for path in (home / "runs" / "plans").glob("*.toml"))


def run_id(plan: "Plan", ingredients: Mapping[str, Any]) -> str:
    """`<as-of>-<plan>-<digest8>`: the digest covers the plan and everything that could change a number."""
    content = {"plan": plan.model_dump(mode="json", exclude={"schedule"}), **ingredients}
    return f"{plan.as_of}-{plan.name}-{digest_of(content)[:8]}"


def digest_of(content: Any) -> str:
    """sha256 of the canonical JSON of `content`."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


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
            raise RunError(
                f"{home / 'runs'}: no complete run yet; make one with `forecast run quickstart`"
            )
        return complete[-1]
    exact = [run for run in runs if run.id == name]
    near = exact or [run for run in runs if name in run.id]
    if len(near) == 1:
        return near[0]
    what = "several runs match" if near else "no run is called"
    known = ", ".join(run.id for run in near or runs) or "none"
    raise RunError(f"{home / 'runs'}: {what} {name!r}; known: {known}")


@contextlib.contextmanager
def written_whole(final: Path) -> Iterator[Path]:
    """A folder to write into that gets its final name only when the block ends well; else it vanishes."""
    aside = final.parent / f"{_ASIDE}{os.getpid()}-{final.name}"
    old = aside.with_name(aside.name + "-old")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final.parent)
        aside.mkdir()
        yield aside
        _sync(aside)
        if final.exists():
            final.rename(old)
        aside.rename(final)
        _sync_folder(final.parent)
    except OSError as error:
        if isinstance(error, RunError):
            raise
        raise cannot_write(final, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


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


def write_json(path: Path, content: Any) -> None:
    """Readable JSON, the same bytes for the same content."""
    path.write_text(_written(content), encoding="utf-8")


def _written(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, default=str, allow_nan=False) + "\n"


def replace_json(final: Path, content: Mapping[str, Any]) -> None:
    """One JSON file that is replaced whole, as often as need be."""
    replace_text(final, _written(content))


def replace_text(final: Path, text: str) -> Path:
    """One file that is replaced whole, as often as need be; raises RunError if it cannot be written."""
    aside = final.with_name(f"{_ASIDE}{os.getpid()}-{final.name}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8", newline="\n")
        aside.replace(final)
    except OSError as error:
        raise cannot_write(final, error) from error
    finally:
        aside.unlink(missing_ok=True)
    return final


def write_tree(path: Path, tree: "xr.DataTree") -> None:
    """One NetCDF4 file; the same bytes for the same tree."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        tree.to_netcdf(path, engine="netcdf4")
    except RuntimeError as error:  # what the library says on a full disk
        raise OSError(str(error)) from error


def read_json(path: Path) -> Any:
    """The content of a JSON file; raises RunError if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path}: the file is missing") from None
    except ValueError as error:
        raise RunError(
            f"{path}: damaged ({error}); remove the folder and run the plan again"
        ) from None


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file, `missing` where there is none."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return "missing"


def _sweep(folder: Path) -> None:
    """Remove what processes that are no longer alive have left aside."""
    for left in folder.glob(f"{_ASIDE}*"):
        pid = left.name.removeprefix(_ASIDE).split("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # alive, but somebody else's
    return True


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
