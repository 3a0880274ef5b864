#!/usr/bin/env bash
# xarray 2026.9.0 with netCDF4 1.7.5.1.post1 (Python 3.13). A variable whose unit holds the word "since", such as
# "deaths since the last report" or "percent since 2014", is written without a word, and then no variable of the file
# can be opened: the unit is taken for a date, and `open_dataset` raises ValueError. Only dates of CF conventions have the
# form "<time unit> since <date>"; "percent" is no time unit. One expects that a unit that is no time stays a unit, or
# that `to_netcdf` refuses what `open_dataset` cannot read. It matters for tables of durations and changes, whose units
# name their beginning.
# What to do: put the beginning into `long_name`, or open with `decode_times=False`.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check xarray==2026.9.0 netCDF4==1.7.5.1.post1 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(netCDF4|numpy|xarray)=='
cat > since.py <<'PY'
import xarray as xr

for unit in ("deaths", "deaths since the last report", "percent since 2014", "quarters since entry"):
    table = xr.Dataset({"change": ("row", [1.0, 2.0], {"units": unit}), "other": ("row", [3.0, 4.0])})
    table.to_netcdf("table.nc")
    try:
        with xr.open_dataset("table.nc") as opened:
            found = f"unit {opened['change'].attrs['units']!r}"
    except ValueError:
        found = "ValueError"
    with xr.open_dataset("table.nc", decode_times=False) as opened:
        kept = opened["change"].attrs["units"] == unit
    print(f"{unit}: {found}; without times {'kept' if kept else 'lost'}")
PY
env/bin/python since.py | tee seen.txt
diff seen.txt - <<'SEEN'
deaths: unit 'deaths'; without times kept
deaths since the last report: ValueError; without times kept
percent since 2014: ValueError; without times kept
quarters since entry: ValueError; without times kept
SEEN
