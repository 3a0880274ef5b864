"""`make test`: all fast tests on two workers, the kernel once more without its compiler, then the coverage gate.

Compiled lines cannot be traced, so the tests of the kernel also run with the compiler off. What takes minutes is
`make recover`: fits that must find a known truth, whole plans in real processes, clusters and calendars under kills.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: With these every line of the kernel runs without the compiler too; its laws and invariances are tested compiled.
KERNEL = (
    *(f"tests/simulation/test_{name}.py" for name in ("random_numbers", "twin", "tallies", "jit")),
    "tests/simulation/test_dyads.py::test_kernel_equals_twin_for_dyads",
)
MINIMUM = 95  # percent of the lines of the package, without the slow tests


def step(*command: str, **environment: str) -> bool:
    """Run one step from the root, then print its output; return whether it passed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    title = " ".join([*(f"{k}={v}" for k, v in environment.items()), *command])
    print(f"\n$ {title}\n{done.stdout}", end="", flush=True)
    return done.returncode == 0


def main() -> None:
    """Run the kernel's tests uncompiled while it is compiled for all workers, then the fast tests and the gate."""
    traced = ("coverage", "run", "-m", "pytest", "-q")
    step("coverage", "erase")
    with ThreadPoolExecutor(2) as pool:
        kernel = pool.submit(step, *traced, *KERNEL, NUMBA_DISABLE_JIT="1")
        compiled = pool.submit(step, "forecast", "warmup")
        passed = [kernel.result(), compiled.result()]
    passed.append(step(*traced, "-n", "2", "--dist", "worksteal", "-m", "not slow"))
    gate = step("coverage", "combine", "-q") and step("coverage", "report", "--skip-covered", f"--fail-under={MINIMUM}")
    sys.exit(not (all(passed) and gate))


if __name__ == "__main__":
    main()
