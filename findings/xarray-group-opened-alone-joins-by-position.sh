#!/usr/bin/env bash
# xarray 2026.9.0 with netCDF4 1.7.5.1.post1 (Python 3.13). In a tree of groups a coordinate of the root holds for every
# group below, and DataTree writes it once, in the root. open_dataset(group=...) reads one group and does not look
# above: the variables come back without the labels they had. Two such variables whose roots list the same states in
# different orders are then subtracted by position, with no error, for without labels nothing can be compared. The
# squared errors of three states are 0.81, 0.04, 0.09 instead of 0.01, 0.04, 0.49.
# One expects the group to be what the tree shows for it, tree["forecast"].to_dataset(), which has the labels. It
# matters because reading one group by its name is a usual way to read such a file, and the mean over states looks
# plausible.
# What to do: open_datatree(file)["forecast"], or write with write_inherited_coords=True.
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
cat > groups.py <<'PY'
import xarray as xr


def tree(states, group, values):
    made = {"/": xr.Dataset(coords={"state": states}), f"/{group}": xr.Dataset({"p": ("state", values)})}
    return xr.DataTree.from_dict(made)


def errors(forecast, seen):
    squares = (forecast.p - seen.p) ** 2
    names = squares.state.values.tolist() if "state" in squares.coords else "no labels"
    return squares.values.round(2).tolist(), names


forecast, seen = tree(["A", "B", "C"], "forecast", [0.1, 0.2, 0.3]), tree(["C", "B", "A"], "seen", [1.0, 0.0, 0.0])
forecast.to_netcdf("forecast.nc")
seen.to_netcdf("seen.nc")
read = [xr.open_datatree(f"{name}.nc")[name].to_dataset().load() for name in ("forecast", "seen")]
print("trees:", *errors(*read))
print("groups:", *errors(*(xr.open_dataset(f"{name}.nc", group=name).load() for name in ("forecast", "seen"))))
forecast.to_netcdf("forecast2.nc", write_inherited_coords=True)
seen.to_netcdf("seen2.nc", write_inherited_coords=True)
again = (xr.open_dataset(f"{name}2.nc", group=name).load() for name in ("forecast", "seen"))
print("groups, inherited coordinates written:", *errors(*again))
PY
env/bin/python groups.py | tee seen.txt
diff seen.txt - <<'SEEN'
trees: [0.01, 0.04, 0.49] ['A', 'B', 'C']
groups: [0.81, 0.04, 0.09] no labels
groups, inherited coordinates written: [0.01, 0.04, 0.49] ['A', 'B', 'C']
SEEN
