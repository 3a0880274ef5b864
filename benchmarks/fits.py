"""Fits: nutpie against PyMC's own sampler, in effective draws a second of sampling; compilation beside it.

Same models on the same tables, chains, tuning and draws; the effective number is the least of all variables, in bulk.
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
    """Effective draws a second."""
    import nutpie

    begun = time.perf_counter()
    tree = nutpie.sample(
        compiled,
        chains=CHAINS,
        tune=TUNE,
        draws=DRAWS,
        seed=seed,
        target_accept=0.9,
        progress_bar=False,
    )
    return diagnose(tree).ess_bulk / (time.perf_counter() - begun)


def pymc_speed(model: Any, seed: int) -> tuple[float, float]:
    """Effective draws a second of sampling, and the seconds that compilation and start took beside it."""
    import pymc as pm

    begun = time.perf_counter()
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
    whole = time.perf_counter() - begun
    sampling = float(tree["posterior"].attrs.get("sampling_time", whole))
    return diagnose(tree).ess_bulk / sampling, whole - sampling


def main() -> None:
    """One line a model."""
    import nutpie  # after `forecast.inference.pymc_models`, which sets the compiler's flags

    inputs = read_inputs(ROOT, PLAN)
    print("| model | nutpie : PyMC, effective draws a second | range | nutpie | its compilation | PyMC's |")
    print("|---|---|---|---|---|---|")
    for name in MODELS:
        data = data_of(name, inputs.tables, inputs.priors)
        model = build(name, data, inputs.priors)
        begun = time.perf_counter()
        compiled = nutpie.compile_pymc_model(model)
        compilation = time.perf_counter() - begun
        found = [(nutpie_speed(compiled, turn), *pymc_speed(model, turn)) for turn in range(TURNS)]
        ratios = sorted(a / b for a, b, _ in found)
        speed, rest = (statistics.median(one[i] for one in found) for i in (0, 2))
        print(
            f"| {name} | {statistics.median(ratios):.1f} | {ratios[0]:.1f} to {ratios[-1]:.1f} | "
            f"{speed:.1f} a second | {compilation:.0f} s | {rest:.0f} s |"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
