"""Exports: every number of a run once and unchanged, described columns, and files that a hub and R accept."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import names
from forecast.errors import RunError
from forecast.quarters import period_end
from forecast.reporting.export_hubverse import TARGETS
from forecast.reporting.export_tables import MARK, PACKAGE, _no_formulas, _write_csv, export_run, tidy_tables
from forecast.storage.runs import Run, open_run
from tests.support.hubverse_rules import faults
from tests.support.tiny_run_folder import make_run


@pytest.fixture(scope="module")
def tree(made_run: Run) -> xr.DataTree:
    with made_run.projection as opened:
        return opened.load()


@pytest.fixture(scope="module")
def tables(tree: xr.DataTree) -> dict[str, pd.DataFrame]:
    return dict(tidy_tables(tree))


def test_every_value_is_in_one_table_unchanged(tree: xr.DataTree, tables: dict[str, pd.DataFrame]) -> None:
    for group, node in tree.children.items():
        for name, values in node.to_dataset().data_vars.items():
            table = tables["-".join([group, *map(str, values.dims)])]
            stored = values.values[np.isfinite(values.values)]
            stored = stored[stored > 0] if group == names.COUNTS else stored
            exported = table[name].dropna()
            np.testing.assert_array_equal(exported[exported > 0] if group == names.COUNTS else exported, stored)


def test_a_row_has_its_labels(tree: xr.DataTree, tables: dict[str, pd.DataFrame]) -> None:
    table = tables["missions-war-design-mission-curve-quarter"]
    row = table.sample(1, random_state=3).iloc[0]
    cell = {dim: row[dim] for dim in ("war", "design", "mission", "curve", "quarter")}
    assert tree["missions"]["survival_mean"].sel(cell).item() == row["survival_mean"]
    late = table[(table["mission"] == "unifil") & (table["quarter"] == "2027Q2")]
    assert late.empty  # the mission has ended


def test_labels_of_a_dimension_have_a_table(tables: dict[str, pd.DataFrame]) -> None:
    labels = tables["missions-mission-labels"].set_index("mission")
    assert labels.loc["willing", "kind"] == "hypothetical"
    assert "member_name" in tables["members-member-labels"]


@pytest.fixture(scope="module")
def written(made_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the exports `csv` and `parquet`."""
    folder = tmp_path_factory.mktemp("tables")
    for to in ("csv", "parquet"):
        export_run(made_run, to, folder / to)
    return folder


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_the_data_package_lists_all_files_and_columns(made_run: Run, written: Path, to: str) -> None:
    folder = written / to
    package = json.loads((folder / PACKAGE).read_text("utf-8"))
    assert package["provenance"]["run_id"] == made_run.id
    listed = {one["path"]: one["schema"]["fields"] for one in package["resources"]}
    assert {path.name for path in folder.iterdir()} - {PACKAGE, MARK} == set(listed)
    read = pd.read_csv if to == "csv" else pd.read_parquet
    for path, fields in listed.items():
        table = read(folder / path)
        assert list(table.columns) == [field["name"] for field in fields]
        assert len(table)
    fans = {field["name"]: field for field in listed[f"alliance-war-design-quarter-quantile.{to}"]}
    assert fans["cohesion"]["unit"] == "sign units"
    assert (fans["war"]["type"], fans["quantile"]["type"]) == ("string", "number")


