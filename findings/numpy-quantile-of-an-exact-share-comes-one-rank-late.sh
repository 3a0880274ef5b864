#!/usr/bin/env bash
# numpy 2.5.5, against duckdb 2.0.1 (Python 3.13). The 55 percent quantile of the ranks 1 to 100 by the inverse of the
# distribution function is 55, for 55 of 100 values are no larger. numpy.quantile(method="inverted_cdf") says 56: it
# computes 100 * 0.55, which is 55.00000000000001 in floating point, and takes the next rank. The same call with weights
# of one says 55, for it compares cumulative shares, and so does quantile_disc of duckdb. Of the whole percentages of
# 100 values, 7, 14, 28, 55 and 56 are hit; "averaged_inverted_cdf" misses the same ones, where it should take the mean
# of two ranks.
# It matters where a forecast of 100 or 200 paths is cut at the levels of a forecast hub (0.55 is one of them): the
# quantile is one path too high, and two programs that follow the same definition do not agree.
# What to do: choose a number of draws that hits no level of yours (1000 and 4000 hit none of a hub's 23), or sort the
# draws and take the rank from whole numbers: -(-n * percent // 100).
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check numpy==2.5.5 duckdb==2.0.1
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(numpy|duckdb)=='
cat > quantiles.py <<'PY'
import duckdb
import numpy as np

HUB = [1, 2.5, *range(5, 100, 5), 97.5, 99]


def late(size, percents, method="inverted_cdf", weights=None):
    """The percents of which the quantile of the ranks 1 to size is not the rank that whole numbers give."""
    ranks = np.arange(1, size + 1)
    given = {p: np.quantile(ranks, p / 100, method=method, weights=weights) for p in percents}
    return [p for p in percents if given[p] != -(-round(size * p * 10) // 1000)]


print("0.55 of 1..100:", np.quantile(np.arange(1, 101), 0.55, method="inverted_cdf"))
print("one rank late of 100:", late(100, range(1, 100)))
print("with weights of one:", late(100, range(1, 100), weights=np.ones(100)))
print("levels of a hub:", *(f"{size} values {late(size, HUB)}" for size in (100, 200, 1000, 4000)))
levels = [p / 100 for p in range(1, 100)]
(ranks,) = duckdb.sql(f"select quantile_disc(i, {levels}) from range(1, 101) t(i)").fetchall()[0]
print("duckdb:", ranks == list(range(1, 100)))
halfway = [np.quantile(np.arange(1, 101), p / 100, method="averaged_inverted_cdf") for p in (54, 55)]
print("averaged, 0.54 and 0.55:", *halfway)
PY
env/bin/python quantiles.py | tee seen.txt
diff seen.txt - <<'SEEN'
0.55 of 1..100: 56
one rank late of 100: [7, 14, 28, 55, 56]
with weights of one: []
levels of a hub: 100 values [55] 200 values [55] 1000 values [] 4000 values []
duckdb: True
averaged, 0.54 and 0.55: 54.5 56.0
SEEN
