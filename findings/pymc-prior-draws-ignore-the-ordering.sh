#!/usr/bin/env bash
# PyMC 6.4.0 with PyTensor 3.3.7 (Python 3.13). transform=ordered makes the sampler keep a vector in rising order. It
# belongs to the sampler alone: sample_prior_predictive and draw take the vector from its plain distribution, and three
# cut points come out in order in one of six draws. With no data at all, sample and sample_prior_predictive are then two
# different priors: the mean of the lowest of three is -0.85 in one and 0 in the other.
# One expects the prior draws to be draws from the prior of the model that is fitted. It matters for prior predictive
# checks, for calibration by simulation, and for every report that shows prior beside posterior; cut points that are out
# of order give negative probabilities, or none at all.
# What to do: for components that are alike, sort the prior draws along the last axis: that is exactly the ordered
# prior. Or build the order into the model: a first value and positive steps, added up.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check pymc==6.4.0 pytensor==3.3.7 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(pymc|pytensor|numpy)=='
cat > ordered.py <<'PY'
import logging

import numpy as np
import pymc as pm

logging.getLogger("pymc").setLevel(logging.ERROR)
with pm.Model():
    pm.Normal("cut", 0.0, 1.0, shape=3, transform=pm.distributions.transforms.ordered, initval=[-1.0, 0.0, 1.0])
    prior = pm.sample_prior_predictive(4000, random_seed=1).prior.cut.values.reshape(-1, 3)
    made = pm.sample(2000, tune=1000, chains=2, cores=1, random_seed=1, nuts_sampler="pymc", progressbar=False)
sampled = made.posterior.cut.values.reshape(-1, 3)
for name, draws in (("prior draws", prior), ("sampler", sampled), ("prior draws, sorted", np.sort(prior, axis=-1))):
    rising = (np.diff(draws, axis=-1) > 0).all(axis=-1).mean()
    lowest = draws[:, 0].mean()
    near = min((0.0, -0.85), key=lambda mean: abs(mean - lowest))
    print(f"{name}: in order {rising:.1f}, mean of the lowest near {near}")
PY
env/bin/python ordered.py | tee seen.txt
diff seen.txt - <<'SEEN'
prior draws: in order 0.2, mean of the lowest near 0.0
sampler: in order 1.0, mean of the lowest near -0.85
prior draws, sorted: in order 1.0, mean of the lowest near -0.85
SEEN
