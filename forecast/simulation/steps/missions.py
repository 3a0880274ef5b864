"""The loops of missions: who is there, who leaves, who is cut, what is left. Formulas stand in `mission_rules`."""

import math

from forecast.simulation.jit import loop
from forecast.simulation.records import CUTS, NEVER
from forecast.simulation.rules import missions as rule

ROLE, CAVEAT = 1, 2  # modes that touch role and reach; reductions and swaps take troops


@loop
def step_mission(t, s, p, lift, static, draws, shocks, path_state):
    """Steps 3 and 4 for mission s: who leaves, what is left. `lift` is what cohesion does to all hazards."""
    mission, state, parameter = static.missions[s], path_state.missions[s], draws.parameters[p]
    constants, size = static.constants[0], static.missions[s].contingents
    if t == mission.start:
        start_mission(size, state, shocks.contingents[s], s, path_state)
    age_counts(state)
    lift *= shocks.campaigns[t, s].lift * update_hazard_ratios(mission, constants, parameter, s, path_state)
    due = accumulate_hazard(
        size, lift, shocks.hazards[t, s], path_state.lifts[s], path_state.due[s], path_state.endured[s]
    )
    if due + shocks.planned[t, s] > 0:
        apply_exits(t, s, static, parameter, shocks, path_state)
    if state.stale == 1:
        update_survival_curves(size, static.contingents[s], path_state.contingents[s], state)
    update_collapse(constants, state)
    hand_over(mission, constants, parameter, shocks.campaigns[0, s].hand_over, s, path_state)


@loop
def start_mission(size, state, fates, s, path_state):
    """Everyone is there, whole, and nothing has been tallied."""
    state.stale = 1
    for i in range(3):
        state.bins[i], state.sums[i] = -1, 0
    state.told_hollow, state.told_ended, state.told_handed = 0, 0, 0
    for i in range(state.modes.size):
        state.modes[i] = 0
    state.seen = 0
    for c in range(size):
        own = path_state.contingents[s, c]
        own.present, own.left_at, own.profile, own.cuts = 1, NEVER, 1.0, 0
        own.troops, own.role, own.reach = 1.0, 1.0, 1.0
        path_state.endured[s, c], path_state.lifts[s, c] = 0.0, 1.0
        path_state.due[s, c] = next_due(fates[c], 0)
    state.curve[0] = 1.0


@loop
def next_due(fate, cuts):
    """The cumulative hazard at which the contingent defects in full or is cut again."""
    return min(fate.defects_at, fate.cut_at[cuts]) if cuts < CUTS else fate.defects_at


@loop
def accumulate_hazard(size, lift, hazards, lifts, due, endured):
    """A quarter's hazard of defection for all contingents; gives how many have reached a threshold."""
    reached = 0
    for c in range(size):
        endured[c] += lift * hazards[c] * lifts[c]
        reached += rule.has_crossed(endured[c], due[c])
    return reached


@loop
def apply_exits(t, s, static, parameter, shocks, path_state):
    """Those whose hazard has reached a threshold or whose withdrawal is due leave or are cut; all others stay."""
    reduced = rule.reduced_hazard_ratio(static.constants[0].reductions * parameter.ever_reduced)
    planned = shocks.planned[t, s] > 0
    for c in range(static.missions[s].contingents):
        crossed = rule.has_crossed(path_state.endured[s, c], path_state.due[s, c])
        if crossed or (planned and t >= shocks.contingents[s, c].planned_at):
            if path_state.contingents[s, c].present == 1:
                step_contingent(t, s, c, reduced, static, shocks, path_state)
    path_state.missions[s].stale = 1


@loop
def age_counts(state):
    """What was this quarter's is last quarter's."""
    state.left_2, state.left_1, state.left = state.left_1, state.left, 0
    state.lost_2, state.lost_1, state.lost = state.lost_1, state.lost, 0.0
    state.fallen, state.news = 0, 0


@loop
def update_hazard_ratios(mission, constants, parameter, s, path_state):
    """Factor on all hazards of defection in mission s from the state of the quarter before."""
    state = path_state.missions[s]
    share = rule.contagion_share(state.left_1, state.left_2, mission.ever, constants.contagion_cap)
    lift = rule.mission_hazard_ratio(
        share, parameter.contagion, is_leaderless(mission, s, path_state), parameter.lead_gone
    )
    if state.handed == 1:
        lift *= rule.framework_hazard_ratio(parameter.nato)
    return lift * rule.backfill_hazard_ratio(
        state.curve[0], state.lost_1 + state.lost_2, constants.backfill * parameter.backfill
    )


