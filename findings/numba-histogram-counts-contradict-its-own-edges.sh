#!/usr/bin/env bash
# numba 0.68.1 with numpy 2.5.5 (Python 3.13). np.histogram(values, 10, (0, 1)) inside njit returns the same edges as
# numpy and other counts. It finds the bin by arithmetic alone; numpy then compares each value with the edges and moves
# it if need be. With the 101 values 0.00, 0.01, ..., 1.00 the compiled counts are ten in each bin and eleven in the
# last, as one would hope, yet 0.3 and 0.6 lie below the edges 0.30000000000000004 and 0.6000000000000001 that it
# returns, and 0.7 likewise.
# One expects compiled numpy calls to give numpy's counts, and counts that fit the returned edges in any case. It
# matters for calibration tables, where forecasts are round probabilities: means within bins taken with np.digitize and
# the edges belong to other cases than the counts.
# What to do: pass the edges instead of their number; then numba and numpy agree. Edges halfway between the round values
# keep all such cases apart.
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
cat > bins.py <<'PY'
import numba
import numpy as np

PERCENT = np.arange(101) / 100


@numba.njit
def by_number(values):
    return np.histogram(values, 10, (0.0, 1.0))


@numba.njit
def by_edges(values, edges):
    return np.histogram(values, edges)[0]


counts, edges = by_number(PERCENT)
there, numpy_edges = np.histogram(PERCENT, 10, (0.0, 1.0))
print("same edges:", np.array_equal(edges, numpy_edges))
print("numba:", counts)
print("numpy:", there)
last = len(edges) - 2
print("digitize with the edges of numba:", np.bincount(np.minimum(np.digitize(PERCENT, edges) - 1, last)))
print("numba, edges passed:", by_edges(PERCENT, edges))
PY
env/bin/python bins.py | tee seen.txt
diff seen.txt - <<'SEEN'
same edges: True
numba: [10 10 10 10 10 10 10 10 10 11]
numpy: [10 10 11  9 10 11 10  9 10 11]
digitize with the edges of numba: [10 10 11  9 10 11 10  9 10 11]
numba, edges passed: [10 10 11  9 10 11 10  9 10 11]
SEEN
