"""Read a TOML file that a person wrote: within limits of size, depth and digits, and with one clear error otherwise."""

import math
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from forecast.errors import PriorError, all_faults, shown, shown_place

#: The largest file of the package has 15 kB, and no parser takes long for a file below this size.
LARGEST: Final = 128 * 1024  # bytes
DEEPEST: Final = 12  # tables and lists inside each other
_MOST_DOTS: Final = 200  # in a line; the parser needs minutes for a key of 60,000 parts
_INTEGERS: Final = range(-(2**63), 2**63)  # what TOML allows
#: Control characters but tab and line ends, and the signs that turn the direction of text.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
#: Beginnings of the parser's messages that do not say what to write, and what to write.
_FIXES: Final = {
    "Cannot overwrite a value": "write each key once, and either [name] once or each time [[name]]",
    "Invalid initial character for a key part": "write a table in braces on one line, or correct the key",
    "Invalid value": "write text in straight quotes, a number, true, false, a day or a list",
    "Expected '=' after a key": "write key = value, and a key with spaces in quotes",
}
_LONGEST: Final = 200  # characters of the parser's message
_PLACE: Final = re.compile(r" ?\(at line (\d+), column \d+\)")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Its numbers are finite integers of 64 bits or floats.

    A byte order mark at the start is allowed.

    Raises
    ------
    PriorError
        If the file is missing, unreadable, too large, not valid TOML, nested too deep, or holds a number or character
        that nothing in the package can use.
    """
    text = _read_text(path)
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise _too_deep(path)
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise _too_deep(path) from None
    except tomllib.TOMLDecodeError as error:
        reason = _reason(str(error), text)
        fix = next((fix for start, fix in _FIXES.items() if reason.startswith(start)), "correct the line that it names")
        raise PriorError(f"{path}: not valid TOML ({reason}); {fix}") from None
    except ValueError:  # Python converts no more than 4,300 digits
        raise PriorError(f"{path}: not valid TOML (a number has thousands of digits); shorten the number") from None
    if faults := [f"{path}: {fault}" for fault in _unusable(path, content)]:
        raise all_faults(PriorError, faults)
    return content


def _read_text(path: Path) -> str:
    """Return the text of a regular file of limited size; a pipe or device, which may have no end, is not opened."""
    if "\0" in str(path):
        raise PriorError(f"{shown(str(path))}: the name holds the character NUL, expected the name of a file")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PriorError(f"{path}: not a regular file, expected a TOML file; rename it or remove it")
        if status.st_size > LARGEST:
            raise PriorError(
                f"{path}: the file has {status.st_size:,} bytes, expected at most {LARGEST:,}; "
                "remove what does not belong to it"
            )
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        if path.is_symlink():
            raise PriorError(f"{path}: a link to a file that does not exist; correct or remove the link") from None
        raise PriorError(f"{path}: the file is missing; copy it from a workspace made by `forecast init`") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = error.object[error.start]
        raise PriorError(
            f"{path}: not valid TOML (byte 0x{found:02x} in line {line} is not UTF-8); save the file as UTF-8"
        ) from None
    except OSError as error:
        raise PriorError(
            f"{path}: cannot be read ({error.strerror}); correct the permissions or the name of the file"
        ) from None


def _reason(message: str, text: str) -> str:
    """Return the parser's message with the number and the beginning of the line that it is about."""
    place, message = _PLACE.search(message), _PLACE.sub("", message)
    message = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}…"  # it may hold a key
    lines = text.split("\n")  # as the parser counts them
    if place is None or not 1 <= int(place[1]) <= len(lines):
        return message
    line = lines[int(place[1]) - 1].strip()
    return f"{message} in line {place[1]}, {shown(line)}"


def _unusable(path: Path, content: dict[str, Any]) -> Iterator[str]:
    """Return a fault for each value that nothing can use, with its key."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), content)]
    while waiting:  # a loop, because the depth is not known yet
        keys, value = waiting.pop()
        name = shown_place(keys)
        if len(keys) > DEEPEST:
            raise _too_deep(path)
        if isinstance(value, dict | list):
            inside = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [((*keys, key), inner) for key, inner in inside][::-1]
        elif isinstance(value, int) and value not in _INTEGERS:
            digits = int(value.bit_length() * math.log10(2)) + 1
            yield f"{name} is a number of {digits} digits, expected at most 18; shorten it"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{name} is {value}, expected a finite number; write a number or remove the key"
        for text in (keys[-1] if keys else "", value):
            if isinstance(text, str) and (found := _CONTROL.search(text)):
                yield f"{name} holds the character U+{ord(found[0]):04X}, expected text without control characters"


def _too_deep(path: Path) -> PriorError:
    return PriorError(f"{path}: tables or lists are nested too deep, expected at most {DEEPEST}; write them flat")
