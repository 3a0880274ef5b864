"""Compare the speed of the simulation with the speed of an earlier build, in turns on the same machine.

    python benchmarks/tagged.py [TAG]

The script checks out the build of TAG (default `benchmark-2026-11`) into a temporary worktree. Each build runs in its
own process with one thread and simulates from the same posteriors of `quickstart`. It reads numbers of paths and
answers with the CPU seconds that they took. The tag also contains the C twin and the vectorised NumPy twins.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import HEAD, PLAN, ROOT, quickstart

from forecast.inference.fit_store import fit_stored
from forecast.names import MODELS
from forecast.storage.files import write_tree
from forecast.workspace.inputs import read_inputs

TAG = "benchmark-2026-11"
PATHS, TURNS = 200, 15
#: Program of each build: it reads numbers of paths and prints CPU seconds.
WORKER = """
import sys, time
from dataclasses import replace
from pathlib import Path
import xarray as xr
{build}
inputs = read_inputs(Path("."), "{plan}")
trees = {{}}
for model in {models}:
    with xr.open_datatree(Path(sys.argv[1]) / (model + ".nc"), engine="netcdf4") as tree:
        trees[model] = tree.load()
spec = replace(build_spec(inputs, trees), joint_paths=0)
for line in sys.stdin:
    begun = time.process_time()
    simulate(spec, int(line))
    print(time.process_time() - begun, flush=True)
"""
#: Definitions of `build_spec` and `simulate` with the names of each build; "" is the working tree.
BUILDS = {
    TAG: """
from forecast.inputs import read_inputs
from forecast.pipeline import prepare, setting_of
from forecast.progress import silent
from forecast.scale import simulate_paths

def build_spec(inputs, trees):
    return setting_of(inputs, prepare(inputs), trees, inputs.plan.seed)[1]

def simulate(spec, paths):
    simulate_paths(spec, paths, threads=1, report=silent)""",
    "": """
from forecast.pipeline.prepare import build_projection, build_run_data
from forecast.progress import silent
from forecast.projection.execution import Executor, simulate_paths
from forecast.workspace.inputs import read_inputs

def build_spec(inputs, trees):
    return build_projection(inputs, build_run_data(inputs), trees, inputs.plan.seed, Executor(1)).spec

def simulate(spec, paths):
    simulate_paths(spec, paths, Executor(1), silent)""",
}


def worker(folder: Path, posteriors: Path, build: str) -> "subprocess.Popen[str]":
    """Start a process that runs the build in `folder`; `build` is an entry of `BUILDS`."""
    code = WORKER.format(build=build, plan=PLAN, models=MODELS)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(posteriors)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(process: "subprocess.Popen[str]", paths: int) -> float:
    """Return the CPU seconds in which a process simulates `paths` paths."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{paths}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def write_posteriors(folder: Path) -> None:
    """Write the fits of `quickstart` to `folder`, after fitting the models that have no stored fit."""
    quickstart()
    inputs = read_inputs(ROOT, PLAN)
    for model in MODELS:
        stored = fit_stored(inputs, model)
        assert stored is not None
        write_tree(folder / f"{model}.nc", stored[0])


def main(tag: str) -> None:
    """Print the ratio of the CPU times of the two builds."""
    with tempfile.TemporaryDirectory() as temporary:
        tree, posteriors = Path(temporary) / "tagged", Path(temporary) / "posteriors"
        posteriors.mkdir()
        write_posteriors(posteriors)
        subprocess.run(
            ["git", "worktree", "add", "--detach", str(tree), tag], cwd=ROOT, check=True, capture_output=True
        )
        try:
            tagged = worker(tree, posteriors, BUILDS[TAG])
            current = worker(ROOT, posteriors, BUILDS[""])
            for process in (tagged, current):
                ask(process, PATHS)  # compiles or loads the kernel
            pairs = [(ask(current, PATHS), ask(tagged, PATHS)) for _ in range(TURNS)]
            for process in (tagged, current):
                process.communicate()
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)
    ratios = sorted(a / b for a, b in pairs)
    print(HEAD)
    print(
        f"| this build : {tag}, one thread, CPU time | {statistics.median(ratios):.2f} | {ratios[0]:.2f} to "
        f"{ratios[-1]:.2f} | {statistics.median(b for _, b in pairs):.2f} s |"
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else TAG)
