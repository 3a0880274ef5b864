"""Calibration by simulation: a model must find again what was simulated from its own beliefs.

Parameters are drawn from their beliefs, data simulated from them in plain NumPy, the production model is fitted to
the data, and the rank of each true value among its posterior draws is noted. If likelihood, priors and sampler are
right, ranks are uniform. Sources: Talts et al. 2018 (arXiv 1804.06788); Modrak et al. 2023, Bayesian Analysis, for
the log-likelihood among the quantities ranked.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from forecast.errors import PlanError
from forecast.evaluation.calibration import cohesion, leadership, spending, withdrawal
from forecast.evaluation.calibration.certificates import (
    certificate_digest,
    read_certificate,
    read_simulations,
    write_certificate,
    write_simulations,
)
from forecast.evaluation.calibration.prior_predictive import gates
from forecast.evaluation.calibration.problem import CalibrationProblem, as_draws
from forecast.evaluation.calibration.rank_tests import LENGTH, p_value, rank
from forecast.names import POSTERIOR
from forecast.priors.load import Priors, load_priors
from forecast.progress import Report, Stages, silent
from forecast.random_streams import address
from forecast.storage.files import digest_of
from forecast.storage.locks import only_one
from forecast.workspace.plan import FitSettings
from forecast.workspace.provenance import PROBLEM_VERSION

SEED: Final = 88
#: Chance that a right model is refused by its ranks: over all its quantities together (Bonferroni).
FAMILY_LEVEL: Final = 0.01
#: Standard errors that the mean square of (truth - posterior mean) / posterior SD may lie from 1.
_RECOVERY_ERRORS: Final = 4.0
SETTINGS: Final[Mapping[str, FitSettings]] = {
    "spending": FitSettings(chains=2, tune=500, draws=1000, target_accept=0.95),
    "leadership": FitSettings(chains=2, tune=500, draws=1000, target_accept=0.95),
    "withdrawal": FitSettings(chains=2, tune=500, draws=1000, target_accept=0.95),
    "cohesion": FitSettings(chains=2, tune=500, draws=1000, target_accept=0.95),
}
_PROBLEMS: Final = {
    "spending": spending.problem,
    "leadership": leadership.problem,
    "withdrawal": withdrawal.problem,
    "cohesion": cohesion.problem,
}
MODELS: Final = tuple(_PROBLEMS)


def calibrate_all(
    home: Path, models: Sequence[str], size: int, simulator_fault: str, stages: Stages
) -> list[dict[str, Any]]:
    """The certificates of `models` (all, if none is named; with a flaw, those that have it).

    Raises
    ------
    PlanError
        If a model or a flaw is unknown.
    """
    if unknown := [name for name in models if name not in MODELS]:
        raise PlanError(f"--model: no model {unknown[0]!r}; known: {', '.join(MODELS)}")
    known = {model: list(problem_of(model).simulator_faults) for model in models or MODELS}
    wanted = [model for model in known if not simulator_fault or simulator_fault in known[model]]
    if not wanted:
        told = ", ".join(f"{name} ({model})" for model, names in known.items() for name in names)
        raise PlanError(f"--simulator-fault: no fault {simulator_fault!r}; known: {told}")
    priors, found = load_priors(home / "priors"), []
    for model in wanted:
        with stages(f"calibrate {model}") as report:
            found.append(calibrate(home, model, size, priors, report, simulator_fault))
    return found


def problem_of(model: str) -> CalibrationProblem:
    """The model in small."""
    return _PROBLEMS[model]()


def verdict(found: Mapping[str, Any]) -> str:
    """What is wrong with a calibration, if anything is: faults of a model, or a flaw that nothing betrayed."""
    faults = found["summary"]["faults"]
    if found["flaw"]:
        caught = found["summary"]["outside"] or not found["summary"]["recovery"]["met"]
        return "" if caught else f"{found['model']}: the flaw {found['flaw']} was not caught"
    return f"{found['model']}: {'; '.join(faults)}" if faults else ""


def calibrate(
    home: Path, model: str, size: int, priors: Priors, report: Report, simulator_fault: str = ""
) -> dict[str, Any]:
    """Simulate, fit and rank `size` times, or as often as is still missing; the certificate, as it is stored.

    With a `flaw` the simulator is wrong in a known way; what is found is kept apart and certifies nothing.
    """
    problem = problem_of(model)
    digest = certificate_digest(model, priors)
    name = "-".join(filter(None, [model, digest, simulator_fault]))
    recipe = _recipe(model, simulator_fault)
    with only_one(home, f"certificate-{name}"):
        kept = read_certificate(home, name)
        if kept and kept["recipe"] == recipe and kept["summary"]["simulations"] >= size:
            return kept
        done = _begun(home, name, recipe)
        _simulations(home, name, problem, size, problem.priors(priors), done, model, simulator_fault, report)
        found = {
            "model": model,
            "digest": digest,
            "flaw": simulator_fault,
            "recipe": recipe,
            "draws_ranked": LENGTH,
            "simulations_sha256": digest_of(done["simulations"][:size]),
            "summary": summarise(done["simulations"][:size], model, priors),
        }
        write_certificate(home, name, found)
    report(f"{size} simulations", 1.0)
    return found


def _begun(home: Path, name: str, recipe: str) -> dict[str, Any]:
    """What an earlier call has left, if it was made by the same recipe."""
    found = read_simulations(home, name)
    return found if found and found["recipe"] == recipe else {"recipe": recipe, "simulations": []}


def _recipe(model: str, simulator_fault: str) -> str:
    """Return the key of how the simulations are made: version of the problem, settings, seed, fault."""
    return digest_of([PROBLEM_VERSION[model], SETTINGS[model].model_dump(), SEED, simulator_fault])[:16]


def _simulations(
    home: Path,
    name: str,
    problem: CalibrationProblem,
    size: int,
    priors: Priors,
    kept: dict[str, Any],
    model: str,
    simulator_fault: str,
    report: Report,
) -> None:
    """Make those that are missing; each is stored when it is done."""
    from forecast.inference.pymc_models.sampling import compile_on

    done: list[dict[str, Any]] = kept["simulations"]
    compiled = None
    for number in range(len(done), size):
        if compiled is None:
            report("compiling", 0.0)
            compiled = compile_on(model, problem.data, priors)
        done.append(_simulation(model, number, problem, compiled, priors, simulator_fault))
        write_simulations(home, name, kept)
        report(f"simulation {number + 1} of {size}", (number + 1) / size)


def _simulation(
    model: str, number: int, problem: CalibrationProblem, compiled: Any, priors: Priors, simulator_fault: str
) -> dict[str, Any]:
    """One truth, the data it gives, and where it ranks in what the data say of it."""
    begun = time.perf_counter()
    rng = np.random.default_rng([SEED, address(model), number])
    true_parameters = problem.draw(priors, rng)
    seen = problem.simulate(
        problem.data,
        problem.simulator_faults[simulator_fault](true_parameters) if simulator_fault else true_parameters,
        rng,
    )
    draws, facts = _posterior(compiled.with_data(**problem.data_vectors(seen)), model, number)
    quantities = {name: draws[name] for name, value in true_parameters.items() if np.ndim(value) == 0}
    quantities |= problem.derived(seen, draws)
    known = true_parameters | {
        name: float(x[0]) for name, x in problem.derived(seen, as_draws(true_parameters)).items()
    }
    return {
        "number": number,
        "ranks": {name: rank(known[name], x) for name, x in quantities.items()},
        "truth": {name: float(known[name]) for name in quantities},
        "mean": {name: float(x.mean()) for name, x in quantities.items()},
        "sd": {name: float(x.std()) for name, x in quantities.items()},
        **facts,
        "seconds": round(time.perf_counter() - begun, 2),
    }


def _posterior(compiled: Any, model: str, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draws of every variable, chains one after the other; divergences and the smallest ESS."""
    from forecast.inference.pymc_models.sampling import short_fit

    fit = short_fit(compiled, SETTINGS[model], SEED + number, silent)
    draws = fit.tree[POSTERIOR].to_dataset().stack(pool=("chain", "draw"))
    found = {str(k): x.transpose("pool", ...).to_numpy() for k, x in draws.data_vars.items()}
    seen = fit.diagnostics
    return found, {"divergences": seen.divergences, "ess": round(seen.ess_bulk, 1)}


