"""Acceptance checks of a run: each reports a number, the value required, and whether the requirement is met.

From the neutral reference state the sign table must give its verdicts (requirement K5), also for most weightings of
the factors (K6); a table with permuted signs must not. Under `lose`, spending must be higher and cohesion lower than
under `win`, if the plan has wars of these names. Coalitions of the willing must shrink as past ones did. The observed
curves of Iraq and Afghanistan must lie in their intervals. All checks use the same compiled kernel as the projection.
"""

import itertools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.array_types import Floats
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
from forecast.progress import Report
from forecast.projection.batches import select_cells
from forecast.projection.parameter_draws.assemble import assemble_draws, prior_withdrawal
from forecast.projection.projection import Projection
from forecast.random_streams import generator
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.workspace.roster import Roster

#: The modal verdict must lead by at least this much, with a probability between these bounds.
MIN_MARGIN, LOWEST, HIGHEST = 0.10, 0.40, 0.92
MIN_WEIGHT_SHARE: Final = 0.80  # of weightings of the factors that must order the wars as the sign table does
AD_HOC_BAND: Final = (0.30, 0.65)  # prior median share of contributors left after five years, ad hoc combat coalitions
YEARS: Final = (1, 3, 5)  # since entry, at which Kaplan-Meier curves are compared
EARLY, LATE = 1, 11  # indices of the second and the twelfth quarter
MIN_EARLY, MAX_LATE = 0.5, 0.35  # share of paths on which the ad hoc coalition operates more than NATO
MAX_CORRELATION: Final = 0.95  # of the political and military halves; above it one of them is redundant
MAX_EXCESS: Final = 1e-6  # of operation over flags: the resolution of 32-bit numbers
RATIO_TOLERANCE: Final = 1e-9  # equal ratios of small whole numbers may differ in the last bit

LOWER_TAIL: Final = (1.0 - names.INTERVAL) / 2
UPPER_TAIL: Final = 1.0 - LOWER_TAIL


def run_checks(projection: Projection, panel: xr.Dataset, tree: xr.DataTree, report: Report) -> dict[str, Any]:
    """Run all checks that need no further fit; checks whose wars or designs the plan lacks are left out.

    The sign table is tested from the neutral state, whatever the plan's start. `from_now` reports the same
    probabilities from the plan's own start and tests nothing.

    Parameters
    ----------
    projection
        The projection of the plan.
    panel
        The spending data, for the parameter draws of the withdrawal prior.
    tree
        The labelled result of the projection.
    report
        Receives the progress.
    """
    roster = projection.roster
    checks: dict[str, Any] = {"operation_below_flags": check_operation_below_flags(tree)}
    reference = reference_cells(projection.spec.static, projection.neutral_draws, roster)
    wars, has_reference = projection.priors.grid.wars, roster.reference[1] in roster.designs
    if has_reference and set(wars) == set(roster.wars) and len({war.verdict for war in wars.values()}) > 2:
        report("verdicts", 0.1)
        checks |= _check_sign_table(projection, reference)
    if has_reference and {*names.THREAT_PAIR} <= {*roster.wars}:
        checks["threat_twice"] = check_threat_effects(tree, roster)
    if has_reference and any(m.hypothetical for m in roster.missions):
        report("coalitions", 0.5)
        checks |= _check_coalitions(projection, reference, panel)
        if crossing := check_crossing(tree, roster):
            checks["crossing"] = crossing
    return checks


def reference_cells(static: StaticInputs, draws: Draws, roster: Roster) -> tuple[StaticInputs, Draws]:
    """Return the inputs with only the cells of all wars without a design, and all mechanisms switched off."""
    keep = [n for n, (_, design) in enumerate(roster.cells) if design == roster.reference[1]]
    constants = static.constants.copy()
    for name in names.MECHANISMS:
        constants[name] = 0
    return select_cells(static._replace(constants=constants), draws, keep)


