#!/usr/bin/env bash
# netCDF4 1.7.5.1.post1 against xarray 2026.9.0 and h5netcdf 1.8.2 (Python 3.13). The conventions of NetCDF let a
# variable say which values are valid (valid_min, valid_max, valid_range); a cell outside counts as missing. netCDF4
# masks such cells unasked. xarray, also when it reads through netCDF4, and h5netcdf hand them on as data. The mean of
# the same variable is 0.3 by netCDF4 and 0.45 by the other two, with no warning from either.
# One expects readers of one format to agree on what is data, or xarray to decode these attributes as it does _FillValue
# and scale_factor. It matters both ways: cells marked bad in that way are data to users of xarray; and a probability
# with noted bounds loses, in netCDF4, the cells that exceed a bound by rounding.
# What to do: mark missing cells by _FillValue only, and after xarray.open_dataset compare with the bounds and use
# where().
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check xarray==2026.9.0 netCDF4==1.7.5.1.post1 h5netcdf==1.8.2 \
    h5py==3.16.0 pandas==3.1.1 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(xarray|netCDF4|h5netcdf|h5py|pandas|numpy)=='
cat > valid.py <<'PY'
import h5netcdf
import netCDF4
import numpy as np
import xarray as xr

BOUNDS = {"valid_min": 0.0, "valid_max": 1.0}
xr.Dataset({"p": ("quarter", [0.2, 0.4, 1.3, -0.1], BOUNDS)}).to_netcdf("p.nc")
with netCDF4.Dataset("p.nc") as file:
    print("netCDF4:", file["p"][:].count(), "of 4 valid, mean", round(float(file["p"][:].mean()), 3))
with xr.open_dataset("p.nc", engine="netcdf4") as read:
    print("xarray:", int(read.p.count()), "of 4 valid, mean", round(float(read.p.mean()), 3))
    kept = read.p.where((read.p >= read.p.valid_min) & (read.p <= read.p.valid_max))
    print("xarray with where:", int(kept.count()), "of 4 valid, mean", round(float(kept.mean()), 3))
with h5netcdf.File("p.nc") as file:
    values = file["p"][:]
    print("h5netcdf:", int(np.isfinite(values).sum()), "of 4 valid, mean", round(float(values.mean()), 3))
PY
env/bin/python valid.py | tee seen.txt
diff seen.txt - <<'SEEN'
netCDF4: 2 of 4 valid, mean 0.3
xarray: 4 of 4 valid, mean 0.45
xarray with where: 2 of 4 valid, mean 0.3
h5netcdf: 4 of 4 valid, mean 0.45
SEEN
