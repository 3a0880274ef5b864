"""Recompute the headlines under recoded data: contested cases, exits of unknown cause, without Iraq, calm years.

The withdrawal model is refitted for each recoding but compiled once. Priors, random numbers and the other models do not
change. The last variant refits nothing: allies respond to the pledge as they did before the war in Ukraine. Results are
stored in `runs/variants` and shown in the reports of runs with the same models.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.data.deployments import mission_spells
from forecast.data.exit_coding import recodings
from forecast.data.library_options import default_options
from forecast.evaluation.requirements.experiment import Experiment, build_experiment
from forecast.evaluation.score_store import TABLE, VARIANTS
from forecast.inference.digests import model_digest
from forecast.inference.fit_store import complete, fit_models
from forecast.names import MODELS
from forecast.progress import Stages
from forecast.projection.prior_sensitivity import headline_values
from forecast.storage.files import digest_of, write_json, written_whole
from forecast.storage.runs import is_whole, write_manifest
from forecast.workspace.inputs import Inputs
from forecast.workspace.provenance import SIMULATION_VERSION, VARIANTS_VERSION

AS_IT_IS: Final = "as it is"
#: First and last year before the war changed the response to the pledge (statistical design, section 9.4).
CALM_YEARS: Final = (2015, 2021)


@default_options()
def vary(inputs: Inputs, stages: Stages, threads: int) -> Path:
    """Return the folder with the headlines of every variant; variants stored earlier are used again.

    Raises
    ------
    NotConvergedError
        If a refit misses the convergence gate.
    """
    models = {model: model_digest(inputs, model) for model in MODELS}
    facts = {
        "models": models,
        "plan": inputs.plan.name,
        "version": VARIANTS_VERSION,
        "simulation": SIMULATION_VERSION,
    }
    key = variants_key(inputs, facts)
    folder = inputs.home / "runs" / VARIANTS / key
    if is_whole(folder):
        return folder
    trees = fit_models(inputs, MODELS, stages)
    experiment = build_experiment(inputs, trees, threads)
    variants = {AS_IT_IS: _headlines(experiment)}
    for name, tree in _refits(inputs, stages).items():
        with stages(f"project {name}"):
            variants[name] = _headlines(build_experiment(inputs, {**trees, "withdrawal": tree}, threads))
    calm = calm_response(experiment.samples["spending"]["log_response"])
    variants[f"response of {CALM_YEARS[0]}-{CALM_YEARS[1]}"] = _headlines(
        experiment, response_start=calm, response_mean=calm
    )
    with written_whole(folder) as temporary:
        write_json(temporary / TABLE, variants)
        write_manifest(temporary, facts)
    return folder


def variants_key(inputs: Inputs, facts: Mapping[str, Any]) -> str:
    """Return the name of the folder: a digest of `facts`, plan, tables and priors."""
    plan = inputs.plan.model_dump(mode="json", exclude={"schedule", "title"})
    tables, priors = dict(inputs.tables.digests), dict(inputs.priors.digests)
    return digest_of({**facts, "plan": plan, "tables": tables, "priors": priors})[:16]


def _refits(inputs: Inputs, stages: Stages) -> dict[str, xr.DataTree]:
    """Return the fits of the withdrawal model to every recoding; the model is compiled once."""
    from forecast.inference.pymc_models.sampling import compile_model, fit

    with stages("compile withdrawal"):
        compiled = compile_model("withdrawal", inputs.tables, inputs.priors)
        spells = mission_spells(inputs.tables, inputs.priors)
    trees = {}
    for name, vectors in recodings(spells, inputs.tables, inputs.priors).items():
        with stages(f"fit {name}") as report:
            recoded = compiled.with_data(**vectors)
            refit = fit("withdrawal", recoded, inputs.plan.fit.of("withdrawal"), inputs.plan.seed, report)
            trees[name] = complete(refit.tree, inputs, "withdrawal", None)
    return trees


def calm_response(log_response: xr.DataArray) -> NDArray[np.float64]:
    """Return the mean over `CALM_YEARS` of the log response to the pledge (draw,)."""
    first, last = CALM_YEARS
    mean = log_response.sel(pledge_year=slice(first, last)).mean("pledge_year")
    return np.asarray(mean, dtype=float)


def _headlines(experiment: Experiment, **parameters: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Return mean and Monte Carlo error of each headline in the wars without a design, with one path per draw."""
    roster = experiment.roster
    cells = [(war, roster.reference[1]) for war in roster.wars]
    result = experiment.run(cells, paths=experiment.inputs.plan.draws, parameters=parameters)
    values = headline_values(result.joint, experiment.draws, roster, experiment.inputs.priors)
    return {name: {"mean": float(x.mean()), "mcse": float(x.std() / np.sqrt(x.size))} for name, x in values.items()}


def variant_lines(variants: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Return the table as lines of text: each headline, then its value under every variant."""
    lines = []
    for headline in variants[AS_IT_IS]:
        lines.append(headline)
        for name, headlines in variants.items():
            estimate = headlines[headline]
            lines.append(f"  {name:<28} {estimate['mean']:.3f} ± {estimate['mcse']:.3f}")
    return lines