def _check_sign_table(projection: Projection, reference: tuple[StaticInputs, Draws]) -> dict[str, Any]:
    """Check the verdicts of the sign table, of most weightings, and of a permuted table."""
    static, draws = reference
    checks: dict[str, Any] = {"verdicts": check_verdicts(projection, static, draws)}
    if projection.start != "neutral":
        from_now = reference_cells(projection.spec.static, projection.spec.draws, projection.roster)
        wars = check_verdicts(projection, *from_now)["cells"]
        checks["from_now"] = {war: check["probability"] for war, check in wars.items()}
    checks["weights"] = check_weightings(projection, static, draws)
    permuted = check_verdicts(projection, static, permute_signs(draws, projection.roster))
    checks["permuted_signs"] = {"verdicts_met": permuted["met"], "met": not permuted["met"]}
    return checks


def check_verdicts(projection: Projection, static: StaticInputs, draws: Draws) -> dict[str, Any]:
    """Check K5: from the neutral state, at the end of the ramp, the modal verdict of each war is that of its source.

    `static` and `draws` hold the reference cells.
    """
    roster = projection.roster
    tally = projection.simulate(static=static, draws=draws, quarters=roster.verdict_at + 1)
    shares = tally.verdict[:, roster.verdict_at] / tally.paths.sum()
    cells: dict[str, Any] = {}
    for n, war in enumerate(roster.wars):
        wanted = projection.priors.grid.wars[war].verdict
        if not wanted:
            continue
        p = shares[n]
        order = np.argsort(p)[::-1]
        margin = float(p[order[0]] - p[order[1]])
        modal = names.VERDICTS[order[0]]
        met = modal == wanted and margin >= MIN_MARGIN and LOWEST <= p[order[0]] <= HIGHEST
        cells[war] = {
            "wanted": wanted,
            "probability": {v: float(x) for v, x in zip(names.VERDICTS, p, strict=True)},
            "margin": margin,
            "met": bool(met),
        }
    return {"cells": cells, "met": all(cell["met"] for cell in cells.values())}


def check_weightings(projection: Projection, static: StaticInputs, draws: Draws) -> dict[str, Any]:
    """Check K6: the share of weightings, uniform on the simplex, that order the wars as their verdicts are ordered.

    The kernel simulates the bare sign table without noise. Each path has its own weights. `static` and `draws` hold
    the reference cells.
    """
    roster, wars = projection.roster, projection.priors.grid.wars
    parameters, cells = draws.parameters.copy(), draws.cells.copy()
    rng = generator(projection.spec.seed, "any weights")
    parameters["weights"] = rng.dirichlet(np.ones(len(names.FACTORS)), parameters.size)
    for n, war in enumerate(roster.wars):
        cells["war_shift"][:, n] = [wars[war].signs[f] for f in names.FACTORS]
    constants = static.constants.copy()
    constants["factor_innovation"] = 0.0
    index = projection.sample(
        lambda sampled: sampled.cohesion[:, :, roster.verdict_at],
        static=static._replace(constants=constants),
        draws=draws._replace(parameters=parameters, cells=cells),
        quarters=roster.verdict_at + 1,
    )
    cohesion = {war: index[:, n] for n, war in enumerate(roster.wars)}
    rank = {war: names.VERDICTS.index(wars[war].verdict) for war in roster.wars if wars[war].verdict}
    in_order = np.all(
        [cohesion[a] < cohesion[b] for a, b in itertools.permutations(rank, 2) if rank[a] < rank[b]], axis=0
    )
    share = float(in_order.mean())
    return {"share": share, "wanted": MIN_WEIGHT_SHARE, "met": share >= MIN_WEIGHT_SHARE}


def permute_signs(draws: Draws, roster: Roster) -> Draws:
    """Give the signs of each war to the next: a table that must fail."""
    marked = [n for n, war in enumerate(roster.wars) if war != roster.reference[0]]
    cells = draws.cells.copy()
    cells["war_shift"][:, marked] = draws.cells["war_shift"][:, np.roll(marked, 1)]
    return draws._replace(cells=cells)


