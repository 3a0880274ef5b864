"""Build and sample the PyMC models; no module outside this folder imports PyMC.

Names of variables. A free variable with a prior has the prior's name without its section: `spending.kappa` is `kappa`.
A quantity that other packages read from the posterior has a plain name (`target`, `tenure`, `factor_state`). Suffixes
mark the other variables:

`<x>_z`
    standard normals; the deterministic `<x>` scales or sums them (non-centred parametrisation)
`<x>_hidden`
    standard normals that are dropped before a fit is stored; the states computed from them are stored
`factor_with_drift`
    the sampled sum of the common factor of spending and its drift; `factor` is the factor alone
`<x>_seen`
    in spending, the data vector of the covariate `<x>`; in cohesion, the observed random variable of the data vector
    `<x>`
`<x>_density`
    a potential that adds a log density; the withdrawal model calls its only one `log_likelihood`
`<x>_effect`, `<x>_sd`
    the effect of each mission or country, and the standard deviation of these effects

All other data vectors have the names of the data set's variables; `keep` weights observations, 0 leaves one out.

PyTensor's settings are made here, before it is imported. They are its defaults, except fast-math: with it, the same
seed gives different draws from a cold cache than from a warm one. A user's `.pytensorrc` and `PYTENSOR_FLAGS` are not
read, because they could change the draws of a fit without changing its digest. Draws are the same with and without a C
compiler, because numba compiles the models.
"""

import atexit
import os
import sys
import tempfile
from typing import Any, Final

from forecast.errors import ForecastError
from forecast.storage.caches import cache_folder

#: Settings of PyTensor that can change a draw.
SETTINGS: Final[dict[str, Any]] = {
    "floatX": "float64",
    "cast_policy": "custom",
    "mode": "Mode",
    "linker": "auto",
    "optimizer": "o4",
    "optimizer_excluding": "",
    "optimizer_including": "",
    "optimizer_requiring": "",
    "optdb__max_use_ratio": 8.0,
    "lib__amdlibm": False,
    "openmp": False,
    "scan__allow_gc": False,
    "scan__allow_output_prealloc": True,
    "tensor__cmp_sloppy": 0,
    "numba__fastmath": False,
}


def _compile_folder() -> str:
    """Return the folder for PyTensor's compiled code: in the cache, or for this process alone."""
    folder = cache_folder("pytensor")
    if folder is not None and "," not in str(folder):  # a comma separates flags
        return str(folder)
    folder_of_process = tempfile.TemporaryDirectory(prefix="forecast-pytensor-", ignore_cleanup_errors=True)
    atexit.register(folder_of_process.cleanup)
    return folder_of_process.name


def _import_pytensor() -> None:
    """Import PyTensor under these settings; raise ForecastError if it is imported already and has others."""
    if "pytensor" not in sys.modules:
        folder = _compile_folder()
        flags = [*(f"{name}={value}" for name, value in SETTINGS.items()), f"base_compiledir={folder}"]
        own = {"PYTENSORRC": os.devnull, "PYTENSOR_FLAGS": ",".join(flags)}
        before = {name: os.environ.pop(name, None) for name in own}
        os.environ |= own
        try:
            import pytensor  # noqa: F401
        finally:
            for name, value in before.items():
                del os.environ[name]
                if value is not None:
                    os.environ[name] = value
    from pytensor.configdefaults import config

    config.numba__fastmath = False
    for name, expected in SETTINGS.items():
        if (found := getattr(config, name)) != expected:
            raise ForecastError(
                f"PyTensor was imported with {name} = {found!r}, expected {expected!r}, which fits need: start Python "
                "again without this setting in .pytensorrc, PYTENSOR_FLAGS or the program"
            )


_import_pytensor()
