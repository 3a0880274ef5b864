"""Write files and folders in one step, read JSON, and compute digests.

A file or folder is written in a hidden folder beside its final place and renamed when it is complete, so nothing with a
final name is incomplete. The writer holds a lock in the hidden folder. If it is killed, the folder stays without the
lock, and the next write removes it. No other module of the package removes or replaces files.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import stat
import threading
from collections.abc import Collection, Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from forecast.errors import RunError, cannot_read, cannot_write
from forecast.storage.shapes import require_shape

if TYPE_CHECKING:
    import xarray as xr


_ASIDE: Final = ".writing-"  # prefix of the hidden folders that files and folders are written in
_LOCK: Final = "lock"
_NEW, _OLD = "new", "old"  # what is written, and what it replaces, in a hidden folder
_MOST_BYTES: Final = 2**26  # of a JSON file; no file that this program writes comes near it
_MOVE: Final = "move the file away"
#: Key of the checksums in a JSON file that is listed in no manifest.
CHECKSUMS: Final = "checksums"
_CHECKSUM: Final = 16  # hexadecimal digits
#: The library keeps up to 64 MiB of unpacked chunks for each variable while a file is open. A reader needs each chunk
#: once. A writer keeps this size, on which the order of the chunks in the file depends.
_READ_CACHE: Final = 0
_CACHE_SIZE: Final = threading.Lock()  # the size belongs to all threads
#: Causes that a library for files may report in words of its own.
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)


def digest_of(content: Any) -> str:
    """Return the sha256 of the canonical JSON of `content`, as 64 hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def with_checksums(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a JSON file with a checksum for each of its keys, which `parse_json` compares."""
    kept = {key: value for key, value in content.items() if key != CHECKSUMS}
    return {**kept, CHECKSUMS: _checksums(from_json(_json_text(kept)))}


def _checksums(content: Mapping[str, Any]) -> dict[str, str]:
    return {key: digest_of(value)[:_CHECKSUM] for key, value in content.items() if key != CHECKSUMS}


# -- writing ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def written_whole(final: Path, own: Collection[str] | None = None) -> Iterator[Path]:
    """Give a temporary folder to write into, which becomes the folder `final` when the block succeeds.

    If the block raises, an existing folder `final` is unchanged. What somebody else put into it is kept in any case.

    Parameters
    ----------
    final : folder to make or to replace.
    own : files of an existing folder that are removed, as paths relative to it; None for those that are written again.

    Raises
    ------
    RunError
        If the folder cannot be written, or a new file would replace one that `own` does not name.
    """
    with _aside(final) as aside:
        new, old = aside / _NEW / final.name, aside / _OLD / final.name
        new.mkdir(parents=True)
        old.parent.mkdir()
        yield new
        if os.path.lexists(final):
            _carry_over(final, new, own)
        _sync(new)
        try:
            if final.exists():
                final.rename(old)
            new.rename(final)
        except BaseException:
            _restore(aside)
            raise
        _sync_folder(final.parent)


@contextlib.contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Give an empty hidden folder beside a path, which is removed at the end; raises RunError as `written_whole`."""
    with _aside(beside) as aside:
        folder = aside / _NEW
        folder.mkdir()
        yield folder


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
    with _aside(final) as aside:
        new = aside / _NEW
        with new.open("w", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        new.replace(final)
    return final


def replace_tree(final: Path, tree: "xr.DataTree") -> str:
    """Replace a NetCDF file atomically and return its sha256; raises RunError if it cannot be written."""
    with _aside(final) as aside:
        new = aside / _NEW
        write_tree(new, tree, fixed_labels=True)
        with new.open("rb") as handle:
            os.fsync(handle.fileno())
        digest = sha256_of(new)
        new.replace(final)
    return digest


def write_tree(path: Path, tree: "xr.DataTree", *, fixed_labels: bool = False) -> None:
    """Write a tree to one NetCDF4 file; the same tree gives the same bytes.

    With `fixed_labels`, text is stored as characters of fixed width. The library of the format can end the process when
    files with text of variable length are opened, closed and read in turn.
    """
    encoding = {node.path: _fixed_width(node.to_dataset()) for node in tree.subtree} if fixed_labels else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with interrupts_deferred(), _CACHE_SIZE:
            tree.to_netcdf(path, engine="netcdf4", encoding=encoding)
    except (OSError, RuntimeError) as error:
        raise _cause(path, tree.nbytes) or OSError(str(error)) from error


def open_tree(path: Path, *, keep: bool = True) -> "xr.DataTree":
    """Open a NetCDF4 file, which the caller closes; raises what xarray raises.

    Parameters
    ----------
    path : file to open.
    keep : whether a variable stays in memory once it is read; if not, it is read from the file at each use.
    """
    import netCDF4
    import xarray as xr

    with interrupts_deferred(), _CACHE_SIZE:
        usual = netCDF4.get_chunk_cache()
        netCDF4.set_chunk_cache(_READ_CACHE, usual[1], usual[2])
        try:
            return xr.open_datatree(path, engine="netcdf4", cache=keep)
        finally:
            netCDF4.set_chunk_cache(*usual)


def _fixed_width(group: "xr.Dataset") -> dict[str, dict[str, str]]:
    """Return the encoding of the texts of a group."""
    return {str(name): {"dtype": "S1"} for name, x in group.variables.items() if x.dtype.kind in "OTU"}


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C take effect after the block, in which xarray opens or writes a file.

    An interrupt inside can leave a lock of xarray held, for which its own clean-up then waits forever, or turn into a
    KeyError of its table of open files.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    noted: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: noted.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if noted and callable(before):
            before(*noted[0])


def remove_files(folder: Path, own: Collection[str]) -> None:
    """Remove the files named in `own` from a folder, and the folder if nothing else is in it."""
    with contextlib.suppress(OSError):
        for name in own:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _cause(path: Path, size: int) -> OSError | None:
    """Return why a file of this size cannot be written; the library says `HDF error` where the disk is full."""
    try:
        path.unlink(missing_ok=True)
        with path.open("wb") as handle:
            os.posix_fallocate(handle.fileno(), 0, max(size, 1))
        path.unlink()
    except OSError as error:
        return error if error.errno in _FULL else None
    return None


@contextlib.contextmanager
def _aside(final: Path) -> Iterator[Path]:
    """Give a hidden folder beside `final`, which is locked while it is used and removed afterwards."""
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final.parent)
        aside, lock = _locked_folder(final.parent)
        with lock:
            try:
                yield aside
            finally:
                _remove(aside)
    except RunError:
        raise
    except OSError as error:
        raise cannot_write(final, error) from error


def _locked_folder(parent: Path) -> tuple[Path, IO[str]]:
    """Make a hidden folder and its locked file; another writer may remove the folder until the lock is held."""
    while True:
        aside = parent / f"{_ASIDE}{secrets.token_hex(6)}"
        aside.mkdir()
        with contextlib.suppress(FileNotFoundError):
            lock = (aside / _LOCK).open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:
                lock.close()
                _remove(aside)
                raise
            if (aside / _LOCK).exists():
                return aside, lock
            lock.close()


def _sweep(parent: Path) -> None:
    """Remove the hidden folders of writers that were killed: nobody holds their lock."""
    for aside in [entry for entry in parent.iterdir() if entry.name.startswith(_ASIDE)]:
        with contextlib.suppress(OSError):  # it is in use, or belongs to another user
            try:
                lock = os.open(aside / _LOCK, os.O_RDWR | os.O_NONBLOCK)
            except FileNotFoundError:
                aside.rmdir()  # killed before the lock was made, or a folder of somebody, which is not empty
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _restore(aside)
                _remove(aside)
            finally:
                os.close(lock)


def _restore(aside: Path) -> None:
    """Put back a folder that was moved aside to be replaced, if the new one did not take its place."""
    for old in (aside / _OLD).glob("*"):
        if not os.path.lexists(aside.parent / old.name):
            old.rename(aside.parent / old.name)


def _remove(aside: Path) -> None:
    """Remove a hidden folder, its lock last, so that what is half removed is found again."""
    for name in (_NEW, _OLD):
        shutil.rmtree(aside / name, ignore_errors=True)
    with contextlib.suppress(OSError):
        (aside / _NEW).unlink(missing_ok=True)  # of a text file
        (aside / _LOCK).unlink(missing_ok=True)
        aside.rmdir()


def _carry_over(final: Path, new: Path, own: Collection[str] | None) -> None:
    """Copy into `new` what is in `final`, but for `own` and, if that is None, for what `new` has itself."""
    if not final.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    for folder, folders, names in os.walk(final, onerror=_raise):
        here = Path(folder).relative_to(final)
        if not (folders or names):  # an empty folder may mean something to its owner
            (new / here).mkdir(parents=True, exist_ok=True)
        links = [name for name in folders if (final / here / name).is_symlink()]
        for path in (here / name for name in (*names, *links)):
            if str(path) in (own or ()) or (own is None and (new / path).is_file()):
                continue
            if os.path.lexists(new / path):
                raise RunError(f"{final / path}: was not written by this program, which needs its name; move it away")
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(final / path, new / path, follow_symlinks=False)


def _raise(error: OSError) -> None:
    raise error


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


# -- reading ---------------------------------------------------------------------------------------------------------


def read_json(path: Path, shape: Any = None, *, fix: str = _MOVE) -> Any:
    """Return the content of a JSON file.

    Parameters
    ----------
    path : file to read.
    shape : type that the content must have; any if None.
    fix : what a user can do about a damaged file, for the error.

    Raises
    ------
    RunError
        If the file is missing, cannot be read, is damaged or has another shape.
    """
    return parse_json(path, read_bytes(path, fix=fix), shape, fix=fix)


def parse_json(path: Path, raw: bytes, shape: Any, *, fix: str) -> Any:
    """Return the content of a JSON file that was read already; as `read_json`."""
    try:
        content = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise RunError(f"{path}: damaged ({error}); {fix}") from None
    if shape is not None:
        require_shape(str(path), content, shape, fix=fix)
    if isinstance(content, dict) and (edited := edited_keys(content)):
        raise RunError(f"{path}: damaged ({', '.join(edited)} changed since the file was written); {fix}")
    return content


def edited_keys(content: Mapping[str, Any]) -> list[str]:
    """Return the keys that were changed, added or removed since the checksums of a JSON file were made.

    A file without checksums has none. They are known by their form, so that an edit of their name is found too.
    """
    for name, stored in content.items():
        others = {key: value for key, value in content.items() if key != name}
        if name == CHECKSUMS or (others and isinstance(stored, dict) and stored.keys() == others.keys()):
            found = _checksums(others)
            was = stored if isinstance(stored, dict) else {name: stored}
            edited = [key for key in {**was, **found} if was.get(key) != found.get(key)]
            return edited or [name] * (name != CHECKSUMS)
    return []


def read_bytes(path: Path, *, fix: str = _MOVE) -> bytes:
    """Return the content of a file of at most 64 MiB; raises RunError as `read_json`."""
    try:
        with _open_file(path) as handle:
            raw = handle.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise RunError(f"{path}: the file is missing{'; ' + fix if fix != _MOVE else ''}") from None
    except OSError as error:
        if error.errno == errno.EISDIR:
            raise RunError(f"{path}: damaged ({error.strerror}); {fix}") from None
        raise cannot_read(path, error) from error
    if len(raw) > _MOST_BYTES:
        raise RunError(f"{path}: damaged (larger than {_MOST_BYTES} bytes); {fix}")
    return raw


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits, or `missing` if there is no such file.

    Raises OSError if it cannot be read or is no file.
    """
    try:
        with _open_file(path) as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        return "missing"


def _open_file(path: Path) -> BufferedReader:
    """Open a file to read; do not wait for the writer of a pipe, nor read a device without an end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        what = "a folder" if stat.S_ISDIR(kind) else "a pipe or a device"
        raise OSError(errno.EISDIR, f"it is {what}, expected a file")
    return os.fdopen(descriptor, "rb")