def check_threat_effects(tree: xr.DataTree, roster: Roster) -> dict[str, Any]:
    """Check that in the second war of `names.THREAT_PAIR` European spending grows faster and cohesion is lower.

    Both cells have the same shocks, so their difference is taken path by path.
    """
    joint = tree[names.JOINT].to_dataset().sel(design=roster.reference[1])
    won, lost = names.THREAT_PAIR
    years = joint.sizes[names.YEAR]
    log_share: xr.DataArray = xr.apply_ufunc(np.log, joint["joint_european_share"])
    difference = log_share.sel(war=lost) - log_share.sel(war=won)
    growth = ((difference.isel(year=-1) - difference.isel(year=0)) / max(years - 1, 1)).values
    first_year = difference.isel(year=0).values
    cohesion = joint["joint_cohesion"].isel(quarter=roster.verdict_at)
    lower = (cohesion.sel(war=lost) - cohesion.sel(war=won)).values
    return {
        "growth_difference": _mean_and_error(growth),
        "first_year_difference": _mean_and_error(first_year),
        "cohesion_difference": _mean_and_error(lower),
        "paths_faster": float((growth > 0).mean()),
        "paths_lower": float((lower < 0).mean()),
        "met": bool(growth.mean() > 0 and lower.mean() < 0),
    }


def _mean_and_error(values: NDArray[Any]) -> dict[str, float]:
    """Return the mean of independent values and its Monte Carlo standard error."""
    error = float(values.std(ddof=1) / np.sqrt(values.size))
    return {"mean": float(values.mean()), "mcse": error}


def _check_coalitions(
    projection: Projection, reference: tuple[StaticInputs, Draws], panel: xr.Dataset
) -> dict[str, Any]:
    """Check hypothetical missions under the prior of the withdrawal model; report them under its posterior too."""
    spec, priors, roster = projection.spec, projection.priors, projection.roster
    withdrawal = prior_withdrawal(priors, spec.draws.parameters.size, spec.seed)
    samples = {**projection.samples, "withdrawal": withdrawal}
    prior_draws = assemble_draws(samples, panel, priors, roster, spec.seed)
    prior = coalition_outcomes(projection, *reference_cells(spec.static, prior_draws, roster))
    if not prior:
        return {}
    posterior = coalition_outcomes(projection, *reference)
    return {"coalitions": {"posterior": posterior, "prior": prior, "met": _prior_is_plausible(prior, roster)}}


def coalition_outcomes(projection: Projection, static: StaticInputs, draws: Draws) -> dict[str, dict[str, float]]:
    """Summarize each hypothetical mission five years on, in the first war of the plan.

    Returns
    -------
    dict
        By mission, after five years: `median`, `lower` and `upper` (80 % interval) of the share of contributors left,
        and the median share of operation. `hollow_and_alive` counts the paths that are hollow then. `hollow_within`
        is the share of paths that are hollow at any time until then.
    """
    roster = projection.roster
    survival = projection.sample(
        lambda sampled: sampled.survival[:, 0], **_first_cell(static, draws), quarters=len(roster.quarters)
    )
    constants = static.constants[0]
    outcomes = {}
    for s, mission in enumerate(roster.missions):
        horizon = mission.start + names.FIVE_YEARS
        if mission.hypothetical and horizon < survival.shape[-1]:
            curves = survival[:, s]
            flags, operation = curves[:, 0, : horizon + 1], curves[:, 1, : horizon + 1]
            hollow = (flags >= constants.hollow_flags) & (operation < constants.hollow_operation)
            outcomes[mission.name] = {
                "median": float(np.median(curves[:, 2, horizon])),
                "lower": float(np.quantile(curves[:, 2, horizon], 0.1)),
                "upper": float(np.quantile(curves[:, 2, horizon], 0.9)),
                "operation_median": float(np.median(operation[:, -1])),
                "hollow_and_alive": int(hollow[:, -1].sum()),
                "hollow_within": float(hollow.any(axis=1).mean()),
                "paths": len(survival),
            }
    return outcomes


def _first_cell(static: StaticInputs, draws: Draws) -> dict[str, Any]:
    """Return the arguments of `Projection.simulate` for the first cell alone."""
    static, draws = select_cells(static, draws, [0])
    return {"static": static, "draws": draws}


def _prior_is_plausible(prior: Mapping[str, Any], roster: Roster) -> bool:
    """Return True if every ad hoc combat coalition has its prior median in the band and some hollow paths."""
    coalitions = [m.name for m in roster.missions if m.framework == "ad_hoc" and m.combat and m.name in prior]
    low, high = AD_HOC_BAND
    return all(low <= prior[name]["median"] <= high and prior[name]["hollow_and_alive"] > 0 for name in coalitions)


