"""Compare each fit with the data in simulations of the compiled kernel over the past: the contract of a model.

A contract lists numbers of the data beside what the fit expects and what the kernel simulates (`contract_lines`). It is
named by its model, a digest of the model with its data and priors, and the version of the simulation. Runs with the
same digest and version show it on the page of the model.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.deployments import mission_spells
from forecast.data.spending import spending_panel
from forecast.errors import RunError
from forecast.evaluation.calibration import contract_cohesion, contract_leaders, contract_missions, contract_spending
from forecast.evaluation.calibration.contract_lines import Line
from forecast.evaluation.calibration.contract_store import contract_name, read_contract, write_contract
from forecast.inference.digests import model_digest
from forecast.inference.fit_store import fit_stored, is_stored
from forecast.models import alliance_exit
from forecast.models.cohesion import Samples
from forecast.names import MODELS
from forecast.progress import Report
from forecast.projection.parameter_draws.assemble import assemble_draws, posterior_samples
from forecast.projection.static_inputs import build_static_inputs
from forecast.workspace.inputs import Inputs
from forecast.workspace.provenance import CONTRACT_VERSION, SIMULATION_VERSION

PATHS: Final = 200  # simulated histories, one for each parameter draw
SEED: Final = 89


def make_contracts(inputs: Inputs, models: Sequence[str], report: Report) -> dict[str, dict[str, Any]]:
    """Return the contracts of `models` and store those that are new; the fits are the stored ones of the plan.

    Raises
    ------
    RunError
        If a fit is not stored, or a stored contract is damaged.
    """
    contracts, wanted = {}, {}
    for model in models:
        digest = model_digest(inputs, model)
        name = contract_name(model, digest, SIMULATION_VERSION)
        if (stored := read_contract(inputs.home, name)) and stored["paths"] == PATHS:
            contracts[model] = stored
        else:
            wanted[model] = (name, digest)
    lines = contract_lines(inputs, list(wanted), stored_samples(inputs, PATHS), report) if wanted else {}
    for model, (name, digest) in wanted.items():
        content = {
            "model": model,
            "digest": digest[:16],
            "simulation_version": SIMULATION_VERSION,
            "version": CONTRACT_VERSION,
            "paths": PATHS,
            "lines": lines[model],
        }
        contracts[model] = write_contract(inputs.home, name, content)
    return {model: contracts[model] for model in models}


def missing_fits(inputs: Inputs) -> list[str]:
    """Return the models without a stored fit of the plan."""
    return [model for model in MODELS if not is_stored(inputs, model)]


def stored_samples(inputs: Inputs, size: int) -> dict[str, Samples]:
    """Return draws of the stored fits of a plan, and of the rates of leaving the alliance, by model and name."""
    fits = {}
    for model in MODELS:
        if (stored := fit_stored(inputs, model)) is None:
            plan = inputs.plan.name
            raise RunError(f"plan {plan}: no stored fit of the {model} model, expected one; run `forecast run {plan}`")
        fits[model] = stored[0]
    return samples_of(inputs, fits, size)


def samples_of(inputs: Inputs, fits: Mapping[str, Any], size: int) -> dict[str, Samples]:
    """Return `size` draws of each fit, and of the rates of leaving the alliance, by model and name."""
    rates = alliance_exit.samples(inputs.priors, inputs.tables, size, inputs.plan.seed)
    return {**posterior_samples(fits, size, inputs.plan.seed), "rates": rates}


def contract_lines(
    inputs: Inputs, models: Sequence[str], samples: Mapping[str, Samples], report: Report, seed: int = SEED
) -> dict[str, list[Line]]:
    """Return the lines of each model; `samples` holds draws of all models, one for each simulated history."""
    tables, priors, plan = inputs.tables, inputs.priors, inputs.plan
    panel, lines = spending_panel(tables, priors), {}
    spells = mission_spells(tables, priors)
    roster = contract_missions.spell_roster(inputs, spells)
    report("draws", 0.0)
    draws = assemble_draws(samples, panel, priors, roster, plan.seed)
    static = build_static_inputs(tables, priors, plan, inputs.roster)
    if "spending" in models:
        report("spending", 0.1)
        budgets = contract_spending.past_budgets(tables, priors, panel, roster, static, draws)
        changes = contract_spending.replay_changes(budgets, samples["spending"], seed)
        lines["spending"] = contract_spending.compare_changes(budgets, changes, samples["spending"])
    if "leadership" in models:
        report("leadership", 0.3)
        lines["leadership"] = contract_leaders.leadership_lines(
            inputs, samples["leadership"], draws, static, roster.countries, seed
        )
    if "withdrawal" in models:
        report("withdrawal", 0.5)
        lines["withdrawal"] = contract_missions.withdrawal_lines(inputs, samples, draws, roster, spells, seed)
    if "cohesion" in models:
        report("cohesion", 0.9)
        indicators = indicator_panel(tables, priors.grid)
        lines["cohesion"] = contract_cohesion.cohesion_lines(indicators, samples["cohesion"], draws, seed)
    return lines
