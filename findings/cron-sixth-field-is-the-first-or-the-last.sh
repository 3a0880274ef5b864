#!/usr/bin/env bash
# cronsim 2.8 and croniter 7.0.0 (Python 3.13). Both read an expression of six fields, and with seconds. cronsim takes
# the first field for the seconds and moves the others by one; croniter takes the sixth and leaves the others in
# place. "0 5 6 1 * 3" is 06:05:00 on the first day of a month and on Wednesdays in cronsim, and 05:00:03 on 6 January
# in croniter. Neither warns.
# One expects a field too many to be refused, or to mean one thing. A field more than intended, a slip of the
# keyboard, turns a weekly job into one that runs once a year, or sixty times a minute where a star comes first.
# What to do: count the fields before an expression goes to either library, and refuse all but five.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check cronsim==2.8 croniter==7.0.0
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(cronsim|croniter)=='
cat > six.py <<'PY'
from datetime import UTC, datetime

from croniter import croniter
from cronsim import CronSim

begin = datetime(2026, 1, 1, tzinfo=UTC)
for expression in ("5 6 1 * 3", "0 5 6 1 * 3"):
    ours, theirs = CronSim(expression, begin), croniter(expression, begin)
    two = [next(ours) for _ in range(2)], [theirs.get_next(datetime) for _ in range(2)]
    for library, times in zip(("cronsim ", "croniter"), two, strict=True):
        print(f"{library} {expression}:", *(f"{time:%d.%m.%Y %H:%M:%S}" for time in times), sep="  ")
PY
env/bin/python six.py | tee seen.txt
diff seen.txt - <<'SEEN'
cronsim  5 6 1 * 3:  01.01.2026 06:05:00  07.01.2026 06:05:00
croniter 5 6 1 * 3:  01.01.2026 06:05:00  07.01.2026 06:05:00
cronsim  0 5 6 1 * 3:  01.01.2026 06:05:00  07.01.2026 06:05:00
croniter 0 5 6 1 * 3:  06.01.2026 05:00:03  06.01.2027 05:00:03
SEEN
