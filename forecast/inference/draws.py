"""Posterior draws by name. PyMC is not needed to read a fit."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.names import POSTERIOR


def draws_by_name(tree: xr.DataTree, size: int, rng: np.random.Generator) -> dict[str, xr.DataArray]:
    """`size` posterior draws of every variable, dim `sample` first, chains pooled and in random order.

    All draws are used before any is used again.
    """
    pooled = tree[POSTERIOR].to_dataset().stack(pool=("chain", "draw"))
    total = pooled.sizes["pool"]
    order = np.concatenate([rng.permutation(total) for _ in range(-(-size // total))])[:size]
    taken = pooled.isel(pool=order).drop_vars(["pool", "chain", "draw"]).rename(pool="sample")
    return {str(name): values.transpose("sample", ...) for name, values in taken.data_vars.items()}


def select(
    values: xr.DataArray, dim: str, labels: list[str], absent: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """`values` (sample, dim) at `labels`, in their order; `absent` fills the labels the fit has not seen."""
    known = {label: i for i, label in enumerate(values[dim].values.tolist())}
    out = np.empty((values.sizes["sample"], len(labels)))
    for column, label in enumerate(labels):
        if label in known:
            out[:, column] = values.isel({dim: known[label]}).values
        else:
            out[:, column] = absent[:, column] if isinstance(absent, np.ndarray) else absent
    return out
