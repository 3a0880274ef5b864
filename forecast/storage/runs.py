"""List, open and describe run folders.

A run folder is written in one step. If it waits for fits, its manifest says so until they are made; then one file is
added to the folder, and the manifest is replaced. No other file of a run ever changes. A failed run has a folder
`failed-<id>` whose manifest states the reason. A file is read only if its sha256 is the one in the manifest, so a
damaged run is never shown as a forecast.
"""

import contextlib
import hashlib
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.errors import RunError, cannot_read
from forecast.names import (
    CHECKS,
    HEADLINES,
    LEFT_OUT,
    MANIFEST,
    MODELS,
    PRIORS,
    PROJECTION,
    SCHEMA_VERSION,
    WITHDRAWAL_CURVES,
)
from forecast.storage import shapes
from forecast.storage.files import (
    CHECKSUMS,
    open_tree,
    parse_json,
    read_bytes,
    read_json,
    remove_files,
    replace_json,
    sha256_of,
    with_checksums,
    write_json,
    written_whole,
)
from forecast.storage.listing import list_folders

if TYPE_CHECKING:
    import xarray as xr


log = logging.getLogger(__name__)

_FAILED: Final = "failed-"
COMPLETE: Final = "complete"
FAILED: Final = "failed"
DEGRADED: Final = "degraded"  # published, but never counted as the last good forecast
PENDING: Final = "pending"  # the forecast is there; fits with which it is compared are still to be made
DAMAGED: Final = "damaged"  # the manifest cannot be read, or a file is not what the run wrote
PUBLISHED: Final = (COMPLETE, DEGRADED)  # statuses of runs that have headlines and a report
#: Folders in `runs/` that hold no run.
_NO_RUNS: Final = ("plans", "fits", "slots", "scores", "variants", "certificates", "tables", "hybrids", "explanations")
_ID: Final = re.compile(rf"(?:{_FAILED})?\d{{4}}-\d\d-\d\d-(?P<plan>.+)-[0-9a-f]{{8}}(?:-{DEGRADED})?")
_TICK: Final = 20_000_000  # nanoseconds by which the clock of a file system may lag
_FORBIDDEN: Final = "may not be read"
LATEST: Final = "latest"
_AGAIN: Final = "move the folder away and run the plan again"


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """An opened run folder. The caller closes the trees that it opens."""

    path: Path
    manifest: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self.status}, {self.plan_name}, facts up to {self.facts}>"

    def _repr_html_(self) -> str:
        """Return a table for a notebook."""
        size = f"{self.size / 1e6:.1f} MB"
        rows = {"plan": self.plan_name, "status": self.status, "facts up to": self.facts, "size": size}
        cells = "".join(f"<tr><th>{key}</th><td>{escape(value)}</td></tr>" for key, value in rows.items())
        return f"<table><caption>{escape(self.id)}</caption>{cells}</table>"

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.path.name

    @property
    def status(self) -> str:
        """Status of the run: `complete`, `degraded`, `pending`, `failed` or `damaged`."""
        return str(self.manifest.get("status", COMPLETE))

    @property
    def reason(self) -> str:
        """Why the run failed, is damaged or is pending; else empty."""
        waits = f"waits for the {', the '.join(self.pending)}; `forecast run {self.plan_name}` makes what is missing"
        return str(self.manifest.get("reason", waits if self.pending else ""))

    @property
    def pending(self) -> list[str]:
        """The fits for which the run waits."""
        return list(self.manifest.get(PENDING, []))

    @property
    def plan_name(self) -> str:
        """Name of the plan in the manifest; for a damaged manifest, the name in that of the folder."""
        if plan := self.manifest.get("plan"):
            return str(plan["name"] if isinstance(plan, Mapping) else plan)
        return plan_of_id(self.id)

    @property
    def schema_version(self) -> str:
        """Output schema of the run, as its manifest states it."""
        return str(self.manifest.get("provenance", {}).get("schema_version", SCHEMA_VERSION))

    @property
    def facts(self) -> str:
        """Day up to which the tables of the run hold facts, YYYY-MM-DD; of an early version, its as-of date."""
        as_of = self.manifest.get("provenance", {}).get("as_of") or self.id.removeprefix(_FAILED)[:10]
        return str(self.manifest.get("facts") or as_of)

    @property
    def size(self) -> int:
        """Bytes of all files of the run that can be seen."""
        return _size(os.fspath(self.path))

    def require_schema(self) -> None:
        """Raise RunError if the run is in another output schema than this version reads."""
        if self.schema_version != SCHEMA_VERSION:
            raise RunError(
                f"{self.path}: the run has output schema {self.schema_version}, but this version reads schema "
                f"{SCHEMA_VERSION}; run the plan again with `forecast run {self.plan_name}`, or read the run with "
                "the build that wrote it"
            )

    def require_published(self, *, or_pending: bool = False) -> None:
        """Raise RunError unless the run is published, in the output schema of this version, with a whole manifest.

        The other files are not read; each is checked when it is opened. With `or_pending`, a pending run will do.
        """
        if self.status == DAMAGED:
            raise RunError(self.reason)
        if self.status not in PUBLISHED and not (or_pending and self.status == PENDING):
            raise RunError(f"{self.path}: the run is {self.status}: {self.reason or 'no reason was stored'}")
        self.require_schema()
        shapes.require_shape(str(self.path / MANIFEST), self.manifest, shapes.Published, fix=_AGAIN)
        if unnamed := [name for name in (PROJECTION, HEADLINES, PRIORS) if name not in self.manifest["files"]]:
            raise RunError(f"{self.path / MANIFEST}: damaged (files does not name {', '.join(unnamed)}); {self._fix}")

    def require_whole(self, *, or_pending: bool = False) -> None:
        """Raise RunError unless the run is published, in the output schema of this version, and undamaged.

        With `or_pending`, a pending run will do.
        """
        self.require_published(or_pending=or_pending)
        if damage := self.damage():
            raise RunError(damage)

    @property
    def projection(self) -> "xr.DataTree":
        """Tree of `projection.output_schema`; raises RunError if it is damaged or in another output schema."""
        self.require_schema()
        return self.tree(PROJECTION)

    def posterior(self, model: str) -> "xr.DataTree":
        """Return the fit of one model of `names.MODELS`, in the form that ArviZ reads; raises RunError as `tree`.

        A run of an early build has the posterior and the sampler's statistics alone; the attribute `missing` says so.
        """
        if model not in MODELS:
            raise RunError(f"{self.path}: no model is called {model!r:.80}, expected one of {', '.join(MODELS)}")
        tree = self.tree(f"posterior/{model}.nc")
        if LEFT_OUT not in tree.children:
            tree.attrs["missing"] = (
                "prior, observed_data, log_likelihood, posterior_predictive: the run is of an earlier build; to have "
                f"them, {_AGAIN}"
            )
        return tree

    @property
    def checks(self) -> dict[str, Any]:
        """The tests of the run by name; raises RunError if a file of them is damaged."""
        checks = dict(self.json(CHECKS))
        if WITHDRAWAL_CURVES in self.manifest["files"]:  # earlier builds stored them with the others
            checks["withdrawal_curves"] = self.json(WITHDRAWAL_CURVES)
        return checks

    @property
    def headlines(self) -> list[dict[str, Any]]:
        """Headline records; raises RunError if the file is damaged or in another output schema."""
        self.require_schema()
        return list(self.json(HEADLINES, shapes.Headlines)["headlines"])

    def json(self, name: str, shape: Any = dict[str, Any]) -> Any:
        """Return the content of one JSON file of the run; raises RunError if it is damaged or of another shape."""
        path = self.path / name
        raw = read_bytes(path, fix=self._fix) if os.path.lexists(path) else None
        self._require(name, hashlib.sha256(raw).hexdigest() if raw is not None else "missing")
        return parse_json(path, raw or b"", shape, fix=self._fix)

    def tree(self, name: str, *, keep: bool = True) -> "xr.DataTree":
        """Return one NetCDF file of the run; raises RunError if it is damaged.

        Parameters
        ----------
        name : path of the file in the run folder.
        keep : as for `forecast.storage.files.open_tree`.
        """
        path = self.path / name
        try:
            self._require(name, sha256_of(path))
            return open_tree(path, keep=keep)
        except RunError:
            raise
        except OSError as error:
            raise cannot_read(path, error) from error

    def _require(self, name: str, found: str) -> None:
        """Raise RunError unless the sha256 found is that of the manifest."""
        if found == "missing":
            raise RunError(f"{self.path / name}: the file is missing, and the run is {self.status}; {self._fix}")
        if found != self.manifest.get("files", {}).get(name):
            raise RunError(f"{self.path / name}: damaged (its sha256 is not the one in {MANIFEST}); {self._fix}")

    @property
    def _fix(self) -> str:
        return f"{_AGAIN} with `forecast run {self.plan_name}`" if "plan" in self.manifest else _AGAIN

    def damaged_files(self) -> list[str]:
        """Return the files that are missing, cannot be read, or whose sha256 differs from the one in the manifest."""
        return list(self._faults(self.manifest.get("files", {})))

    def damage(self, *, quick: bool = False, fix: str = "") -> str:
        """Return a sentence that names every damaged file and the fix; empty for a whole run.

        Parameters
        ----------
        quick : whether to trust files that have not been touched since the run finished. They may be large.
        fix : what a user can do about it; to run the plan again if empty.
        """
        if self.status == DAMAGED:
            return self.reason
        faults = self._faults(self._touched() if quick else self.manifest.get("files", {}))
        if not faults:
            return ""
        if all(fault.startswith(_FORBIDDEN) for fault in faults.values()):
            fix = "ask the owner for the right to read them"
        parts = ", ".join(f"{name} {fault}" for name, fault in faults.items())
        return f"{self.path}: damaged ({parts}); {fix or self._fix}"

    def _faults(self, names: Iterable[str]) -> dict[str, str]:
        """Return what is wrong with each of these files, for those with a fault."""
        faults = {}
        for name in names:
            try:
                found = sha256_of(self.path / name)
            except OSError as error:
                faults[name] = _FORBIDDEN if isinstance(error, PermissionError) else f"{error.strerror}"
                continue
            if found == "missing":
                faults[name] = "is missing"
            elif found != self.manifest["files"][name]:
                faults[name] = "was changed since the run was written"
        return faults

    def _touched(self) -> list[str]:
        """Return the files that may have been changed since the run finished; all if its manifest may have been."""
        finished = _nanoseconds(self.manifest["finished"])
        names, folder = list(self.manifest["files"]), os.fspath(self.path)
        if (self.path / MANIFEST).stat().st_mtime_ns != finished or self.manifest.get("id") != self.id:
            return names
        return [name for name in names if not _is_older(os.path.join(folder, name), finished)]


