"""A model that cannot be fitted keeps its last posterior; the run is marked everywhere and never becomes `latest`."""

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
from tests.support.pipeline_run import quiet

MARK = "posterior of spending, leadership, withdrawal, cohesion as in run "
SCHEDULE = '\n[schedule]\ncron = "0 6 * * mon"\ndegraded = true\n'
#: Too short for any chain to pass the convergence gate.
HOPELESS = "\n[fit]\nchains = 2\ntune = 200\ndraws = 200\n"


def change_seed(home: Path, **more: str) -> None:
    """Give the plan `small` another seed, so that nothing is fitted, as if its tables had changed."""
    path = home / "runs" / "plans" / "small.toml"
    path.write_text(path.read_text().replace("seed = 5", "seed = 6") + "".join(more.values()))


def copy_with_changed_plan(made_run: Run, folder: Path, **more: str) -> Run:
    """Copy the workspace of a complete run and change its plan; return the copy of the run."""
    shutil.copytree(made_run.path.parents[1], folder)
    change_seed(folder, **more)
    return open_run("latest", folder)


@pytest.fixture(scope="module")
def home(made_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_with_changed_plan(made_run, tmp_path_factory.mktemp("degraded") / "workspace").path.parents[1]


@pytest.fixture(scope="module")
def degraded(home: Path) -> Run:
    return pipeline.run_degraded(home, "small", quiet, threads=1)


def test_a_degraded_run_is_never_the_latest(home: Path, degraded: Run) -> None:
    good = open_run("latest", home)
    assert (good.status, degraded.status) == ("complete", "degraded")
    assert degraded.id.endswith("-degraded")
    assert [run.id for run in list_runs(home)] == [good.id, degraded.id]
    assert degraded.manifest["models"] == good.manifest["models"]  # scores belong to the fits of that run
    assert degraded.manifest["since"]["run"] == good.id


def test_every_file_and_page_is_marked(home: Path, degraded: Run) -> None:
    good = open_run("latest", home)
    notice = MARK + good.id
    for name in ("projection.nc", *(f"posterior/{m}.nc" for m in degraded.manifest["models"])):
        with xr.open_datatree(degraded.path / name, engine="netcdf4") as tree:
            assert good.id in tree.attrs["degraded"]
    assert degraded.json("headlines.json")["provenance"]["degraded"] == notice
    assert f"DEGRADED: some models were not newly fitted: {notice}" in " ".join(
        line.strip() for line in headline_lines(degraded)
    )
    page = write_report(degraded, home)
    for file in page.parent.glob("*.html"):
        assert "Degraded." in file.read_text() and notice in file.read_text()
    index = write_index(home).read_text()
    assert "The newest run is degraded." in index and notice in index
    assert f"Last good forecast: {good.id}, finished" in index


def test_without_a_complete_run_there_is_no_fallback(home: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for part in ("priors", "runs/plans"):
        (tmp_path / part).symlink_to(home / part)
    with pytest.raises(RunError, match=r"the plan small has no complete run.*forecast fit small"):
        pipeline.run_degraded(tmp_path, "small", quiet, threads=1)


@pytest.mark.slow
def test_a_damaged_run_is_no_fallback(made_run: Run, tmp_path: Path) -> None:
    home = tmp_path / "workspace"
    good = copy_with_changed_plan(made_run, home)
    (good.path / "headlines.json").write_text("{}")
    with pytest.raises(RunError, match=r"no complete run(.|\n)*headlines\.json was changed since the run was written"):
        pipeline.run_degraded(home, "small", quiet, threads=1)


@pytest.mark.slow
@pytest.mark.long
def test_a_slot_falls_back_if_its_fit_does_not_converge(made_run: Run, tmp_path: Path) -> None:
    """Real processes: two failed attempts to fit, then the degraded run; without permission, only the failure."""
    home, log = tmp_path / "workspace", tmp_path / "slot.log"
    good = copy_with_changed_plan(made_run, home, fit=HOPELESS, schedule=SCHEDULE)
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
