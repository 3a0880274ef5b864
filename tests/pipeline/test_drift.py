"""The drift of a table counts its rows and measures changes against revisions of the past."""

from pathlib import Path

import pandas as pd
import pytest

from forecast.data.editions import compare_editions
from forecast.data.tables import load_tables
from forecast.errors import DataError
from forecast.pipeline.drift import drift_lines, drift_record, drift_text, table_drift, usual_revision
from forecast.storage.runs import Run

HEAD = "country,year,basis,share_gdp,estimate,source\n"
BEFORE = HEAD + "FRA,2022,nato,2.0,,x\nFRA,2023,nato,2.0,,x\nDEU,2023,nato,1.6,,x\nITA,2023,nato,1.5,,x\n"
AFTER = HEAD + "FRA,2022,nato,2.5,,x\nFRA,2023,nato,2.02,,x\nDEU,2023,nato,1.6,,y\nPOL,2023,nato,3.9,,x\n"


def test_rows_and_changes_are_counted_and_measured() -> None:
    drift = table_drift(compare_editions("defence_spending", BEFORE, AFTER), usual=0.05)
    assert (drift.added, drift.removed, drift.revised) == (1, 1, 3)
    assert drift.largest == pytest.approx(0.25) and drift.unusual == 1
    assert drift.where == "FRA, 2022, nato: share_gdp 2.0 is now 2.5"
    text = drift_text(drift)
    assert "1 rows added, 1 removed, 3 revised; the largest change is 25.0 %" in text.replace("%", " %")
    assert drift_record(drift)["text"] == text
    assert table_drift(compare_editions("defence_spending", BEFORE, AFTER), usual=None).unusual == 0


def test_a_table_without_numbers_that_changed_has_no_largest_change() -> None:
    drift = table_drift(compare_editions("defence_spending", BEFORE, BEFORE.replace("0,,x", "0,,z")), usual=0.05)
    assert (drift.revised, drift.largest, drift.where, drift.unusual) == (2, None, "", 0)
    assert drift_text(drift) == "defence_spending: 0 rows added, 0 removed, 2 revised"


def test_usual_revisions_leave_out_figures_that_are_repeated() -> None:
    rows = [("FRA", 2020, "nato", f"20{20 + k}-06", 2.0 * factor) for k, factor in enumerate((1, 1, 1.1, 1.1))]
    rows += [("DEU", 2020, "nato", f"20{20 + k}-06", 1.0 + 0.02 * k) for k in range(2)]
    vintages = pd.DataFrame(rows, columns=["country", "year", "basis", "vintage", "share_gdp"])
    assert usual_revision(vintages) == pytest.approx(0.02 + 0.95 * (0.1 - 0.02))
    assert usual_revision(vintages.iloc[:1]) is None
    bundled = usual_revision(load_tables().defence_spending_vintages)
    assert bundled is not None and 0.02 < bundled < 0.3


def test_a_workspace_tells_what_changed_since_its_newest_run(made_run: Run, tmp_path: Path) -> None:
    import shutil

    home = made_run.path.parents[1]
    assert drift_lines(tmp_path) == [] and drift_lines(home) == []
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tables").mkdir()
    source = Path(__file__).parents[2] / "forecast" / "data" / "tables" / "defence_spending.csv"
    lines = source.read_text().splitlines()
    row = next(k for k, line in enumerate(lines) if line.startswith("FRA,2020,nato"))
    cells = lines[row].split(",")
    lines[row] = ",".join([*cells[:3], str(float(cells[3]) * 1.5), *cells[4:]])
    (tmp_path / "tables" / "defence_spending.csv").write_text("\n".join(lines) + "\n")
    (line,) = drift_lines(tmp_path)
    assert f"since {made_run.id}, defence_spending: 0 rows added, 0 removed, 1 revised" in line
    assert "50.0%" in line and "1 changed by more than" in line
    (tmp_path / "tables" / "defence_spending.csv").write_text("nothing\n")
    with pytest.raises(DataError):
        drift_lines(tmp_path)
