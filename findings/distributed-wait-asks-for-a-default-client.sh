#!/usr/bin/env bash
# distributed 2026.8.0 (Python 3.13). Futures know their client, and future.result() and client.gather() use it. But
# distributed.wait and distributed.as_completed have no argument for a client and take the default one of the process.
# A library that makes its client with set_as_default=False, so as not to disturb that of its caller, can submit and
# gather and gets "No clients found" from both.
# One expects them to use the client of the futures, as gather does. It matters for every program that waits for the
# first of many results; with a default client of another cluster, the wait runs in that client's event loop.
# What to do: call them inside `with client.as_current():`.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check distributed==2026.8.0 dask==2026.8.0
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(dask|distributed)=='
cat > waits.py <<'PY'
import logging

import distributed

logging.disable(logging.WARNING)


def attempt(call):
    try:
        return call()
    except ValueError as error:
        return str(error).splitlines()[0]


if __name__ == "__main__":
    small = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with (
        distributed.LocalCluster(**small) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        future = client.submit(int, 7)
        print("result:", future.result())
        print("gather:", client.gather([future]))
        print("wait:", attempt(lambda: distributed.wait([future])))
        print("as_completed:", attempt(lambda: list(distributed.as_completed([future]))))
        with client.as_current():
            print("wait, as current:", len(distributed.wait([future]).done))
PY
env/bin/python waits.py | tee seen.txt
diff seen.txt - <<'SEEN'
result: 7
gather: [7]
wait: No clients found
as_completed: No clients found
wait, as current: 1
SEEN