def _nanoseconds(moment: str) -> int:
    """Return an ISO 8601 time in nanoseconds since 1970, as a file system has it."""
    time = datetime.fromisoformat(moment)
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000) * 1_000_000


def _size(folder: str) -> int:
    """Return the bytes of all files in a folder and below that can be seen; links to folders are not followed."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += _size(entry.path)
                elif entry.is_file():
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def _is_older(path: str, moment: int) -> bool:
    try:
        return os.lstat(path).st_ctime_ns + _TICK < moment
    except OSError:
        return False


def plan_of_id(run: str) -> str:
    """Return the name of the plan in the id of a run; the id itself if it has another form."""
    return named["plan"] if (named := _ID.fullmatch(run)) else run


def run_folders(home: Path) -> list[Path]:
    """Return the folders of all runs of a workspace, sorted by name; raises RunError if they cannot be listed."""
    folder = home / "runs"
    try:
        return [path for path in list_folders(folder) if _holds_run(path)]
    except OSError as error:
        raise cannot_read(folder, error) from error


def list_runs(home: Path | str = ".") -> list[Run]:
    """Return all runs of a workspace, including failed and damaged ones, oldest first."""
    runs = [run for folder in run_folders(Path(home)) if (run := _read_if_there(folder)) is not None]
    return sorted(runs, key=lambda run: (run.manifest.get("finished", ""), run.id))


def _read_if_there(folder: Path) -> Run | None:
    """Return the run in a folder; None if the folder was removed while it was read, as by `forecast prune`."""
    run = read_run(folder)
    if run.status == DAMAGED:
        run = read_run(folder)  # it may have been removed and written again meanwhile
    return run if run.status != DAMAGED or os.path.lexists(folder) else None


def _holds_run(folder: Path) -> bool:
    """Return whether a folder holds a run, whole or damaged, or cannot be read."""
    if folder.name in _NO_RUNS or not folder.name.isprintable():
        return False
    try:
        return bool({MANIFEST, HEADLINES, PROJECTION} & set(os.listdir(folder)))
    except OSError:
        return True


def read_run(folder: Path) -> Run:
    """Return the run in a folder; its status is `damaged` if its manifest or a file is."""
    try:
        run = Run(folder, _read_manifest(folder))
        if not (damage := run.damage(quick=True)):
            return run
        manifest = run.manifest
    except (RunError, OSError) as error:
        damage, manifest = str(error), {"finished": _last_change(folder)}
    return Run(folder, {**manifest, "status": DAMAGED, "reason": damage})


def _last_change(folder: Path) -> str:
    """Return when a folder or its manifest was last changed; this stands for the end of a damaged run."""
    times = []
    for path in (folder, folder / MANIFEST):
        with contextlib.suppress(OSError):
            times.append(path.stat(follow_symlinks=False).st_mtime)
    return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="milliseconds") if times else ""


def _read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run; keys that only a report needs may be absent."""
    path = folder / MANIFEST
    manifest: dict[str, Any] = read_json(path, shapes.AnyRun, fix=_AGAIN)
    run = Run(folder, manifest)
    if run.status in (*PUBLISHED, PENDING) and run.schema_version == SCHEMA_VERSION:
        shapes.require_shape(str(path), manifest, shapes.Published, fix=_AGAIN, absent=True)
    return manifest


