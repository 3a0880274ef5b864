"""NumPy array types used throughout the package."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


Numbers = NDArray[np.float64]
