"""What the commands say of the state of a workspace, to people and to programs."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import forecast
from forecast.cli.app import app
from forecast.errors import RunError
from forecast.service.doctor import Finding, examine, finding_lines
from forecast.storage.ledger import ledger_path
from forecast.storage.runs import Run, open_run
from forecast.workspace.init import create_workspace
from tests.support.tiny_run_folder import ID, all_checks, make_run

NOW = datetime(2026, 11, 28, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    home = tmp_path_factory.mktemp("status")
    create_workspace(home / "w")
    return make_run(home / "w", wars=("neutral",), designs=("none",), checks=all_checks())


@pytest.fixture
def home(made: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.path.parents[1], tmp_path / "w"))


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_version() -> None:
    done = call("--version")
    assert (done.exit_code, done.output) == (0, f"{forecast.__version__}\n")


def test_list_as_json(home: Path) -> None:
    (run,) = json.loads(call("list", "--home", home, "--json").output)
    assert (run["run"], run["status"], run["facts"], run["plan"]) == (ID, "complete", "2025-12-31", "specimen")
    assert run["bytes"] == sum(path.stat().st_size for path in (home / "runs" / ID).rglob("*") if path.is_file())
    assert run["facts_age_days"] == (datetime.now(UTC).date() - datetime(2025, 12, 31).date()).days


def test_check_as_json_has_the_parts_and_the_faults(home: Path) -> None:
    good = call("check", "--home", home, "--json")
    assert good.exit_code == 0 and json.loads(good.output)["faults"] == []
    plan = home / "runs" / "plans" / "smoke.toml"
    plan.write_text("pahts = 5\nsede = 1\n" + plan.read_text(encoding="utf-8"), encoding="utf-8")
    bad = call("check", "--home", home, "--json")
    faults = json.loads(bad.output)["faults"]
    assert bad.exit_code == 1 and len(faults) == 2
    assert "pahts" in faults[0] and "sede" in faults[1] and all(str(plan) in fault for fault in faults)


def test_schedule_as_json(home: Path) -> None:
    plan = home / "runs" / "plans" / "smoke.toml"
    schedule = '[schedule]\ncron = "0 6 * * mon"\ntimezone = "Europe/Berlin"\n'
    plan.write_text(plan.read_text(encoding="utf-8") + schedule, encoding="utf-8")
    content = json.loads(call("schedule", "--home", home, "--json").output)
    (state,) = content["plans"]
    assert (state["plan"], state["timezone"], state["last_good"], content["troubles"]) == (
        "smoke",
        "Europe/Berlin",
        None,
        [],
    )
    assert datetime.fromisoformat(state["next"]) > datetime.fromisoformat(content["now"])


@pytest.mark.parametrize("name", ["latest", "specimen", "specimen@latest", ID, "00000000"])
def test_names_of_a_run(home: Path, name: str) -> None:
    assert open_run(name, home).id == ID


def test_path_of_a_run(home: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(home / "runs" / ID, tmp_path / "elsewhere" / ID))
    assert open_run(moved).path == moved
    assert open_run(str(moved), home).headlines == open_run(ID, home).headlines
    for nothing in (tmp_path / "elsewhere", tmp_path / "none"):
        with pytest.raises(RunError, match="no folder of a run"):
            open_run(nothing)


def test_latest_of_a_plan_without_a_run(home: Path) -> None:
    with pytest.raises(RunError, match="no complete run yet; make one with `forecast run smoke`"):
        open_run("smoke@latest", home)


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {finding.what: finding.fix for finding in findings if finding.fix}


def test_doctor_names_what_is_wrong_and_nothing_else(home: Path) -> None:
    later = NOW + timedelta(days=400)
    assert set(wrong(examine(home, later))) == {"ledger"}  # the run was made without one
    assert ID in wrong(examine(home, later))["ledger"]
    (home / "runs" / ID / "headlines.json").write_text("{}")
    ledger_path(home).write_text("no entry\n")
    (home / "priors" / "spending.toml").unlink()
    found = wrong(examine(home, NOW - timedelta(days=4000)))
    assert set(found) == {"inputs", "runs", "ledger"}
    assert "spending.toml" in found["inputs"] and "headlines.json" in found["runs"]


def test_doctor_sees_a_clock_that_was_set_back(home: Path) -> None:
    assert "set the clock" in wrong(examine(home, datetime(2020, 1, 1, tzinfo=UTC)))["clock"]


def test_doctor_without_a_workspace_shows_the_machine(tmp_path: Path) -> None:
    findings = examine(tmp_path, NOW)
    assert "no workspace here" in findings[-1].found
    assert {"python", "forecast", "cores", "memory", "disk", "simulator", "clock"} <= {f.what for f in findings}
    done = call("doctor", "--home", tmp_path, "--json")
    assert {finding["what"] for finding in json.loads(done.output)} == {f.what for f in findings}


def test_lines_of_the_doctor() -> None:
    lines = finding_lines(
        [Finding(what="a", found="x " * 100), Finding(what="b", found="bad", fix="do this\nand that")]
    )
    assert all(len(line) <= 80 for line in lines)
    assert [line.split() for line in lines[-3:]] == [["WRONG", "b", "bad"], ["do", "this"], ["and", "that"]]


def test_repr_of_a_run_is_short(made: Run) -> None:
    assert repr(made) == f"<Run {ID}: complete, specimen, facts up to 2025-12-31>"
    page = made._repr_html_()
    assert ID in page and "<script" not in page and len(page) < 1000
