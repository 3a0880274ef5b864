#!/usr/bin/env bash
# xarray 2026.9.0 (numpy 2.5.5, Python 3.13). xarray.cov(x, y, weights=w) takes the weighted mean of the products and
# multiplies it by n / (n - 1), where n is the number of rows, not of weights. A row of weight 0 therefore changes the
# result: three rows and a fourth of weight 0 give 2.37, the three rows alone 2.67. Whole-number weights do not give the
# covariance of the rows written out that often either, nor the one that numpy.cov gives with aweights: three answers
# for one question. xarray.corr is not affected, for the factor cancels.
# One expects a weight of 0 to mean "not there", and one of the two usual meanings of weights. It matters where absent
# members of a panel have weight 0: the covariance between scores shrinks or grows with how many are absent.
# What to do: ask for ddof=0, which is right for weights as shares, and multiply by a factor of your own choice; or
# numpy.cov with fweights or aweights.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check xarray==2026.9.0 pandas==3.1.1 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(xarray|pandas|numpy)=='
cat > covariance.py <<'PY'
import numpy as np
import xarray as xr

X, Y = (xr.DataArray(np.array(row), dims="state") for row in ([1.0, 2.0, 4.0, 7.0], [2.0, 1.0, 5.0, 5.0]))


def show(label, weights, rows=4, **keywords):
    parts = [values[:rows] for values in (X, Y, xr.DataArray(np.array(weights), dims="state"))]
    print(f"{label}: {float(xr.cov(parts[0], parts[1], weights=parts[2], **keywords)):.4f}")


show("three rows", [1, 1, 1], rows=3)
show("and one of weight 0", [1, 1, 1, 0])
show("three rows, ddof=0", [1, 1, 1], rows=3, ddof=0)
show("and one of weight 0, ddof=0", [1, 1, 1, 0], ddof=0)
show("weights 1 2 3 1", [1, 2, 3, 1])
print(f"rows written out: {np.cov(np.repeat(X, [1, 2, 3, 1]), np.repeat(Y, [1, 2, 3, 1]))[0, 1]:.4f}")
print(f"numpy aweights: {np.cov(X, Y, aweights=[1, 2, 3, 1])[0, 1]:.4f}")
PY
env/bin/python covariance.py | tee seen.txt
diff seen.txt - <<'SEEN'
three rows: 2.6667
and one of weight 0: 2.3704
three rows, ddof=0: 1.7778
and one of weight 0, ddof=0: 1.7778
weights 1 2 3 1: 3.5646
rows written out: 3.1190
numpy aweights: 3.8529
SEEN
