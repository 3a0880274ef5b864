"""List the files that a person put into a folder, without those that editors and file systems put beside them.

Editors leave locks (`.#plan.toml`, `#plan.toml#`), backups (`plan.toml~`) and owner files (`~$table.csv`), notebooks
leave `.ipynb_checkpoints`, macOS leaves `._plan.toml` and `__MACOSX`, and network drives leave `@eaDir`. Kubernetes
mounts the real files in a hidden folder and links to them, so a link is listed and the hidden folder is not.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SIDE_FOLDERS: Final = ("__MACOSX", "__pycache__", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information")


def is_side_file(name: str) -> bool:
    """Return whether a file or folder of this name belongs to an editor, a tool or the operating system."""
    return name.startswith((".", "#", "~")) or name.endswith("~") or name in _SIDE_FOLDERS


def list_files(folder: Path, suffix: str, *, recursive: bool = False) -> list[Path]:
    """Return the files of a folder whose names end in `suffix`, in capitals or not, sorted by path.

    A folder or a broken link of such a name is listed too: it is a fault that its reader reports.

    Parameters
    ----------
    folder : folder to list; one that does not exist has no files.
    suffix : end of the names, such as `.toml`.
    recursive : whether to list the folders below it too.

    Raises
    ------
    OSError
        If a folder cannot be read.
    """
    return sorted(path for path in _walk(folder, recursive=recursive) if path.name.lower().endswith(suffix))


def list_folders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name; raises OSError if it cannot be read."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_side_file(path.name))


def _walk(folder: Path, *, recursive: bool) -> Iterator[Path]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_side_file(path.name):
            continue
        yield path
        if recursive and path.is_dir() and not path.is_symlink():  # a link may lead back to a folder above it
            yield from _walk(path, recursive=recursive)
