"""Simulate paths: for each path all scenario cells, and for each cell all quarters.

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

from forecast.simulation import recording
from forecast.simulation.jit import entry, loop
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules.missions import cohesion_hazard_ratio
from forecast.simulation.shocks.dyads import draw_dyad_shocks
from forecast.simulation.shocks.path import draw_shocks
from forecast.simulation.steps import alliance as alliance_steps
from forecast.simulation.steps.alliance import step_factors
from forecast.simulation.steps.dyads import reset_dyads, spend_partners, step_dyads
from forecast.simulation.steps.missions import collapses, step_mission
from forecast.simulation.steps.new_missions import clear_candidate_missions, step_new_missions
from forecast.simulation.steps.spending import spend


@entry
def simulate(paths, seed, static, draws, shocks, path_state, tally, sampled):
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
        Buffers (`Shocks`, `PathState`), overwritten for each path and cell.
    tally
        `Tally` that counts the results.
    sampled
        `SampledPaths`: receives the complete series of the first rows of `paths`, as many as its arrays hold.
    """
    for row in range(paths.size):
        path = paths[row]
        p = path % draws.parameters.size
        draw_shocks(seed, path, p, static, draws, shocks)
        draw_dyad_shocks(seed, path, p, static, draws, shocks)
        tally.paths[0] += 1
        recording.count_turnover(static.constants[0].quarter_of_year, shocks.leaders, tally.turnover)
        for n in range(static.cells.size):
            run_cell(row, p, n, static, draws, shocks, path_state, tally, sampled)


@loop
def run_cell(row, p, n, static, draws, shocks, path_state, tally, sampled):
    """Simulate cell n of one path from the first quarter to the last."""
    constants, cell, alliance = static.constants[0], static.cells[n], path_state.alliance[0]
    reset(draws.members[p], draws.parameters[p], path_state)
    alliance_steps.reset_alliance(static, draws.members[p], cell, draws.parameters[p], path_state)
    reset_dyads(p, static, draws, path_state)
    for t in range(shocks.alliance.size):
        noise = shocks.alliance[t]
        target = alliance_steps.threat_target(t, constants, cell, alliance)
        alliance.threat = rule.threat_level(
            alliance.threat, target, constants.threat_persistence, constants.threat_sd, noise.threat
        )
        if (t + constants.quarter_of_year) % 4 == 3:
            y = (t + constants.quarter_of_year) // 4
            spend(t, y, p, n, static, draws, shocks, path_state)
            recording.tally_spending(row, n, y, path_state, tally, sampled)
            spend_partners(y, p, static, draws, shocks, path_state)
            recording.tally_partners(n, y, path_state, tally)
        hazard_ratio = cohesion_hazard_ratio(alliance.cohesion, draws.parameters[p].cohesion_effect)
        for s in range(static.missions.size):
            if static.missions[s].start <= t < static.missions[s].end:
                step_mission(t, s, p, hazard_ratio, static, draws, shocks, path_state)
                recording.tally_mission(row, n, t, s, constants, static.missions[s], path_state, tally, sampled)
        step_new_missions(t, p, n, static, draws, shocks, path_state)
        recording.tally_new_missions(n, t, static, draws.parameters[p], shocks, path_state, tally)
        collapse = collapses(t, constants.collapse, static.missions, path_state.missions)
        alliance_steps.step_events(t, p, n, static, draws, shocks, path_state)
        step_factors(t, collapse, constants, cell, draws.parameters[p], draws.cells[p, n], noise, alliance)
        alliance_steps.update_cohesion(t, constants, draws.parameters[p], shocks, alliance)
        recording.tally_alliance(row, n, t, draws.parameters[p], noise, path_state, tally, sampled)
        step_dyads(t, p, n, static, draws, shocks, path_state)
        recording.tally_dyads(row, n, t, shocks, path_state, tally, sampled)
    recording.count_bins(n, path_state, tally)


@loop
def reset(members, parameter, path_state):
    """Set the start of a cell: threat level 1, factors at their start values, no exits, no new mission."""
    alliance = path_state.alliance[0]
    alliance.threat = 1.0
    for f in range(4):
        alliance.process[f] = parameter.factor_start[f]
    alliance.cohesion = rule.cohesion_index(parameter.weights, parameter.factor_start)
    for m in range(members.size):
        path_state.shares[m] = members[m].start
    for s in range(path_state.missions.size):
        mission = path_state.missions[s]
        mission.exits, mission.exits_1, mission.exits_2 = 0, 0, 0
        mission.weight_lost, mission.weight_lost_1, mission.weight_lost_2 = 0.0, 0.0, 0.0
        mission.quarters_low, mission.collapsed, mission.collapsed_now = 0, 0, 0
        mission.handed, mission.ended = 0, 0
    clear_candidate_missions(path_state)
