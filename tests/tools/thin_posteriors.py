"""Keep a few draws of the posteriors of a run as the baseline: `python -m tests.tools.thin_posteriors [RUN]`."""

import sys
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.names import MODELS, POSTERIOR
from forecast.storage.runs import open_run
from tests.support.requirements import DRAWS, ROOT


def thin(tree: xr.DataTree, draws: int) -> xr.DataTree:
    """Evenly spaced draws of every chain, in single precision; what a sampler works with inside is left out."""
    kept = tree[POSTERIOR].to_dataset()
    kept = kept[[name for name in kept.data_vars if not str(name).endswith("_raw")]]
    each = draws // kept.sizes["chain"]
    at = np.linspace(0, kept.sizes["draw"] - 1, each).astype(int)
    return xr.DataTree.from_dict({POSTERIOR: kept.isel(draw=at).astype(np.float32)})


if __name__ == "__main__":
    run = open_run(sys.argv[1] if len(sys.argv) > 1 else "latest", ROOT)
    folder = Path(ROOT, "runs", "baseline")
    folder.mkdir(exist_ok=True)
    for model in MODELS:
        thin(run.posterior(model).load(), DRAWS).to_netcdf(folder / f"{model}.nc", engine="netcdf4")
