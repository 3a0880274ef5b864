#!/usr/bin/env bash
# numba 0.68.1 with numpy 2.5.5 (Python 3.13). np.median of an array with a NaN is NaN in numpy. Inside njit the NaN
# takes part in comparisons, all of which are false, so it is put anywhere: of the 120 orders of 1, 2, 3, 4 and one NaN
# the compiled median is 2, 3 or 4 in most and NaN in some. np.quantile(a, 0.5) and np.mean in compiled code do give
# NaN.
# One expects NaN, as numpy gives and as numba's own quantile does, or at least one answer for one set of numbers. It
# matters where a NaN marks a path that failed: the median then looks like a good number, moves if the paths are sorted
# otherwise, and disagrees with the 50 percent quantile printed next to it.
# What to do: test np.isnan(a).any() first, use np.quantile(a, 0.5), or np.nanmedian if the gaps are to be left out.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check numba==0.68.1 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(numba|numpy)=='
cat > median.py <<'PY'
import itertools
from collections import Counter

import numba
import numpy as np

ORDERS = [np.array(order) for order in itertools.permutations([1.0, 2.0, 3.0, 4.0, np.nan])]


@numba.njit
def median(values):
    return np.median(values)


@numba.njit
def half(values):
    return np.quantile(values, 0.5)


for name, of in (("numpy", np.median), ("numba", median), ("numba quantile", half)):
    print(f"{name}:", sorted({str(float(of(order))) for order in ORDERS}))
seen = Counter(np.isnan(median(order)) for order in ORDERS)
print("numba, a number in most orders:", seen[False] > seen[True] > 0)
PY
env/bin/python median.py | tee seen.txt
diff seen.txt - <<'SEEN'
numpy: ['nan']
numba: ['2.0', '3.0', '4.0', 'nan']
numba quantile: ['nan']
numba, a number in most orders: True
SEEN
