"""Read posterior draws by name; PyMC is not needed."""

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.names import POSTERIOR


class PosteriorDraws(Mapping[str, xr.DataArray]):
    """Draws of a posterior by the name of the variable, which is read when it is asked for and not kept."""

    def __init__(self, posterior: xr.Dataset, order: NDArray[np.int64]) -> None:
        self.posterior, self.order = posterior, order

    def __getitem__(self, name: str) -> xr.DataArray:
        if name not in self.posterior.data_vars:
            raise KeyError(name)
        taken = self.posterior[[name]].stack(pool=("chain", "draw")).isel(pool=self.order)
        return taken.drop_vars(["pool", "chain", "draw"]).rename(pool="sample")[name].transpose("sample", ...)

    def __contains__(self, name: object) -> bool:
        return name in self.posterior.data_vars

    def __iter__(self) -> Iterator[str]:
        return map(str, self.posterior.data_vars)

    def __len__(self) -> int:
        return len(self.posterior.data_vars)


def draws_by_name(tree: xr.DataTree, size: int, rng: np.random.Generator) -> PosteriorDraws:
    """Return `size` posterior draws of every variable, dimension `sample` first.

    The chains are pooled and put in random order. All draws are used once before any is used again.
    """
    posterior = tree[POSTERIOR].to_dataset()
    total = posterior.sizes["chain"] * posterior.sizes["draw"]
    order = np.concatenate([rng.permutation(total) for _ in range(-(-size // total))])[:size]
    return PosteriorDraws(posterior, order)


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