def test_csv_and_parquet_are_equal(written: Path) -> None:
    name = "members-war-design-member-year-quantile"
    first = pd.read_csv(written / "csv" / f"{name}.csv")
    second = pd.read_parquet(written / "parquet" / f"{name}.parquet")
    assert (first["member"] == second["member"].astype(str)).all()
    # single precision, written as text with as many digits as it needs
    np.testing.assert_array_equal(first["spending_share"].astype("float32"), second["spending_share"])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run, for tests of the folders that exports are written into."""
    home = tmp_path_factory.mktemp("tiny")
    return make_run(home, wars=("win",), designs=("none",), missions=("kfor",), quarters=8)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"of somebody: {name}")
    return folder


@pytest.mark.case("B54")
def test_an_export_is_replaced_with_its_files_and_keeps_what_was_added(tiny: Run, tmp_path: Path) -> None:
    folder = export_run(tiny, "csv", tmp_path / "out")
    fill(folder, "notes.txt", ".git/HEAD", "figures/a.svg")
    (folder / ".git" / "refs").mkdir()
    (folder / "link").symlink_to("notes.txt")
    export_run(tiny, "parquet", folder)
    assert not list(folder.glob("*.csv")) and list(folder.glob("*.parquet"))
    for name in ("notes.txt", ".git/HEAD", "figures/a.svg"):
        assert (folder / name).read_text() == f"of somebody: {name}"
    assert (folder / ".git" / "refs").is_dir() and (folder / "link").is_symlink()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


FOREIGN = {
    "a data package": ("datapackage.json", "data/milex.csv", ".git/HEAD"),
    "a hub": ("hub-config/tasks.json", "model-output/other-team/2025-12-31-other-team.csv", "target-data/a.csv"),
    "a letter": ("letter.txt",),
    "a hidden file": (".keep",),
    "a mark of another program": (MARK,),
    "a table of the same name": ("headlines.csv",),
}


@pytest.mark.case("B54")
@pytest.mark.parametrize("names", FOREIGN.values(), ids=FOREIGN)
def test_a_folder_of_somebody_else_is_refused(
    tiny: Run, tmp_path: Path, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path / "theirs", *names)
    before = contents(folder)
    monkeypatch.chdir(folder)
    for out in (folder, Path()):
        with pytest.raises(RunError, match="choose a new folder with --out"):
            export_run(tiny, "csv", out)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.case("B54")
def test_a_changed_or_shadowed_file_of_an_export_is_refused(tiny: Run, tmp_path: Path) -> None:
    folder = export_run(tiny, "csv", tmp_path / "out")
    table = folder / "headlines.csv"
    written = table.read_bytes()
    table.write_bytes(written + b"a row of mine\n")
    before = contents(folder)
    with pytest.raises(RunError, match=r"headlines\.csv changed since the export"):
        export_run(tiny, "csv", folder)
    assert contents(folder) == before
    table.write_bytes(written)
    fill(folder, "headlines.parquet")  # the next export needs this name
    with pytest.raises(RunError, match=r"headlines\.parquet: was not written by this program"):
        export_run(tiny, "parquet", folder)
    assert table.read_bytes() == written
    with pytest.raises(RunError, match="choose a new folder"):
        export_run(tiny, "csv", table)


@pytest.mark.case("B54")
@pytest.mark.parametrize("metadata", [(), ("model-metadata/alliance-forecast.yml",)])
def test_a_clone_of_a_hub_gets_one_file(made_run: Run, tmp_path: Path, metadata: tuple[str, ...]) -> None:
    hub = fill(tmp_path / "hub", *FOREIGN["a hub"], ".git/HEAD", "README.md", *metadata)
    before = contents(hub)
    assert export_run(made_run, "hubverse", hub) == hub
    output = "model-output/alliance-forecast/2025-12-31-alliance-forecast.csv"
    after = contents(hub)
    assert set(after) - set(before) == {output, "model-metadata/alliance-forecast.yml"} - set(metadata)
    assert {name: after[name] for name in before} == before
    export_run(made_run, "hubverse", hub)  # the same forecasts again
    assert contents(hub) == after
    (hub / output).write_text("of somebody")
    with pytest.raises(RunError, match="already there, with other forecasts"):
        export_run(made_run, "hubverse", hub)
    assert (hub / output).read_text() == "of somebody"


@pytest.mark.case("M13")
@pytest.mark.parametrize(("labels", "fast"), [(["2026Q1", "a b"], True), (["a,b", "c"], False), (['a"b', "c"], False)])
def test_a_table_has_the_same_values_however_it_is_written(tmp_path: Path, labels: list[str], fast: bool) -> None:
    table = pd.DataFrame(
        {
            "label": pd.Categorical.from_codes([0, 1, 0, 1], labels),
            "year": [2026, 2027, 2028, 2029],
            "value": np.array([0.1, np.nan, 3e20, -1e-7], np.float32),
            "share": [1.0 / 3.0, 1.0, 0.0, 2.5e-9],
        }
    )
    _write_csv(table, tmp_path / "table.csv")
    table.to_csv(tmp_path / "pandas.csv", index=False)
    pd.testing.assert_frame_equal(*(pd.read_csv(tmp_path / f"{name}.csv") for name in ("table", "pandas")))
    text = (tmp_path / "table.csv").read_text("utf-8")
    assert text.startswith("label,year,value,share\n") and ("1e-7" in text) == fast


@pytest.mark.parametrize("to", ["csv", "hubverse"])
def test_a_damaged_run_is_not_exported(tiny: Run, tmp_path: Path, to: str) -> None:
    shutil.copytree(tiny.path.parents[1], tmp_path / "home")
    run = open_run(tiny.id, tmp_path / "home")
    (run.path / names.PRIORS).write_text("{}")  # a file that the export itself does not read
    with pytest.raises(RunError, match=r"damaged \(priors\.json was changed since the run was written\)"):
        export_run(run, to, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.case("L4")
def test_a_cell_of_text_is_never_a_formula(tmp_path: Path) -> None:
    table = pd.DataFrame({"mission_label": ["=1+1", "+a", "-a", "@a", "a=b"], "value": [-1.5, 2.0, -3.0, 4.0, 5.0]})
    table["kind"] = pd.Categorical(["-x", "y", "-x", "y", "y"])
    lines = table.apply(_no_formulas).to_csv(index=False).splitlines()
    assert lines[1:] == ["'=1+1,-1.5,'-x", "'+a,2.0,y", "'-a,-3.0,'-x", "'@a,4.0,y", "a=b,5.0,y"]


@pytest.fixture(scope="module")
def hub(made_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_run(made_run, "hubverse", tmp_path_factory.mktemp("hub") / "hub")


def test_the_hub_satisfies_the_hubverse_rules(hub: Path) -> None:
    assert faults(hub) == []
    (path,) = (hub / "model-output").rglob("*.csv")
    assert set(pd.read_csv(path)["target"]) == {target.name for target in TARGETS}


@pytest.mark.parametrize(
    ("wrong", "right", "fault"),
    [
        ("pmf,Weak,0.", "pmf,Weak,1.", "verdict: pmf: sum"),
        ("quantile,0.025,", "quantile,0.03,", "cohesion: quantile: ids"),
        ("quantile,0.025,-", "quantile,0.025,9", "cohesion: quantile: falls"),
        (",mean,NA,", ",mean,,", "cohesion: mean: ids"),
        (",alliance,", ",allies,", "verdict: value of location"),
        ("sample,c3,", "sample,c4,", "cohesion: sample: number"),
        ("sample,e3,", "sample,c3,", "sample of two targets"),
        ("verdict,", "vrdict,", "unknown targets"),
    ],
)
def test_the_rules_find_faults(hub: Path, tmp_path: Path, wrong: str, right: str, fault: str) -> None:
    spoilt = tmp_path / "hub"
    shutil.copytree(hub, spoilt)
    (path,) = (spoilt / "model-output").rglob("*.csv")
    text = path.read_text("utf-8")
    assert wrong in text
    path.write_text(text.replace(wrong, right, 1), encoding="utf-8")
    assert fault in faults(spoilt)


def test_samples_are_the_stored_paths_joint_over_scenarios_and_dates(hub: Path, tree: xr.DataTree) -> None:
    (path,) = (hub / "model-output").rglob("*.csv")
    rows = pd.read_csv(path, keep_default_na=False)
    samples = rows[rows["output_type"] == "sample"]
    joint = tree["joint"].to_dataset()
    for target, variable, time in (
        ("cohesion", "joint_cohesion", "quarter"),
        ("european spending", "joint_european_share", "year"),
    ):
        data = joint[variable]
        mine = samples[samples["target"] == target]
        assert len(mine) == data.size
        ends = {period_end(label): i for i, label in enumerate(data[time].values.tolist())}
        for _, row in mine.sample(40, random_state=1).iterrows():
            war, design = row["scenario_id"].split(".")
            number = int(row["output_type_id"][1:])
            stored = data.sel(war=war, design=design).isel({time: ends[row["target_end_date"]], "path": number})
            assert row["value"] == pytest.approx(stored.item(), abs=1e-8)
    tasks = json.loads((hub / "hub-config" / "tasks.json").read_text("utf-8"))
    groups = {group["task_ids"]["target"]["required"][0]: group for group in tasks["rounds"][0]["model_tasks"]}
    params = groups["cohesion"]["output_type"]["sample"]["output_type_id_params"]
    assert params["compound_taskid_set"] == ["origin_date", "target"]
    assert params["min_samples_per_task"] == params["max_samples_per_task"] == joint.sizes["path"]
    assert groups["event notice"]["target_metadata"][0]["target_type"] == "binary"


def test_headlines_are_exported_whole(written: Path, made_run: Run) -> None:
    for table in (
        pd.read_csv(written / "csv" / "headlines.csv"),
        pd.read_parquet(written / "parquet" / "headlines.parquet"),
    ):
        assert len(table) == len(made_run.headlines)
        assert {"alliance_event", "spending_shortfall", "defections"} <= set(table["target"])
        verdicts = table[table["target"] == names.COHESION_VERDICT]
        assert set(verdicts["category"]) == set(names.VERDICTS) and verdicts["decided"].notna().all()
    package = json.loads((written / "csv" / PACKAGE).read_text("utf-8"))
    (fields,) = [one["schema"]["fields"] for one in package["resources"] if one["name"] == "headlines"]
    assert {field["name"]: field["type"] for field in fields}["decided"] == "boolean"


def test_contributors_are_exported_by_code_and_not_by_probability(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["missions-war-design-mission-contributor-quarter"]
    for _, rows in table.groupby(["war", "design", "mission", "quarter"], observed=True):
        assert list(rows["contributor"].astype(str)) == sorted(rows["contributor"].astype(str))


def test_the_ends_of_periods() -> None:
    ends = [period_end(label) for label in ("2026Q1", "2026Q2", "2028Q3", "2026Q4", 2027)]
    assert ends == ["2026-03-31", "2026-06-30", "2028-09-30", "2026-12-31", "2027-12-31"]


IN_R = """
library(ncdf4)
files <- commandArgs(trailingOnly = TRUE)
nc <- nc_open(files[1])
p <- ncvar_get(nc, "alliance/verdict_probability")
cat(dim(p), "\\n")
cat(nc$dim[["alliance/verdict"]]$vals, "\\n")
cat(sprintf("%.9g", p[, 8, 1, 3]), "\\n")
s <- ncvar_get(nc, "missions/survival_mean")
cat(sum(is.na(s)), "\\n")
cat(ncvar_get(nc, "missions/framework"), "\\n")
cat(ncatt_get(nc, "alliance/cohesion", "units")$value, "\\n")
cat(ncatt_get(nc, 0, "run_id")$value, "\\n")
fit <- nc_open(files[2])
cat(sprintf("%.9g", mean(ncvar_get(fit, "posterior/kappa"))), "\\n")
"""


def test_files_of_a_run_open_in_r(made_run: Run, tree: xr.DataTree, tmp_path: Path) -> None:
    script = tmp_path / "open.R"
    script.write_text(IN_R)
    if (
        not shutil.which("Rscript")
        or subprocess.run(["Rscript", "-e", "library(ncdf4)"], check=False, capture_output=True).returncode
    ):
        pytest.skip("not tried: R with ncdf4 is not installed")
    paths = [made_run.path / names.PROJECTION, made_run.path / "posterior" / "spending.nc"]
    done = subprocess.run(["Rscript", "--vanilla", script, *paths], check=True, capture_output=True, text=True)
    lines = [line.strip() for line in done.stdout.splitlines()]
    alliance, missions = tree["alliance"].to_dataset(), tree["missions"].to_dataset()
    verdicts = alliance["verdict_probability"]
    assert lines[0].split() == [str(n) for n in verdicts.shape[::-1]]
    assert lines[1].split() == list(names.VERDICTS)
    expected = verdicts.isel(quarter=7, design=0, war=2).values.astype(float)
    np.testing.assert_allclose(np.array(lines[2].split(), float), expected, rtol=1e-8)  # nine digits
    assert int(lines[3]) == int(missions["survival_mean"].isnull().sum()) > 0
    assert lines[4].split() == [str(v) for v in missions["framework"].values]
    assert lines[5:7] == ["sign units", made_run.id]
    with made_run.posterior("spending") as fit:
        mean = float(fit["posterior"]["kappa"].mean())
    np.testing.assert_allclose(float(lines[7]), mean, rtol=1e-8)
