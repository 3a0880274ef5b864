"""`make test`: the fast tests under coverage, the core once more without its compiler, the slow tests, and the gate.

Lines of the core are counted with the compiler off, since compiled code cannot be traced.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ("philox", "dynamics", "kernel", "tally")
MINIMUM = "90"  # percent of the lines of the package, without the slow tests


def run(*command: str, **environment: str) -> None:
    """Run one step from the root; stop at the first that fails."""
    print(f"\n$ {' '.join(f'{k}={v}' for k, v in environment.items())} {' '.join(command)}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **environment}, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """All steps in order."""
    core = [f"tests/test_{name}.py" for name in CORE]
    run("coverage", "erase")
    run("coverage", "run", "-p", "-m", "pytest", "-q", *core, NUMBA_DISABLE_JIT="1")
    run("coverage", "run", "-p", "-m", "pytest", "-q", "-m", "not slow")
    run("coverage", "combine", "-q")
    run("coverage", "report", "--skip-covered", f"--fail-under={MINIMUM}")
    run("pytest", "-q", "-m", "slow")


if __name__ == "__main__":
    main()
