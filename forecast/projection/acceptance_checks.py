"""The tests of a run against what the science demands: each a number, what was asked, and whether it is met.

The sign table must give its verdicts from the neutral reference state (K5) and for most weightings of the factors
(K6); the permuted table must not. In `lose` against `win` spending rises and cohesion falls. A coalition of the
willing shrinks as such coalitions did, and the curves of Iraq and Afghanistan lie in their bands. All go through
the kernel itself.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.models.cohesion import (
    Samples,
    anchor_probability,
    halves_correlation,
    hits,
    start,
    verdict_probability,
)
from forecast.models.kaplan_meier import contributor_durations, kaplan_meier, share_after
from forecast.models.withdrawal import predict_remaining
from forecast.names import FACTORS, INTERVAL, VERDICTS
from forecast.priors.load import Priors
from forecast.progress import silent
from forecast.projection.batches import SimulationSpec, some_cells
from forecast.projection.execution import simulate_paths
from forecast.projection.parameter_draws.assemble import assemble, prior_withdrawal
from forecast.random_streams import generator
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.plan import Plan
from forecast.workspace.roster import Roster

MIN_MARGIN, LOWEST, HIGHEST = 0.10, 0.40, 0.92
MIN_WEIGHT_SHARE: Final = 0.80
AD_HOC_BAND: Final = (0.30, 0.65)
YEARS: Final = (1, 3, 5)
EARLY, LATE = 1, 11  # the second and the twelfth quarter
MIN_EARLY, MAX_LATE = 0.5, 0.35

Simulate = Callable[[StaticInputs, Draws, int], tuple[Tally, SampledPaths]]  # so many quarters, one path a draw


def reference_cells(layout: StaticInputs, draws: Draws, roster: Roster) -> tuple[StaticInputs, Draws]:
    """Only the cells of all wars without a design, all mechanisms switched off."""
    keep = [n for n, (_, design) in enumerate(roster.cells) if design == names.DESIGNS[0]]
    constants = layout.constants.copy()
    for name in names.MECHANISMS:
        constants[name] = 0
    return some_cells(layout._replace(constants=constants), draws, keep)


def verdicts(layout: StaticInputs, draws: Draws, roster: Roster, priors: Priors, simulate: Simulate) -> dict[str, Any]:
    """K5: from the neutral state, at the end of the ramp, the modal verdict of each war is that of its source."""
    tally, _ = simulate(layout, draws, roster.verdict_at + 1)
    share = tally.verdict[:, roster.verdict_at] / tally.paths.sum()
    found: dict[str, Any] = {}
    for n, war in enumerate(roster.wars):
        wanted = priors.grid.wars[war].verdict
        if not wanted:
            continue
        p = share[n]
        order = np.argsort(p)[::-1]
        margin = float(p[order[0]] - p[order[1]])
        modal = names.VERDICTS[order[0]]
        met = modal == wanted and margin >= MIN_MARGIN and LOWEST <= p[order[0]] <= HIGHEST
        found[war] = {
            "wanted": wanted,
            "probability": {v: float(x) for v, x in zip(names.VERDICTS, p, strict=True)},
            "margin": margin,
            "met": bool(met),
        }
    return {"cells": found, "met": all(cell["met"] for cell in found.values())}


def weight_share(
    layout: StaticInputs, draws: Draws, roster: Roster, priors: Priors, seed: int, simulate: Simulate
) -> dict[str, Any]:
    """K6: the share of weightings, uniform on the simplex, that order the wars as their verdicts are ordered.

    The bare sign table goes through the kernel without noise, each path with weights of its own.
    """
    bare, plain = draws.parameters.copy(), draws.cells.copy()
    bare["weights"] = generator(seed, "any weights").dirichlet(np.ones(4), bare.size)
    for n, war in enumerate(roster.wars):
        plain["war_shift"][:, n] = [priors.grid.wars[war].signs[f] for f in names.FACTORS]
    constants = layout.constants.copy()
    constants["factor_innovation"] = 0.0
    _, joint = simulate(
        layout._replace(constants=constants),
        draws._replace(parameters=bare, cells=plain),
        roster.verdict_at + 1,
    )
    level = {war: joint.cohesion[:, n, roster.verdict_at] for n, war in enumerate(roster.wars)}
    ranked = sorted(
        (war for war in roster.wars if priors.grid.wars[war].verdict),
        key=lambda war: names.VERDICTS.index(priors.grid.wars[war].verdict),
    )
    held = np.all([level[a] < level[b] for a, b in itertools.pairwise(ranked)], axis=0)
    share = float(held.mean())
    return {"share": share, "wanted": MIN_WEIGHT_SHARE, "met": share >= MIN_WEIGHT_SHARE}


def permuted(draws: Draws, roster: Roster) -> Draws:
    """The signs of each war given to the next: a table that must fail."""
    marked = [n for n, war in enumerate(roster.wars) if war != names.WARS[0]]
    cells = draws.cells.copy()
    cells["war_shift"][:, marked] = draws.cells["war_shift"][:, np.roll(marked, 1)]
    return draws._replace(cells=cells)


def threat_twice(tree: xr.DataTree, roster: Roster) -> dict[str, Any]:
    """In `lose` against `win`, same luck: European spending grows faster, and cohesion is lower."""
    joint = tree[names.JOINT].to_dataset().sel(design=names.DESIGNS[0])
    years = joint.sizes[names.YEAR]
    log_share: xr.DataArray = xr.apply_ufunc(np.log, joint["joint_european_share"])
    apart = log_share.sel(war="lose") - log_share.sel(war="win")
    faster = ((apart.isel(year=-1) - apart.isel(year=0)) / max(years - 1, 1)).values
    higher = apart.isel(year=0).values
    cohesion = joint["joint_cohesion"].isel(quarter=roster.verdict_at)
    lower = (cohesion.sel(war="lose") - cohesion.sel(war="win")).values
    return {
        "growth_difference": _mean_error(faster),
        "first_year_difference": _mean_error(higher),
        "cohesion_difference": _mean_error(lower),
        "paths_faster": float((faster > 0).mean()),
        "paths_lower": float((lower < 0).mean()),
        "met": bool(faster.mean() > 0 and lower.mean() < 0),
    }


def _mean_error(values: NDArray[Any]) -> dict[str, float]:
    error = float(values.std(ddof=1) / np.sqrt(values.size))
    return {"mean": float(values.mean()), "mcse": error}


def coalition(layout: StaticInputs, draws: Draws, roster: Roster, simulate: Simulate) -> dict[str, dict[str, float]]:
    """Share of flags by count five years on in the first war of the plan, for each hypothetical mission."""
    tally, joint = simulate(*some_cells(layout, draws, [0]), len(roster.quarters))
    lines = layout.constants[0]
    found = {}
    for s, mission in enumerate(roster.missions):
        at = mission.start + names.FIVE_YEARS
        if mission.hypothetical and at < joint.survival.shape[-1]:
            curves = joint.survival[:, 0, s]
            flags, operation = curves[:, 0, : at + 1], curves[:, 1, : at + 1]
            hollow = (flags >= lines.hollow_flags) & (operation < lines.hollow_operation)
            found[mission.name] = {
                "median": float(np.median(curves[:, 2, at])),
                "lower": float(np.quantile(curves[:, 2, at], 0.1)),
                "upper": float(np.quantile(curves[:, 2, at], 0.9)),
                "operation_median": float(np.median(operation[:, -1])),
                "hollow_and_alive": int(hollow[:, -1].sum()),
                "hollow_within": float(hollow.any(axis=1).mean()),
                "paths": int(tally.paths.sum()),
            }
    return found


def crossing(tree: xr.DataTree, roster: Roster) -> dict[str, Any]:
    """J6: a coalition of the willing operates at once and fades, the alliance starts late and lasts; neutral war.

    The share of paths on which the first ad hoc mission operates more than the first NATO one, early and late.
    """
    kinds = [m.framework if m.hypothetical else "" for m in roster.missions]
    if not {"ad_hoc", "nato"} <= set(kinds) or len(roster.quarters) <= LATE:
        return {}
    curves = tree[names.JOINT].to_dataset()["joint_survival"].isel(war=0, design=0)
    operation = curves.sel(curve="operation").fillna(0.0)
    willing = operation.isel(mission=kinds.index("ad_hoc"))
    alliance = operation.isel(mission=kinds.index("nato"))
    share = (willing > alliance).mean(names.PATH)
    early, late = float(share[EARLY]), float(share[LATE])
    return {"early": early, "late": late, "met": early > MIN_EARLY and late < MAX_LATE}


def operation_below_flags(tree: xr.DataTree) -> dict[str, Any]:
    """Operation never exceeds flags, on any stored path, in any quarter."""
    curves = tree[names.JOINT].to_dataset()["joint_survival"]
    above = curves.sel(curve="operation") - curves.sel(curve="flags")
    worst = float(above.max())
    return {"largest_excess": worst, "met": worst <= 1e-6}


def withdrawal_curves(
    posterior: xr.Dataset, without: Mapping[str, xr.Dataset], spells: xr.Dataset, seed: int
) -> dict[str, Any]:
    """For each mission left out once: Kaplan-Meier at 1, 3 and 5 years and the 80 % bands with and without it."""
    found = {}
    for mission in without:
        curve = kaplan_meier(contributor_durations(spells, mission))
        counted = share_after(curve, YEARS)
        rng = generator(seed, f"remaining {mission}")
        seen = predict_remaining(posterior, spells, mission, YEARS, rng, new_mission=False)
        unseen = predict_remaining(without[mission], spells, mission, YEARS, rng, new_mission=True)
        band, wide = _band(seen), _band(unseen)
        low, high = np.array(band["lower"]), np.array(band["upper"])
        slack = 1e-9  # both are ratios of small whole numbers: equal ones may differ in the last bit
        found[mission] = {
            "years": list(YEARS),
            "kaplan_meier": [float(x) for x in counted],
            "fitted": band,
            "left_out": wide,
            "met": bool(np.all((counted >= low - slack) & (counted <= high + slack))),
        }
    return {"missions": found, "met": all(m["met"] for m in found.values())}


def _band(shares: NDArray[np.float64]) -> dict[str, list[float]]:
    tail = (1.0 - names.INTERVAL) / 2
    levels = {"lower": tail, "median": 0.5, "upper": 1.0 - tail}
    return {k: np.quantile(shares, level, axis=0).tolist() for k, level in levels.items()}


def run_checks(
    plan: Plan,
    layout: StaticInputs,
    draws: Draws,
    samples: Mapping[str, Samples],
    panel: xr.Dataset,
    priors: Priors,
    roster: Roster,
    tree: xr.DataTree,
    threads: int,
    report: Callable[[str, float], None],
) -> dict[str, Any]:
    """All tests that need no other fit; those of a plan without some war say so by their absence.

    The sign table is tested from the neutral state, whatever the plan's start; `from_now` tells the same probabilities
    from the plan's own, and tests nothing.
    """

    def simulate(layout: StaticInputs, draws: Draws, quarters: int) -> tuple[Tally, SampledPaths]:
        rows = draws.parameters.size
        spec = SimulationSpec(layout=layout, draws=draws, quarters=quarters, joint_paths=rows, seed=plan.seed)
        return simulate_paths(spec, rows, threads=threads, report=silent)

    found: dict[str, Any] = {"operation_below_flags": operation_below_flags(tree)}
    fresh = assemble(samples, panel, priors, roster, plan.seed)
    neutral, shifts = reference_cells(layout, fresh, roster)
    if set(names.WARS) == set(roster.wars) and names.DESIGNS[0] in roster.designs:
        report("verdicts", 0.1)
        found["verdicts"] = verdicts(neutral, shifts, roster, priors, simulate)
        if plan.start != "neutral":
            now = verdicts(*reference_cells(layout, draws, roster), roster, priors, simulate)
            found["from_now"] = {w: c["probability"] for w, c in now["cells"].items()}
        found["weights"] = weight_share(neutral, shifts, roster, priors, plan.seed, simulate)
        wrong = permuted(shifts, roster)
        found["permuted_signs"] = {
            "verdicts_met": verdicts(neutral, wrong, roster, priors, simulate)["met"],
        }
        found["permuted_signs"]["met"] = not found["permuted_signs"]["verdicts_met"]
        found["threat_twice"] = threat_twice(tree, roster)
    if names.DESIGNS[0] in roster.designs and any(m.hypothetical for m in roster.missions):
        report("coalitions", 0.5)
        before = {**samples, "withdrawal": prior_withdrawal(priors, plan.draws, plan.seed)}
        prior = reference_cells(layout, assemble(before, panel, priors, roster, plan.seed), roster)
        foretold = coalition(*prior, roster, simulate)
        if foretold:
            found["coalitions"] = {
                "posterior": coalition(neutral, shifts, roster, simulate),
                "prior": foretold,
                "met": _shrinks(foretold, roster),
            }
        crossed = crossing(tree, roster)
        if crossed:
            found["crossing"] = crossed
    return found


def _shrinks(prior: Mapping[str, Any], roster: Roster) -> bool:
    """The prior median of every ad hoc combat coalition lies in the band, and some paths are hollow and alive."""
    wanted = [m.name for m in roster.missions if m.framework == "ad_hoc" and m.combat and m.name in prior]
    low, high = AD_HOC_BAND
    return all(low <= prior[name]["median"] <= high and prior[name]["hollow_and_alive"] > 0 for name in wanted)


MAX_CORRELATION: Final = 0.95  # of the halves; above it one of them is redundant


def told(samples: Samples, panel: xr.Dataset) -> dict[str, Any]:
    """For the checks of a run: start, verdict now, anchors, halves; `met` asks that the halves be two things (K8)."""
    now, halves = start(samples), halves_correlation(samples)
    verdict = verdict_probability(samples).isel(year=-1)
    tail = (1.0 - INTERVAL) / 2
    own = hits(anchor_probability(samples, panel), panel)
    return {
        "start": {
            f: {"mean": float(x.mean()), "lower": float(x.quantile(tail)), "upper": float(x.quantile(1 - tail))}
            for f, x in ((f, now.sel(factor=f)) for f in FACTORS)
        },
        "verdict": {v: float(verdict.sel(verdict=v)) for v in VERDICTS},
        "anchors": {str(a): float(own.sel(anchor=a)) for a in panel["anchor"].values},
        "halves": halves,
        "met": max(halves.values()) < MAX_CORRELATION,
    }
