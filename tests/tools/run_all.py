"""`make test`: two lanes side by side, then the coverage gate.

One lane lives through the real smoke plan in real processes. The other runs the fast tests under coverage, and the
core once more without its compiler (compiled lines cannot be traced). A lane stops at its first failure. What fits
invented data to find a known truth again is `make recover`.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHOLE_JOB = "tests/test_whole_job.py"
#: With these every line of the core runs without the compiler too; its laws and invariances are tested compiled.
CORE = (
    *(f"tests/simulation/test_{name}.py" for name in ("random_numbers", "twin", "tallies", "jit")),
    "tests/simulation/test_dyads.py::test_kernel_and_twin_live_the_same_lives",
)
MINIMUM = 90  # percent of the lines of the package, without the slow tests


def step(*command: str, **environment: str) -> bool:
    """Run one step from the root, then print what it said; True if it passed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    told = " ".join([*(f"{k}={v}" for k, v in environment.items()), *command])
    print(f"\n$ {told}\n{done.stdout}", end="", flush=True)
    return done.returncode == 0


def in_turn(steps: Sequence[tuple[tuple[str, ...], dict[str, str]]]) -> bool:
    """A lane."""
    return all(step(*command, **environment) for command, environment in steps)


def main() -> None:
    """Both lanes, and the gate."""
    traced = ("coverage", "run", "-p", "-m", "pytest", "-q")
    whole_job = [(("pytest", "-q", "-x", WHOLE_JOB), {})]
    parts = [
        ((*traced, "-m", "not slow"), {}),
        ((*traced, *CORE), {"NUMBA_DISABLE_JIT": "1"}),
    ]
    step("coverage", "erase")
    with ThreadPoolExecutor(2) as lanes:
        passed = list(lanes.map(in_turn, (whole_job, parts)))
    gate = step("coverage", "combine", "-q") and step("coverage", "report", "--skip-covered", f"--fail-under={MINIMUM}")
    sys.exit(not (all(passed) and gate))


if __name__ == "__main__":
    main()
