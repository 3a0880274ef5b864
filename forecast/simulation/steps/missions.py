"""Update one mission in a quarter: exits, partial defections, curves, collapse, hand-over to NATO.

The equations stand in `forecast.simulation.rules.missions`.
"""

import math

from forecast.simulation.jit import loop
from forecast.simulation.records import CUTS, NEVER, NEW_CAVEAT, RE_ROLE, REDUCTION
from forecast.simulation.rules import missions as rule


@loop
def step_mission(t, s, p, hazard_ratio, static, draws, shocks, path_state):
    """Update mission s (steps 3 and 4 of a quarter); `hazard_ratio` is the effect of cohesion on all hazards."""
    mission, state, parameter = static.missions[s], path_state.missions[s], draws.parameters[p]
    constants, size = static.constants[0], static.missions[s].contingents
    if t == mission.start:
        start_mission(size, state, shocks.contingents[s], s, path_state)
    start_quarter(state)
    hazard_ratio *= shocks.campaigns[t, s].hazard_ratio * common_hazard_ratio(
        mission, constants, parameter, s, path_state
    )
    crossings = accumulate_hazard(
        size,
        hazard_ratio,
        shocks.hazards[t, s],
        path_state.hazard_ratios[s],
        shocks.curve_ratios[t, s],
        path_state.next_cut[s],
        path_state.exit_threshold[s],
        path_state.cumulative_hazard[s],
        path_state.exit_hazard[s],
    )
    if crossings + shocks.planned[t, s] > 0:
        apply_exits(t, s, static, parameter, shocks, path_state)
    if state.curves_stale == 1:
        update_survival_curves(size, static.contingents[s], path_state.contingents[s], state)
    update_collapse(constants, state)
    hand_over(mission, constants, parameter, shocks.campaigns[0, s].hand_over, s, path_state)


@loop
def start_mission(size, state, shocks, s, path_state):
    """Set the start: all contingents present at full strength, nothing tallied."""
    state.curves_stale = 1
    for i in range(3):
        state.tallied_bin[i], state.tallied_sum[i] = -1, 0
    state.tallied_hollow, state.tallied_ended, state.tallied_handed = 0, 0, 0
    for i in range(state.modes.size):
        state.modes[i] = 0
    state.detected_caveats, state.reductions = 0, 0
    for c in range(size):
        contingent = path_state.contingents[s, c]
        contingent.present, contingent.exit_quarter, contingent.profile = 1, NEVER, 1.0
        contingent.cuts, contingent.planned_cuts = 0, 0
        contingent.troops, contingent.role, contingent.reach = 1.0, 1.0, 1.0
        path_state.cumulative_hazard[s, c], path_state.exit_hazard[s, c] = 0.0, 0.0
        path_state.hazard_ratios[s, c], path_state.next_cut[s, c] = 1.0, shocks[c].cut_threshold[0]
        path_state.exit_threshold[s, c] = shocks[c].exit_threshold
    state.curve[0] = 1.0


@loop
def accumulate_hazard(
    size, hazard_ratio, hazards, hazard_ratios, curve_ratios, cuts, exits, cumulative_hazard, exit_hazard
):
    """Add a quarter's hazard of defection for all contingents; returns how many have reached a threshold.

    `cuts` and `exits` are the thresholds.
    """
    reached = 0
    for c in range(size):
        hazard = hazard_ratio * hazards[c] * hazard_ratios[c]
        cumulative_hazard[c] += hazard
        exit_hazard[c] += hazard * curve_ratios[c]
        reached += rule.has_crossed(cumulative_hazard[c], cuts[c]) | rule.has_crossed(exit_hazard[c], exits[c])
    return reached


@loop
def apply_exits(t, s, static, parameter, shocks, path_state):
    """Let contingents leave or be cut whose hazard has reached a threshold or whose planned quarter has come."""
    reduced = rule.reduced_hazard_ratio(static.constants[0].reductions * parameter.ever_reduced)
    planned = shocks.planned[t, s] > 0
    for c in range(static.missions[s].contingents):
        crossed = rule.has_crossed(path_state.cumulative_hazard[s, c], path_state.next_cut[s, c])
        crossed |= rule.has_crossed(path_state.exit_hazard[s, c], path_state.exit_threshold[s, c])
        if crossed or (planned and is_planned(t, shocks.contingents[s, c], path_state.contingents[s, c].planned_cuts)):
            if path_state.contingents[s, c].present == 1:
                step_contingent(t, s, c, reduced, static, shocks, path_state)
    path_state.missions[s].curves_stale = 1


@loop
def is_planned(t, shock, cuts):
    """Return whether the planned withdrawal, or the next planned reduction, has come by quarter t."""
    return t >= shock.planned_quarter or (cuts < CUTS and t >= shock.planned_cut_quarter[cuts])


@loop
def start_quarter(state):
    """Move the counts of exits one quarter back, and clear those of the new quarter."""
    state.exits_2, state.exits_1, state.exits = state.exits_1, state.exits, 0
    state.weight_lost_2, state.weight_lost_1, state.weight_lost = state.weight_lost_1, state.weight_lost, 0.0
    state.collapsed_now, state.needs_tally = 0, 0


