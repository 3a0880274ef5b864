#!/usr/bin/env bash
# numba 0.68.1 with numpy 2.5.5 (Python 3.13). In Python 2**-1 is 0.5; numpy refuses it for arrays of whole numbers with
# ValueError. Inside njit both are computed in whole numbers and give 0, unless the base is 1 or -1. So a function that
# halves a weight with each step, sum(2**-step), gives 1.9375 in Python for five steps and 1.0 compiled, with no
# warning.
# One expects compiled code to give the number of the plain function or to refuse it, the more so as numba divides whole
# numbers into floats (1 / 2 is 0.5). It matters for discounts and weights written with a whole base; the first term,
# power 0, is right, so a short test can pass.
# What to do: write the base as a float, 2.0**-step.
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
cat > powers.py <<'PY'
import numba
import numpy as np


def power(base, exponent):
    return base**exponent


def weights(steps):
    total = 0.0
    for step in range(steps):
        total += 2**-step
    return total


compiled = numba.njit(power)
print("2**-1, 10**-2, 1**-3:", power(2, -1), power(10, -2), power(1, -3))
print("2**-1, 10**-2, 1**-3 compiled:", compiled(2, -1), compiled(10, -2), compiled(1, -3))
try:
    print("array:", power(np.array([1, 2, 10]), -1))
except ValueError as error:
    print("array:", type(error).__name__)
print("array compiled:", compiled(np.array([1, 2, 10]), -1))
print("sum of five weights:", weights(5), "compiled:", numba.njit(weights)(5))
print("2.0**-1 compiled:", compiled(2.0, -1))
PY
env/bin/python powers.py | tee seen.txt
diff seen.txt - <<'SEEN'
2**-1, 10**-2, 1**-3: 0.5 0.01 1.0
2**-1, 10**-2, 1**-3 compiled: 0 0 1
array: ValueError
array compiled: [1 0 0]
sum of five weights: 1.9375 compiled: 1.0
2.0**-1 compiled: 0.5
SEEN
