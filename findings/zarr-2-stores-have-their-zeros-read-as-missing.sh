#!/usr/bin/env bash
# zarr 3.4.2 with xarray 2026.9.0 (Python 3.13). create_array of zarr gives every array a fill value, 0 unless another
# is given, for blocks that were never written. In format 2 xarray takes that fill value for the mark of a missing cell;
# in format 3 it does not. The same counts written by the same call come back in format 2 as floats with NaN for each
# zero that was really counted, and their mean is that of the years with exits only: 1.5 instead of 0.75. A store that
# xarray wrote itself is right in both formats, so a test that writes and reads with xarray sees nothing.
# One expects the format of the store to change the layout of its files and not its numbers. It matters for everything
# whose commonest value is 0.
# The switch that is documented for it, use_zarr_fill_value_as_mask=False, is accepted and changes nothing.
# What to do: pass fill_value=None to create_array for format 2, or open with mask_and_scale=False.
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
cat > zeros.py <<'PY'
import numpy as np
import xarray as xr
import zarr

EXITS = np.array([0, 2, 0, 1], dtype="int32")


def store(name, zarr_format, **keywords):
    """A store with the counts of exits, written by zarr with the names of dimensions that xarray asks for."""
    group = zarr.open_group(name, mode="w", zarr_format=zarr_format)
    if zarr_format == 3:
        keywords["dimension_names"] = ["year"]
    array = group.create_array("exits", shape=(4,), chunks=(4,), dtype="int32", **keywords)
    array[:] = EXITS
    if zarr_format == 2:
        array.attrs["_ARRAY_DIMENSIONS"] = ["year"]
    return name


def show(label, path, **keywords):
    exits = xr.open_zarr(path, consolidated=False, **keywords).exits
    print(label, exits.dtype, exits.values.tolist(), "mean", float(exits.mean()))


show("format 2:", store("two", 2))
show("format 3:", store("three", 3))
show("format 2, no fill value:", store("none", 2, fill_value=None))
show("format 2, the switch:", "two", use_zarr_fill_value_as_mask=False)
show("format 2, no decoding:", "two", mask_and_scale=False)
xr.Dataset({"exits": ("year", EXITS)}).to_zarr("own", zarr_format=2, consolidated=False)
show("format 2, by xarray:", "own")
PY
env/bin/python zeros.py | tee seen.txt
diff seen.txt - <<'SEEN'
format 2: float64 [nan, 2.0, nan, 1.0] mean 1.5
format 3: int32 [0, 2, 0, 1] mean 0.75
format 2, no fill value: int32 [0, 2, 0, 1] mean 0.75
format 2, the switch: float64 [nan, 2.0, nan, 1.0] mean 1.5
format 2, no decoding: int32 [0, 2, 0, 1] mean 0.75
format 2, by xarray: int32 [0, 2, 0, 1] mean 0.75
SEEN
