"""The order of a run, and the only place where it is written: check, fit, project, test, write.

Everything that can be wrong with the input is found before the first fit. Fits and whole runs are used again while
nothing that could change them has changed.
"""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from forecast import names
from forecast.data.deployments import event_counts
from forecast.data.spending import last_european_share, spending_history
from forecast.data.tables import Tables
from forecast.errors import RunError
from forecast.inference.diagnostics import shrinkage
from forecast.inference.fit_store import fit_all
from forecast.models import alliance_exit
from forecast.models.kaplan_meier import contributor_durations, kaplan_meier, share_after
from forecast.pipeline.degraded import degraded_inputs, fits_at_hand
from forecast.pipeline.manifest import manifest, provenance
from forecast.pipeline.prepare import Material, prepare, simulation_spec, warm_kernel
from forecast.progress import Stages
from forecast.projection import acceptance_checks
from forecast.projection.acceptance_checks import run_checks, withdrawal_curves
from forecast.projection.adaptive_paths import Shares, project_until
from forecast.projection.headlines import make_headlines
from forecast.projection.judgement_share import judgement_shares
from forecast.projection.labelled_tree import label
from forecast.projection.monte_carlo_error import Projected
from forecast.projection.prior_sensitivity import sensitivity
from forecast.projection.resources import refuse_what_does_not_fit, size_of
from forecast.projection.summaries import estimates
from forecast.simulation.tallies import SampledPaths
from forecast.storage.files import write_json, write_tree, written_whole
from forecast.storage.locks import only_one
from forecast.storage.runs import Run, clear_failure, open_run, write_failure, write_manifest
from forecast.workspace.inputs import Inputs, read_inputs


def run(
    home: Path,
    plan_name: str,
    stages: Stages,
    threads: int,
    dask: str = "",
    degraded: bool = False,
    precision: float | None = None,
) -> Run:
    """Make the run of a plan, or find it made; raises ForecastError, and then leaves a labelled failure.

    A `degraded` one fits nothing: see `forecast.pipeline.degraded`. `precision` takes the place of the plan's.
    """
    with stages("check inputs"):
        inputs = read_inputs(home, plan_name, precision)
    if degraded:
        inputs = degraded_inputs(inputs)
    with only_one(home, inputs.run_id):
        if (home / "runs" / inputs.run_id / names.MANIFEST).is_file():
            made = open_run(inputs.run_id, home)
            if damaged := made.damaged_files():
                raise RunError(
                    f"{made.path}: {', '.join(damaged)} no longer as written; remove the folder and run again"
                )
            return made
        try:
            _make(inputs, stages, threads, dask, degraded)
        except Exception as error:  # whatever it is, it is kept under a label, then goes on its way
            failure = {
                "id": inputs.run_id,
                "plan": inputs.plan.name,
                "reason": str(error) or type(error).__name__,
            }
            with contextlib.suppress(RunError):  # a full disk may not even take the failure
                write_failure(home, inputs.run_id, failure | {"kind": type(error).__name__})
            raise
        clear_failure(home, inputs.run_id)
    return open_run(inputs.run_id, home)


def _make(inputs: Inputs, stages: Stages, threads: int, dask: str, degraded: bool) -> None:
    """Fit, project, check, and write the folder whole."""
    begun = time.perf_counter()
    material = prepare(inputs)
    refuse_what_does_not_fit(size_of(inputs.plan, material.layout, threads), inputs.plan, inputs.home)
    if degraded:
        trees, fits, without = fits_at_hand(inputs, stages)
    else:
        trees, fits, without = fit_all(inputs, stages, partial(warm_kernel, inputs))
    fitted = time.perf_counter()
    said = provenance(inputs, fits)
    found = compute(inputs, material, trees, without, said, stages, threads, dask)
    said |= {"paths": found.paths}
    seconds = {"fits": fitted - begun, "projection and checks": time.perf_counter() - fitted}
    with stages("write"), written_whole(inputs.home / "runs" / inputs.run_id) as folder:
        for model, posterior in trees.items():
            write_tree(folder / "posterior" / f"{model}.nc", posterior)
        write_tree(folder / names.PROJECTION, found.tree)
        write_json(folder / names.CHECKS, found.checks)
        write_json(folder / names.HEADLINES, {"provenance": said, "headlines": found.headlines})
        write_json(
            folder / names.BELIEFS,
            _told(inputs, material.spells, trees) | {"sensitivity": found.sensitivity},
        )
        write_manifest(folder, manifest(inputs, said, fits, seconds, threads, found.headlines))


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """What a run finds: the projection, its tests, the headlines, and how far beliefs move them."""

    paths: int
    tree: xr.DataTree
    checks: dict[str, Any]
    headlines: list[dict[str, Any]]
    sensitivity: dict[str, Any]


