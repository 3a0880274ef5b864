#!/usr/bin/env bash
# frictionless 5.21.0 (Python 3.13). Without a schema the type of a column is guessed from its first hundred rows, and
# the guess is made once nine tenths of them fit. A table of 100 rows has numbers and one text, ">100". With the text in
# row 50 the column is text and every cell is kept; with the text in row 95 the column is whole numbers, and read_rows()
# gives None for it: no warning, no error raised. The same cells in another order are another table. In 200 rows any
# text after row 90 is lost.
# One expects the guess not to depend on the order of rows, and reading to fail where a cell does not fit. It matters
# for the marks that statisticians put into numeric columns (">100", "n.a.", "5 (estimate)"), often in the newest rows,
# which are the last.
# What to do: validate() names the cell, so call it before reading; or let the guess see all and be sure,
# Detector(field_confidence=1, sample_size=...). Best is a schema.
set -euo pipefail
for python in "${FORECAST_PYTHON:-}" python3.13 python3.12 python3.14 python3; do
    "$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$python" -m venv env
env/bin/python -m pip install -q --disable-pip-version-check frictionless==5.21.0
env/bin/python -m pip freeze --disable-pip-version-check | grep -iE '^(frictionless)=='
cat > guess.py <<'PY'
from pathlib import Path

from frictionless import Detector, Resource, validate


def show(size, row, **keywords):
    """Read a table of numbers that has one text at the given row, the first row being 1."""
    cells = [str(number) for number in range(size)]
    cells[row - 1] = ">100"
    Path("exits.csv").write_text("\n".join(["exits", *cells]) + "\n")
    resource = Resource("exits.csv", **keywords)
    cell = resource.read_rows()[row - 1]["exits"]
    print(f"row {row} of {size}: type {resource.schema.get_field('exits').type}, cell {cell!r}")


show(100, 50)
show(100, 95)
show(200, 150)
print("validate:", validate("exits.csv").flatten(["rowNumber", "fieldName", "type"]))
show(200, 150, detector=Detector(field_confidence=1, sample_size=1000))
PY
env/bin/python guess.py | tee seen.txt
diff seen.txt - <<'SEEN'
row 50 of 100: type string, cell '>100'
row 95 of 100: type integer, cell None
row 150 of 200: type integer, cell None
validate: [[151, 'exits', 'type-error']]
row 150 of 200: type string, cell '>100'
SEEN
