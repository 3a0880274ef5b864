#!/usr/bin/env bash
# xarray 2026.9.0 with zarr 3.4.2, pandas 3.1.1 (Python 3.13). A store that was written with whole days has its times as
# whole numbers of days. to_zarr(append_dim="time") of two later times, six in the morning and six in the evening,
# encodes them in hours, writes the numbers 54 and 66 behind the days, and leaves the unit of the store as it was. The
# rows come back as 24 February and 8 March instead of 3 January. The only word is a UserWarning that the times are
# serialised in hours "instead"; it does not say that the store still says days.
# One expects the appended rows to come back with their times, or an error. It matters for a record that grows run by
# run: the series stays sorted, lengths and values are right, and only the dates are wrong.
# What to do: write the first part with a unit fine enough for all that will come, encoding={"time": {"units": "seconds
# since 1970-01-01"}}, and turn warnings into errors where files are written.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check xarray==2026.9.0 zarr==3.4.2 pandas==3.1.1 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(xarray|zarr|pandas|numpy)=='
cat > append.py <<'PY'
import warnings

import pandas as pd
import xarray as xr

DAYS = pd.to_datetime(["2026-01-01", "2026-01-02"])
LATER = pd.to_datetime(["2026-01-03 06:00", "2026-01-03 18:00"])


def appended(store, encoding=None):
    """The times of a store to which LATER is appended, and the warnings about it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number, times in enumerate((DAYS, LATER)):
            part = xr.Dataset({"x": ("time", [1.0, 2.0])}, {"time": times})
            how = {"append_dim": "time"} if number else {"encoding": encoding}
            part.to_zarr(store, zarr_format=2, consolidated=False, **how)
    said = sorted({warning.category.__name__ for warning in caught if "serialized" in str(warning.message)})
    return list(xr.open_zarr(store, consolidated=False).time.dt.strftime("%m-%d %H:%M").values), said


print("as it comes:", *appended("days"))
print("in seconds:", *appended("seconds", {"time": {"units": "seconds since 1970-01-01"}}))
PY
env/bin/python append.py | tee seen.txt
diff seen.txt - <<'SEEN'
as it comes: ['01-01 00:00', '01-02 00:00', '02-24 00:00', '03-08 00:00'] ['UserWarning']
in seconds: ['01-01 00:00', '01-02 00:00', '01-03 06:00', '01-03 18:00'] []
SEEN
