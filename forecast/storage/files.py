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
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.errors import PriorError, RunError, cannot_write

if TYPE_CHECKING:
    import xarray as xr


_ASIDE: Final = ".writing-"


def digest_of(content: Any) -> str:
    """sha256 of the canonical JSON of `content`."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


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
        raise RunError(f"{path}: damaged ({error}); remove the folder and run the plan again") from None


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


def read_toml(path: Path) -> dict[str, Any]:
    """The parsed file; raises PriorError naming the file where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PriorError(f"{path}: the file is missing; `forecast init` lays it again") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriorError(f"{path}: not valid TOML ({error})") from None
