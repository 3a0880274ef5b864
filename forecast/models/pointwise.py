"""The log-likelihood of the withdrawal model spell by spell, read off the compiled model itself.

The log-likelihood is linear in the data vector `keep`, so its derivative by `keep` holds the part of each spell: what
is scored can then not differ from what was fitted.
"""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pytensor.compile.function import function
from pytensor.gradient import grad

from forecast.models import withdrawal
from forecast.priors import Beliefs


def spell_log_likelihood(
    spells: xr.Dataset, beliefs: Beliefs, draws: xr.Dataset
) -> NDArray[np.float64]:
    """Log-likelihood of every spell by (chain, draw, spell); `draws` are of the model built on `spells`.

    A spell that ends on a known day gives a density per quarter, one that ends within a bracket a probability.
    """
    model = withdrawal.build(spells, beliefs)
    (total,) = model.potentials
    parts = grad(total, model["keep"])
    free = model.free_RVs
    run = function(free, parts, on_unused_input="ignore")
    values = [draws[v.name].transpose("chain", "draw", ...).to_numpy() for v in free]
    shape = (draws.sizes["chain"], draws.sizes["draw"])
    out = np.empty((*shape, spells.sizes["spell"]))
    for at in np.ndindex(*shape):
        arguments: list[Any] = [v[at] for v in values]
        out[at] = run(*arguments)
    return out
