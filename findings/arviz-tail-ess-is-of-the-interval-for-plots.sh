#!/usr/bin/env bash
# arviz-stats 1.3.3 with arviz-base 1.3.1 (Python 3.13). `ess(method="tail")` without `prob`, and the column `ess_tail`
# of `summary`, take the setting `stats.ci_prob`, 0.89, which says how wide intervals are shown. The number is then read
# as a quantile: the tail ESS is the smaller ESS of the quantiles at 0.89 and 0.11. Its source (Vehtari, Gelman,
# Simpson, Carpenter and Buerkner 2021) and earlier ArviZ take those at 0.05 and 0.95. One expects a diagnostic that
# does not change when somebody asks for wider intervals in tables, and that a share of 0.9 and the bounds 0.05 and 0.95
# name the same tails. It matters wherever fits must reach a tail ESS: chains that mix badly in their outer twentieth
# pass, and a change of the width of intervals changes which fits pass.
# What to do: give the bounds, `prob=(0.05, 0.95)`.
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
cat > tail.py <<'PY'
import arviz_base as az
import numpy as np
from arviz_stats import ess, summary

rng = np.random.default_rng(1)
draws = rng.normal(size=(4, 1000))
draws[:, :40] = 2.5 + 0.1 * rng.normal(size=(4, 40))  # forty draws in a row in the upper twentieth
tree = az.from_dict({"posterior": {"x": draws}})


def tail(**options):
    return float(ess(tree, method="tail", **options)["x"])


def quantiles(low, high):
    return min(float(ess(tree, method="quantile", prob=p)["x"]) for p in (low, high))


default, bounds = tail(), tail(prob=(0.05, 0.95))
print("default is of the quantiles at 0.11 and 0.89:", bool(np.isclose(default, quantiles(0.11, 0.89))))
print("the bounds are of the quantiles at 0.05 and 0.95:", bool(np.isclose(bounds, quantiles(0.05, 0.95))))
print("a share of 0.9 is of the bounds:", bool(np.isclose(tail(prob=0.9), bounds)))
with az.rc_context({"stats.ci_prob": 0.5}):
    print("intervals of 50 % change the default:", not np.isclose(tail(), default))
    narrow = float(summary(tree, round_to="none")["ess_tail"].iloc[0])
print("and the column of the summary:", not np.isclose(narrow, default))
print(f"by default {default:.0f}, at 0.05 and 0.95 {bounds:.0f}, with intervals of 50 % {narrow:.0f}")
PY
env/bin/python tail.py | tee seen.txt
diff <(head -5 seen.txt) - <<'SEEN'
default is of the quantiles at 0.11 and 0.89: True
the bounds are of the quantiles at 0.05 and 0.95: True
a share of 0.9 is of the bounds: False
intervals of 50 % change the default: True
and the column of the summary: True
SEEN
