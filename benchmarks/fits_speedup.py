"""Compare the fits of `quickstart` with those of another commit, in turns on the same machine.

    python benchmarks/fits_speedup.py COMMIT [MODEL ...]

The commit is cloned as by `core_speedup.py`. Each build compiles each model once, with caches of its own that are empty
at first, and fits it with the settings of its own plan and fresh seeds, until its gate is passed. All times are CPU
time of the process: a second of a busy machine counts as much as one of an idle machine. The effective number of draws
is the smallest bulk effective sample size over all variables.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from common import PLAN, ROOT
from core_speedup import Build, clone

from forecast.names import MODELS

SEEDS = (1, 2, 3, 4, 5)
#: Program of each build: a model and a seed on each line of its input. It answers with the CPU seconds of compilation
#: (0 if it was compiled before) and of the fit, the effective draws, and the number of attempts; 0 if both failed.
WORKER = f"""
import json, sys, time
from functools import cache
from pathlib import Path
from forecast.errors import NotConvergedError
try:
    from forecast.inference.pymc_models.sampling import compile_model, fit
    from forecast.workspace.inputs import read_inputs
except ImportError:  # an early build
    from forecast.models.fit import compile_model, fit
    from forecast.inputs import read_inputs
inputs = read_inputs(Path("."), "{PLAN}")
priors = inputs.priors if hasattr(inputs, "priors") else inputs.beliefs
compiled = cache(lambda model: compile_model(model, inputs.tables, priors))
print(json.dumps(None), flush=True)
for line in sys.stdin:
    model, seed = line.split()
    begun = time.process_time()
    ready = compiled(model)
    sampling = time.process_time()
    try:
        made = fit(model, ready, inputs.plan.fit.of(model), int(seed), lambda what, part: None)
        effective, attempts = made.diagnostics.ess_bulk, made.attempts
    except NotConvergedError:
        effective, attempts = 0.0, 0
    print(json.dumps([sampling - begun, time.process_time() - sampling, effective, attempts]), flush=True)
"""


def ask(build: Build, model: str, seed: int) -> list[float]:
    """Return CPU seconds of compilation and fit, effective draws and attempts of one fit."""
    assert build.process.stdin is not None
    build.process.stdin.write(f"{model} {seed}\n")
    build.process.stdin.flush()
    return build.answer()  # type: ignore[return-value]


def middle(fits: list[list[float]], field: int) -> float:
    """Return the median of one field over the seeds."""
    return statistics.median(fit[field] for fit in fits)


def speed(fits: list[list[float]]) -> float:
    """Return the median of the effective draws for each CPU second."""
    return statistics.median(effective / seconds for _, seconds, effective, _ in fits)


def main(commit: str, models: list[str]) -> None:
    """Print a row for each model, and the ratio of the CPU times of all models from compilation to a passed gate."""
    totals = [0.0, 0.0]
    print(
        f"| model | {commit}: compiled, fitted | effective draws a CPU second | at first attempt | "
        "this build: compiled, fitted | effective draws a CPU second | at first attempt |"
    )
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "base"
        clone(commit, folder)
        builds = [Build(path, WORKER, Path(temporary) / name) for name, path in (("1", folder), ("2", ROOT))]
        for model in models:
            fits: list[list[list[float]]] = [[], []]
            for seed in SEEDS:
                for done, build in zip(fits, builds, strict=True):
                    done.append(ask(build, model, seed))
            cells = []
            for i, done in enumerate(fits):
                compiled, fitted = done[0][0], middle(done, 1)
                totals[i] += compiled + fitted
                first = sum(fit[3] == 1 for fit in done)
                cells += [f"{compiled:.0f} s, {fitted:.0f} s", f"{speed(done):.1f}", f"{first} of {len(SEEDS)}"]
            print(f"| {model} | {' | '.join(cells)} |", flush=True)
    print(f"fits speedup: {totals[0] / totals[1]:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or list(MODELS))
