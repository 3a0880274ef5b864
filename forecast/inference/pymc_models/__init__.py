"""The wall around PyMC: nothing outside this folder imports it.

The compiler's flags are set here, before PyTensor is imported: with fast-math on, the same seed gives other draws
from a cold cache than from a warm one.
"""

import os

_flags = os.environ.get("PYTENSOR_FLAGS", "")
if "numba__fastmath" not in _flags:
    os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, [_flags, "numba__fastmath=False"]))