def facts_of(home: Path, name: str) -> str:
    """Return `Run.facts` of a run by its id, also if its folder was removed."""
    folder = home / "runs" / name
    try:
        return Run(folder, _read_manifest(folder)).facts
    except RunError:
        return Run(folder, {}).facts


def open_run(name: str | Path = "latest", home: Path | str = ".") -> Run:
    """Return a run by its id, a unique part of its id, its folder, or as the last complete run of a plan or of all.

    Parameters
    ----------
    name : `latest` for the last complete run of all plans; `smoke@latest` or `smoke` for the last of plan `smoke`; an
        id or a unique part of one; or the path of a run folder.
    home : folder of the workspace; ignored for a path.

    Raises
    ------
    RunError
        If no run or several runs match.
    """
    name, home = os.fspath(name), Path(home)
    if os.sep in name:
        return _at_path(Path(name))
    runs = list_runs(home)
    plan, at, which = name.rpartition("@")
    if which == LATEST:
        return _latest(home, [run for run in runs if not at or run.plan_name == plan], plan or "quickstart")
    exact = [run for run in runs if run.id == name]
    of_plan = [run for run in runs if run.plan_name == name and run.status == COMPLETE]
    matches = exact or of_plan[-1:] or [run for run in runs if name and name in run.id]
    if len(matches) == 1:
        return matches[0]
    reason = "several runs match" if matches else "no run is called"
    known = ", ".join(run.id for run in matches or runs) or "none"
    elsewhere = "" if matches else "; name another workspace with home= or --home"
    raise RunError(f"{home.resolve() / 'runs'}: {reason} {name!r}; known: {known}{elsewhere}")


