"""The options of every compiled function, in one place.

`device` marks the small functions that end up inside the kernel, `loop` those that hand on whole tables, `entry` what
is called from outside and kept in a disk cache. numba looks only at the file that holds a cached function, so the cache
folder is named by the digest of all sources of the core: a rule changed in one file can never leave old code in the
kernel.
No fast-math: results must not depend on how the compiler orders sums.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config
from numba.extending import register_jitable

_config: Any = config


#: No reference counts: nothing is allocated inside, and counting every array of every call doubles the compile time.
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy", "nogil": True, "_nrt": False, "no_cfunc_wrapper": True,
}  # fmt: skip


def device(function: Callable[..., Any]) -> Any:
    """Compile a scalar rule where compiled code calls it; called from Python it stays Python."""
    return register_jitable(no_cpython_wrapper=True, **_OPTIONS)(function)


def loop(function: Callable[..., Any]) -> Any:
    """Compile into the body of its caller: a call copies the headers of all arrays it hands on, some 400 words.

    That took two fifths of the kernel's time.
    """
    return register_jitable(no_cpython_wrapper=True, forceinline=True, **_OPTIONS)(function)


def entry(function: Callable[..., Any]) -> Any:
    """Compile the kernel and keep the machine code on disk, if a folder can be written."""
    folder = cache_folder()
    if folder is None or _config.DISABLE_JIT:
        return numba.njit(**_OPTIONS)(function)
    before = _config.CACHE_DIR
    _config.CACHE_DIR = str(folder)
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    finally:
        _config.CACHE_DIR = before


def source_digest() -> str:
    """Names all sources of the core: the same digest, the same numbers."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def cache_folder() -> Path | None:
    """The folder of compiled kernels for exactly these sources; None where none can be made."""
    root = Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache")
    folder = root / "alliance-forecast" / f"kernel-{source_digest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def is_compiled() -> bool:
    """Whether machine code of the kernel of these sources lies in the cache."""
    folder = cache_folder()
    return folder is not None and any(folder.rglob("kernel.simulate*.nbc"))
