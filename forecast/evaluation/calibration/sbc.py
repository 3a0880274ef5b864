"""Run simulation-based calibration: simulate data from a model's priors, refit, and test that ranks are uniform.

We draw parameters from their priors and simulate data from them in plain NumPy. We then fit the production model to the
data and compute the rank of each true value among its posterior draws. If likelihood, priors and sampler are correct,
the ranks are uniform. Sources: Talts et al. (2018), arXiv 1804.06788; Modrak et al. (2023), Bayesian Analysis, for
ranking the log-likelihood too.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
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
#: Probability that a correct model fails the rank tests of all its quantities together (Bonferroni).
FAMILY_LEVEL: Final = 0.01
#: Largest distance from 1, in standard errors, of the mean square of (true value - posterior mean) / posterior SD.
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
    """Calibrate `models` with `size` simulations each and return their certificates.

    Without names, all models are calibrated; with a simulator fault, only those that define it.

    Raises
    ------
    PlanError
        If a model or a simulator fault is unknown.
    """
    if unknown := [name for name in models if name not in MODELS]:
        raise PlanError(f"--model: no model {unknown[0]!r}; known: {', '.join(MODELS)}")
    known = {model: list(problem_of(model).simulator_faults) for model in models or MODELS}
    chosen = [model for model in known if not simulator_fault or simulator_fault in known[model]]
    if not chosen:
        faults = ", ".join(f"{name} ({model})" for model, names in known.items() for name in names)
        raise PlanError(f"--simulator-fault: no fault {simulator_fault!r}; known: {faults}")
    priors, certificates = load_priors(home / "priors"), []
    for model in chosen:
        with stages(f"calibrate {model}") as report:
            certificates.append(calibrate(home, model, size, priors, report, simulator_fault))
    return certificates


def problem_of(model: str) -> CalibrationProblem:
    """Return the calibration problem of a model."""
    return _PROBLEMS[model]()


def verdict(certificate: Mapping[str, Any]) -> str:
    """Return what is wrong with a model, or that its simulator fault was not detected; empty if nothing is wrong."""
    faults = certificate["summary"]["faults"]
    if certificate["flaw"]:
        caught = certificate["summary"]["outside"] or not certificate["summary"]["recovery"]["met"]
        return "" if caught else f"{certificate['model']}: the simulator fault {certificate['flaw']} was not caught"
    return f"{certificate['model']}: {'; '.join(faults)}" if faults else ""


def calibrate(
    home: Path, model: str, size: int, priors: Priors, report: Report, simulator_fault: str = ""
) -> dict[str, Any]:
    """Simulate, fit and rank until there are `size` simulations; return the certificate as it is stored.

    Simulations stored by an earlier call are used again. With a `simulator_fault` the simulator is wrong in a known
    way; its results are stored under another name and certify nothing.
    """
    digest = certificate_digest(model, priors)
    name = "-".join(filter(None, [model, digest, simulator_fault]))
    recipe = _recipe(model, simulator_fault)
    with only_one(home, f"certificate-{name}", lambda: nullcontext(report)):
        stored = read_certificate(home, name)
        if stored and stored["recipe"] == recipe and stored["summary"]["simulations"] >= size:
            return stored
        problem = problem_of(model)
        job = _Job(
            home=home,
            name=name,
            model=model,
            problem=problem,
            priors=problem.priors(priors),
            simulator_fault=simulator_fault,
        )
        simulations = _complete_simulations(job, size, recipe, report)[:size]
        certificate = {
            "model": model,
            "digest": digest,
            "flaw": simulator_fault,
            "recipe": recipe,
            "draws_ranked": LENGTH,
            "simulations_sha256": digest_of(simulations),
            "summary": summarise(simulations, model, priors),
        }
        write_certificate(home, name, certificate)
    report(f"{size} simulations", 1.0)
    return certificate


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """Hold what every simulation of one calibration shares; `name` is the name of its certificate."""

    home: Path
    name: str
    model: str
    problem: CalibrationProblem
    priors: Priors
    simulator_fault: str


def _recipe(model: str, simulator_fault: str) -> str:
    """Return the key of how the simulations are made: version of the problem, settings, seed, fault."""
    return digest_of([PROBLEM_VERSION[model], SETTINGS[model].model_dump(), SEED, simulator_fault])[:16]


def _complete_simulations(job: _Job, size: int, recipe: str, report: Report) -> list[dict[str, Any]]:
    """Return at least `size` simulations; store each new one as soon as it is done.

    Stored simulations are used again if they were made by the same recipe.
    """
    from forecast.inference.pymc_models.sampling import compile_on

    stored = read_simulations(job.home, job.name)
    simulations: list[dict[str, Any]] = stored["simulations"] if stored and stored["recipe"] == recipe else []
    content = {"recipe": recipe, "simulations": simulations}
    compiled = None
    for number in range(len(simulations), size):
        if compiled is None:
            report("compiling", 0.0)
            compiled = compile_on(job.model, job.problem.data, job.priors)
        simulations.append(_simulation(job, number, compiled))
        write_simulations(job.home, job.name, content)
        report(f"simulation {number + 1} of {size}", (number + 1) / size)
    return simulations


def _simulation(job: _Job, number: int, compiled: Any) -> dict[str, Any]:
    """Draw true parameters, simulate data, fit them, and return the ranks of the true values with the fit's facts."""
    begun = time.perf_counter()
    problem = job.problem
    rng = np.random.default_rng([SEED, address(job.model), number])
    true_parameters = problem.draw(job.priors, rng)
    fault = problem.simulator_faults[job.simulator_fault] if job.simulator_fault else None
    data = problem.simulate(problem.data, fault(true_parameters) if fault else true_parameters, rng)
    draws, facts = _posterior(compiled.with_data(**problem.data_vectors(data)), job.model, number)
    quantities = {name: draws[name] for name, value in true_parameters.items() if np.ndim(value) == 0}
    quantities |= problem.derived(data, draws)
    true_values = true_parameters | {
        name: float(x[0]) for name, x in problem.derived(data, as_draws(true_parameters)).items()
    }
    return {
        "number": number,
        "ranks": {name: rank(true_values[name], x) for name, x in quantities.items()},
        "truth": {name: float(true_values[name]) for name in quantities},
        "mean": {name: float(x.mean()) for name, x in quantities.items()},
        "sd": {name: float(x.std()) for name, x in quantities.items()},
        **facts,
        "seconds": round(time.perf_counter() - begun, 2),
    }


