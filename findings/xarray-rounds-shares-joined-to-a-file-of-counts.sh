#!/usr/bin/env bash
# xarray 2026.9.0 with netCDF4 1.7.5.1.post1 (Python 3.13). A file of counts with a mark for missing (_FillValue) is
# read as floats, and each variable keeps in its encoding that it was int16 on disk. Arithmetic drops that encoding;
# concat, reindex and shift keep that of the first part. So counts from a file, joined to shares computed in memory, are
# fine in memory and are written as whole numbers: 0.3 becomes 0 and 0.7 becomes 1, with no warning.
# One expects what is in memory to be what is in the file, as it is for any variable that did not come from a file. It
# matters for yearly records that are extended by an estimate: tests that make their data in memory pass, and the file
# of the real run is rounded.
# What to do: drop_encoding() after opening, or before writing what was joined.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check xarray==2026.9.0 netCDF4==1.7.5.1.post1 pandas==3.1.1 \
    numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(xarray|netCDF4|pandas|numpy)=='
cat > joined.py <<'PY'
import numpy as np
import xarray as xr


def written(data):
    data.to_netcdf("out.nc")
    with xr.open_dataset("out.nc") as back:
        return back.exits.values.round(3).tolist()


made = xr.Dataset({"exits": ("year", [1.0, np.nan, 3.0])})
made.to_netcdf("counts.nc", encoding={"exits": {"dtype": "int16", "_FillValue": -1}})
with xr.open_dataset("counts.nc") as opened:
    counts = opened.load()
shares = xr.Dataset({"exits": ("year", [0.3, 0.7])})
for name, first in (("from memory", made), ("from the file", counts), ("drop_encoding", counts.drop_encoding())):
    joined = xr.concat([first, shares], "year")
    print(f"{name}: {joined.exits.values.round(3).tolist()} -> {written(joined)}")
years = counts.assign_coords(year=[2023, 2024, 2025])
print("reindex:", written(years.reindex(year=[2023, 2026], fill_value=0.7)))
print("arithmetic:", written(counts * 0.5))
PY
env/bin/python joined.py | tee seen.txt
diff seen.txt - <<'SEEN'
from memory: [1.0, nan, 3.0, 0.3, 0.7] -> [1.0, nan, 3.0, 0.3, 0.7]
from the file: [1.0, nan, 3.0, 0.3, 0.7] -> [1.0, nan, 3.0, 0.0, 1.0]
drop_encoding: [1.0, nan, 3.0, 0.3, 0.7] -> [1.0, nan, 3.0, 0.3, 0.7]
reindex: [1.0, 1.0]
arithmetic: [0.5, nan, 1.5]
SEEN
