"""Keep a few draws of the posteriors of a run for the tests of the requirements.

`python -m tests.tools.thin_posteriors [RUN]` writes them to `tests/data/posteriors`.
"""

import sys

import numpy as np
import xarray as xr

from forecast.names import MODELS, POSTERIOR
from forecast.storage.runs import open_run
from tests.support.requirements import DRAWS, POSTERIORS, ROOT

UNREAD = ("us_path", "us_walk", "log_scale")


def thin(tree: xr.DataTree, draws: int) -> xr.DataTree:
    """Evenly spaced draws of every chain, to three digits, of what a projection reads."""
    kept = tree[POSTERIOR].to_dataset()
    names = [name for name in kept.data_vars if not str(name).endswith(("_z", "_with_drift")) and name not in UNREAD]
    kept = kept[names]
    each = draws // kept.sizes["chain"]
    at = np.linspace(0, kept.sizes["draw"] - 1, each).astype(int)
    thinned = kept.isel(draw=at)
    packed = {"zlib": True, "complevel": 9, "significant_digits": 3, "quantize_mode": "GranularBitRound"}
    for name in thinned.data_vars:
        thinned[name] = thinned[name].astype(np.float32)
        thinned[name].encoding = dict(packed)
    return xr.DataTree.from_dict({POSTERIOR: thinned})


if __name__ == "__main__":
    run = open_run(sys.argv[1] if len(sys.argv) > 1 else "latest", ROOT)
    folder = POSTERIORS
    folder.mkdir(exist_ok=True)
    for model in MODELS:
        thin(run.posterior(model).load(), DRAWS).to_netcdf(folder / f"{model}.nc", engine="netcdf4")
