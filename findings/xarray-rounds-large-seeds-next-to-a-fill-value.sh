#!/usr/bin/env bash
# xarray 2026.9.0 against netCDF4 1.7.5.1.post1 (Python 3.13). A variable of 64-bit whole numbers with a _FillValue is
# read by xarray as float64, even if no cell is missing. Floats hold whole numbers only up to 2**53, so a larger one
# comes back as its neighbour; written again by xarray it is int64 in the file as before, with the neighbour's value.
# netCDF4 reads the same file exactly, as a masked array of whole numbers.
# One expects a whole number to be read exactly or refused; type and attributes of the file look untouched after the
# round trip. It matters for seeds, hashes and row numbers that are kept with results: the run can no longer be repeated
# from its own file.
# What to do: write such variables without a fill value (xarray adds none to whole numbers), store them as text, or open
# with mask_and_scale=False.
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
cat > seeds.py <<'PY'
import netCDF4
import xarray as xr

SEEDS = [2**53 + 1, 2**53 + 3, 5]


def off(values):
    return [int(value) - seed for value, seed in zip(values, SEEDS, strict=True)]


def by_netcdf4(path):
    with netCDF4.Dataset(path) as file:
        return f"{file['seed'].dtype} off by {off(file['seed'][:])}"


with netCDF4.Dataset("seeds.nc", "w") as file:
    file.createDimension("run", 3)
    file.createVariable("seed", "i8", ("run",), fill_value=-1)[:] = SEEDS
print("netCDF4:", by_netcdf4("seeds.nc"))
with xr.open_dataset("seeds.nc") as read:
    print("xarray:", read.seed.dtype, "off by", off(read.seed.values))
    read.load().to_netcdf("again.nc")
print("written again, netCDF4:", by_netcdf4("again.nc"))
with xr.open_dataset("seeds.nc", mask_and_scale=False) as read:
    print("mask_and_scale=False:", read.seed.dtype, "off by", off(read.seed.values))
PY
env/bin/python seeds.py | tee seen.txt
diff seen.txt - <<'SEEN'
netCDF4: int64 off by [0, 0, 0]
xarray: float64 off by [-1, 1, 0]
written again, netCDF4: int64 off by [-1, 1, 0]
mask_and_scale=False: int64 off by [0, 0, 0]
SEEN
