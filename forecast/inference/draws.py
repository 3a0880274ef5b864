"""Read posterior draws by name; PyMC is not needed."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.names import POSTERIOR


def draws_by_name(tree: xr.DataTree, size: int, rng: np.random.Generator) -> dict[str, xr.DataArray]:
    """Return `size` posterior draws of every variable, dimension `sample` first.

    The chains are pooled and put in random order. All draws are used once before any is used again.
    """
    pooled = tree[POSTERIOR].to_dataset().stack(pool=("chain", "draw"))
    total = pooled.sizes["pool"]
    order = np.concatenate([rng.permutation(total) for _ in range(-(-size // total))])[:size]
    taken = pooled.isel(pool=order).drop_vars(["pool", "chain", "draw"]).rename(pool="sample")
    return {str(name): values.transpose("sample", ...) for name, values in taken.data_vars.items()}


def select(
    values: xr.DataArray, dim: str, labels: list[str], absent: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Return `values` (sample, dim) at `labels`, in their order.

    `absent`, a number or an array (sample, label), fills labels that the fit does not have.
    """
    position = {label: i for i, label in enumerate(values[dim].values.tolist())}
    selected = np.empty((values.sizes["sample"], len(labels)))
    for column, label in enumerate(labels):
        if label in position:
            selected[:, column] = values.isel({dim: position[label]}).values
        else:
            selected[:, column] = absent[:, column] if isinstance(absent, np.ndarray) else absent
    return selected
