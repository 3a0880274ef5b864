#!/usr/bin/env bash
# PyMC 6.4.0 with PyTensor 3.3.7 (Python 3.12 to 3.14): model.logp() adds the densities of all variables in one Add with as
# many inputs. The interpreter (Mode(linker="py"), the quick way to evaluate a density a few times) takes at most 32
# operands and raises NotImplementedError, which advises to disable fusion; with every rewrite switched off the error is
# the same, for nothing was fused. Terms from model.logp(sum=False), added two at a time, evaluate.
# Seen: 20 variables evaluate; 40 raise "does not support more than 32 operands"; 40 added in pairs evaluate.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check pymc==6.4.0 pytensor==3.3.7
cat > density.py <<'PY'
import functools
import operator

import pymc as pm
from pytensor.compile.mode import Mode

MODE = Mode(linker="py", optimizer=None)


def model(size):
    with pm.Model() as made:
        for number in range(size):
            pm.Normal(f"x{number}", 0.0, 1.0)
    return made


def evaluated(made, total):
    run = pm.compile(made.value_vars, total, mode=MODE)
    return float(run(*[0.0] * len(made.value_vars)))


small, large = model(20), model(40)
print("20 in one sum:", round(evaluated(small, small.logp()), 6))
try:
    print("40 in one sum:", evaluated(large, large.logp()))
except NotImplementedError as error:
    print("40 in one sum:", "more than 32 operands" in str(error))
pairs = functools.reduce(operator.add, [term.sum() for term in large.logp(sum=False)])
print("40 in pairs:", round(evaluated(large, pairs), 6))
PY
env/bin/python density.py | tee seen.txt
diff seen.txt - <<'SEEN'
20 in one sum: -18.378771
40 in one sum: True
40 in pairs: -36.757541
SEEN