def _at_path(folder: Path) -> Run:
    if not (folder.is_dir() and _holds_run(folder)):
        raise RunError(f"{folder}: no folder of a run, expected one with {MANIFEST}; name one below runs/")
    return read_run(folder)


def _latest(home: Path, runs: Sequence[Run], plan: str) -> Run:
    """Return the last complete run; `plan` is the one to run if there is none."""
    for run in reversed(runs):
        if run.status == COMPLETE:
            return run
        if run.status == DAMAGED:
            log.warning("%s; it is passed over", run.reason)
    pending = "".join(f"; {run.id} {run.reason}" for run in runs if run.status == PENDING)
    raise RunError(
        f"{home.resolve() / 'runs'}: no complete run yet{pending}; make one with `forecast run {plan}`, or name "
        "another workspace with home= or --home"
    )


def write_manifest(folder: Path, manifest: Mapping[str, Any], apart: Sequence[str] = ()) -> None:
    """Write the manifest, with the time of writing, the sha256 of every other file, and checksums of its own keys.

    Parameters
    ----------
    folder : run folder.
    manifest : content to write; `finished` (UTC) and `files` (sha256 by relative path) are added.
    apart : file names without a sha256 in the manifest.
    """
    content = _sealed(manifest, file_digests(folder, (MANIFEST, *apart)))
    write_json(folder / MANIFEST, content)
    os.utime(folder / MANIFEST, ns=(_nanoseconds(content["finished"]),) * 2)


