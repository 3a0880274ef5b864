"""The headlines under other readings of the record: contested cases, exits of unknown ground, without Iraq, calm years.

The withdrawal model is fitted anew for each reading, without a new compilation; beliefs, luck and the other models
stay as they are. The last reading fits nothing: allies answer the pledge as they did before the war in Ukraine.
What was made once is kept in `runs/variants`, and shown by the reports of runs with the same model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.data.deployments import mission_spells
from forecast.data.exit_coding import recodings
from forecast.evaluation.requirements.experiment import Experiment, build_experiment
from forecast.evaluation.score_store import TABLE, VARIANTS
from forecast.inference.digests import model_digest
from forecast.inference.fit_store import complete, fit_all
from forecast.names import DESIGNS, MODELS
from forecast.progress import Stages
from forecast.projection.prior_sensitivity import headline_values
from forecast.storage.files import digest_of, write_json, written_whole
from forecast.storage.runs import is_whole, write_manifest
from forecast.workspace.inputs import Inputs
from forecast.workspace.provenance import SIMULATION_VERSION, VARIANTS_VERSION

AS_IT_IS: Final = "as it is"
CALM_YEARS: Final = (
    2015,
    2021,
)  # first and last; the response to the pledge was another (statistical design, 9.4)


def vary(inputs: Inputs, stages: Stages, threads: int) -> Path:
    """The folder with the headlines of every reading; those made before are used again.

    Raises
    ------
    NotConvergedError
        When the model does not sample well under one of them.
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
    trees, _, _ = fit_all(inputs, stages)
    experiment = build_experiment(inputs, trees, threads)
    told = {AS_IT_IS: _headlines(experiment)}
    for name, tree in _refits(inputs, stages).items():
        with stages(f"project {name}"):
            told[name] = _headlines(build_experiment(inputs, {**trees, "withdrawal": tree}, threads))
    calm = calm_response(experiment.samples["spending"]["log_response"])
    told[f"response of {CALM_YEARS[0]}-{CALM_YEARS[1]}"] = _headlines(
        experiment, response_start=calm, response_mean=calm
    )
    with written_whole(folder) as aside:
        write_json(aside / TABLE, told)
        write_manifest(aside, facts)
    return folder


def variants_key(inputs: Inputs, facts: Mapping[str, Any]) -> str:
    """Return the name of the folder: `facts`, plan, tables and priors decide the headlines."""
    plan = inputs.plan.model_dump(mode="json", exclude={"schedule", "title"})
    tables, priors = dict(inputs.tables.digests), dict(inputs.priors.digests)
    return digest_of({**facts, "plan": plan, "tables": tables, "priors": priors})[:16]


def _refits(inputs: Inputs, stages: Stages) -> dict[str, xr.DataTree]:
    """The withdrawal model under every other reading, compiled once."""
    from forecast.inference.pymc_models.sampling import compile_model, fit

    with stages("compile withdrawal"):
        compiled = compile_model("withdrawal", inputs.tables, inputs.priors)
        spells = mission_spells(inputs.tables, inputs.priors)
    found = {}
    for name, vectors in recodings(spells, inputs.tables, inputs.priors).items():
        with stages(f"fit {name}") as report:
            ready = compiled.with_data(**vectors)
            done = fit("withdrawal", ready, inputs.plan.fit.of("withdrawal"), inputs.plan.seed, report)
            found[name] = complete(done.tree, inputs, "withdrawal", None)
    return found


def calm_response(log_response: xr.DataArray) -> NDArray[np.float64]:
    """(draws,): mean log of the part of a gap closed in a year of `CALM_YEARS`."""
    first, last = CALM_YEARS
    mean = log_response.sel(pledge_year=slice(first, last)).mean("pledge_year")
    return np.asarray(mean, dtype=float)


def _headlines(experiment: Experiment, **parameters: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Mean and Monte Carlo error of each headline, one path a draw, in the wars without a design."""
    roster = experiment.roster
    cells = [(war, DESIGNS[0]) for war in roster.wars]
    seen = experiment.run(cells, paths=experiment.inputs.plan.draws, parameters=parameters)
    values = headline_values(seen.joint, experiment.draws, roster, experiment.inputs.priors)
    return {name: {"mean": float(x.mean()), "mcse": float(x.std() / np.sqrt(x.size))} for name, x in values.items()}


def variant_lines(told: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """The table as text: one line a headline, one number a reading."""
    lines = []
    for headline in told[AS_IT_IS]:
        lines.append(headline)
        for name, found in told.items():
            one = found[headline]
            lines.append(f"  {name:<28} {one['mean']:.3f} ± {one['mcse']:.3f}")
    return lines