@loop
def is_leaderless(mission, s, path_state):
    """The lead nation has left, and NATO has not taken its place."""
    if mission.lead < 0 or path_state.missions[s].handed == 1:
        return False
    return path_state.contingents[s, mission.lead].present == 0


@loop
def step_contingent(t, s, c, reduced, static, shocks, path_state):
    """It leaves, for its cumulative hazard crosses a threshold or its withdrawal is due; else it may be cut. Exact."""
    fate, own, state = shocks.contingents[s, c], path_state.contingents[s, c], path_state.missions[s]
    hazard = path_state.endured[s, c]
    defects = rule.has_crossed(hazard, fate.defects_at)
    if defects or t >= fate.planned_at:
        own.present, own.left_at, own.profile = 0, t, 0.0
        path_state.lifts[s, c], path_state.due[s, c] = 0.0, math.inf
        state.modes[0] += defects
        state.left += 1
        state.lost += static.contingents[s, c].weight
        return
    while own.cuts < CUTS and rule.has_crossed(hazard, fate.cut_at[own.cuts]):
        cut(fate, own, state)
    path_state.lifts[s, c] = reduced if own.troops < 1.0 else 1.0
    path_state.due[s, c] = next_due(fate, own.cuts)


@loop
def cut(fate, own, state):
    """The next partial defection: fewer troops, a safer role, a narrower reach, or nearly all sent elsewhere."""
    i = own.cuts
    mode, size = fate.cut_mode[i], fate.cut_size[i]
    if mode == ROLE:
        own.role *= size
    elif mode == CAVEAT:
        own.reach *= size
        state.seen += fate.cut_seen[i]
    else:
        own.troops *= size
    own.profile = rule.profile_of(own.troops, own.role, own.reach)
    own.cuts = i + 1
    state.modes[1 + mode] += 1


@loop
def update_survival_curves(size, plan, contingents, state):
    """Step 4: N = sum of weights present, O = sum of weight times profile, flags by count."""
    flags, operation, count, allies = 0.0, 0.0, 0, 0
    for c in range(size):
        flags += plan[c].weight * contingents[c].present
        operation += plan[c].weight * contingents[c].profile
        count += contingents[c].present
        allies += plan[c].ally * contingents[c].present
    state.curve[0], state.curve[1], state.curve[2] = flags, operation, count / size
    state.allies, state.stale, state.news = allies, 0, 1


@loop
def update_collapse(constants, state):
    """A mission collapses in the second quarter in a row below the line."""
    state.low = state.low + 1 if state.curve[1] < constants.collapse_operation else 0
    if state.low >= 2 and state.collapsed == 0:
        state.collapsed, state.fallen, state.news = 1, 1, 1


@loop
def hand_over(mission, constants, parameter, u, s, path_state):
    """End of the quarter: ended in name or not; NATO may take over, and sends those who stayed back to strength."""
    state, leaderless = path_state.missions[s], is_leaderless(mission, s, path_state)
    may = constants.hand_over * mission.ad_hoc == 1 and state.handed == 0
    if may and rule.takes_over(u, parameter.hand_over, leaderless, state.collapsed):
        state.handed, state.stale, state.news, leaderless = 1, 1, 1, False
        for c in range(mission.contingents):
            own = path_state.contingents[s, c]
            own.troops, own.role, own.reach = 1.0, 1.0, 1.0
            own.profile = path_state.lifts[s, c] = 1.0 * own.present
    if state.ended == 0 and rule.is_ended(
        state.curve[0],
        state.curve[1],
        leaderless,
        constants.nominal_flags,
        constants.collapse_operation,
    ):
        state.ended, state.news = 1, 1


@loop
def collapses(t, on, missions, states):
    """Sum of the stakes of the missions that collapse in quarter t; 0 where that is switched off."""
    total = 0.0
    for s in range(missions.size):
        if t < missions[s].end:  # what fell in the last quarter of a mission falls once
            total += on * missions[s].stake * states[s].fallen
    return total
