"""The loops: paths, then cells, then quarters. Every formula stands in `dynamics`.

The order of a quarter; all hazards read the state at the end of the quarter before:
 1. the threat level moves towards the target of the war
 2. in the last quarter of a year members set their spending, from last year's shares
 3. missions: contagion, lead gone and cohesion lift the hazards; contingents leave, are cut, or stay
 4. each mission's flags, operation and count; collapsed or not
 5. the four factors wander, take the shocks of collapses, and carry the shifts of war and design
 6. cohesion and verdict
Everything is tallied as it happens. Leaders, elections and growth do not depend on the scenario: `luck` lives through
them once a path.
"""

import math

from forecast.core import dynamics as rule
from forecast.core import tally as counts
from forecast.core.compile import device, entry
from forecast.core.luck import draw_luck
from forecast.core.state import CUTS, DURATION_EDGES, bin_table

_DURATION_BIN = bin_table(DURATION_EDGES)


@entry
def simulate(first, last, seed, layout, draws, luck, world, tally, joint):
    """Live through paths first .. last - 1 in all cells; add to `tally`, and write the first paths whole to `joint`.

    `luck` and `world` are buffers.
    """
    rows = draws.parameters.size
    for path in range(first, last):
        p = path % rows
        batch = p % counts.BATCHES
        draw_luck(seed, path, p, layout, draws, luck)
        tally.paths[batch] += 1
        counts.count_turnover(layout.constants[0].quarter_of_year, luck.leaders, tally.turnover)
        for n in range(layout.cells.size):
            run_cell(path, p, batch, n, layout, draws, luck, world, tally, joint)


@device
def run_cell(path, p, batch, n, layout, draws, luck, world, tally, joint):
    """Cell n of one path from the first quarter to the last."""
    constants, cell, alliance = layout.constants[0], layout.cells[n], world.alliance[0]
    reset(draws.members[p], world)
    for t in range(luck.alliance.size):
        noise = luck.alliance[t]
        target = cell.threat_target if t >= constants.onset else constants.neutral_target
        alliance.threat = rule.threat_level(
            alliance.threat, target, constants.threat_persistence, constants.threat_sd, noise.threat
        )
        if (t + constants.quarter_of_year) % 4 == 3:
            y = (t + constants.quarter_of_year) // 4
            spend(t, y, p, n, layout, draws, luck, world)
            counts.tally_spending(path, batch, n, y, world, tally, joint)
        for s in range(layout.missions.size):
            if layout.missions[s].start <= t < layout.missions[s].end:
                step_mission(t, s, p, layout, draws, luck, world)
                counts.tally_mission(
                    path, batch, n, t, s, constants, layout.missions[s], world, tally, joint
                )
        shock = collapses(t, constants.events, layout.missions, world.missions)
        step_factors(
            t, shock, constants, cell, draws.parameters[p], draws.cells[p, n], noise, alliance
        )
        counts.tally_alliance(path, batch, n, t, draws.parameters[p], noise, alliance, tally, joint)


@device
def reset(members, world):
    """The neutral reference state: threat level 1, all factors 0, nobody has joined a mission yet."""
    alliance = world.alliance[0]
    alliance.threat, alliance.cohesion, alliance.european = 1.0, 0.0, 0.0
    for f in range(4):
        alliance.process[f] = 0.0
    for m in range(members.size):
        world.shares[m] = members[m].start
    for s in range(world.missions.size):
        mission = world.missions[s]
        mission.left, mission.left_1, mission.left_2 = 0, 0, 0
        mission.low, mission.collapsed, mission.fallen = 0, 0, 0


@device
def spend(t, y, p, n, layout, draws, luck, world):
    """Step 2: all members set the share of year y, which ends with quarter t."""
    constants, cell, parameter = layout.constants[0], layout.cells[n], draws.parameters[p]
    part = rule.ramp(t, constants.onset, cell.design_ramp)
    response = rule.response(luck.response[y])
    pledged = response * rule.scaled(part, cell.pledge_multiplier)
    frontline = response * parameter.front * world.alliance[0].threat
    retrenchment = part * cell.credibility * draws.cells[p, n].retrenchment
    total = 0.0
    for m in range(layout.members.size):
        share = world.shares[m]
        if math.isnan(share):
            continue
        member, own, budget = layout.members[m], draws.members[p, m], luck.budgets[y, m]
        change = rule.spending_change(
            share, own.target, parameter.kappa, own.loading * luck.common[y],
            pledged * rule.gap(share, layout.pledge[y]),
            frontline * member.front * rule.gap(share, constants.front_mark),
            parameter.growth, budget.growth, parameter.election_spending * budget.election,
            retrenchment if member.european > 0.0 else 0.0, budget.noise,
        )  # fmt: skip
        world.shares[m] = rule.clip(share + change, constants.floor, constants.cap)
        total += member.european * math.exp(world.shares[m])
    world.alliance[0].european = total


