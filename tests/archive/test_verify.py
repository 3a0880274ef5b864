"""A run is verified against its files, its seal and itself; whatever was changed is named."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.archive.repeat import repeat_run
from forecast.archive.verify import faults_of_ledger, verify_run
from forecast.cli.app import app
from forecast.errors import RunError
from forecast.pipeline import run as pipeline
from forecast.projection.execution import Executor
from forecast.storage.files import write_json
from forecast.storage.ledger import ledger_path, read_ledger, seal_run
from forecast.storage.runs import Run, open_run, sha256_of, write_manifest
from tests.support.pipeline_run import invented_fits_of, quiet


@pytest.fixture
def home(made_run: Run, tmp_path: Path) -> Path:
    """A copy of the workspace of the made run, which a test may change."""
    return Path(shutil.copytree(made_run.path.parent.parent, tmp_path / "workspace"))


def test_run_is_sealed_when_it_is_made(home: Path) -> None:
    run = open_run("latest", home)
    entry = verify_run(home, run)
    assert entry.headlines == sha256_of(run.path / "headlines.json")
    assert not faults_of_ledger(home)


def test_number_edited_with_its_checksum_is_found_by_the_seal(home: Path) -> None:
    run = open_run("latest", home)
    content = json.loads((run.path / "headlines.json").read_text())
    content["headlines"][0]["value"] += 0.01
    write_json(run.path / "headlines.json", content)
    with pytest.raises(RunError, match=r"headlines\.json was changed"):
        verify_run(home, open_run(run.id, home))
    write_manifest(run.path, {k: v for k, v in run.manifest.items() if k not in ("files", "finished")})
    edited = open_run(run.id, home)
    with pytest.raises(RunError, match="the headlines differ from entry 1 of the ledger"):
        verify_run(home, edited)
    seal_run(home, edited, "2026-11-28T06:00:00+00:00", "the first number was wrong")
    assert verify_run(home, edited).reason == "the first number was wrong"
    assert len(read_ledger(home)) == 2


def test_run_without_an_entry_is_named(home: Path) -> None:
    ledger_path(home).unlink()
    run = open_run("latest", home)
    assert faults_of_ledger(home) == [f"{run.id}: published, but not in the ledger"]
    with pytest.raises(RunError, match="no entry for"):
        verify_run(home, run)


@pytest.mark.parametrize("command", ["verify", "audit"])
def test_a_damaged_run_that_latest_passes_over_is_a_fault(home: Path, command: str) -> None:
    run = open_run("latest", home)
    newer = run.path.with_name("9999-12-31-small-00000000")
    shutil.copytree(run.path, newer)
    (newer / "headlines.json").write_text("{}")
    assert open_run("latest", home).id == run.id and open_run(newer.name, home).status == "damaged"
    done = CliRunner().invoke(app, [command, "latest", "--home", str(home)])
    assert done.exit_code == 1 and newer.name in str(done.exception) and "headlines.json" in str(done.exception)
    assert newer.name not in str(CliRunner().invoke(app, [command, run.id, "--home", str(home)]).exception)


def test_run_made_again_has_the_same_bytes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "fits_of", invented_fits_of)
    run = open_run("latest", home)
    again = repeat_run(home, run, quiet, Executor(1, ""))
    assert again.same
    assert not again.moved
    assert not again.variable
    assert not [path for path in (home / "runs").iterdir() if path.name.startswith(".writing")]


def test_run_made_again_after_a_change_names_prior_and_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "fits_of", invented_fits_of)
    path = home / "priors" / "alliance.toml"
    text = path.read_text()
    assert "[troop_cuts]" not in text
    path.write_text(text.replace("sigma = 0.", "sigma = 0.1", 1))
    run = open_run("latest", home)
    again = repeat_run(home, run, quiet, Executor(1, ""))
    assert not again.same
    assert again.moved == ["priors of alliance"]
    assert "projection.nc" in again.files
    assert again.variable.startswith("projection.nc: ")
    assert "differs in" in again.variable