@loop
def common_hazard_ratio(mission, constants, parameter, s, path_state):
    """Return the factor on all hazards of defection in mission s, from the state of the quarter before."""
    state = path_state.missions[s]
    share = rule.contagion_share(state.exits_1, state.exits_2, mission.ever, constants.contagion_cap)
    hazard_ratio = rule.mission_hazard_ratio(
        share, parameter.contagion, is_leaderless(mission, s, path_state), parameter.lead_gone
    )
    if state.handed == 1:
        hazard_ratio *= rule.framework_hazard_ratio(parameter.nato)
    return hazard_ratio * rule.backfill_hazard_ratio(
        state.curve[0], state.weight_lost_1 + state.weight_lost_2, constants.backfill * parameter.backfill
    )


@loop
def is_leaderless(mission, s, path_state):
    """Return whether the lead nation has left and NATO has not taken its place."""
    if mission.lead < 0 or path_state.missions[s].handed == 1:
        return False
    return path_state.contingents[s, mission.lead].present == 0


@loop
def step_contingent(t, s, c, reduced, static, shocks, path_state):
    """Let a contingent leave, if it defects in full or its planned withdrawal has come; else apply its cuts.

    The exits and cuts of a quarter are exact: they depend on the cumulative hazards and the thresholds alone.
    """
    shock, contingent, state = shocks.contingents[s, c], path_state.contingents[s, c], path_state.missions[s]
    hazard = path_state.cumulative_hazard[s, c]
    defects = rule.has_crossed(path_state.exit_hazard[s, c], path_state.exit_threshold[s, c])
    if defects or t >= shock.planned_quarter:
        contingent.present, contingent.exit_quarter, contingent.profile = 0, t, 0.0
        path_state.hazard_ratios[s, c] = 0.0
        path_state.next_cut[s, c] = path_state.exit_threshold[s, c] = math.inf
        state.modes[0] += defects
        state.exits += 1
        state.weight_lost += static.contingents[s, c].weight
        return
    while contingent.cuts < CUTS and rule.has_crossed(hazard, shock.cut_threshold[contingent.cuts]):
        apply_cut(shock, contingent, state)
    while contingent.planned_cuts < CUTS and t >= shock.planned_cut_quarter[contingent.planned_cuts]:
        contingent.troops *= shock.planned_cut_size[contingent.planned_cuts]
        contingent.planned_cuts += 1
        state.reductions += 1
    contingent.profile = rule.profile_of(contingent.troops, contingent.role, contingent.reach)
    path_state.hazard_ratios[s, c] = reduced if contingent.troops < 1.0 else 1.0
    path_state.next_cut[s, c] = shock.cut_threshold[contingent.cuts] if contingent.cuts < CUTS else math.inf


@loop
def apply_cut(shock, contingent, state):
    """Apply the next partial defection: fewer troops, a safer role, a narrower reach, or a move of most troops."""
    i = contingent.cuts
    mode, size = shock.cut_mode[i], shock.cut_size[i]
    if mode == RE_ROLE:
        contingent.role *= size
    elif mode == NEW_CAVEAT:
        contingent.reach *= size
        state.detected_caveats += shock.cut_detected[i]
    else:
        contingent.troops *= size
    state.reductions += mode == REDUCTION
    contingent.cuts = i + 1
    state.modes[1 + mode] += 1


@loop
def update_survival_curves(size, plan, contingents, state):
    """Compute the curves (step 4): N = sum of weights present, O = sum of weight times profile, count present."""
    nominal, operational, count, allies = 0.0, 0.0, 0, 0
    for c in range(size):
        nominal += plan[c].weight * contingents[c].present
        operational += plan[c].weight * contingents[c].profile
        count += contingents[c].present
        allies += plan[c].ally * contingents[c].present
    state.curve[0], state.curve[1], state.curve[2] = nominal, operational, count / size
    state.allies_present, state.curves_stale, state.needs_tally = allies, 0, 1


@loop
def update_collapse(constants, state):
    """Let a mission collapse in its second quarter in a row below the collapse line."""
    state.quarters_low = state.quarters_low + 1 if state.curve[1] < constants.collapse_operation else 0
    if state.quarters_low >= 2 and state.collapsed == 0:
        state.collapsed, state.collapsed_now, state.needs_tally = 1, 1, 1


@loop
def hand_over(mission, constants, parameter, u, s, path_state):
    """Let NATO take over an ad hoc mission or not, then check whether the mission has ended in name.

    After a hand-over the contingents that are present return to full strength.
    """
    state, leaderless = path_state.missions[s], is_leaderless(mission, s, path_state)
    eligible = constants.hand_over * mission.ad_hoc == 1 and state.handed == 0
    if eligible and rule.takes_over(u, parameter.hand_over, leaderless, state.collapsed):
        state.handed, state.curves_stale, state.needs_tally, leaderless = 1, 1, 1, False
        for c in range(mission.contingents):
            contingent = path_state.contingents[s, c]
            contingent.troops, contingent.role, contingent.reach = 1.0, 1.0, 1.0
            contingent.profile = path_state.hazard_ratios[s, c] = 1.0 * contingent.present
    if state.ended == 0 and rule.is_ended(
        state.curve[0],
        state.curve[1],
        leaderless,
        constants.nominal_flags,
        constants.collapse_operation,
    ):
        state.ended, state.needs_tally = 1, 1


@loop
def collapses(t, enabled, missions, states):
    """Return the summed stake of the missions that collapse in quarter t; 0 if the mechanism is switched off."""
    total = 0.0
    for s in range(missions.size):
        if t < missions[s].end:  # the record of an ended mission keeps its last quarter
            total += enabled * missions[s].stake * states[s].collapsed_now
    return total
