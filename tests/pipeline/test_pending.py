"""A run that waits for fits: what is shown of it, how it is completed, and what a kill leaves."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from forecast import names
from forecast.cli.app import app
from forecast.errors import NotConvergedError, RunError
from forecast.inference.fit_store import Fits, Later, LeftOut
from forecast.pipeline import run as pipeline
from forecast.reporting.html_report import write_index, write_report
from forecast.reporting.terminal import headline_lines
from forecast.storage import runs
from forecast.storage.ledger import last_entry, ledger_path, read_ledger, unsealed
from forecast.storage.runs import Run, list_runs, open_run, read_run, write_manifest
from tests.support.pipeline_run import PLAN, invented_fits, invented_trees, quiet, small
from tests.support.tiny_run_folder import all_checks

WITHOUT = "fit without kfor"
OWN = ("finished", "files", "checksums")  # keys that `write_manifest` makes


def left_out(*rest: Any) -> LeftOut:
    return LeftOut(
        {"kfor": invented_trees()["withdrawal"]}, {WITHOUT: dict(invented_fits(None, None).facts)["withdrawal"]}
    )  # type: ignore[arg-type]


def curves(*rest: Any) -> dict[str, Any]:
    return all_checks()["withdrawal_curves"]


def not_converged(*rest: Any) -> LeftOut:
    raise NotConvergedError("withdrawal: the chains do not agree")


@pytest.fixture
def home(made_run: Run, tmp_path: Path) -> Path:
    """Return a copy of the workspace whose run is pending and in no ledger."""
    copy = tmp_path / "workspace"
    shutil.copytree(made_run.path.parents[1], copy)
    ledger_path(copy).unlink()
    manifest = {key: value for key, value in made_run.manifest.items() if key not in OWN}
    write_manifest(copy / "runs" / made_run.id, manifest | {"status": "pending", "pending": [WITHOUT]})
    return copy


@pytest.fixture
def complete(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Run]:
    """Return the function that runs the plan again; only the fit without a mission is made."""
    monkeypatch.setattr(pipeline, "fit_left_out", left_out)
    monkeypatch.setattr(pipeline, "check_withdrawal_curves", curves)
    monkeypatch.setattr(pipeline, "_make", lambda *rest, **more: pytest.fail("the run is made again"))
    return lambda: pipeline.run(home, "small", quiet, threads=1)


def test_a_pending_run_is_marked_everywhere_and_never_the_latest(home: Path, made_run: Run) -> None:
    run = read_run(home / "runs" / made_run.id)
    assert (run.status, run.pending, run.damage()) == ("pending", [WITHOUT], "")
    assert run.reason == f"waits for the {WITHOUT}; `forecast run small` makes what is missing"
    with pytest.raises(RunError, match=f"no complete run yet; {run.id} waits for the {WITHOUT}"):
        open_run("latest", home)
    with pytest.raises(RunError, match=f"the run is pending: waits for the {WITHOUT}"):
        run.require_whole()
    assert unsealed(read_ledger(home), [run]) == []
    assert f"PENDING: the run waits for the {WITHOUT}" in " ".join(headline_lines(run))
    page = write_report(open_run(run.id, home), home)
    for file in page.parent.glob("*.html"):
        assert (
            "<strong" in file.read_text() and f"waits for the {WITHOUT}, which is still being made" in file.read_text()
        )
    assert "The newest run is pending." in (index := write_index(home).read_text())
    assert f'href="{run.id}/index.html"' in index and f"waits for the {WITHOUT}" in index
    for words, code in ((["show", run.id], 0), (["show", run.id, "--json"], 0), (["list"], 0), (["export", run.id], 1)):
        done = CliRunner().invoke(app, [*words, "--home", str(home)])
        assert done.exit_code == code
        assert WITHOUT in (done.output if code == 0 else str(done.exception))


def test_a_pending_run_is_completed_and_sealed(home: Path, made_run: Run, complete: Callable[[], Run]) -> None:
    """One file is added; no other changes."""
    run = complete()
    assert (run.status, run.pending, run.reason, run.damage()) == ("complete", [], "", "")
    added = {name: digest for name, digest in run.manifest["files"].items() if name not in made_run.manifest["files"]}
    assert list(added) == [names.WITHDRAWAL_CURVES]
    assert run.manifest["files"] == {**made_run.manifest["files"], **added}
    assert list(run.manifest["fits"]) == [*made_run.manifest["fits"], WITHOUT]
    assert run.checks == {**made_run.checks, "withdrawal_curves": run.json(names.WITHDRAWAL_CURVES)}
    assert last_entry(read_ledger(home), run.id)
    before = run.manifest["finished"]
    assert complete().manifest["finished"] == before


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_kill_leaves_the_run_pending_or_complete(
    home: Path, complete: Callable[[], Run], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Killed before the file is added, before the manifest is replaced, and after it."""
    calls: list[Path] = []

    def killed_at(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Path, *rest: Any, **more: Any) -> Any:
            if len(calls) == step:
                raise KeyboardInterrupt
            calls.append(path)
            return function(path, *rest, **more)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(runs, "replace_json", killed_at(runs.replace_json))
        patch.setattr(os, "utime", killed_at(os.utime))
        with pytest.raises(KeyboardInterrupt):
            complete()
    (run,) = list_runs(home)
    assert run.status == ("complete" if step == 2 else "pending")
    assert run.damage() == ""
    assert complete().status == "complete"
    assert [run.status for run in list_runs(home)] == ["complete"]


