"""Keys of stored results: versions raised by hand, digests of data, and minor versions of the sampler.

A key never contains source text, file names or the Python version. Editing a docstring or moving a module therefore
changes no key. Each version below is guarded by pinned numbers (`tests/test_pins.py`): when a change moves one of
them, the test fails and names the version to raise.
"""

import hashlib
import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from forecast.storage.files import digest_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from forecast.workspace.plan import Plan


#: Raise when the log density of a model changes, or what `inference.fit_store.complete` adds to its draws.
MODEL_VERSION: Final[Mapping[str, int]] = {
    "spending": 2,
    "leadership": 2,
    "withdrawal": 1,
    "cohesion": 1,
}
#: Raise when simulated paths, their summaries or the headlines made of them change.
SIMULATION_VERSION: Final = 4
#: Raise when the synthetic data, the simulator or the ranking of a calibration problem changes.
PROBLEM_VERSION: Final[Mapping[str, int]] = {
    "spending": 2,
    "leadership": 2,
    "withdrawal": 1,
    "cohesion": 1,
}
#: Raise when a forecast or a score of a back-test changes.
BACKTEST_VERSION: Final[Mapping[str, int]] = {
    "spending": 3,
    "leadership": 3,
    "withdrawal": 3,
    "cohesion": 2,
    "alliance exit": 2,
}
#: Raise when the tables that compare a model with its baselines change.
COMPARISON_VERSION: Final = 3
#: Raise when the predictive checks of a fit, or the groups that ArviZ reads beside its posterior, change.
PREDICTIVE_VERSION: Final = 4
#: Raise when the lines of the contract between fits, data and simulation change.
CONTRACT_VERSION: Final = 1
#: Raise when the recodings of the record, or how headlines are computed under them, change.
VARIANTS_VERSION: Final = 1

#: Libraries whose minor version can change the draws of a fit.
SAMPLER_STACK: Final = ("pymc", "pytensor", "nutpie")
#: Libraries whose versions are recorded in every file of a run. They are not part of any key.
_LIBRARIES: Final = (
    "alliance-forecast",
    "arviz",
    "llvmlite",
    "netcdf4",
    "numba",
    "numpy",
    "nutpie",
    "pandas",
    "pymc",
    "pytensor",
    "scipy",
    "xarray",
)
#: Variables with which NumPy, OpenBLAS or the C library computes as on another processor; a last digit can differ.
_PROCESSOR: Final = ("GLIBC_TUNABLES", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "OPENBLAS_CORETYPE")
_MANTISSA_BITS: Final = 30  # bits of a float that enter a digest


@cache
def library_versions() -> dict[str, str]:
    """Return the exact versions of the libraries and of Python, and settings of the processor, for information."""
    settings = {name: ",".join(os.environ[name].split()) for name in _PROCESSOR if name in os.environ}
    return {name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()} | settings


@cache
def sampler_versions() -> dict[str, str]:
    """Return `major.minor` of each library of the sampler stack."""
    return {name: ".".join(version(name).split(".")[:2]) for name in SAMPLER_STACK}


def dataset_digest(data: "xr.Dataset") -> str:
    """Return the sha256 of the content of a labelled data set: names, dims, kinds, values and attributes.

    Floats enter with 30 bits (a relative precision of 1e-9). The last bit of a logarithm differs between processors and
    must not change the digest.
    """
    import numpy as np

    variables = {str(name): [list(map(str, x.dims)), *_content(x.to_numpy())] for name, x in data.variables.items()}
    attributes = {str(name): _content(np.asarray(value)) for name, value in data.attrs.items()}
    return digest_of({"variables": variables, "attributes": attributes})


def _content(values: "NDArray[Any]") -> list[Any]:
    """Return the kind, the shape and the sha256 of an array."""
    import numpy as np

    kind = values.dtype.kind
    if kind == "f":
        mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
        bits = np.round(np.where(np.isfinite(mantissa), mantissa, 0.0) * 2**_MANTISSA_BITS)
        special = np.isnan(values) + 2 * (values == np.inf) + 3 * (values == -np.inf)
        content = np.stack([bits, exponent, special]).astype("<i8").tobytes()
    elif kind in "biu":
        content = values.astype("<i8").tobytes()
    elif kind in "mM":
        content = values.astype(f"{kind}8[s]").astype("<i8").tobytes()
    else:
        content = "\0".join(map(str, values.ravel().tolist())).encode()
    return [
        kind if kind not in "OSUT" else "text",
        list(values.shape),
        hashlib.sha256(content).hexdigest(),
    ]


def run_id(plan: "Plan", ingredients: Mapping[str, Any]) -> str:
    """Return the run id, `<as-of>-<plan>-<digest>`, with 8 digits of a digest of the plan and `ingredients`.

    Parameters
    ----------
    plan : plan of the run; its schedule is no part of the id.
    ingredients : everything else that can change a number.
    """
    content = {"plan": plan.model_dump(mode="json", exclude={"schedule"}), **ingredients}
    return f"{plan.as_of}-{plan.name}-{digest_of(content)[:8]}"
