"""Simulate paths: for each path all scenario cells, in blocks of lanes, and for each block all quarters.

Order of a quarter. Every hazard reads the state at the end of the quarter before.

 1. The threat level moves towards the target of the war.
 2. In the last quarter of a year, members set their spending, starting from last year's shares.
 3. Missions: contagion, loss of the lead nation and cohesion change the hazards; contingents leave, are cut, or stay.
 4. Each mission's nominal and operational curves are updated, and its collapse is recorded.
 5. Events of the alliance: crises, leaders, vetoes, disputes, exits, American posture.
 6. The four factors take a random step and the shocks, and add the shifts of war and design.
 7. Cohesion, verdict and the other measures are computed.
 8. Dyads are updated; their partners set spending when the members do.

Each result is added to the tally as soon as it is known. Leaders, elections and growth do not depend on the scenario:
`forecast.simulation.shocks` simulates them once for each path. The equations stand in `forecast.simulation.rules`, the
loops over members, missions and dyads in `forecast.simulation.steps`.
"""

from typing import Any

from forecast.simulation import recording
from forecast.simulation.arrays import Draws, PathState, Shocks, StaticInputs
from forecast.simulation.jit import entry, loop
from forecast.simulation.lanes import load
from forecast.simulation.rules.missions import cohesion_hazard_ratio
from forecast.simulation.shocks.dyads import draw_dyad_shocks
from forecast.simulation.shocks.path import draw_shocks
from forecast.simulation.steps import alliance as alliance_steps
from forecast.simulation.steps.alliance import step_factors
from forecast.simulation.steps.cells import take_cells
from forecast.simulation.steps.dyads import reset_dyads, spend_partners, step_dyads
from forecast.simulation.steps.missions import add_collapses, reset_missions, step_mission
from forecast.simulation.steps.new_missions import clear_candidate_missions, step_new_missions
from forecast.simulation.steps.spending import spend
from forecast.simulation.tallies import SampledPaths, Tally

_SUMMED = 2**15 - 1  # paths: more could overflow the counts of 16 bits in `records.ALLIANCE_SUMS`


def simulate(
    paths: Any,
    seed: int,
    static: StaticInputs,
    draws: Draws,
    shocks: Shocks,
    path_state: PathState,
    tally: Tally,
    sampled: SampledPaths,
) -> None:
    """Simulate the paths with these numbers in all cells, and add the results to `tally`.

    Parameters
    ----------
    paths
        Numbers of the paths, (rows,) integers; path p uses parameter draw p modulo the number of draws.
    seed
        Seed of the random numbers, 32 bits.
    static, draws
        The plan (`StaticInputs`) and the parameter draws (`Draws`).
    shocks, path_state
        Buffers (`Shocks`, `PathState`) made for the plan, overwritten for each path and block of cells.
    tally
        `Tally` that counts the results.
    sampled
        `SampledPaths`: receives the complete series of the first rows of `paths`, as many as its arrays hold.
    """
    for first in range(0, len(paths), _SUMMED):
        part = paths[first : first + _SUMMED]
        remaining = SampledPaths(*(values[first:] for values in sampled))
        simulate_lanes(part, seed, static, draws, shocks, path_state, tally, remaining)
        recording.add_sums(path_state.sums, tally)


@entry
def simulate_lanes(paths, seed, static, draws, shocks, path_state, tally, sampled):
    """Simulate the paths; the sums over paths stay in `path_state`."""
    waiting = 0
    for row in range(paths.size):
        path = paths[row]
        p = path % draws.parameters.size
        draw_shocks(seed, path, p, static, draws, shocks)
        draw_dyad_shocks(seed, path, p, static, draws, shocks)
        tally.paths[0] += 1
        recording.count_turnover(static.constants[0].quarter_of_year, shocks.leaders, tally.turnover)
        for block in range(path_state.cells.size):
            take_cells(p, block, draws, path_state)
            run_block(row, p, block, waiting, static, draws, shocks, path_state, tally, sampled)
        waiting += 1
        if waiting == path_state.changed.shape[0] or row + 1 == paths.size:
            recording.count_bins(waiting, static, path_state, tally)
            waiting = 0


@loop
def run_block(row, p, block, place, static, draws, shocks, path_state, tally, sampled):
    """Simulate a block of cells of one path from the first quarter to the last."""
    constants, parameter = static.constants[0], draws.parameters[p]
    cell, alliance = path_state.cells[block], path_state.alliance[0]
    alliance_steps.reset_alliance(static, draws.members[p], cell, parameter, shocks.path[0], path_state)
    reset_missions(path_state.missions)
    clear_candidate_missions(shocks, path_state)
    reset_dyads(p, static, draws, path_state)
    for t in range(shocks.alliance.size):
        noise = shocks.alliance[t]
        alliance_steps.step_threat(t, constants, cell, noise, alliance)
        if (t + constants.quarter_of_year) % 4 == 3:
            y = (t + constants.quarter_of_year) // 4
            spend(t, y, p, block, static, draws, shocks, path_state)
            spend_partners(y, p, static, draws, shocks, path_state)
            recording.tally_spending(row, block, y, place, path_state, sampled)
        hazard_ratio = cohesion_hazard_ratio(load(alliance.cohesion), parameter.cohesion_effect)
        for s in range(static.missions.size):
            if static.missions[s].start <= t < static.missions[s].end:
                step_mission(t, s, p, hazard_ratio, static, draws, shocks, path_state)
                mission = static.missions[s]
                recording.tally_mission(row, block, t, s, place, constants, mission, path_state, sampled)
        if step_new_missions(t, block, static, parameter, shocks, path_state):
            recording.tally_new_missions(t, block, static, parameter, shocks, path_state, tally)
        collapse = add_collapses(t, constants.collapse, static.missions, path_state.missions, 0.0 * hazard_ratio)
        alliance_steps.step_events(t, p, block, static, draws, shocks, path_state)
        shifts = path_state.cell_parameters[0]
        step_factors(t, collapse, constants, cell, parameter, shifts, noise, alliance)
        alliance_steps.update_cohesion(t, constants, parameter, shocks, alliance)
        recording.tally_alliance(row, block, t, place, parameter, noise, path_state, sampled)
        step_dyads(t, p, block, static, draws, shocks, path_state)
        recording.tally_dyads(row, block, t, place, shocks, path_state, sampled)
