"""The order of a run: read inputs, fit, project, check, write. It is written in this module alone.

Every fault of the inputs is found before the first fit. Fits and complete runs are used again while nothing that could
change them has changed.

A forecast needs the fits of all models; one test compares it with fits that leave a mission out. They are made beside
the projection and after it. Until they are there, the run is stored as pending.
"""

import contextlib
import logging
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import xarray as xr

from forecast import names
from forecast.array_types import Floats
from forecast.data.announcements import plans_in_force
from forecast.data.deployments import event_counts
from forecast.data.exclusions import expired_today
from forecast.data.library_options import default_options
from forecast.data.spending import european_weights, last_european_share, outside_bounds, spending_history
from forecast.data.tables import Tables
from forecast.errors import RunError, all_faults
from forecast.evaluation.score_store import find_scores
from forecast.inference.datasets import data_of
from forecast.inference.diagnostics import shrinkage
from forecast.inference.fit_store import Fits, Later, LeftOut, fit_left_out, fits_of
from forecast.inference.memory import return_memory
from forecast.models import alliance_exit
from forecast.models.kaplan_meier import framework_durations, kaplan_meier, share_given_served
from forecast.pipeline.degraded import degraded_inputs, fallback_fits
from forecast.pipeline.kept_tables import keep_tables
from forecast.pipeline.manifest import build_manifest, build_provenance
from forecast.pipeline.prepare import RunData, build_projection, build_run_data, warm_kernel
from forecast.priors.load import Priors
from forecast.priors.pledges import pledge_path
from forecast.priors.statements import expired_text
from forecast.progress import Stages
from forecast.projection.acceptance_checks import check_cohesion_model, check_withdrawal_curves, run_checks
from forecast.projection.adaptive_paths import Rounds, additional_paths
from forecast.projection.consistency import inconsistencies
from forecast.projection.execution import Executor, require_executor
from forecast.projection.headlines import make_headlines
from forecast.projection.judgement_share import judgement_shares, unknown_shares
from forecast.projection.labelled_tree import label_projection
from forecast.projection.monte_carlo_error import Projected
from forecast.projection.more_headlines import References, make_more_headlines
from forecast.projection.prior_sensitivity import prior_sensitivity
from forecast.projection.resources import projection_size, require_resources
from forecast.random_streams import second_seed
from forecast.simulation.jit import is_compiled
from forecast.storage.files import write_json, write_tree, written_whole
from forecast.storage.ledger import seal_run
from forecast.storage.locks import only_one
from forecast.storage.runs import PENDING, Run, clear_failure, complete_run, read_run, write_failure, write_manifest
from forecast.workspace.inputs import Inputs, read_inputs
from forecast.workspace.roster import Roster

log = logging.getLogger(__name__)

#: Returns further JSON files of a run by name, from its inputs, its projection and its headlines.
Further = Callable[[Inputs, xr.DataTree, Sequence[Mapping[str, Any]]], Mapping[str, Any]]