def summarise(simulations: list[dict[str, Any]], model: str, priors: Priors) -> dict[str, Any]:
    """Bands, recovery and gates of the prior predictive; `faults` names all that is amiss."""
    table = {name: _quantity(simulations, name) for name in simulations[0]["ranks"]}
    level = FAMILY_LEVEL / len(table)
    outside = [name for name, row in table.items() if row["p"] < level]
    recovery = _recovery(simulations)
    prior = [asdict(gate) | {"met": gate.met} for gate in gates(model, priors)]
    faults = [f"ranks of {', '.join(outside)} outside their band"] if outside else []
    if not recovery["met"]:
        faults.append(f"errors are {recovery['mean_square']:.2f} times what the model says of them")
    faults += [
        f"{g['name']} is {g['value']:.2f}, not within {g['lower']:.2f} to {g['upper']:.2f}"
        for g in prior
        if not g["met"]
    ]
    return {
        "simulations": len(simulations),
        "family_level": FAMILY_LEVEL,
        "level": level,
        "quantities": table,
        "outside": outside,
        "recovery": recovery,
        "prior_gates": prior,
        "divergences": sum(one["divergences"] for one in simulations),
        "seconds": round(sum(one["seconds"] for one in simulations), 1),
        "faults": faults,
    }


def _quantity(simulations: list[dict[str, Any]], name: str) -> dict[str, float]:
    """How far the ranks of one quantity stray, how often its 80 % interval holds the truth, how well it is found."""
    ranks, true_parameters, mean = (
        np.array([one[key][name] for one in simulations]) for key in ("ranks", "truth", "mean")
    )
    inside = (ranks >= 0.1 * (LENGTH + 1)) & (ranks < 0.9 * (LENGTH + 1))
    spread = true_parameters.std() * mean.std()
    found = ((true_parameters - true_parameters.mean()) * (mean - mean.mean())).mean() / spread if spread > 0 else 0.0
    return {"p": p_value(ranks), "coverage_80": float(inside.mean()), "correlation": float(found)}


