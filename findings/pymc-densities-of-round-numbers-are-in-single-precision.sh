#!/usr/bin/env bash
# PyMC 6.4.0 with PyTensor 3.3.7, SciPy 1.18.1 (Python 3.13). A parameter given as a Python number becomes a float32
# constant if float32 holds it exactly: 2000.0 does, 2000.1 becomes float64. Terms of a log density that rest on such
# round parameters alone are then computed in single precision, and only the result is cast to float64, the type that
# floatX names. In a beta-binomial with 2000.0 these terms are of the size 10**4 and cancel: the result is off in the
# fourth digit; with 2000.1, or np.float64(2000.0), it is right to nine digits. At 1e5 the probabilities of all outcomes
# add up to 0.84, and NegativeBinomial(mu=3.0, alpha=1e8), nearly a Poisson variable, gives the outcome five a log
# density of minus infinity.
# One expects double precision throughout where floatX says so, and no change of precision between 2000.0 and 2000.1. It
# matters for checks of a model against SciPy at fixed parameters, for log likelihoods on a grid of round values, and
# for comparing models by their densities. For sampling it matters little: the terms with drawn variables are in double
# precision.
# What to do: pass np.float64(...) or arrays as parameters.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check pymc==6.4.0 pytensor==3.3.7 scipy==1.18.1 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(pymc|pytensor|scipy|numpy)=='
cat > density.py <<'PY'
import logging

import numpy as np
import pymc as pm
import pytensor
from scipy import stats

logging.getLogger("pymc").setLevel(logging.ERROR)


def density(shape):
    """The log density that a model gives to five of ten, and how far it is from that of SciPy."""
    with pm.Model() as model:
        pm.BetaBinomial("exits", n=10, alpha=shape, beta=shape, observed=[5])
    given = float(model.compile_logp()({}))
    print("log density at", repr(shape), "is", given)
    return abs(given - stats.betabinom.logpmf(5, 10, shape, shape))


gaps = [density(shape) for shape in (2000.0, 2000.1, np.float64(2000.0))]
outcomes = pm.logp(pm.BetaBinomial.dist(n=10, alpha=1e5, beta=1e5), np.arange(11))
total = float(np.exp(outcomes.eval()).sum())
print("sum of all probabilities at 1e5:", total)
near_poisson = [float(pm.logp(pm.NegativeBinomial.dist(mu=3.0, alpha=a), 5).eval()) for a in (1e8, np.float64(1e8))]
print("negative binomial at 1e8 and np.float64(1e8):", near_poisson, "Poisson:", stats.poisson.logpmf(5, 3.0))
types = [pm.Normal.dist(value, 1.0).owner.inputs[-2].type.dtype for value in (2000.0, 2000.1)]
assert pytensor.config.floatX == "float64"
assert types == ["float32", "float64"], types
assert gaps[0] > 1e-4 and max(gaps[1:]) < 1e-9, gaps
assert abs(total - 1.0) > 0.01, total
assert near_poisson[0] == -np.inf and abs(near_poisson[1] - stats.poisson.logpmf(5, 3.0)) < 1e-5, near_poisson
print("as stated")
PY
env/bin/python density.py
