"""NumPy array types that all packages use."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
