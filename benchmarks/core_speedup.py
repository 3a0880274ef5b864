"""Compare the speed of the simulator with that of another commit, in turns on the same machine.

    python benchmarks/core_speedup.py COMMIT

The commit is cloned into a temporary folder and gets the environment that it pins. Each build runs in a process of its
own on one thread, with the projection that its own `benchmarks/common.py` makes of the plan `quickstart`. It reads
numbers of paths and answers with the CPU seconds that they took. A commit that cannot use the stored fits makes its own
first, which takes minutes.

The verdicts on the last quarter are compared too. They must be equal if both commits state the same version of the
simulation; otherwise the largest difference is printed in standard errors.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import HEAD, ROOT

PATHS, TURNS = 1000, 7  # enough paths that allocating the tallies does not count
#: Program of each build: a number of paths on each line of its input, CPU seconds and verdicts on each of its output.
WORKER = """
import json, sys, time
sys.path.insert(0, "benchmarks")
from common import core, quickstart
try:
    from forecast.workspace.provenance import SIMULATION_VERSION as version
except ImportError:
    version = None
spec = quickstart()
core(spec, 1)()
print(json.dumps(version), flush=True)
for line in sys.stdin:
    job = core(spec, int(line))
    begun = time.process_time()
    tally, _ = job()
    spent = time.process_time() - begun
    print(json.dumps([spent, tally.verdict[:, -1].tolist()]), flush=True)
"""


class Build:
    """A build in a process of its own, which runs `program`; with `cache`, nothing is compiled that is not there."""

    def __init__(self, folder: Path, program: str = WORKER, cache: Path | None = None) -> None:
        caches = {"XDG_CACHE_HOME": str(cache), "PYTENSOR_FLAGS": f"base_compiledir={cache}/pytensor"} if cache else {}
        self.process = subprocess.Popen(
            [folder / ".venv/bin/python", "-c", program],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "NUMBA_NUM_THREADS": "1", **caches},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.version = self.answer()

    def answer(self) -> object:
        """Return the next line that the process prints."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def simulate(self, paths: int) -> tuple[float, "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"]:
        """Return the CPU seconds of `paths` paths, and the verdicts on the last quarter by cell."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{paths}\n")
        self.process.stdin.flush()
        spent, verdicts = self.answer()  # type: ignore[misc]
        return float(spent), np.array(verdicts)


def clone(commit: str, folder: Path) -> None:
    """Clone a commit of this repository into `folder`, with its environment and the fits that are stored here."""
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "checkout", "--quiet", commit], cwd=folder, check=True)
    subprocess.run(["make", ".venv/.run"], cwd=folder, check=True, stdout=sys.stderr)
    fits = folder / "runs" / "fits"
    fits.mkdir(parents=True, exist_ok=True)
    for fit in (ROOT / "runs" / "fits").glob("*"):
        if not (fits / fit.name).exists():
            (fits / fit.name).symlink_to(fit)


def largest_difference(first: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", second: object) -> float:
    """Return the largest difference between two tables of verdicts, in standard errors of independent paths."""
    p, q = (counts / counts.sum(-1, keepdims=True) for counts in (first, np.asarray(second)))
    middle = np.clip((p + q) / 2, 1e-3, 1 - 1e-3)
    return float(np.max(np.abs(p - q) / np.sqrt(2 * middle * (1 - middle) / first.sum(-1, keepdims=True))))


def main(commit: str) -> int:
    """Print the ratio of the CPU times of the two builds; returns 1 if counts differ that must be equal."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "base"
        clone(commit, folder)
        base, current = Build(folder), Build(ROOT)
        pairs = [(base.simulate(PATHS), current.simulate(PATHS)) for _ in range(TURNS)]
    ratios = sorted(a[0] / b[0] for a, b in pairs)
    print(HEAD)
    print(
        f"| {commit} : this build, one thread, CPU time, {PATHS} paths | {statistics.median(ratios):.2f} | "
        f"{ratios[0]:.2f} to {ratios[-1]:.2f} | {statistics.median(b[0] for _, b in pairs):.2f} s |"
    )
    verdicts = pairs[0][0][1], pairs[0][1][1]
    same = verdicts[0].shape == verdicts[1].shape and bool((verdicts[0] == verdicts[1]).all())
    if same:
        print("verdicts: equal")
    elif verdicts[0].shape == verdicts[1].shape:
        print(f"verdicts: they differ by at most {largest_difference(*verdicts):.1f} standard errors")
    print(f"core speedup: {statistics.median(ratios):.2f}")
    return 1 if base.version == current.version and base.version is not None and not same else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
