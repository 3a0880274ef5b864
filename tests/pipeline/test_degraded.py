"""A model that cannot be fitted keeps its last good posterior: published, marked everywhere, and never in front."""

import shutil
from pathlib import Path

import pytest
import xarray as xr

from forecast.errors import ForecastError, RunError
from forecast.pipeline import run as pipeline
from forecast.reporting.html_report import write_index, write_report
from forecast.reporting.terminal import headline_lines
from forecast.service.loop import FellBack
from forecast.service.worker import run_plan
from forecast.storage.runs import Run, list_runs, open_run
from forecast.workspace.plan import load_plan
from tests.pipeline.test_run import quiet

MARK = "posterior of spending, leadership, withdrawal, cohesion as in run "
SCHEDULE = '\n[schedule]\ncron = "0 6 * * mon"\ndegraded = true\n'
#: So short that no chain can pass the gate.
HOPELESS = "\n[fit]\nchains = 2\ntune = 200\ndraws = 200\n"


def another(home: Path, **more: str) -> None:
    """The plan `small` as if its tables had changed: another seed, so nothing is fitted."""
    path = home / "runs" / "plans" / "small.toml"
    path.write_text(path.read_text().replace("seed = 5", "seed = 6") + "".join(more.values()))


def copied(made_run: Run, folder: Path, **more: str) -> Run:
    """The good run of a workspace of its own, whose plan has changed since."""
    shutil.copytree(made_run.path.parents[1], folder)
    another(folder, **more)
    return open_run("latest", folder)


@pytest.fixture(scope="module")
def home(made_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(made_run, tmp_path_factory.mktemp("fallen") / "workspace").path.parents[1]


@pytest.fixture(scope="module")
def fallen(home: Path) -> Run:
    return pipeline.run(home, "small", quiet, threads=1, degraded=True)


def test_it_stands_beside_the_last_good_run_and_never_in_front(home: Path, fallen: Run) -> None:
    good = open_run("latest", home)
    assert (good.status, fallen.status) == ("complete", "degraded")
    assert fallen.id.endswith("-degraded")
    assert [run.id for run in list_runs(home)] == [good.id, fallen.id]
    assert fallen.manifest["models"] == good.manifest["models"]  # scores attach to what was fitted then
    assert fallen.manifest["since"]["run"] == good.id


def test_every_file_and_page_says_so(home: Path, fallen: Run) -> None:
    good = open_run("latest", home)
    told = MARK + good.id
    for name in ("projection.nc", *(f"posterior/{m}.nc" for m in fallen.manifest["models"])):
        with xr.open_datatree(fallen.path / name, engine="netcdf4") as tree:
            assert good.id in tree.attrs["degraded"]
    assert fallen.json("headlines.json")["provenance"]["degraded"] == told
    assert f"DEGRADED, not newly fitted: {told}" in headline_lines(fallen)
    page = write_report(fallen, home)
    for file in page.parent.glob("*.html"):
        assert "Degraded." in file.read_text() and told in file.read_text()
    index = write_index(home).read_text()
    assert "The newest run is degraded." in index and told in index
    assert f'Last good forecast: <a href="{good.id}/index.html"' in index


def test_without_a_good_run_there_is_nothing_to_fall_back_on(home: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for part in ("priors", "runs/plans"):
        (tmp_path / part).symlink_to(home / part)
    with pytest.raises(RunError, match=r"no good run of the plan small yet.*forecast fit small"):
        pipeline.run(tmp_path, "small", quiet, threads=1, degraded=True)


def test_a_damaged_run_is_no_ground_to_fall_back_on(made_run: Run, tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    good = copied(made_run, home)
    (good.path / "headlines.json").write_text("{}")
    with pytest.raises(RunError, match=r"headlines\.json no longer as written"):
        pipeline.run(home, "small", quiet, threads=1, degraded=True)


@pytest.mark.slow
def test_a_slot_whose_fit_misses_the_gate_falls_back_by_itself(made_run: Run, tmp_path: Path) -> None:
    """Real processes: two hopeless attempts to fit, then the degraded run; without leave, only the failure."""
    home, log = tmp_path / "workspace", tmp_path / "slot.log"
    good = copied(made_run, home, fit=HOPELESS, schedule=SCHEDULE)
    with pytest.raises(FellBack, match="chains do not agree") as caught:
        run_plan(home, load_plan(home, "small"), log)
    status = {run.id: run.status for run in list_runs(home)}
    assert status[caught.value.run] == "degraded"
    assert sorted(status.values()) == ["complete", "degraded", "failed"]
    assert open_run("latest", home).id == good.id
    assert "DEGRADED" in log.with_suffix(".degraded.log").read_text()
    path = home / "runs" / "plans" / "small.toml"
    path.write_text(path.read_text().replace("degraded = true", "degraded = false"))
    with pytest.raises(ForecastError, match="chains do not agree") as plain:
        run_plan(home, load_plan(home, "small"), log)
    assert not isinstance(plain.value, FellBack)
