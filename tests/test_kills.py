"""A hundred commands are killed at random moments: nothing is lost or half-written, and the next command succeeds."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.kills import ORDER

KILLS = 50  # in each of two workspaces, at the same time
SEEDS = (20, 26)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.case("B20", "M16", "B71")
def test_hundred_kills(tmp_path: Path) -> None:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # a process with threads must not fork
    processes = []
    for seed in SEEDS:
        (tmp_path / f"{seed}").mkdir()
        words = [sys.executable, "-m", "tests.support.kills", str(tmp_path / f"{seed}"), str(seed), str(KILLS)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        processes.append(subprocess.Popen(words, env=environment, text=True, **pipes))
    killed: Counter[str] = Counter()
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0, err
        killed.update(json.loads(out))
    assert killed.total() == KILLS * len(SEEDS)
    assert {key.split()[0] for key in killed} == set(ORDER)
    assert {key.split()[1] for key in killed} == {"SIGKILL", "SIGTERM", "SIGINT"}
