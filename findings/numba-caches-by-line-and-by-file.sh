#!/usr/bin/env bash
# numba 0.68.0 (numpy 2.5.5, Python 3.12 to 3.14): njit(cache=True) files machine code under the line on which the function
# starts and stamps it with the whole content of its file. A comment above the function, or a changed docstring anywhere
# in that file, therefore compiles the function anew, although its byte code is the same. A kernel that takes half a
# minute to compile pays for every edited sentence. Own locators (NUMBA_CACHE_LOCATOR_CLASSES) can decide otherwise.
# Seen: cache misses 1 (first run), 0 (unchanged), 1 (a comment line above), 1 (a docstring of another function edited).
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check numba==0.68.0 numpy==2.5.5
cat > kernel.py <<'PY'
import numba


def other():
    """What another function does."""


@numba.njit(cache=True)
def twice(x):
    return 2.0 * x
PY
misses() {
    NUMBA_CACHE_DIR="$folder/cache" env/bin/python -c '
from kernel import twice
twice(1.0)
print(sum(twice.stats.cache_misses.values()))'
}
seen="$(misses) $(misses)"
sed -i '1i # a comment' kernel.py
seen="$seen $(misses)"
sed -i 's/What another function does/What the other function does/' kernel.py
seen="$seen $(misses)"
echo "cache misses: $seen"
[ "$seen" = "1 0 1 1" ]
