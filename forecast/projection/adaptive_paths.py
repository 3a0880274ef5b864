"""The paths of a plan, and as many more as a requested Monte Carlo error of the headlines needs.

The error has two parts: that of the paths falls with their number, that of the draws of the parameters stays.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.errors import RunError
from forecast.progress import Stages
from forecast.projection.batches import SimulationSpec
from forecast.projection.monte_carlo_error import Estimates, Projected, joined, project
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.plan import MOST_PATHS, Plan

Headlines = list[dict[str, Any]]
Shares = Mapping[str, NDArray[np.float64]]


def project_until(
    spec: SimulationSpec,
    plan: Plan,
    estimate: Callable[[Tally], Estimates],
    judge: Callable[[SampledPaths], Shares],
    tell: Callable[[Projected, Shares], tuple[xr.DataTree, Headlines]],
    stages: Stages,
    *,
    threads: int,
    dask: str = "",
) -> tuple[int, xr.DataTree, Headlines]:
    """The number of paths in the end, and the tree and the headlines that `tell` makes of them.

    `judge` finds the shares of judgement from the whole paths, which stay those of the plan.
    """

    def simulate_batch(own: SimulationSpec, title: str, paths: range) -> Projected:
        with stages(title) as report:
            return project(own, paths, estimate, threads=threads, report=report, dask=dask)

    projected = simulate_batch(spec, "project", range(plan.paths))
    shares = judge(projected.joint)
    tree, headlines = tell(projected, shares)
    while more := paths_wanted(headlines, projected.paths, plan):
        upto = projected.paths + more
        added = simulate_batch(replace(spec, joint_paths=0), f"project to {upto:,}", range(projected.paths, upto))
        projected = joined(projected, added)
        tree, headlines = tell(projected, shares)
    return projected.paths, tree, headlines


def paths_wanted(headlines: Headlines, paths: int, plan: Plan) -> int:
    """Paths to add to `paths` until no headline's error is above `plan.precision`; 0 if none is.

    Whole rounds of the draws, twice over. The share of the draws is that of all headlines together, for one headline's
    own is known poorly. Raises RunError where the draws alone err more, or where more paths are needed than a plan may
    ask for.
    """
    if plan.precision is None:
        return 0
    worst = max(headlines, key=lambda h: h["mcse"])
    if worst["mcse"] <= plan.precision:
        return 0
    rounds = 2 * plan.draws
    if any(h["mcse_draws"] is None for h in headlines):  # too few paths to tell the parts apart
        return rounds
    whole = math.fsum(h["mcse"] ** 2 for h in headlines)
    share = math.fsum(h["mcse_draws"] ** 2 for h in headlines) / whole
    of_draws, of_paths = share * worst["mcse"] ** 2, (1.0 - share) * worst["mcse"] ** 2
    room = plan.precision**2 - of_draws
    if room <= 0.0:
        enough = plan.draws * 2.0 * of_draws / plan.precision**2
        raise RunError(_out_of_reach(worst, plan, math.sqrt(of_draws), enough))
    wanted: float = paths * of_paths / room
    if wanted > MOST_PATHS:
        raise RunError(
            f"precision {plan.precision:g} would take {wanted:,.0f} paths, more than the {MOST_PATHS:,} a plan may "
            "have: ask for less, or raise draws in the plan"
        )
    return max(rounds, math.ceil((wanted - paths) / rounds) * rounds)


def _out_of_reach(worst: Mapping[str, Any], plan: Plan, of_draws: float, enough: float) -> str:
    asked = math.ceil(enough / 32) * 32
    return (
        f"precision {plan.precision:g} is out of reach with {plan.draws:,} draws of the parameters: "
        f"whatever the paths, they leave an error of about {of_draws:.2g} in '{worst['quantity']}' "
        f"({worst['war']}, {worst['design']}, "
        f"{worst['horizon']}); set draws = {asked} in the plan, or ask for more than {of_draws:.2g}"
    )
