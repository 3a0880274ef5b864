#!/usr/bin/env bash
# pandas 3.1.1 with pyarrow 26.0.1, against duckdb 2.0.1 and polars 2.1.0 (Python 3.13). A column of quarters (Period)
# goes to Parquet as whole numbers with a note that only pandas reads. duckdb and polars give 224 for 2026Q1, the count
# of quarters since 1970. And the count is that of the fiscal calendar in use: 2026Q1 of a year that ends in June (from
# July 2025) is 224 as well as that of a calendar year (from January 2026), so from the numbers alone two tables join on
# quarters half a year apart.
# One expects a date, a text "2026Q1", or a refusal to write. It matters where results are read by another tool: pandas
# brings the quarters back whole, so a test by reading again shows nothing.
# What to do: write to_timestamp() or astype(str) of the column instead.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check pandas==3.1.1 pyarrow==26.0.1 duckdb==2.0.1 \
    polars==2.1.0 numpy==2.5.5
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(pandas|pyarrow|duckdb|polars|numpy)=='
cat > quarters.py <<'PY'
import warnings

import duckdb
import pandas as pd
import polars as pl

warnings.filterwarnings("ignore", module="polars")
for calendar in ("Q-DEC", "Q-JUN"):
    table = pd.DataFrame({"quarter": pd.PeriodIndex(["2026Q1"], freq=calendar)})
    table.to_parquet("quarters.parquet")
    starts = table.quarter[0].start_time.date()
    by_duckdb = duckdb.sql("select quarter from 'quarters.parquet'").fetchall()[0][0]
    by_polars = pl.read_parquet("quarters.parquet")["quarter"].to_list()[0]
    by_pandas = pd.read_parquet("quarters.parquet").quarter[0]
    print(f"{calendar} starts {starts}: pandas {by_pandas}, duckdb {by_duckdb}, polars {by_polars}")
table.assign(quarter=table.quarter.astype(str)).to_parquet("quarters.parquet")
print("as text, duckdb:", duckdb.sql("select quarter from 'quarters.parquet'").fetchall()[0][0])
PY
env/bin/python quarters.py | tee seen.txt
diff seen.txt - <<'SEEN'
Q-DEC starts 2026-01-01: pandas 2026Q1, duckdb 224, polars 224
Q-JUN starts 2025-07-01: pandas 2026Q1, duckdb 224, polars 224
as text, duckdb: 2026Q1
SEEN
