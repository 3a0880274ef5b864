#!/usr/bin/env bash
# scoringrules 0.11.0, numpy backend (numpy 2.5.5, Python 3.13). crps_mixnorm(obs, m, s, w) takes non-negative weights
# and uses them as they are; crps_ensemble(ens_w=) scales its weights to one first. So weights of 1 and 1 give -1.12 for
# a mixture whose score is 0.35, although this score is never negative, and weights of 2 and 2 a lower one still.
# logs_mixnorm does the same: each doubling of all weights improves the score by log 2. Leaving w out means equal
# weights, and is right.
# One expects weights to mean the same in two functions of one library, and a score that cannot be improved by scaling.
# It matters for mixtures weighted by counts, skill or model weights that are not scaled: the best model is the one
# whose weights add up to most.
# What to do: pass w / w.sum().
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check scoringrules==0.11.0 numpy==2.5.5 scipy==1.18.1
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(scoringrules|numpy|scipy)=='
cat > mixture.py <<'PY'
import numpy as np
import scoringrules as sr

MEANS, SPREADS = np.array([0.0, 1.0]), np.array([1.0, 2.0])
for weights in (None, np.array([0.5, 0.5]), np.array([1.0, 1.0]), np.array([2.0, 2.0])):
    crps = sr.crps_mixnorm(0.2, MEANS, SPREADS, weights, backend="numpy")
    logs = sr.logs_mixnorm(0.2, MEANS, SPREADS, weights, backend="numpy")
    print(f"mixture, weights {weights}: {crps:.4f}, log score {logs:.4f}")
for weights in (np.array([0.5, 0.5]), np.array([2.0, 2.0])):
    print(f"ensemble, weights {weights}: {sr.crps_ensemble(0.2, MEANS, ens_w=weights, backend='numpy'):.4f}")
PY
env/bin/python mixture.py | tee seen.txt
diff seen.txt - <<'SEEN'
mixture, weights None: 0.3547, log score 1.2462
mixture, weights [0.5 0.5]: 0.3547, log score 1.2462
mixture, weights [1. 1.]: -1.1166, log score 0.5531
mixture, weights [2. 2.]: -9.5377, log score -0.1401
ensemble, weights [0.5 0.5]: 0.2500
ensemble, weights [2. 2.]: 0.2500
SEEN
