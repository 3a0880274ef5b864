#!/usr/bin/env bash
# arviz-base 1.3.1 (of ArviZ 1.3.0, Python 3.13). Its import looks for arvizrc in XDG_CONFIG_HOME, or in ~/.config if
# that is not set. It works out ~/.config in any case, because the default of os.environ.get is computed before the
# call. A user number without HOME and without an entry in the list of users, as containers have, gets "Could not
# determine home directory" from the import, whether XDG_CONFIG_HOME is set or not.
# One expects that a variable that names the folder makes the home needless, and that a missing home does not stop the
# import of a library. It matters in containers and batch jobs that run under a bare user number.
# What to do: set HOME to any text before the import; the folder need not exist.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check arviz-base==1.3.1
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(arviz-base|xarray|numpy)=='
cat > home.py <<'PY'
import os
import pwd
import sys


def no_entry(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")


pwd.getpwuid = no_entry  # what the function does for a number without an entry
os.environ.pop("HOME", None)
os.environ["XDG_CONFIG_HOME"] = os.getcwd()
if sys.argv[1:]:
    os.environ["HOME"] = sys.argv[1]
try:
    import arviz_base

    print("imported", arviz_base.__version__)
except RuntimeError as error:
    print("RuntimeError:", error)
PY
{ env/bin/python home.py; env/bin/python home.py /nonexistent; } | tee seen.txt
diff seen.txt - <<'SEEN'
RuntimeError: Could not determine home directory.
imported 1.3.1
SEEN
