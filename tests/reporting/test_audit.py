"""Changing any published number, on the page, in JSON or in a table, makes the audit fail and name it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import names
from forecast.errors import RunError
from forecast.reporting import audit
from forecast.reporting.audit import audit_run, page_faults
from forecast.reporting.export_audit import export_faults
from forecast.reporting.export_tables import export_run
from forecast.reporting.html_report import write_report
from forecast.reporting.page_tables import read_tables, table_faults
from forecast.storage.runs import Run, open_run
from tests.support.bundled_scenarios import DESIGNS, WARS
from tests.support.tiny_run_folder import make_run

_TOKEN = re.compile(r"\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run, str]:
    """A workspace with a small run and its page."""
    home = tmp_path_factory.mktemp("published")
    run = make_run(home, wars=WARS[:2], designs=DESIGNS[:2], named=True)
    return home, run, write_report(run, home).read_text()


@pytest.fixture(scope="module")
def tree(published: tuple[Path, Run, str]) -> xr.DataTree:
    with published[1].projection as stored:
        return stored.load()


def changed_number(page: str, place: re.Match[str]) -> str:
    """Return the page with one digit of a number changed, the most significant one."""
    first = place[0][0]
    return f"{page[: place.start()]}{(int(first) + 1) % 10}{page[place.start() + 1 :]}"


COMPARED = (
    "all verdict probabilities",
    "differences in cohesion",
    "European spending by scenario",
    "spending of each ally",
    "change of chief executive by year",
    "by outcome of the war",
)


@pytest.mark.parametrize("name", COMPARED)
def test_a_changed_number_in_a_table_of_the_page_is_named(
    published: tuple[Path, Run, str], tree: xr.DataTree, name: str
) -> None:
    _, run, page = published
    part = next(
        m
        for m in re.finditer(r'aria-label="Table: ([^"]+)">(.*?)</table>', page, re.DOTALL)
        if name.lower() in m[1].lower()
    )
    body = part[2].find("<tbody>")
    places = [
        place
        for cell in re.finditer(r"<td[^>]*>(.*?)</td>", part[2][body:], re.DOTALL)
        if "<svg" not in cell[0]
        for place in _TOKEN.finditer(page, part.start(2) + body + cell.start(1), part.start(2) + body + cell.end(1))
    ]
    assert len(places) > 5
    chosen = np.random.default_rng(len(places)).choice(len(places), 3, replace=False)  # a sample of the table
    for place in (places[k] for k in chosen):
        _, faults = table_faults(changed_number(page, place), tree, run.headlines)
        assert faults and all(name.lower() in fault.lower() for fault in faults)


def test_the_tables_of_a_page_agree_with_its_run(published: tuple[Path, Run, str], tree: xr.DataTree) -> None:
    home, run, page = published
    count, faults = table_faults(page, tree, run.headlines)
    assert faults == [] and count > 200
    assert page_faults(home, run) == []
    assert {"spending of each ally", "all verdict probabilities"} <= {table.name for table in read_tables(page)}


def test_a_page_of_another_quarter_or_with_fewer_rows_is_named(
    published: tuple[Path, Run, str], tree: xr.DataTree
) -> None:
    _, run, page = published
    other = page.replace("(2030Q4). Shares", "(2090Q4). Shares")
    assert other != page
    assert any("which the run does not have" in fault for fault in table_faults(other, tree, run.headlines)[1])
    row = re.search(r'<tr><th scope="row">France</th>.*?</tr>', page, re.DOTALL)
    assert row
    _, faults = table_faults(page.replace(row[0], "", 1), tree, run.headlines)
    assert faults == []  # rows are found by their name; the page made again shows that one is missing
    _, faults = table_faults(page.replace("France</th>", "Atlantis</th>", 1), tree, run.headlines)
    assert any("Atlantis" in fault for fault in faults)


def test_a_changed_number_anywhere_on_the_page_is_named_with_its_section(published: tuple[Path, Run, str]) -> None:
    _, _, page = published
    places = list(_TOKEN.finditer(page, page.index("<body")))
    for k in np.random.default_rng(3).choice(len(places), 8, replace=False):  # a sample of the page
        (fault,) = audit._differences(changed_number(page, places[k]), page)
        assert "is shown, expected" in fault
        assert places[k][0] in fault
    assert "write the page again" in next(iter(audit._differences(page + "<p>more</p>", page)))


@pytest.mark.slow
def test_the_audit_of_a_whole_run_names_what_was_changed(made_run: Run, tmp_path: Path) -> None:
    home = tmp_path
    shutil.copytree(made_run.path.parents[1], home, dirs_exist_ok=True)
    run = open_run(made_run.id, home)
    page = write_report(run, home).read_text()
    export = export_run(run, "csv", home / "reports" / f"{run.id}-csv")
    table = next(export.glob("alliance-war-design-quarter-verdict.csv"))
    text = table.read_text()
    found = audit_run(home, run)
    assert found.faults == () and len(found.checked) == 6
    assert all(count > 0 for _, count in found.checked)
    questions = home / "runs" / "questions.toml"
    questions.write_text(questions.read_text().replace("[europe_in_2026]", "[europe_in_another_year]"))
    assert ("answers of 4, with the projection", 3) in audit_run(home, run).checked  # one question is another now
    prose = re.search(r"Its median in the reference scenario is (\d)", page)
    assert prose
    path = home / "reports" / run.id / "index.html"
    path.write_text(f"{page[: prose.start(1)]}9{page[prose.end(1) :]}")
    first = text.splitlines()[1]
    table.write_text(text.replace(first, f"{first.rsplit(',', 1)[0]},0.999", 1))
    faults = audit_run(home, run).faults
    path.write_text(page)
    table.write_text(text)
    assert any("index.html" in fault and "is shown, expected" in fault for fault in faults)
    assert any("alliance-war-design-quarter-verdict.csv" in fault and "0.999" in fault for fault in faults)


@pytest.mark.parametrize("to", ["csv", pytest.param("parquet", marks=pytest.mark.slow)])
def test_a_changed_number_in_an_export_is_named(
    published: tuple[Path, Run, str], tree: xr.DataTree, tmp_path: Path, to: str
) -> None:
    made_run = published[1]
    folder = export_run(made_run, to, tmp_path / to)
    count, faults = export_faults(folder, tree, made_run.headlines)
    assert faults == [] and count > 1000
    rng = np.random.default_rng(12)  # a sample of the cells
    files = [
        path
        for path in (*folder.rglob("*.csv"), *folder.rglob("*.parquet"))
        if not path.stem.endswith("-labels") and not path.stem.startswith(("joint", "counts", "mcse"))
    ]
    for path in rng.permutation(np.array(files, dtype=object))[:3]:
        before = path.read_bytes()
        frame = pd.read_parquet(path) if to == "parquet" else pd.read_csv(path, keep_default_na=False)
        column = "value" if "value" in frame else str(frame.columns[-1])
        row = int(rng.integers(len(frame)))
        frame[column] = frame[column].astype(float)
        frame.loc[row, column] = frame.loc[row, column] + 0.01
        if to == "parquet":
            frame.to_parquet(path, index=False)
        else:
            frame.to_csv(path, index=False)
        _, faults = export_faults(folder, tree, made_run.headlines)
        path.write_bytes(before)
        assert len(faults) == 1 and str(path) in faults[0], (path, row, faults)


@pytest.mark.slow
def test_a_changed_number_in_a_hub_is_named(made_run: Run, tmp_path: Path) -> None:
    folder = export_run(made_run, "hubverse", tmp_path / "hub")
    (path,) = folder.rglob("model-output/*/*.csv")
    with made_run.projection as tree:
        count, faults = export_faults(folder, tree, made_run.headlines)
        assert faults == [] and count > 1000
        text = path.read_text()
        for kind in ("mean", "quantile", "pmf"):
            line = next(line for line in text.splitlines() if f",{kind}," in line)
            path.write_text(text.replace(line, f"{line.rsplit(',', 1)[0]},0.123456", 1))
            (fault,) = export_faults(folder, tree, made_run.headlines)[1]
            assert f" {kind} at " in fault and "0.123456 is written" in fault


def test_a_table_with_missing_rows_or_strange_labels_is_named(
    published: tuple[Path, Run, str], tree: xr.DataTree, tmp_path: Path
) -> None:
    made_run = published[1]
    folder = export_run(made_run, "csv", tmp_path / "csv")
    path = folder / "alliance-war-design-quarter-verdict.csv"
    text = path.read_text()
    for other, found in (
        ("\n".join(text.splitlines()[:-1]) + "\n", "1 numbers of the run are not in the table"),
        (text.replace("2026Q1", "2076Q1", 1), "'2076Q1', which the run does not have"),
        (text.replace("verdict_probability", "odds", 1), "column odds, which the run does not have"),
    ):
        path.write_text(other)
        assert any(found in fault for fault in export_faults(folder, tree, made_run.headlines)[1])
    path.write_text(text)
    lines = (folder / "headlines.csv").read_text().splitlines()
    (folder / "headlines.csv").write_text("\n".join(lines[:-1]) + "\n")
    assert any("headlines, the run has" in fault for fault in export_faults(folder, tree, made_run.headlines)[1])


def test_a_changed_headline_makes_the_audit_fail_before_anything_is_compared(tmp_path: Path) -> None:
    run = make_run(tmp_path, wars=WARS[:1], designs=DESIGNS[:1])
    path = run.path / names.HEADLINES
    path.write_text(path.read_text().replace('"value": 0.', '"value": 0.1', 1))
    with pytest.raises(RunError, match=r"headlines\.json was changed since the run was written"):
        audit_run(tmp_path, open_run(run.id, tmp_path))
