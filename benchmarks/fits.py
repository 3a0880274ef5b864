"""Compare nutpie with PyMC's own sampler, in effective draws per second of sampling, and their compilation times.

Both fit the same models to the same tables with the same chains, tuning and draws. The effective number of draws is the
smallest bulk effective sample size over all variables.
"""

import statistics
import sys
import time
from typing import Any

from common import PLAN, ROOT

from forecast.inference.datasets import data_of
from forecast.inference.diagnostics import diagnose
from forecast.inference.pymc_models.sampling import build
from forecast.names import MODELS
from forecast.workspace.inputs import read_inputs

CHAINS, TUNE, DRAWS, TURNS = 2, 500, 500, 3


def nutpie_speed(compiled: Any, seed: int) -> float:
    """Return the effective draws per second of sampling."""
    import nutpie

    start = time.perf_counter()
    tree = nutpie.sample(
        compiled,
        chains=CHAINS,
        tune=TUNE,
        draws=DRAWS,
        seed=seed,
        target_accept=0.9,
        progress_bar=False,
    )
    return diagnose(tree).ess_bulk / (time.perf_counter() - start)


def pymc_speed(model: Any, seed: int) -> tuple[float, float]:
    """Return the effective draws per second of sampling, and the seconds of compilation and start."""
    import pymc as pm

    start = time.perf_counter()
    with model:
        tree = pm.sample(
            chains=CHAINS,
            cores=CHAINS,
            tune=TUNE,
            draws=DRAWS,
            random_seed=seed,
            target_accept=0.9,
            nuts_sampler="pymc",
            progressbar=False,
            compute_convergence_checks=False,
        )
    total = time.perf_counter() - start
    sampling = float(tree["posterior"].attrs.get("sampling_time", total))
    return diagnose(tree).ess_bulk / sampling, total - sampling


def main() -> None:
    """Print one row for each model."""
    import nutpie  # after `forecast.inference.pymc_models`, which sets the compiler's flags

    inputs = read_inputs(ROOT, PLAN)
    print("| model | nutpie : PyMC, effective draws per second | range | nutpie | its compilation | PyMC's |")
    print("|---|---|---|---|---|---|")
    for name in MODELS:
        data = data_of(name, inputs.tables, inputs.priors)
        model = build(name, data, inputs.priors)
        start = time.perf_counter()
        compiled = nutpie.compile_pymc_model(model)
        compilation = time.perf_counter() - start
        speeds = [(nutpie_speed(compiled, turn), *pymc_speed(model, turn)) for turn in range(TURNS)]
        ratios = sorted(a / b for a, b, _ in speeds)
        speed, start_time = (statistics.median(turn[i] for turn in speeds) for i in (0, 2))
        print(
            f"| {name} | {statistics.median(ratios):.1f} | {ratios[0]:.1f} to {ratios[-1]:.1f} | "
            f"{speed:.1f} per second | {compilation:.0f} s | {start_time:.0f} s |"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