def _posterior(compiled: Any, model: str, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the draws of every variable, with chains joined, and the divergences and smallest ESS of the fit."""
    from forecast.inference.pymc_models.sampling import short_fit

    fit = short_fit(compiled, SETTINGS[model], SEED + number, silent)
    posterior = fit.tree[POSTERIOR].to_dataset().stack(pool=("chain", "draw"))
    draws = {str(k): x.transpose("pool", ...).to_numpy() for k, x in posterior.data_vars.items()}
    return draws, {"divergences": fit.diagnostics.divergences, "ess": round(fit.diagnostics.ess_bulk, 1)}


def summarise(simulations: list[dict[str, Any]], model: str, priors: Priors) -> dict[str, Any]:
    """Return rank tests, recovery and prior predictive checks of a model; `faults` names everything that failed."""
    table = {name: _quantity(simulations, name) for name in simulations[0]["ranks"]}
    level = FAMILY_LEVEL / len(table)
    outside = [name for name, row in table.items() if row["p"] < level]
    recovery = _recovery(simulations)
    prior = [asdict(gate) | {"met": gate.met} for gate in gates(model, priors)]
    faults = [f"ranks of {', '.join(outside)} outside their band"] if outside else []
    if not recovery["met"]:
        faults.append(f"squared errors are {recovery['mean_square']:.2f} times the posterior variance")
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
        "divergences": sum(simulation["divergences"] for simulation in simulations),
        "seconds": round(sum(simulation["seconds"] for simulation in simulations), 1),
        "faults": faults,
    }


def _quantity(simulations: list[dict[str, Any]], name: str) -> dict[str, float]:
    """Return the rank test of one quantity, the coverage of its 80 % interval, and its correlation with the truth."""
    ranks, true_values, mean = (
        np.array([simulation[key][name] for simulation in simulations]) for key in ("ranks", "truth", "mean")
    )
    inside = (ranks >= 0.1 * (LENGTH + 1)) & (ranks < 0.9 * (LENGTH + 1))
    spread = true_values.std() * mean.std()
    covariance = ((true_values - true_values.mean()) * (mean - mean.mean())).mean()
    correlation = covariance / spread if spread > 0 else 0.0
    return {"p": p_value(ranks), "coverage_80": float(inside.mean()), "correlation": float(correlation)}


def _recovery(simulations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean square of errors in posterior SDs, which is 1 in a correct model, with its standard error."""
    square = np.array(
        [np.mean([((s["truth"][q] - s["mean"][q]) / s["sd"][q]) ** 2 for q in s["ranks"]]) for s in simulations]
    )
    error = float(square.std(ddof=1) / np.sqrt(square.size)) if square.size > 1 else np.inf
    return {
        "mean_square": float(square.mean()),
        "standard_error": error if np.isfinite(error) else None,
        "met": bool(abs(square.mean() - 1.0) <= _RECOVERY_ERRORS * error),
    }


def calibration_lines(certificate: Mapping[str, Any]) -> list[str]:
    """Return a certificate as lines for the terminal."""
    summary = certificate["summary"]
    lines = [
        f"{certificate['model']}: {summary['simulations']} simulations, {len(summary['quantities'])} quantities; at "
        f"the family-wise level {summary['family_level']:g} each p must be at least {summary['level']:.5f}",
        f"  {'quantity':<24} {'p of ranks':>10}  {'80 % covers':>11}  {'correlation':>11}",
    ]
    for name, row in summary["quantities"].items():
        mark = "  OUTSIDE" if name in summary["outside"] else ""
        lines.append(f"  {name:<24} {row['p']:>10.4f}  {row['coverage_80']:>11.2f}  {row['correlation']:>11.2f}{mark}")
    recovery = summary["recovery"]
    if recovery["standard_error"] is not None:
        lines.append(
            f"  recovery: mean square of errors in posterior SDs {recovery['mean_square']:.2f} "
            f"± {recovery['standard_error']:.2f} ({'met' if recovery['met'] else 'NOT met'})"
        )
    for gate in summary["prior_gates"]:
        lines.append(
            f"  prior: {gate['name']}: {gate['value']:.2f} ({'met' if gate['met'] else 'NOT met'}: "
            f"{gate['lower']:.2f} to {gate['upper']:.2f})"
        )
    if certificate["flaw"]:
        caught = "NOT caught" if verdict(certificate) else "caught"
        lines.append(f"  simulated with the fault {certificate['flaw']}: {caught}")
    return [*lines, f"  {summary['divergences']} divergences, {summary['seconds']:.0f} s of fitting"]
