"""Make `tests/data/sample_run.tar.gz`: a workspace with a small run, on which each command of the archive can be tried.

Run `python -m tests.tools.make_sample_run` after a change of the output schema. The posteriors are invented
(`tests/support/pipeline_run.py`), so the numbers are no forecast.
"""

import tarfile
import tempfile
from pathlib import Path
from typing import Final

import pytest

from forecast.archive.further_files import further_files
from forecast.pipeline import run as pipeline
from forecast.workspace.init import create_workspace
from tests.support.pipeline_run import PLAN, QUESTIONS, SIZE, invented_fits_of, quiet, small
from tests.support.scenario_weights import WEIGHTS

SAMPLE: Final = Path(__file__).parents[1] / "data" / "sample_run.tar.gz"
_SIZE: Final = "draws = 32\npaths = 64\njoint_paths = 64"


def make(home: Path) -> None:
    """Make the workspace: two outcomes of the war, one design, two years."""
    create_workspace(home)
    plan = small(PLAN.replace(SIZE, _SIZE), "win", "lose").replace("Tiny", "A sample from invented posteriors")
    (home / "runs" / "plans" / "sample.toml").write_text(plan)
    (home / "runs" / "questions.toml").write_text(QUESTIONS)
    weights = WEIGHTS.replace("win = 0.1, stalemate = 0.4, lose = 0.5", "win = 0.25, lose = 0.75")
    weights = weights.replace("none = 0.7, division_of_labour = 0.3", "none = 1.0")
    (home / "priors" / "weights.toml").write_text(weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "fits_of", invented_fits_of)
        pipeline.run(home, "sample", quiet, threads=1, callbacks=pipeline.Callbacks(further=further_files))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "sample"
        make(home)
        with tarfile.open(SAMPLE, "w:gz") as archive:
            archive.add(
                home, "sample", filter=lambda member: member.replace(uid=0, gid=0, uname="", gname="", deep=False)
            )
    print(f"{SAMPLE}: {SAMPLE.stat().st_size:,} bytes")
