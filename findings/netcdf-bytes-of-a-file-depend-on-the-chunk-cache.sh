#!/usr/bin/env bash
# netCDF4 1.7.5.1.post1 (Python 3.13). The size of the chunk cache is a setting of the process, 64 MiB for each variable
# of an open file. It changes the file that is written: with a cache smaller than the chunks in work, the same values,
# chunks and compression give a file of other bytes, and a larger one, as chunks that leave the cache are written early
# and written again. One expects that a cache changes time and memory and not what is stored. It matters for archives
# that compare files by their checksum: a process that saves memory by a smaller cache writes other files.
# What to do: write with the same cache everywhere, and make it smaller only for reading.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check netCDF4==1.7.5.1.post1 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(netCDF4|numpy)=='
cat > cache.py <<'PY'
import netCDF4
import numpy as np

values = np.random.default_rng(0).normal(size=(40, 100, 200)).cumsum(0).astype("f4")
usual = netCDF4.get_chunk_cache()
print("bytes of the cache by default:", usual[0])


def written(path, size):
    netCDF4.set_chunk_cache(size, *usual[1:])
    with netCDF4.Dataset(path, "w") as file:
        for name, length in zip("tyx", values.shape):
            file.createDimension(name, length)
        variable = file.createVariable("v", "f4", ("t", "y", "x"), zlib=True, chunksizes=(10, 50, 50))
        for t in range(len(values)):
            variable[t] = values[t]
    netCDF4.set_chunk_cache(*usual)
    with open(path, "rb") as file:
        return file.read()


first, again, small = written("a.nc", usual[0]), written("b.nc", usual[0]), written("c.nc", 100_000)
with netCDF4.Dataset("a.nc") as a, netCDF4.Dataset("c.nc") as c:
    print("same values:", bool((a["v"][:] == c["v"][:]).all()))
print("same bytes with the same cache:", first == again)
print("same bytes with a small cache:", first == small)
print("larger by more than a tenth:", len(small) > 1.1 * len(first))
PY
env/bin/python cache.py | tee seen.txt
diff seen.txt - <<'SEEN'
bytes of the cache by default: 67108864
same values: True
same bytes with the same cache: True
same bytes with a small cache: False
larger by more than a tenth: True
SEEN
