"""The options of every compiled function, in one place.

`device` marks the small functions that end up inside the kernel, `loop` those that hand on whole tables, `entry` what
is called from outside and kept in a disk cache. numba looks only at the file that holds a cached function, so the cache
folder is named by the digest of all sources of the core: a rule changed in one file can never leave old code in the
kernel.
No fast-math: results must not depend on how the compiler orders sums.
"""

import ast
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config
from numba.core.caching import UserProvidedCacheLocator
from numba.extending import register_jitable

_config: Any = config


#: No reference counts: nothing is allocated inside, and counting every array of every call doubles the compile time.
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "nogil": True,
    "_nrt": False,
    "no_cfunc_wrapper": True,
}


def device(function: Callable[..., Any]) -> Any:
    """Compile a scalar rule where compiled code calls it; called from Python it stays Python."""
    return register_jitable(no_cpython_wrapper=True, **_OPTIONS)(function)


def loop(function: Callable[..., Any]) -> Any:
    """Compile into the body of its caller: a call copies the headers of all arrays it hands on, some 400 words.

    That took two fifths of the kernel's time.
    """
    return register_jitable(no_cpython_wrapper=True, forceinline=True, **_OPTIONS)(function)


class KernelCache(UserProvidedCacheLocator):
    """Where numba keeps the kernel: under the digest of the sources, whatever line the kernel stands on.

    numba itself would stamp the machine code with the bytes of the one file that holds the kernel, and name it by line.
    """

    def get_source_stamp(self) -> str:
        """Return the digest of all sources of the simulation."""
        return source_digest()

    def get_disambiguator(self) -> str:
        """Return an empty text: the module and the name of the function are enough."""
        return ""


def entry(function: Callable[..., Any]) -> Any:
    """Compile the kernel and keep the machine code on disk, if a folder can be written."""
    folder = cache_folder()
    if folder is None or _config.DISABLE_JIT:
        return numba.njit(**_OPTIONS)(function)
    before = (_config.CACHE_DIR, _config.CACHE_LOCATOR_CLASSES)
    _config.CACHE_DIR = str(folder)
    _config.CACHE_LOCATOR_CLASSES = f"{KernelCache.__module__}.{KernelCache.__qualname__}"
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    finally:
        _config.CACHE_DIR, _config.CACHE_LOCATOR_CLASSES = before


def source_digest() -> str:
    """Return the digest of all sources of the simulation, in sub-packages too, without docstrings and comments."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for source in sorted(root.rglob("*.py")):
        tree = ast.parse(source.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
                node.body = node.body[1:]
        digest.update(source.relative_to(root).as_posix().encode() + ast.dump(tree).encode())
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
