#!/usr/bin/env bash
# pydantic 2.14.4 (Python 3.13). A field of type datetime takes whole numbers, and texts made of digits, as seconds
# since 1970. start = 2026 in a TOML file becomes 1 January 1970, 00:33:46; "20260101", which is a date in the basic
# form of ISO 8601 and which datetime.fromisoformat of Python reads as 1 January 2026, becomes 23 August 1970. No error
# is raised. A field of type date refuses the same values, for they have a time of day left over.
# One expects a refusal, or the reading of the standard library. It matters for start dates in configuration: a start in
# 1970 passes every check for "not in the future" and widens the window of data to all there is.
# What to do: use a date field for days; for datetime, Field(strict=True) takes only a real TOML date with a time (and
# refuses a bare TOML date); or check a lowest allowed year, Field(ge=datetime(1990, 1, 1)).
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check pydantic==2.14.4
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(pydantic)=='
cat > years.py <<'PY'
import tomllib
from datetime import date, datetime

from pydantic import TypeAdapter, ValidationError


def show(kind, value, **keywords):
    try:
        return str(TypeAdapter(kind).validate_python(value, **keywords))
    except ValidationError:
        return "refused"


for text in ("2026", "20260101", '"20260101"', "2026-01-01T00:00:00", "2026-01-01"):
    value = tomllib.loads(f"start = {text}")["start"]
    print(f"{text}: {show(datetime, value)}; strict: {show(datetime, value, strict=True)}; date: {show(date, value)}")
print("standard library:", datetime.fromisoformat("20260101"))
PY
env/bin/python years.py | tee seen.txt
diff seen.txt - <<'SEEN'
2026: 1970-01-01 00:33:46+00:00; strict: refused; date: refused
20260101: 1970-08-23 11:48:21+00:00; strict: refused; date: refused
"20260101": 1970-08-23 11:48:21+00:00; strict: refused; date: refused
2026-01-01T00:00:00: 2026-01-01 00:00:00; strict: 2026-01-01 00:00:00; date: 2026-01-01
2026-01-01: 2026-01-01 00:00:00; strict: refused; date: 2026-01-01
standard library: 2026-01-01 00:00:00
SEEN
