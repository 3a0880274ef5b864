#!/usr/bin/env bash
# statsmodels 0.15.0 (pandas 3.1.1, numpy 2.5.5, Python 3.13). The intervals of ThetaModel grow too fast. It uses the
# variance sigma^2 (1 + (h - 1) (1 + (alpha - 1)^2)) after h steps; the moving average that it names, an ARIMA(0, 1, 1)
# with coefficient alpha - 1, has sigma^2 (1 + (h - 1) alpha^2). For a series that stays at its level, alpha is near 0:
# the band after 20 steps is six times as wide as the first, where ARIMA with the same equation keeps it.
# One expects the two classes of one library to give the same model the same intervals.
# It matters for coverage and for scores: the wider the band, the better calibrated a rival looks beside it. With the
# default fit, the method also estimates a second model by maximum likelihood, which took 1.2 s instead of 0.05 s.
# What to do: take the forecast from ThetaModel and the variance from the formula of ARIMA(0, 1, 1).
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check statsmodels==0.15.0 numpy==2.5.5 pandas==3.1.1 scipy==1.18.1
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(statsmodels|numpy|pandas|scipy)=='
cat > theta.py <<'PY'
import warnings

import numpy as np
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.forecasting.theta import ThetaModel

warnings.simplefilter("ignore")
noise = np.random.default_rng(1).normal(size=400)  # independent values around 0: no level moves
theta = ThetaModel(noise, period=1, deseasonalize=False).fit(use_mle=True)
band = theta.prediction_intervals(20, alpha=0.2)
width = (band["upper"] - band["lower"]).to_numpy()
print(f"alpha below 0.02: {theta.params.iloc[1] < 0.02}")
print(f"Theta, width after 20 steps over width after 1: {width[19] / width[0]:.1f}")
arima = ARIMA(noise, order=(0, 1, 1), trend="t").fit()
error = arima.get_forecast(20).se_mean
print(f"ARIMA(0, 1, 1) with drift, the same model: {error[19] / error[0]:.1f}")
PY
env/bin/python theta.py | tee seen.txt
diff seen.txt - <<'SEEN'
alpha below 0.02: True
Theta, width after 20 steps over width after 1: 6.2
ARIMA(0, 1, 1) with drift, the same model: 1.0
SEEN