def nothing_further(inputs: Inputs, tree: xr.DataTree, headlines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return no further files."""
    return {}


def not_shown(run: Run) -> None:
    """Show no run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Callbacks:
    """Functions of the layers above that are called while a run is made.

    Attributes
    ----------
    further : gives files that they add, such as the answers to questions; its error prevents the run.
    show : shows a run that is pending, as soon as it is stored; its error ends the command, and the run stays pending.
    """

    further: Further = nothing_further
    show: Callable[[Run], None] = not_shown


NO_CALLBACKS: Final = Callbacks()


@default_options()
def run(
    home: Path,
    plan_name: str,
    stages: Stages,
    threads: int,
    dask: str = "",
    precision: float | None = None,
    callbacks: Callbacks = NO_CALLBACKS,
) -> Run:
    """Make the run of a plan, or open it if it is made already.

    Parameters
    ----------
    home
        Folder of the workspace.
    plan_name
        Name of the plan.
    stages
        Receives the progress.
    threads
        Number of threads for the simulation.
    dask
        Address of a Dask scheduler, or `local:N`; empty for threads.
    precision
        Replaces the precision of the plan.
    callbacks
        Functions of the layers above, which add files and show the run.

    Raises
    ------
    ForecastError
        The run cannot be made; the reason is stored as a failed run.
    """
    with stages("check inputs"):
        inputs = read_inputs(home, plan_name, precision)
    return _make_or_open(inputs, stages, Executor(threads, dask), callbacks, degraded=False)


@default_options()
def run_degraded(
    home: Path,
    plan_name: str,
    stages: Stages,
    threads: int,
    dask: str = "",
    precision: float | None = None,
    callbacks: Callbacks = NO_CALLBACKS,
) -> Run:
    """Make a degraded run of a plan, which fits nothing (`forecast.pipeline.degraded`); arguments as for `run`."""
    with stages("check inputs"):
        inputs = degraded_inputs(read_inputs(home, plan_name, precision))
    return _make_or_open(inputs, stages, Executor(threads, dask), callbacks, degraded=True)


def _make_or_open(inputs: Inputs, stages: Stages, executor: Executor, callbacks: Callbacks, *, degraded: bool) -> Run:
    """Make the run of these inputs, or open it if it is made already; store the reason of a failure."""
    home = inputs.home
    with only_one(home, inputs.run_id, partial(stages, "wait")):
        folder = home / "runs" / inputs.run_id
        if there := os.path.lexists(folder / names.MANIFEST):
            existing = read_run(folder)
            existing.require_whole(or_pending=True)
        try:
            if not there:
                _make(inputs, stages, executor, callbacks, degraded=degraded)
            elif existing.status == PENDING:
                complete(inputs, folder, fit_left_out(inputs, stages), stages)
        except Exception as error:  # every failure is stored, then raised again
            failure = {
                "id": inputs.run_id,
                "plan": inputs.plan.name,
                "reason": str(error) or type(error).__name__,
            }
            with contextlib.suppress(RunError):  # a full disk may refuse even the failure
                write_failure(home, inputs.run_id, failure | {"kind": type(error).__name__})
            raise
        clear_failure(home, inputs.run_id)
        made = read_run(folder)
        _seal(home, made)
    return made


def _seal(home: Path, made: Run) -> None:
    """Enter a run in the ledger; a run is complete without its entry, so a fault of the ledger is a warning."""
    try:
        seal_run(home, made, made.manifest["finished"])
    except RunError as error:
        log.warning("%s", error)


def _make(inputs: Inputs, stages: Stages, executor: Executor, callbacks: Callbacks, *, degraded: bool) -> None:
    """Compute a run and write its folder in one step, then complete it if it is pending."""
    folder = inputs.home / "runs" / inputs.run_id
    with contextlib.ExitStack() as running:
        write, later = compute_run(inputs, stages, executor, callbacks.further, running, degraded=degraded)
        keep_tables(inputs.home, inputs.tables)
        with written_whole(folder) as aside:
            with stages("write"):
                write(aside)
            if not later.waiting:
                complete(inputs, aside, later.left_out(), stages)
        del write  # fits and projection would take memory for the rest of the run
        if later.waiting:
            callbacks.show(read_run(folder))
            complete(inputs, folder, later.left_out(), stages)


def compute_run(
    inputs: Inputs,
    stages: Stages,
    executor: Executor,
    further: Further,
    running: contextlib.ExitStack,
    *,
    degraded: bool,
) -> tuple[Callable[[Path], None], Later]:
    """Fit, project and check a plan.

    Returns the function that writes the files of the run into a folder, and the fits that leave a mission out. These
    are made until `running` is closed.
    """
    return_memory()
    for line in map(expired_text, expired_today(inputs.priors.statements)):
        log.warning("%s", line)
    data = build_run_data(inputs)
    require_resources(projection_size(inputs.plan, data.static, executor.threads), inputs.plan, inputs.home)
    require_executor(executor)
    to_compile = () if is_compiled() or executor.dask else (partial(_compile_simulator, inputs),)
    fitting = contextlib.nullcontext(fallback_fits(inputs, stages)) if degraded else fits_of(inputs, stages, to_compile)
    fits = running.enter_context(fitting)
    return _compute(inputs, data, fits, stages, executor, further), fits.later


def _compute(
    inputs: Inputs, data: RunData, fits: Fits, stages: Stages, executor: Executor, further: Further
) -> Callable[[Path], None]:
    """Project and check a plan; return the function that writes the files of the run."""
    begun = time.perf_counter()
    result = compute_result(inputs, data, fits, stages, executor)
    seconds = {"fits": fits.seconds, "projection and checks": time.perf_counter() - begun}
    priors = _priors_record(inputs, data.spells, fits.posteriors) | {"sensitivity": result.sensitivity}
    if faults := inconsistencies(result.tree, result.headlines):
        raise all_faults(RunError, [f"{inputs.run_id}: not published, because {fault}" for fault in faults])
    files = further(inputs, result.tree, result.headlines)
    manifest = build_manifest(
        inputs, result.provenance, fits.facts, seconds, executor.threads, result.headlines, fits.later.waiting
    )
    scores = find_scores(inputs.home, manifest["models"])

    def write(folder: Path) -> None:
        for model, posterior in fits.posteriors.items():
            posterior.attrs["run"] = inputs.run_id
            with posterior:
                write_tree(folder / "posterior" / f"{model}.nc", posterior, fixed_labels=True)
        return_memory()
        write_tree(folder / names.PROJECTION, result.tree, fixed_labels=True)
        write_json(folder / names.CHECKS, result.checks)
        write_json(folder / names.HEADLINES, {"provenance": result.provenance, "headlines": result.headlines})
        write_json(folder / names.PRIORS, priors)
        write_json(folder / names.SCORES, {"scores": scores})
        for name, content in files.items():
            write_json(folder / name, content)
        write_manifest(folder, manifest)

    return write


def complete(inputs: Inputs, folder: Path, left_out: LeftOut, stages: Stages) -> None:
    """Add to a run the test of its withdrawal curves against fits that leave a mission out, if there are any."""
    if not left_out.posteriors:
        return
    run = read_run(folder)
    run.require_whole(or_pending=True)
    with stages("withdrawal curves") as report:
        report("with and without each mission", 0.0)
        with contextlib.closing(run.posterior("withdrawal")) as stored:
            posterior = stored[names.POSTERIOR].to_dataset().load()
        curves = check_withdrawal_curves(
            posterior,
            {mission: fit[names.POSTERIOR].to_dataset() for mission, fit in left_out.posteriors.items()},
            data_of("withdrawal", inputs.tables, inputs.priors),
            inputs.plan.seed,
        )
        for fit in left_out.posteriors.values():
            fit.close()
    complete_run(run, {names.WITHDRAWAL_CURVES: curves}, fits={**run.manifest["fits"], **left_out.facts})


def _compile_simulator(inputs: Inputs, stages: Stages) -> None:
    """Compile the simulator into its cache; the memory of the compiler ends with the process of this job."""
    with stages("compile the simulator"):
        warm_kernel(inputs)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """What a run computes from its fits."""

    provenance: dict[str, str | int]
    tree: xr.DataTree  # the labelled projection
    checks: dict[str, Any]
    headlines: list[dict[str, Any]]
    sensitivity: dict[str, Any]  # effect of each group of priors on each headline


def compute_result(inputs: Inputs, data: RunData, fits: Fits, stages: Stages, executor: Executor) -> RunResult:
    """Project a plan from its fits, and compute its headlines, checks and sensitivity to the priors."""
    plan = inputs.plan
    provenance = build_provenance(inputs, fits.facts)
    projection = build_projection(inputs, data, fits.posteriors, plan.seed, executor)

    with stages("project") as report:
        projected = projection.project(range(plan.paths), report)
    return_memory()

    with stages("judgement share") as report:
        second = build_projection(inputs, data, fits.posteriors, second_seed(plan.seed), executor)
        shares = judgement_shares(projected.joint, second, report)
        del second  # its draws would take memory for the rest of the run
    return_memory()

    rounds = Rounds(projection, projected, stages)
    projected, tree, headlines = _settled(inputs, data, rounds, shares, provenance)

    with stages("acceptance checks") as report:
        checks = run_checks(projection, data.panel, tree, report)
        checks["cohesion"] = check_cohesion_model(projection.samples["cohesion"], data.indicators)
        report("sensitivity", 0.9)
        sensitivity = prior_sensitivity(projection)

    return RunResult(
        provenance=provenance | {"paths": projected.paths},
        tree=tree,
        checks=checks,
        headlines=headlines,
        sensitivity=sensitivity,
    )


def project_headlines(
    inputs: Inputs, posteriors: Mapping[str, xr.DataTree], stages: Stages, executor: Executor
) -> list[dict[str, Any]]:
    """Return the headlines of a plan from its posteriors, without checks and without judgement shares."""
    data, plan = build_run_data(inputs), inputs.plan
    projection = build_projection(inputs, data, posteriors, plan.seed, executor)
    with stages("project") as report:
        projected = projection.project(range(plan.paths), report)
    rounds = Rounds(projection, projected, stages)
    return _settled(inputs, data, rounds, unknown_shares(projected.joint), build_provenance(inputs, {}))[2]


def _settled(
    inputs: Inputs, data: RunData, rounds: Rounds, shares: Mapping[str, Floats], provenance: Mapping[str, Any]
) -> tuple[Projected, xr.DataTree, list[dict[str, Any]]]:
    """Add paths until the precision of the plan is met; return the result, its labelled tree and its headlines."""
    roster = inputs.roster
    history, labels = spending_history(inputs.tables), country_names(inputs.tables) | scenario_labels(inputs.priors)
    baselines = kaplan_meier_baselines(data.spells, roster)
    outside = outside_bounds(inputs.tables, inputs.priors, roster.spenders)
    attributes = {
        **provenance,
        "european_share_last": last_european_share(inputs.tables),
        "european_weights": ", ".join(f"{c} {w:.6f}" for c, w in european_weights(inputs.tables).to_series().items()),
        "spending_outside_bounds": ", ".join(f"{country} {share:.1f}" for country, share in outside.items()),
        "announced_budgets": ", ".join(sorted(set(plans_in_force(inputs.tables)["country"]) & set(roster.members))),
        "verdict_quarter": roster.quarters[roster.verdict_at],
    }
    for projected in rounds:
        tree = label_projection(projected, roster, history, labels, attributes | {"paths": projected.paths})
        headlines = make_headlines(tree, shares, roster, baselines)
        rounds.request(additional_paths(headlines, projected.paths, inputs.plan))
    headlines += make_more_headlines(tree, shares, roster, references_of(inputs), projected.paths)
    return projected, tree, headlines


def country_names(tables: Tables) -> dict[str, str]:
    """Return the name of every country by its code."""
    return dict(zip(tables.countries["country"], tables.countries["name"], strict=True))


def scenario_labels(priors: Priors) -> dict[str, str]:
    """Return the label of every war and design."""
    return {name: entry.label for part in (priors.grid.wars, priors.grid.designs) for name, entry in part.items()}


def kaplan_meier_baselines(spells: xr.Dataset, roster: Roster) -> dict[str, float]:
    """Return the Kaplan-Meier share of each mission's contributors left after five years, given the years they served.

    The curve is that of all missions of the same framework. A mission without such a curve has no entry.
    """
    shares: dict[str, float] = {}
    for mission in roster.missions:
        durations = framework_durations(spells, mission.framework)
        if len(durations):
            served = [quarters / 4.0 for quarters in mission.served]
            share = share_given_served(kaplan_meier(durations), served, 5.0)
            shares |= {} if math.isnan(share) else {mission.name: share}
    return shares


def references_of(inputs: Inputs) -> References:
    """Return the base rates of events and the pledges of spending, with which numbers of a run are compared."""
    priors, roster, last = inputs.priors, inputs.roster, inputs.plan.pledge_2035
    return References(
        rates=alliance_exit.base_rates(priors, inputs.tables, roster.members),
        levels=tuple(pledge_path(priors, [2025, 2035], last).tolist()),
        pledge=pledge_path(priors, list(roster.years), last),
    )


def _priors_record(inputs: Inputs, spells: xr.Dataset, posteriors: Mapping[str, xr.DataTree]) -> dict[str, Any]:
    """Return priors and scenarios with their sources, and the posterior of each fitted prior, for the report."""
    priors = inputs.priors
    learnt = {model: shrinkage(tree, priors.section(model)) for model, tree in posteriors.items()}
    learnt["alliance"] = shrinkage(posteriors["cohesion"], priors.section("alliance"))
    learnt["alliance_exit"] = alliance_exit.learnt(priors, inputs.tables)
    events = event_counts(spells).to_dict("index")
    entries = []
    for prior in priors.by_name.values():
        model, name = prior.name.split(".", 1)
        entry = asdict(prior) | {"text": prior.describe()} | learnt.get(model, {}).get(name, {})
        if (statement := inputs.priors.statements.get(prior.name)) and statement.author:
            entry |= {"author": statement.author, "date": str(statement.date or "")}
        if model == "withdrawal" and name in events:
            entry["exits"] = {k: round(v) for k, v in events[name].items()}
        entries.append(entry)
    return {"priors": entries, "grid": asdict(priors.grid)}
