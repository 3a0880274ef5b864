"""Several processes publish, read, resolve and prune at once, and writers of the ledger are killed."""

import multiprocessing
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forecast.archive.resolutions import read_resolutions
from forecast.service.prune import prunable, prune
from forecast.storage.files import written_whole
from forecast.storage.ledger import missing_runs, read_ledger, seal_run, unsealed
from forecast.storage.runs import DAMAGED, Run, list_runs, open_run, write_manifest
from tests.archive.test_resolutions import _resolve

KILLS = 50
SEED = 1949
RUNS = 12
NOW = "2026-11-28T12:00:00+00:00"
#: Appends entries until it is killed, and prints the number of each that is written.
WRITER = """
import sys
from pathlib import Path
from forecast.storage.ledger import seal_run
from forecast.storage.runs import Run
home = Path(sys.argv[1])
run = Run(home / "runs" / "a-run", {"files": {"headlines.json": "ab" * 32}, "status": "complete"})
while True:
    print(seal_run(home, run, "2026-11-28T12:00:00+00:00", "once more").number, flush=True)
"""


@pytest.mark.slow
def test_the_chain_holds_after_fifty_kills(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    rng = random.Random(SEED)
    written = 0
    for _ in range(KILLS):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said = [int(process.stdout.readline())]
        time.sleep(rng.uniform(0.0, 0.05))
        process.kill()
        said += map(int, process.communicate()[0].split())
        entries = read_ledger(tmp_path)  # raises if the chain is broken
        assert said == list(range(written + 1, said[-1] + 1))
        assert said[-1] <= len(entries) <= said[-1] + 1  # the last entry may be written and not yet said
        written = len(entries)
    assert written > KILLS


def _publish(home: Path, source: Path) -> None:
    made = Run(source, open_run(str(source)).manifest)
    for number in range(RUNS):
        name = f"2025-12-31-small-{number:08x}"
        with written_whole(home / "runs" / name) as aside:
            shutil.copytree(source, aside, dirs_exist_ok=True)
            write_manifest(aside, {**made.manifest, "id": name})
        seal_run(home, open_run(name, home), NOW)


def _prune(home: Path) -> None:
    for _ in range(RUNS):
        prune(home, prunable(home, 2), NOW)
        time.sleep(0.05)


@pytest.mark.slow
def test_publishing_reading_resolving_and_pruning_at_once(made_run: Run, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_publish, args=(tmp_path, made_run.path)),
        context.Process(target=_prune, args=(tmp_path,)),
        context.Process(target=_resolve, args=(tmp_path, "a", 25)),
    ]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        assert not [run.reason for run in list_runs(tmp_path) if run.status == DAMAGED]
        read_ledger(tmp_path)
        read_resolutions(tmp_path)
        time.sleep(0.01)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    entries, runs = read_ledger(tmp_path), list_runs(tmp_path)
    pruned, removed = missing_runs(entries, runs)
    assert removed == [] and unsealed(entries, runs) == []
    assert len(pruned) + len(runs) == RUNS and len(runs) >= 2
    assert len(read_resolutions(tmp_path)) == 25
    assert all(run.damage() == "" for run in runs)
