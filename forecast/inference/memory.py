"""Give the memory of freed arrays back to the system."""

import ctypes
import gc
from typing import Final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # names of settings in glibc's malloc.h
_LARGE: Final = 8 << 20  # bytes of an array that has pages of its own
_KEPT: Final = 8 << 20  # bytes that are kept for arrays below that size, for it takes time to ask for them again


def return_memory() -> None:
    """Give freed memory back to the system, now and from now on as soon as a large array is freed.

    glibc keeps freed arrays of up to 32 MiB, and has an arena of memory for each thread; only glibc has these settings.
    """
    gc.collect()  # trees of xarray refer to themselves
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt") and hasattr(library, "malloc_trim"):
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_TRIM_THRESHOLD, _KEPT)
        library.mallopt(_ARENA_MAX, 2)
        library.malloc_trim(0)
