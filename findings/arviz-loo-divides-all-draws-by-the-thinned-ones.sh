#!/usr/bin/env bash
# arviz-stats 1.3.3 with arviz-base 1.3.1 (Python 3.13). `loo` needs the efficiency of the draws: effective draws over
# draws. It takes the effective draws from the whole group `posterior`, and the draws from `log_likelihood`. A file
# that keeps every tenth draw of the log-likelihood, to be small, so has an efficiency of ten instead of one. The
# smoothed tail is then shorter, and Pareto k and the sum of the same log-likelihood change with the draws beside it.
# One expects that equal pointwise log-likelihoods of independent draws give equal results, and that no efficiency of
# independent draws is far above one. It matters for files of fits that keep a thinned log-likelihood, as large models
# do: their results differ from those of the same draws kept alone, and nothing warns.
# What to do: pass `reff` to `loo`, or thin the posterior to the draws of the log-likelihood before the call.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check 'arviz-stats[xarray]==1.3.3' arviz-base==1.3.1 numpy==2.5.5 xarray==2026.9.0
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(arviz-base|arviz-stats|numpy|xarray)=='
cat > loo.py <<'PY'
import warnings

import arviz_base as az
import numpy as np
from arviz_stats import loo

warnings.simplefilter("ignore")
rng = np.random.default_rng(3)
mean = rng.normal(0.0, 0.3, (4, 1000))  # independent draws of one parameter
data = rng.standard_t(3, 12)
density = -0.5 * (data - mean[..., None]) ** 2 - 0.5 * np.log(2 * np.pi)
thinned = density[:, ::10]


def result(posterior, **options):
    tree = az.from_dict({"posterior": {"mean": posterior}, "log_likelihood": {"y": thinned}})
    found = loo(tree, pointwise=True, **options)
    return found.elpd, found.pareto_k.values


alone, k_alone = result(mean[:, ::10])
beside, k_beside = result(mean)
given, k_given = result(mean, reff=1.0)
print("same sum beside all draws as alone:", bool(np.isclose(alone, beside, rtol=0, atol=1e-9)))
print("largest difference of a Pareto k above 0.05:", bool(np.abs(k_alone - k_beside).max() > 0.05))
single, k_single = result(mean[:, ::10], reff=1.0)
print("with reff=1 the same sum and k:", bool(given == single and (k_given == k_single).all()))
print(f"sums {alone:.4f} alone, {beside:.4f} beside all draws")
PY
env/bin/python loo.py | tee seen.txt
diff <(head -3 seen.txt) - <<'SEEN'
same sum beside all draws as alone: False
largest difference of a Pareto k above 0.05: True
with reff=1 the same sum and k: True
SEEN