def test_a_fit_that_fails_leaves_the_run_pending(
    home: Path, complete: Callable[[], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "fit_left_out", not_converged)
        with pytest.raises(NotConvergedError):
            complete()
    assert {run.status: run.reason[:11] for run in list_runs(home)} == {
        "pending": "waits for t",
        "failed": "withdrawal:",
    }
    complete()
    assert [run.status for run in list_runs(home)] == ["complete"]


def test_a_damaged_pending_run_is_not_completed(home: Path, made_run: Run, complete: Callable[[], Run]) -> None:
    with (home / "runs" / made_run.id / "posterior" / "withdrawal.nc").open("ab") as file:
        file.write(b"x")
    with pytest.raises(RunError, match=r"withdrawal\.nc was changed since the run was written"):
        complete()


@pytest.mark.slow
def test_the_first_page_is_written_before_the_last_fit(
    made_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that waits has the same files at the end as one that does not."""
    home, seen = tmp_path / "home", list[str]()
    shutil.copytree(made_run.path.parents[1], home, ignore=shutil.ignore_patterns(f"{made_run.id}*", "ledger*"))
    (home / "runs" / "plans" / "small.toml").write_text(small(PLAN, "neutral"))

    def look() -> LeftOut:
        (run,) = list_runs(home)
        seen.append(run.status)
        seen.append(str("Pending." in (home / "reports" / run.id / "index.html").read_text()))
        return left_out()

    monkeypatch.setattr(pipeline, "check_withdrawal_curves", curves)
    fits, files = invented_fits(None, None), list[Any]()  # type: ignore[arg-type]
    for waiting, make in ([WITHOUT], look), ([], left_out):
        given = Fits(fits.posteriors, fits.facts, Later(waiting, make))
        monkeypatch.setattr(pipeline, "fits_of", lambda *rest, given=given: contextlib.nullcontext(given))
        done = CliRunner().invoke(app, ["run", "small", "--home", str(home)])
        assert done.exit_code == 0, done.output
        assert ("first page after" in done.output) == bool(waiting)
        run = open_run("latest", home)
        assert "Pending." not in (home / "reports" / run.id / "index.html").read_text()
        files.append((run.manifest["files"], run.manifest["fits"]))
        shutil.rmtree(run.path)
    assert seen == ["pending", "True"]
    assert files[0] == files[1]
