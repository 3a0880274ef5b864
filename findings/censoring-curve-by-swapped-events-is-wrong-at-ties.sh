#!/usr/bin/env bash
# scikit-survival 0.28.0 against lifelines 0.30.3 (numpy 2.5.5, pandas 2.3.3; Python 3.13). Weights against censoring
# need the curve of the censoring times. A usual way is to fit Kaplan and Meier with events and censorings swapped. By
# convention, a case that is censored at the time of another's exit is censored just after it, so the exits of that time
# are no longer at risk of censoring; the swapped fit keeps them at risk. Five at risk at time 2, one exit and one
# censored: the swapped fit (lifelines, and kaplan_meier_estimator without reverse) says 0.8, scikit-survival's
# reverse=True and its CensoringDistributionEstimator say 0.75.
# One expects the two to be one curve, as they are without ties. It matters for Brier scores and weights from panels by
# quarter or year, where almost all times are tied: the weights of all later cases are too small.
# What to do: reverse=True or CensoringDistributionEstimator; with lifelines add half a time unit to the censored times
# before swapping.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check scikit-survival==0.28.0 lifelines==0.30.3 pandas==2.3.3 \
    numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(scikit-survival|lifelines|pandas|numpy)=='
cat > censoring.py <<'PY'
import numpy as np
from lifelines import KaplanMeierFitter
from sksurv.nonparametric import CensoringDistributionEstimator, kaplan_meier_estimator
from sksurv.util import Surv

TIMES = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 5.0])
EXIT = np.array([True, True, False, True, False, True])
AT = [1.0, 2.0, 3.0, 4.0]


def show(label, curve):
    print(f"{label}: {[round(float(value), 3) for value in curve]}")


show("lifelines, swapped", KaplanMeierFitter().fit(TIMES, ~EXIT).survival_function_at_times(AT))
show("scikit-survival, swapped", kaplan_meier_estimator(~EXIT, TIMES)[1][:4])
show("scikit-survival, reverse=True", kaplan_meier_estimator(EXIT, TIMES, reverse=True)[1][:4])
later = KaplanMeierFitter().fit(np.where(EXIT, TIMES, TIMES + 0.5), ~EXIT)
show("lifelines, swapped, half a unit later", later.survival_function_at_times([value + 0.5 for value in AT]))
cases = Surv.from_arrays(EXIT, TIMES)
weights = CensoringDistributionEstimator().fit(cases).predict_ipcw(cases)
show("scikit-survival, weights", weights)
PY
env/bin/python censoring.py | tee seen.txt
diff seen.txt - <<'SEEN'
lifelines, swapped: [1.0, 0.8, 0.8, 0.4]
scikit-survival, swapped: [1.0, 0.8, 0.8, 0.4]
scikit-survival, reverse=True: [1.0, 0.75, 0.75, 0.375]
lifelines, swapped, half a unit later: [1.0, 0.75, 0.75, 0.375]
scikit-survival, weights: [1.0, 1.333, 0.0, 1.333, 0.0, 2.667]
SEEN