def compute(
    inputs: Inputs,
    material: Material,
    trees: Mapping[str, xr.DataTree],
    without: Mapping[str, xr.DataTree],
    provenance: Mapping[str, str | int | float],
    stages: Stages,
    threads: int,
    dask: str = "",
) -> RunResult:
    """From fits to the projection tree, the tests of the run, the headlines and their sensitivity."""
    plan, roster, priors = inputs.plan, inputs.roster, inputs.priors
    layout, panel, spells = material.layout, material.panel, material.spells

    samples, ours = simulation_spec(inputs, material, trees, plan.seed)
    facts = {
        **provenance,
        "european_share_last": last_european_share(inputs.tables),
        "verdict_quarter": roster.quarters[roster.verdict_at],
    }
    history, called = spending_history(inputs.tables), country_names(inputs.tables)
    baselines = flags_by_framework(spells, inputs.tables)

    def judge(joint: SampledPaths) -> Shares:
        with stages("share of judgement") as report:
            other = simulation_spec(inputs, material, trees, (plan.seed + 1) % 2**32)[1]
            return judgement_shares(joint, other, threads=threads, report=report, dask=dask)

    def tell(projected: Projected, judged: Shares) -> tuple[xr.DataTree, list[dict[str, Any]]]:
        told = label(projected, roster, history, called, facts | {"paths": projected.paths})
        return told, make_headlines(told, judged, roster, baselines)

    paths, tree, headlines = project_until(
        ours,
        plan,
        partial(estimates, roster=roster),
        judge,
        tell,
        stages,
        threads=threads,
        dask=dask,
    )
    with stages("check the science") as report:
        checks = run_checks(plan, layout, ours.draws, samples, panel, priors, roster, tree, threads, report)
        checks["cohesion"] = acceptance_checks.told(samples["cohesion"], material.indicators)
        if without:
            checks["withdrawal_curves"] = withdrawal_curves(
                trees["withdrawal"][names.POSTERIOR].to_dataset(),
                {m: fit[names.POSTERIOR].to_dataset() for m, fit in without.items()},
                spells,
                plan.seed,
            )
        report("sensitivity", 0.9)
        moved = sensitivity(plan, priors, samples, layout, ours.draws, roster, threads)
    return RunResult(paths=paths, tree=tree, checks=checks, headlines=headlines, sensitivity=moved)


def country_names(tables: Tables) -> dict[str, str]:
    """The name of every country by its code."""
    return dict(zip(tables.countries["country"], tables.countries["name"], strict=True))


def flags_by_framework(spells: xr.Dataset, tables: Tables) -> dict[str, float]:
    """Kaplan-Meier share of contributors left after five years, over all missions of a framework."""
    framework = tables.missions.set_index("mission")["framework"]
    known = [str(m) for m in spells["mission"].values]
    found = {}
    for kind in names.FRAMEWORKS:
        mine = [contributor_durations(spells, m) for m in known if framework[m] == kind]
        if mine:
            found[kind] = float(share_after(kaplan_meier(pd.concat(mine)), [5.0])[0])
    return found


def _told(inputs: Inputs, spells: xr.Dataset, trees: Mapping[str, xr.DataTree]) -> dict[str, Any]:
    """Priors and scenarios as a report tells them, sources and all, with what the fits made of them."""
    priors = inputs.priors
    learnt = {model: shrinkage(tree, priors.section(model)) for model, tree in trees.items()}
    learnt["alliance"] = shrinkage(trees["cohesion"], priors.section("alliance"))
    learnt["alliance_exit"] = alliance_exit.learnt(priors, inputs.tables)
    events = event_counts(spells).to_dict("index")
    told = []
    for prior in priors.by_name.values():
        model, name = prior.name.split(".", 1)
        entry = asdict(prior) | {"text": prior.describe()} | learnt.get(model, {}).get(name, {})
        if model == "withdrawal" and name in events:
            entry["exits"] = {k: round(v) for k, v in events[name].items()}
        told.append(entry)
    return {"priors": told, "grid": asdict(priors.grid)}
