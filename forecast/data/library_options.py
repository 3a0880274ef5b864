"""Compute under the default options of NumPy, pandas and xarray, whatever a notebook has set.

`xarray.set_options(keep_attrs=False)` alone changes the digests of data sets, and with them the id of a run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pandas as pd

#: Options of xarray that can change values, attributes or coordinates.
_XARRAY: Final[dict[str, Any]] = {
    "arithmetic_broadcast": True,
    "arithmetic_compat": "minimal",
    "arithmetic_join": "inner",
    "keep_attrs": "default",
    "use_bottleneck": False,
    "use_flox": True,
    "use_new_combine_kwarg_defaults": False,
    "use_numbagg": True,
    "use_opt_einsum": True,
}
#: Options of pandas that can change values or the kind of a column, as pairs of name and value.
_PANDAS: Final[tuple[Any, ...]] = (
    *("compute.use_bottleneck", True),
    *("compute.use_numba", False),
    *("compute.use_numexpr", True),
    *("mode.string_storage", "auto"),
)
#: How NumPy treats floating-point errors.
_NUMPY: Final[dict[str, Any]] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


@contextmanager
def default_options() -> Iterator[None]:
    """Set the options inside the block, or inside the function that is decorated, and restore them afterwards."""
    import xarray as xr

    set_options: Any = xr.set_options  # carries no types

    with set_options(**_XARRAY), pd.option_context(*_PANDAS), np.errstate(**_NUMPY), np.printoptions(legacy=False):
        yield
