#!/usr/bin/env bash
# cronsim 2.8, Europe/Berlin. On 25 October 2026 the clock shows 02:00 to 02:59 twice. An iteration that begins in the
# second pass, at 02:05 (01:05 UTC, fold=1), gives 02:30 of the first pass as the next time of "30 2 * * *": 00:30
# UTC, which is 35 minutes before the beginning. It does so for fixed minutes and hours only. "*/10 * * * *" goes on
# with 01:10 UTC.
# One expects every time of an iteration to be later than its beginning. A scheduler that sleeps until the next time
# does not sleep at all, and looks again in a tight loop until the second pass is over.
# What to do: drop times that are not later than now, compared in UTC, or compare the next time with the clock and
# sleep for at least a second.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check cronsim==2.8
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(cronsim)=='
cat > repeated.py <<'PY'
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

begin = datetime(2026, 10, 25, 1, 5, tzinfo=UTC)
for expression in ("30 2 * * *", "*/10 * * * *"):
    times = CronSim(expression, begin.astimezone(ZoneInfo("Europe/Berlin")))
    for _ in range(2):
        time = next(times).astimezone(UTC)
        minutes = (time - begin).total_seconds() / 60
        print(f"{expression}: {time:%d %H:%M} UTC, {minutes:.0f} minutes after the beginning")
PY
env/bin/python repeated.py | tee seen.txt
diff seen.txt - <<'SEEN'
30 2 * * *: 25 00:30 UTC, -35 minutes after the beginning
30 2 * * *: 26 01:30 UTC, 1465 minutes after the beginning
*/10 * * * *: 25 01:10 UTC, 5 minutes after the beginning
*/10 * * * *: 25 01:20 UTC, 15 minutes after the beginning
SEEN
