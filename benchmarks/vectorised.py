"""The model once more in vectorised NumPy, to measure the core against: same luck, same counts.

Paths are the last axis of every array, cells the one before it; quarters are looped over, and so are missions, whose
contingents are the first axis. Tallied as the kernel tallies, before `settle`.
"""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import vectorised_fates as fates
import vectorised_luck as chance
from vectorised_alliance import Alliance
from vectorised_dyads import Dyads
from vectorised_missions import Mission, tally_arrivals
from vectorised_random import Array, columns, constants_of, fields

from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import Tally

BLOCK = 500  # paths that are lived through together
CELLS = 20  # cells that are lived through together
NEAR = 1e-9  # sums in fixed point, a path, against what they sum


def simulate(
    paths: Array,
    seed: int,
    layout: StaticInputs,
    draws: Draws,
    tally: Tally,
    *,
    block: int = BLOCK,
    cells: int = CELLS,
) -> None:
    """Live through the numbered paths in all cells and add to `tally` what the kernel adds."""
    plan = SimpleNamespace(
        constants=constants_of(layout),
        pledge=layout.pledge,
        dyad_pledge=layout.dyad_pledge,
        **{
            name: fields(getattr(layout, name))
            for name in ("members", "countries", "missions", "contingents", "cells", "slots", "dyads")
        },
    )
    with np.errstate(all="ignore"):
        for first in range(0, paths.size, block):
            some = paths[first : first + block]
            rows = some % draws.parameters.size
            tables = {name: columns(table, rows) for name, table in draws._asdict().items()}
            own = SimpleNamespace(**tables)
            shocks = draw_shocks(seed, some, plan, own, tally)
            for n in range(0, layout.cells.size, cells):
                simulate_batch(slice(n, n + cells), shocks, plan, own, tally)


def draw_shocks(seed: int, path: Array, plan: Any, own: Any, tally: Tally) -> SimpleNamespace:
    """All the chance of a block of paths, whatever the cell."""
    quarters, years = tally.verdict.shape[1], plan.pledge.size
    c, par, shocks = plan.constants, own.parameters, SimpleNamespace()
    leaders = chance.live_leaders(seed, path, quarters, plan, own)
    tally.paths[0] += path.size
    tally.turnover[:] += chance.turnover(leaders.change, c.quarter_of_year, years)
    shocks.common = chance.draw_common(seed, path, years, par)
    partners = SimpleNamespace(id=plan.dyads.partner, start_growth=plan.dyads.start_growth)
    for name, who, country, table in (
        ("budgets", plan.members, plan.members.country, own.members),
        ("partners", partners, plan.dyads.country, own.partners),
    ):
        moved = chance.draw_budgets(seed, path, who, country, table, shocks.common, leaders, plan, par)
        setattr(shocks, name, moved)
    shocks.targets = own.members.target
    shocks.noise = chance.draw_noise(seed, path, quarters, c)
    stands, start = chance.orient(seed, path, leaders.change, plan, par)
    shocks.allies = chance.draw_allies(seed, path, stands, plan, par)
    shocks.course = chance.draw_course(seed, path, stands, start, shocks.allies.exits, shocks.noise, plan, par)
    shocks.posture = chance.draw_posture(seed, path, par)
    publics = fates.draw_publics(seed, path, leaders.change, plan)
    shocks.campaigns, shocks.hand_over = fates.draw_campaigns(seed, path, quarters, plan, par)
    shocks.missions = [
        fates.draw_mission(seed, path, quarters, s, leaders, publics, plan, own)
        for s in range(plan.missions.start.size)
    ]
    shocks.slots = fates.draw_candidate_missions(seed, path, plan)
    shocks.outlook = fates.draw_outlook(seed, path, leaders.change, c, own.outlook)
    shocks.dyads = fates.draw_dyads(seed, path, quarters, plan, own.dyads)
    return shocks


def simulate_batch(part: slice, shocks: Any, plan: Any, own: Any, tally: Tally) -> None:
    """Some cells of a block of paths from the first quarter to the last."""
    shared = ("paths", "turnover")
    tally = tally._replace(**{name: a[part] for name, a in tally._asdict().items() if name not in shared})
    cells = SimpleNamespace(**{name: a[part] for name, a in vars(plan.cells).items()})
    own = SimpleNamespace(**vars(own))
    for name in ("cells", "dyad_cells"):
        table = {field: a[..., part, :] for field, a in vars(getattr(own, name)).items()}
        setattr(own, name, SimpleNamespace(**table))
    c, par, quarters = plan.constants, own.parameters, tally.verdict.shape[1]
    alliance = Alliance(cells, quarters, shocks, plan, own)
    missions = [Mission(s, len(tally.verdict), shocks, plan, par) for s in range(plan.missions.start.size)]
    dyads = Dyads(cells, alliance.design, shocks, plan, own)
    for t in range(quarters):
        alliance.feel_threat(t)
        y, quarter = divmod(t + c.quarter_of_year, 4)
        if quarter == 3:
            alliance.spend(t, y, tally)
            dyads.spend(y, tally)
        lift = np.exp(par.cohesion_effect * alliance.cohesion)
        for mission in missions:
            if mission.start <= t < mission.end:
                mission.step(t, lift, tally)
        alliance.befall(t, missions)
        alliance.judge(t)
        alliance.tell(t, tally)
        dyads.step(t, tally)
    tally_arrivals(shocks.slots, alliance.design, cells, plan, par, tally)


def differences(one: Tally, other: Tally, paths: int) -> list[str]:
    """The fields of two settled tallies that differ: counts at all, sums by more than rounding."""
    found = []
    for name in Tally._fields:
        a, b = getattr(one, name), getattr(other, name)
        if name.endswith("_sum"):
            apart = np.abs(a - b) > NEAR * np.maximum(np.abs(b), 2.0**32 * paths)
        else:
            apart = a != b
        if apart.any():
            found.append(f"{name}: {apart.sum()} of {apart.size}")
    return found


def check(paths: int = 100) -> None:
    """Raise AssertionError, with the fields, where the core counts otherwise."""
    from forecast.projection.batches import SimulationSpec, simulate_batch
    from forecast.projection.resources import typical_draws
    from forecast.projection.static_inputs import build_static_inputs
    from forecast.simulation.buffers import empty_tally
    from forecast.simulation.tallies import settle
    from forecast.workspace.inputs import read_inputs

    inputs = read_inputs(Path(__file__).parents[1], "quickstart")
    layout = build_static_inputs(inputs.tables, inputs.priors, inputs.plan, inputs.roster)
    draws, quarters, seed = typical_draws(layout), inputs.plan.quarters, inputs.plan.seed
    some, mine = np.arange(paths), empty_tally(layout, quarters)
    simulate(some, seed, layout, draws, mine)
    its, _ = simulate_batch(
        SimulationSpec(layout=layout, draws=draws, quarters=quarters, joint_paths=0, seed=seed), some
    )
    found = differences(settle(mine, layout.missions), settle(its, layout.missions), paths)
    if found:
        raise AssertionError("vectorised NumPy and the core differ in " + "; ".join(found))


if __name__ == "__main__":
    check(*map(int, sys.argv[1:]))