def _recovery(simulations: list[dict[str, Any]]) -> dict[str, Any]:
    """Known truth found again: the mean square of errors in posterior SDs is 1 in a model that is right."""
    square = np.array(
        [
            np.mean([((one["truth"][q] - one["mean"][q]) / one["sd"][q]) ** 2 for q in one["ranks"]])
            for one in simulations
        ]
    )
    error = float(square.std(ddof=1) / np.sqrt(square.size)) if square.size > 1 else np.inf
    return {
        "mean_square": float(square.mean()),
        "standard_error": error if np.isfinite(error) else None,
        "met": bool(abs(square.mean() - 1.0) <= _RECOVERY_ERRORS * error),
    }


def calibration_lines(found: Mapping[str, Any]) -> list[str]:
    """A certificate for a terminal."""
    s = found["summary"]
    lines = [
        f"{found['model']}: {s['simulations']} simulations, {len(s['quantities'])} quantities, family-wise level "
        f"{s['family_level']:g}, so each p must be at least {s['level']:.5f}",
        f"  {'quantity':<24} {'p of ranks':>10}  {'80 % covers':>11}  {'correlation':>11}",
    ]
    for name, row in s["quantities"].items():
        mark = "  OUTSIDE" if name in s["outside"] else ""
        lines.append(f"  {name:<24} {row['p']:>10.4f}  {row['coverage_80']:>11.2f}  {row['correlation']:>11.2f}{mark}")
    r = s["recovery"]
    if r["standard_error"] is not None:
        lines.append(
            f"  truth found again: mean square of errors in posterior SDs {r['mean_square']:.2f} "
            f"+- {r['standard_error']:.2f} ({'met' if r['met'] else 'NOT met'})"
        )
    for gate in s["prior_gates"]:
        lines.append(
            f"  prior: {gate['name']}: {gate['value']:.2f} ({'met' if gate['met'] else 'NOT met'}: "
            f"{gate['lower']:.2f} to {gate['upper']:.2f})"
        )
    if found["flaw"]:
        lines.append(f"  simulated with the flaw {found['flaw']}: {'NOT caught' if verdict(found) else 'caught'}")
    return [*lines, f"  {s['divergences']} divergences, {s['seconds']:.0f} s of fitting"]
