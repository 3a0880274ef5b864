"""Old runs are removed and the ledger says so; what somebody may need is kept."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.archive.kept_explanations import keep_explanation
from forecast.archive.verify import missing_lines
from forecast.cli.app import app
from forecast.errors import RunError
from forecast.service.prune import prunable, prune
from forecast.service.slots import Slot, write_slot
from forecast.storage.files import written_whole
from forecast.storage.ledger import read_ledger, seal_run
from forecast.storage.locks import free_lock
from forecast.storage.runs import Run, list_runs, open_run, read_run, write_manifest

NOW = "2026-11-28T06:00:00+00:00"


def run_id(plan: str, number: int, ending: str = "") -> str:
    return f"2025-12-31-{plan}-{number:08x}{ending}"


def write_run(home: Path, plan: str, number: int, status: str = "complete") -> Run:
    """Write a run of an early schema, of which readers ask little, and seal it; later calls are newer runs."""
    name = run_id(plan, number, "-degraded" if status == "degraded" else "")
    with written_whole(home / "runs" / name) as folder:
        (folder / "headlines.json").write_text("{}")
        (folder / "projection.nc").write_bytes(b"x" * 1000)
        manifest = {"id": name, "status": status, "plan": plan, "provenance": {"schema_version": "3"}}
        write_manifest(folder, manifest)
    run = read_run(home / "runs" / name)
    if status != "failed":
        seal_run(home, run, NOW)
    return run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    for number in range(5):
        write_run(tmp_path, "weekly", number)
        write_run(tmp_path, "daily", number)
    return tmp_path


def ids(runs: list[Run]) -> list[str]:
    return sorted(run.id for run in runs)


@pytest.mark.parametrize("keep", [1, 2, 4, 5, 9])
def test_newest_runs_of_each_plan_are_kept(home: Path, keep: int) -> None:
    old = range(max(5 - keep, 0))
    assert ids(prunable(home, keep)) == sorted(run_id(plan, n) for plan in ("weekly", "daily") for n in old)
    assert ids(prunable(home, keep, "daily")) == [run_id("daily", n) for n in old]


def test_what_somebody_may_need_is_kept(home: Path) -> None:
    """Of six plans' worth of reasons, each keeps a run that is not among the newest."""
    for number in (5, 6):
        write_run(home, "weekly", number, "degraded")  # newer, but the next run is compared with the last complete one
    write_run(home, "weekly", 7, "failed")
    seal_run(home, open_run(run_id("weekly", 1), home), NOW, "the unit was wrong")
    write_slot(home, "weekly", Slot(at="2026-01-05T05:00:00+00:00", status="complete", run=run_id("weekly", 2)))
    (home / "runs" / run_id("weekly", 3) / "headlines.json").write_text("{ }")
    found = ids(prunable(home, 1, "weekly"))
    assert found == [run_id("weekly", 0), run_id("weekly", 5, "-degraded")]


def test_unknown_plan(home: Path) -> None:
    with pytest.raises(RunError, match="no run is of the plan 'weakly', expected one of daily, weekly"):
        prunable(home, 1, "weakly")


def test_ledger_stays_whole_and_says_pruned(home: Path) -> None:
    before = read_ledger(home)
    removed, used = prune(home, prunable(home, 3, "weekly"), NOW)
    assert removed == [run_id("weekly", 0), run_id("weekly", 1)] and used == []
    assert read_ledger(home)[: len(before)] == before
    assert not [path for path in (home / "runs").iterdir() if path.name in removed or "writing" in path.name]
    shutil.rmtree(home / "runs" / run_id("daily", 4))
    pruned, other, gone = missing_lines(home)
    assert pruned.startswith(f"pruned  {run_id('weekly', 0)} on 2026-11-28, entry 11") and "pruned" in other
    assert gone.startswith(f"removed {run_id('daily', 4)}; entry ") and "restore it from a backup" in gone
    assert len(list_runs(home)) == 7
    assert prunable(home, 3, "weekly") == []


def explain(home: Path, before: str, after: str) -> Path:
    keep_explanation(home, {"before": before, "after": after, "headlines": []})
    return home / "runs" / "explanations" / after


def test_explanations_go_with_their_run_and_the_command_says_so(home: Path) -> None:
    first, second, third = (run_id("daily", n) for n in range(3))
    of_second, of_third = explain(home, first, second), explain(home, second, third)
    of_unknown = explain(home, first, "2025-12-31-daily-0000beef")
    dry = call(home, "prune", "--keep", "3", "--plan", "daily", "--dry-run")
    assert f"would remove  explanations of {second}\n" in dry and of_second.is_dir()
    assert f"removed  explanations of {second}\n" in call(home, "prune", "--keep", "3", "--plan", "daily")
    assert not of_second.exists() and of_third.is_dir() and of_unknown.is_dir()
    of_first = explain(home, "earlier", first)  # as an interrupted prune leaves it
    assert call(home, "prune", "--keep", "3", "--plan", "daily") == f"removed  explanations of {first}\n0 runs, 0 B\n"
    assert not of_first.exists()


def call(home: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_run_in_use_is_kept(home: Path) -> None:
    first = run_id("daily", 0)
    with free_lock(home, first):
        removed, used = prune(home, prunable(home, 4, "daily"), NOW)
    assert (removed, used) == ([], [first]) and (home / "runs" / first).is_dir()
    assert len(read_ledger(home)) == 10


def test_interrupted_prune_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry is written, then the process ends: the run is still there, and the next call adds no second entry."""
    runs = prunable(home, 4, "daily")

    def interrupted(path: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prune(home, runs, NOW)
    assert runs[0].path.is_dir() and missing_lines(home) == []
    assert ids(prunable(home, 4, "daily")) == ids(runs)
    assert prune(home, runs, NOW)[0] == ids(runs)
    assert len(read_ledger(home)) == 11


def test_commands(home: Path) -> None:
    first = run_id("daily", 0)
    dry = call(home, "prune", "--keep", "4", "--plan", "daily", "--dry-run")
    assert re.fullmatch(rf"would remove +1\.\d kB  {first}\n1 run, 1\.\d kB\n", dry)
    assert (home / "runs" / first).is_dir() and len(read_ledger(home)) == 10
    assert call(home, "prune", "--keep", "4", "--plan", "daily").startswith("removed ")
    assert (
        call(home, "prune", "--keep", "4", "--plan", "daily")
        == "nothing to remove: no plan has more than 4 such runs\n"
    )
    assert call(home, "verify", first).startswith(f"pruned  {first} on 2026-")
    listed = call(home, "list")
    assert first not in listed and re.search(rf"complete +1\.\d kB +\d+ d  {run_id('daily', 4)}", listed)
    assert all(len(line) <= 80 for line in listed.splitlines())