def complete_run(run: Run, added: Mapping[str, Any], **changed: Any) -> None:
    """Add JSON files to a run and replace its manifest, so that it is pending no longer.

    Whatever a reader or a kill comes between, the run is as it was or complete.

    Parameters
    ----------
    run : an undamaged run.
    added : content of each new file by its name.
    changed : keys of the manifest with their new content.
    """
    for name, content in added.items():
        replace_json(run.path / name, content)
    new = {name: sha256_of(run.path / name) for name in added}
    manifest = {key: value for key, value in run.manifest.items() if key not in (PENDING, CHECKSUMS)}
    status = COMPLETE if run.status == PENDING else run.status
    content = _sealed({**manifest, "status": status, **changed}, {**manifest["files"], **new})
    replace_json(run.path / MANIFEST, content)
    os.utime(run.path / MANIFEST, ns=(_nanoseconds(content["finished"]),) * 2)


def _sealed(manifest: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Return a manifest with the sha256 of each file and the time.

    A file that is changed from here on is younger. The time of the manifest itself shows whether it was changed.
    """
    finished = datetime.now(UTC).isoformat(timespec="milliseconds")
    return with_checksums({**manifest, "finished": finished, "files": dict(files)})


def file_digests(folder: Path, apart: Sequence[str] = ()) -> dict[str, str]:
    """Return the sha256 of every file in a folder by its relative path, but for files of the names `apart`."""
    return {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in apart
    }


def write_failure(home: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """Write the folder of a failed run, whose manifest states the reason, and return its path."""
    final = home / "runs" / f"{_FAILED}{name}"
    with written_whole(final) as folder:
        write_manifest(folder, {**manifest, "status": FAILED})
    return final


def clear_failure(home: Path, name: str) -> None:
    """Remove the folder of an earlier failure of a run that has now succeeded."""
    remove_files(home / "runs" / f"{_FAILED}{name}", (MANIFEST,))


def read_folder(folder: Path, shape: Any = shapes.Listed) -> Run | None:
    """Return a stored folder whose manifest has this shape and whose files are undamaged; None if there is none.

    A damaged folder counts as none, with a warning, because what is in it can be made again.

    Raises
    ------
    RunError
        If the manifest is there but may not be read: making it again would not help.
    """
    path = folder / MANIFEST
    if not os.path.lexists(path):
        return None
    try:
        stored = Run(folder, read_json(path, shape, fix="it is left out"))
        damage = stored.damage(fix="it is left out")
    except RunError as error:
        if isinstance(error.__cause__, PermissionError):
            raise
        damage = str(error)
    if damage:
        log.warning("%s", damage)
        return None
    return stored


def is_whole(folder: Path) -> bool:
    """Return whether a folder has a manifest and all its files are undamaged; raises RunError as `read_folder`."""
    return read_folder(folder) is not None