def check_crossing(tree: xr.DataTree, roster: Roster) -> dict[str, Any]:
    """Check J6: a coalition of the willing operates at once and fades, NATO starts late and lasts; neutral war.

    The value is the share of paths on which the first ad hoc mission operates more than the first NATO mission, early
    and late. It is empty without both missions, or when the projection is too short.
    """
    kinds = [m.framework if m.hypothetical else "" for m in roster.missions]
    if not {"ad_hoc", "nato"} <= set(kinds) or len(roster.quarters) <= LATE:
        return {}
    curves = tree[names.JOINT].to_dataset()["joint_survival"].isel(war=0, design=0)
    operation = curves.sel(curve="operational").fillna(0.0)
    willing = operation.isel(mission=kinds.index("ad_hoc"))
    alliance = operation.isel(mission=kinds.index("nato"))
    share = (willing > alliance).mean(names.PATH)
    early, late = float(share[EARLY]), float(share[LATE])
    return {"early": early, "late": late, "met": early > MIN_EARLY and late < MAX_LATE}


def check_operation_below_flags(tree: xr.DataTree) -> dict[str, Any]:
    """Check that operation never exceeds flags, on any stored path, in any quarter."""
    curves = tree[names.JOINT].to_dataset()["joint_survival"]
    excess = float((curves.sel(curve="operational") - curves.sel(curve="nominal")).max())
    return {"largest_excess": excess, "met": excess <= MAX_EXCESS}


def check_withdrawal_curves(
    posterior: xr.Dataset, without: Mapping[str, xr.Dataset], spells: xr.Dataset, seed: int
) -> dict[str, Any]:
    """Check that Kaplan-Meier curves lie in the 80 % intervals of the fitted model.

    Parameters
    ----------
    posterior
        The withdrawal fit on all missions.
    without
        The withdrawal fit without one mission, by that mission.
    spells
        Contingents as the withdrawal model sees them.
    seed
        Seed of the predictions.

    Returns
    -------
    dict
        For each mission in `without`, at 1, 3 and 5 years: the Kaplan-Meier share of contributors left and the
        intervals with and without the mission in the fit.
    """
    missions = {}
    for mission in without:
        curve = kaplan_meier(contributor_durations(spells, mission))
        observed = share_after(curve, YEARS)
        rng = generator(seed, f"remaining {mission}")
        fitted = predict_remaining(posterior, spells, mission, YEARS, rng, new_mission=False)
        left_out = predict_remaining(without[mission], spells, mission, YEARS, rng, new_mission=True)
        interval, wide_interval = _interval(fitted), _interval(left_out)
        low, high = np.array(interval["lower"]), np.array(interval["upper"])
        inside = (observed >= low - RATIO_TOLERANCE) & (observed <= high + RATIO_TOLERANCE)
        missions[mission] = {
            "years": list(YEARS),
            "kaplan_meier": [float(x) for x in observed],
            "fitted": interval,
            "left_out": wide_interval,
            "met": bool(np.all(inside)),
        }
    return {"missions": missions, "met": all(m["met"] for m in missions.values())}


def _interval(shares: Floats) -> dict[str, list[float]]:
    """Return the median and the 80 % interval over the first axis."""
    levels = {"lower": LOWER_TAIL, "median": 0.5, "upper": UPPER_TAIL}
    return {k: np.quantile(shares, level, axis=0).tolist() for k, level in levels.items()}


def check_cohesion_model(samples: Samples, panel: xr.Dataset) -> dict[str, Any]:
    """Report start, verdict now, anchors and halves of the cohesion model; check K8, that the halves are distinct."""
    factors, halves = start(samples), halves_correlation(samples)
    verdict = verdict_probability(samples).isel(year=-1)
    anchors = hits(anchor_probability(samples, panel), panel)
    return {
        "start": {
            f: {"mean": float(x.mean()), "lower": float(x.quantile(LOWER_TAIL)), "upper": float(x.quantile(UPPER_TAIL))}
            for f, x in ((f, factors.sel(factor=f)) for f in names.FACTORS)
        },
        "verdict": {v: float(verdict.sel(verdict=v)) for v in names.VERDICTS},
        "anchors": {str(a): float(anchors.sel(anchor=a)) for a in panel["anchor"].values},
        "halves": halves,
        "met": max(halves.values()) < MAX_CORRELATION,
    }
