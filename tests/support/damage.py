"""Damage a file in the ways that disks, editors, copies and other programs do."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final


def _truncated(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def _replaced(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def _one_byte(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


#: Damages by name; each takes the path of a file.
DAMAGES: Final[dict[str, Callable[[Path], object]]] = {
    "truncated": _truncated,
    "empty": lambda path: path.write_bytes(b""),
    "one byte": _one_byte,
    "not text": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n\xff\x00"),
    "over-deep": lambda path: path.write_bytes(b"[" * 50_000),
    "a list": lambda path: path.write_text("[]"),
    "an object": lambda path: path.write_text("{}"),
    "null": lambda path: path.write_text("null"),
    "missing": Path.unlink,
    "a folder": lambda path: _replaced(path, Path.mkdir),
    "a pipe": lambda path: _replaced(path, os.mkfifo),
    "a dangling link": lambda path: _replaced(path, lambda link: link.symlink_to("nowhere")),
}

#: Stands for a key that is not there.
ABSENT: Final = object()
_WRONG: Final = (None, [], {}, "x", 5, -0.5, True, [{}], ABSENT)


def keys(content: Any, *before: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every key, and of the first item of every list."""
    items = content.items() if isinstance(content, dict) else [(0, content[0])] if content else []
    for key, value in items:
        yield (*before, key)
        if isinstance(value, dict | list):
            yield from keys(value, *before, key)


def wrongly_typed(content: Any) -> Iterator[tuple[str, Any]]:
    """Yield copies of JSON content in which one key is absent or has another value, each with its description."""
    for path in keys(content):
        for value in _WRONG:
            copy = json.loads(json.dumps(content))
            owner = copy
            for key in path[:-1]:
                owner = owner[key]
            if value is ABSENT:
                del owner[path[-1]]
            else:
                owner[path[-1]] = value
            yield f"{'.'.join(map(str, path))} = {'absent' if value is ABSENT else value!r}", copy
