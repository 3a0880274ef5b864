#!/usr/bin/env bash
# pydantic-core 2.50.4 with pydantic 2.14.3, jiter 0.16.0, and the json module of Python 3.13. The number 1e999 is
# valid JSON, but no float can hold it. pydantic_core.from_json(text, allow_inf_nan=False) and jiter.from_json, with
# the same argument, refuse the words NaN and Infinity and return the float inf for 1e999 and for a number of 400
# digits with a decimal point. So does json.loads with a parse_constant that refuses the words.
# One expects that no infinite number comes out of a call that forbids infinite numbers. It matters where a sum, a
# JSON writer or a limit such as "x < 100" follows, which a typing error in an exponent was to be kept away from.
# What to do: validate the number too. A TypeAdapter of a float with Field(allow_inf_nan=False) refuses 1e999.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check pydantic==2.14.3 pydantic-core==2.50.4 jiter==0.16.0
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(pydantic|pydantic_core|jiter)=='
cat > overflow.py <<'PY'
import json
from typing import Annotated

import jiter
import pydantic_core
from pydantic import Field, TypeAdapter

FINITE = TypeAdapter(Annotated[float, Field(allow_inf_nan=False)])


def forbid(word):
    raise ValueError(word)


READERS = {
    "pydantic_core": lambda text: pydantic_core.from_json(text, allow_inf_nan=False),
    "jiter": lambda text: jiter.from_json(text.encode(), allow_inf_nan=False),
    "json": lambda text: json.loads(text, parse_constant=forbid),
    "TypeAdapter": FINITE.validate_json,
}
for name, read in READERS.items():
    for text in ("Infinity", "1e999", "-1e999", "9" * 400 + ".0"):
        try:
            found = read(text)
        except ValueError:
            found = "refused"
        print(f"{name}: {text[:8]} is {found}")
PY
env/bin/python overflow.py | tee seen.txt
diff seen.txt - <<'SEEN'
pydantic_core: Infinity is refused
pydantic_core: 1e999 is inf
pydantic_core: -1e999 is -inf
pydantic_core: 99999999 is inf
jiter: Infinity is refused
jiter: 1e999 is inf
jiter: -1e999 is -inf
jiter: 99999999 is inf
json: Infinity is refused
json: 1e999 is inf
json: -1e999 is -inf
json: 99999999 is inf
TypeAdapter: Infinity is refused
TypeAdapter: 1e999 is refused
TypeAdapter: -1e999 is refused
TypeAdapter: 99999999 is refused
SEEN