@device
def step_mission(t, s, p, layout, draws, luck, world):
    """Steps 3 and 4 for mission s: who leaves, what is left."""
    mission, state, parameter = layout.missions[s], world.missions[s], draws.parameters[p]
    if t == mission.start:
        muster(mission.contingents, world.contingents[s])
    state.left_2, state.left_1, state.left, state.fallen = state.left_1, state.left, 0, 0
    lead_gone = mission.lead >= 0 and world.contingents[s, mission.lead].present == 0
    share = rule.contagion_share(
        state.left_1, state.left_2, mission.ever, layout.constants[0].contagion_cap
    )
    lift = rule.mission_lift(
        share, parameter.contagion, lead_gone, parameter.lead_gone,
        world.alliance[0].cohesion, parameter.cohesion_effect,
    )  # fmt: skip
    ending = rule.ending_lift(mission.end - t, parameter.ending)
    partial_ratio = rule.partial_ratio(draws.missions[p, s].full_exit)
    for c in range(mission.contingents):
        if world.contingents[s, c].present == 0:
            continue
        contingent, fate = layout.contingents[s, c], luck.contingents[s, c]
        age = rule.bin_of(_DURATION_BIN, contingent.served + t - mission.start)
        leader = luck.leaders[t, contingent.country].lift if contingent.country >= 0 else 1.0
        state.left += step_contingent(
            lift * leader * fate.defection * luck.durations[0, age],
            ending * fate.planned * luck.durations[1, age],
            partial_ratio, fate, world.contingents[s, c],
        )  # fmt: skip
    look_at_mission(mission.contingents, layout.constants[0].collapse_operation,
                    layout.contingents[s], world.contingents[s], state)  # fmt: skip


@device
def muster(size, contingents):
    """Everyone is there, whole."""
    for c in range(size):
        state = contingents[c]
        state.present, state.profile, state.cuts = 1, 1.0, 0
        state.defection, state.planned, state.partial = 0.0, 0.0, 0.0


@device
def step_contingent(defection, planned, partial_ratio, fate, state):
    """One quarter: 1 if it leaves, for a cumulative hazard crosses its threshold; else it may be cut. Exact."""
    state.defection += defection
    state.planned += planned
    if rule.has_crossed(state.defection, fate.until_defection) or rule.has_crossed(
        state.planned, fate.until_planned
    ):
        state.present, state.profile = 0, 0.0
        return 1
    state.partial += partial_ratio * defection
    while state.cuts < CUTS and state.partial >= fate.cut_time[state.cuts]:
        state.profile *= fate.cut_size[state.cuts]
        state.cuts += 1
    return 0


@device
def look_at_mission(size, line, plan, contingents, state):
    """Step 4: N = sum of weights present, O = sum of weight times profile, flags by count; and collapse."""
    flags, operation, count = 0.0, 0.0, 0
    for c in range(size):
        flags += plan[c].weight * contingents[c].present
        operation += plan[c].weight * contingents[c].profile
        count += contingents[c].present
    state.curve[0], state.curve[1], state.curve[2] = flags, operation, count / size
    state.low = state.low + 1 if operation < line else 0
    if state.low >= 2 and state.collapsed == 0:
        state.collapsed, state.fallen = 1, 1


@device
def collapses(t, events, missions, states):
    """Sum of the stakes of the missions that collapse in quarter t; 0 where events are off."""
    total = 0.0
    for s in range(missions.size):
        if t < missions[s].end:  # what fell in the last quarter of a mission falls once
            total += events * missions[s].stake * states[s].fallen
    return total


@device
def step_factors(t, shock, constants, cell, parameter, shifts, noise, alliance):
    """Steps 5 and 6: F = r_war delta_war + r_design delta_design fade + G, and cohesion from F."""
    war_part = rule.ramp(t, constants.onset, cell.war_ramp)
    design_part = rule.ramp(t, constants.onset, cell.design_ramp)
    for f in range(4):
        alliance.process[f] = shock * parameter.collapse_shock[f] + rule.autoregress(
            alliance.process[f], 0.0, constants.factor_phi, constants.factor_innovation,
            noise.factors[f],
        )  # fmt: skip
        faded = rule.fade(t, constants.onset, cell.half_life[f])
        alliance.factors[f] = (
            war_part * shifts.war_shift[f]
            + design_part * faded * shifts.design_shift[f]
            + alliance.process[f]
        )
    alliance.cohesion = rule.cohesion_index(parameter.weights, alliance.factors)
