"""The files of a run can be opened, closed and read in any order, and carry dates and labels."""

import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from forecast import names
from forecast.projection.labelled_tree import with_dates_and_labels
from forecast.storage.files import sha256_of, write_tree
from tests.support.tiny_run_folder import make_run

#: Opens, closes and reads two files in a random order, as a notebook may; a crash of the library ends the process.
SCRIPT = """
import random, sys
import forecast
home, seed = sys.argv[1], int(sys.argv[2])
run = forecast.open_run("latest", home)
rng, live, closed = random.Random(seed), [], []

def read(tree):
    group = tree[rng.choice(list(tree.children))]
    name = rng.choice([*group.data_vars, *group.coords])
    group[name].isel(dict.fromkeys(group[name].dims[:2], 0)).values

for _ in range(150):
    act = rng.random()
    if act < 0.25 or not live:
        live.append(run.projection)
    elif act < 0.35:
        closed.append(live.pop(rng.randrange(len(live))))
        closed[-1].close()
    elif act < 0.45 and closed:
        read(rng.choice(closed))
    elif act < 0.5 and closed:
        rng.choice(closed).close()
    else:
        read(rng.choice(live))
    if len(live) > 4:
        live.pop(0).close()
print("whole")
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_of_opening_closing_and_reading(tmp_path: Path, seed: int) -> None:
    make_run(tmp_path, named=True)
    done = subprocess.run([sys.executable, "-c", SCRIPT, tmp_path, str(seed)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr


def test_labels_of_fixed_width_keep_every_letter(tmp_path: Path) -> None:
    texts = ["", "a", "Türkiye", "Waffenruhe – „vielleicht“", "停戦" * 40]
    tree = xr.DataTree.from_dict(
        {"g": xr.Dataset({"x": ("name", [0.0] * 5)}, {"name": texts, "label": ("name", texts)})}
    )
    for number in "12":
        write_tree(tmp_path / number, tree, fixed_labels=True)
    assert sha256_of(tmp_path / "1") == sha256_of(tmp_path / "2")
    with xr.open_datatree(tmp_path / "1", engine="netcdf4") as read:
        assert read["g"]["label"].values.tolist() == read["g"]["name"].values.tolist() == texts


@pytest.mark.case("A17")
def test_observed_and_forecast_years_are_on_one_axis() -> None:
    data = xr.Dataset(
        {"history": (names.HISTORY_YEAR, [1.0, 2.0]), "share": ((names.WAR, names.YEAR), [[3.0, 4.0]])},
        {names.HISTORY_YEAR: [2024, 2025], names.YEAR: [2026, 2027], names.WAR: ["ceasefire"]},
    )
    dated = with_dates_and_labels(data, {"ceasefire": "A line of contact"})
    assert dated["war_label"].item() == "A line of contact"
    assert dated[names.WAR].attrs["long_name"] == "outcome of the war"
    days = [
        *dated["history_year_start"].values.astype("datetime64[D]"),
        *dated["year_start"].values.astype("datetime64[D]"),
    ]
    assert [str(day) for day in days] == ["2024-01-01", "2025-01-01", "2026-01-01", "2027-01-01"]
    quarters = with_dates_and_labels(xr.Dataset({"x": ("quarter", [0.0] * 2)}, {"quarter": ["2026Q4", "2027Q1"]}), {})
    assert list(quarters["quarter_start"].dt.strftime("%Y-%m-%d").values) == ["2026-10-01", "2027-01-01"]
    assert quarters.groupby("quarter_start.year").sum()["x"].sizes == {"year": 2}
