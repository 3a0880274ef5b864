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

The compiler's flags are set here, before PyTensor is imported: with fast-math on, the same seed gives different draws
from a cold cache than from a warm one.
"""

import os

_flags = os.environ.get("PYTENSOR_FLAGS", "")
if "numba__fastmath" not in _flags:
    os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, [_flags, "numba__fastmath=False"]))
