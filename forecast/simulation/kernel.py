"""The loops: paths, then cells, then quarters. Formulas stand in `dynamics`, what missions do in `mission_steps`.

The order of a quarter; all hazards read the state at the end of the quarter before:
 1. the threat level moves towards the target of the war
 2. in the last quarter of a year members set their spending, from last year's shares
 3. missions: contagion, lead gone and cohesion lift the hazards; contingents leave, are cut, or stay
 4. each mission's flags, operation and count; collapsed or not
 5. what befalls the alliance: crises, leaders, vetoes, disputes, exits, the American posture
 6. the four factors wander, take the shocks, and carry the shifts of war and design
 7. cohesion, verdict and the other measures
 8. beside the alliance, the dyads; their partners spend with the members
Everything is tallied as it happens. Leaders, elections and growth do not depend on the scenario: `luck` lives through
them once a path.
"""

from forecast.simulation import recording as counts
from forecast.simulation.jit import entry, loop
from forecast.simulation.recording import tally_arrivals, tally_dyads, tally_partners
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
def simulate(paths, seed, static, draws, shocks, path_state, tally, joint):
    """Live through the numbered paths in all cells; add to `tally`, and write the first of them whole to `joint`.

    `luck` and `world` are buffers.
    """
    for row in range(paths.size):
        path = paths[row]
        p = path % draws.parameters.size
        draw_shocks(seed, path, p, static, draws, shocks)
        draw_dyad_shocks(seed, path, p, static, draws, shocks)
        tally.paths[0] += 1
        counts.count_turnover(static.constants[0].quarter_of_year, shocks.leaders, tally.turnover)
        for n in range(static.cells.size):
            run_cell(row, p, n, static, draws, shocks, path_state, tally, joint)


@loop
def run_cell(row, p, n, static, draws, shocks, path_state, tally, joint):
    """Cell n of one path from the first quarter to the last."""
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
            counts.tally_spending(row, n, y, path_state, tally, joint)
            spend_partners(y, p, static, draws, shocks, path_state)
            tally_partners(n, y, path_state, tally)
        lift = cohesion_hazard_ratio(alliance.cohesion, draws.parameters[p].cohesion_effect)
        for s in range(static.missions.size):
            if static.missions[s].start <= t < static.missions[s].end:
                step_mission(t, s, p, lift, static, draws, shocks, path_state)
                counts.tally_mission(row, n, t, s, constants, static.missions[s], path_state, tally, joint)
        step_new_missions(t, p, n, static, draws, shocks, path_state)
        tally_arrivals(n, t, static, draws.parameters[p], shocks, path_state, tally)
        shock = collapses(t, constants.collapse, static.missions, path_state.missions)
        alliance_steps.step_events(t, p, n, static, draws, shocks, path_state)
        step_factors(t, shock, constants, cell, draws.parameters[p], draws.cells[p, n], noise, alliance)
        alliance_steps.update_cohesion(t, constants, draws.parameters[p], shocks, alliance)
        counts.tally_alliance(row, n, t, draws.parameters[p], noise, path_state, tally, joint)
        step_dyads(t, p, n, static, draws, shocks, path_state)
        tally_dyads(row, n, t, shocks, path_state, tally, joint)
    counts.count_bins(n, path_state, tally)


@loop
def reset(members, parameter, path_state):
    """Threat level 1, factors where they start (0 in the neutral reference state), no mission begun."""
    alliance = path_state.alliance[0]
    alliance.threat = 1.0
    for f in range(4):
        alliance.process[f] = parameter.factor_start[f]
    alliance.cohesion = rule.cohesion_index(parameter.weights, parameter.factor_start)
    for m in range(members.size):
        path_state.shares[m] = members[m].start
    for s in range(path_state.missions.size):
        mission = path_state.missions[s]
        mission.left, mission.left_1, mission.left_2 = 0, 0, 0
        mission.lost, mission.lost_1, mission.lost_2 = 0.0, 0.0, 0.0
        mission.low, mission.collapsed, mission.fallen = 0, 0, 0
        mission.handed, mission.ended = 0, 0
    clear_candidate_missions(path_state)
