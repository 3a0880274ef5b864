"""Read and write files and folders, and compute digests.

A folder is written under a hidden temporary name and renamed when it is complete, so no folder with a final name is
incomplete. Temporary folders that a killed process left behind are removed by the next write.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.errors import RunError, cannot_write

if TYPE_CHECKING:
    import xarray as xr


_TEMPORARY: Final = ".writing-"  # prefix of names in use while a file or folder is written


def digest_of(content: Any) -> str:
    """Return the sha256 of the canonical JSON of `content`, as 64 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@contextlib.contextmanager
def written_whole(final: Path) -> Iterator[Path]:
    """Give a temporary folder to write into, which gets the name `final` when the block succeeds.

    An existing folder `final` is replaced. If the block raises, the temporary folder is removed and `final` is
    unchanged.

    Raises
    ------
    RunError
        If the folder cannot be written.
    """
    temporary = final.parent / f"{_TEMPORARY}{os.getpid()}-{final.name}"
    old = temporary.with_name(temporary.name + "-old")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(final.parent)
        temporary.mkdir()
        yield temporary
        _sync(temporary)
        if final.exists():
            final.rename(old)
        temporary.rename(final)
        _sync_folder(final.parent)
    except OSError as error:
        if isinstance(error, RunError):
            raise
        raise cannot_write(final, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Write indented JSON; the same content gives the same bytes."""
    path.write_text(_json_text(content), encoding="utf-8")


def _json_text(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False, default=str, allow_nan=False) + "\n"


def replace_json(final: Path, content: Mapping[str, Any]) -> None:
    """Replace a JSON file atomically; raises RunError if it cannot be written."""
    replace_text(final, _json_text(content))


def replace_text(final: Path, text: str) -> Path:
    """Replace a text file atomically and return its path; raises RunError if it cannot be written."""
    temporary = final.with_name(f"{_TEMPORARY}{os.getpid()}-{final.name}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(final)
    except OSError as error:
        raise cannot_write(final, error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return final


def write_tree(path: Path, tree: "xr.DataTree") -> None:
    """Write a tree to one NetCDF4 file; the same tree gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        tree.to_netcdf(path, engine="netcdf4")
    except RuntimeError as error:  # raised by the library when the disk is full
        raise OSError(str(error)) from error


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; raises RunError if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path}: the file is missing; run the plan again") from None
    except ValueError as error:
        raise RunError(f"{path}: damaged ({error}); remove the folder and run the plan again") from None


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits, or `missing` if there is no such file."""
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return "missing"


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders of processes that no longer run."""
    for leftover in folder.glob(f"{_TEMPORARY}*"):
        pid = leftover.name.removeprefix(_TEMPORARY).split("-")[0]
        if pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)  # the process runs, but belongs to another user
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
