"""Provide the decorators of all compiled functions, and the disk cache of the compiled kernel.

`device` marks small functions that the kernel calls, `loop` functions that pass on whole arrays of records, and
`entry` functions that Python calls and that are cached on disk. numba compares only the file that holds a cached
function. The cache folder is therefore named by the digest of all sources of this package, so a changed rule in
another file always leads to a new compilation. Fast-math is off: results must not depend on how the compiler orders
sums.
"""

import ast
import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
from numba.core import config
from numba.core.caching import UserProvidedCacheLocator
from numba.extending import overload, register_jitable

from forecast.storage import caches

_config: Any = config


#: Modules beside the simulation whose values are compiled into the kernel.
_BESIDE = ("names.py", "constants.py")

#: Without reference counts (`_nrt`): nothing is allocated inside, and counting doubles the compile time.
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "nogil": True,
    "_nrt": False,
    "no_cfunc_wrapper": True,
}


def device(function: Callable[..., Any]) -> Any:
    """Mark a scalar rule: compiled code compiles it, Python calls it as plain Python."""
    return register_jitable(no_cpython_wrapper=True, **_OPTIONS)(function)


def loop(function: Callable[..., Any]) -> Any:
    """Mark a function that is compiled into the body of its caller.

    A real call would copy the headers of all arrays it passes on, about 400 words.
    """
    return register_jitable(no_cpython_wrapper=True, forceinline=True, **_OPTIONS)(function)


def compiled_as(implementation: Any) -> Callable[[Any], Any]:
    """Let compiled code run `implementation` wherever it calls the decorated function, which Python runs itself."""

    def mark(function: Callable[..., Any]) -> Any:
        overload(function, strict=False)(lambda *_types: implementation)
        return function

    return mark


class KernelCache(UserProvidedCacheLocator):
    """Key the cached kernel by the digest of all sources.

    numba's own locator uses the bytes of the one file that holds the kernel, and its line number.
    """

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        super().__init__(py_func, py_file)
        # The folder is that of the sources; every copy of them, wherever it is installed, shares the machine code.
        self._cache_path = str(_config.CACHE_DIR)

    def get_source_stamp(self) -> str:
        """Return the digest of all sources of the simulation."""
        return source_digest()

    def get_disambiguator(self) -> str:
        """Return an empty string: the names of the module and the function are unique."""
        return ""


def entry(function: Callable[..., Any]) -> Any:
    """Compile a function and keep its machine code on disk, if the cache folder can be written."""
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
    """Return the digest of all sources of the simulation and of the constants it imports, without docstrings."""
    root = Path(__file__).parent
    beside = (root.with_name(name) for name in _BESIDE)
    sources = [*sorted(root.rglob("*.py")), *(path for path in beside if path.is_file())]
    digest = hashlib.sha256()
    for source in sources:
        seen = source.stat()
        code = _code_of(source, seen.st_mtime_ns, seen.st_size)
        digest.update(source.relative_to(root.parent).as_posix().encode() + code)
    return digest.hexdigest()[:16]


@lru_cache(maxsize=256)
def _code_of(source: Path, modified: int, size: int) -> bytes:
    """Return the syntax tree of a source without docstrings; parsed once while its time and size are the same."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return ast.dump(tree).encode()


def cache_folder() -> Path | None:
    """Return the cache folder for exactly these sources, None if it cannot be created, written or trusted."""
    return caches.cache_folder(f"kernel-{source_digest()}")


def is_compiled() -> bool:
    """Return whether the cache holds machine code of the kernel for these sources."""
    folder = cache_folder()
    return folder is not None and any(folder.rglob("kernel.simulate*.nbc"))
