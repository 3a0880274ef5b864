"""Update one mission in a quarter: exits, partial defections, curves, collapse, hand-over to NATO.

Hazards and curves are updated in all cells at once. Exits and cuts are looked for in all cells and applied one by one.
The equations stand in `forecast.simulation.rules.missions`.
"""

import math

from forecast.simulation.jit import loop
from forecast.simulation.lanes import any_lane, lane_bits, load, minimum, store, where
from forecast.simulation.records import CELLS, CUTS, NEVER, NEW_CAVEAT, RE_ROLE, REDUCTION
from forecast.simulation.rules import missions as rule


@loop
def reset_missions(missions):
    """Set the start of a path: no mission has started."""
    for s in range(missions.size):
        state = missions[s]
        for value in (
            state.exits,
            state.exits_1,
            state.exits_2,
            state.weight_lost,
            state.weight_lost_1,
            state.weight_lost_2,
            state.quarters_low,
            state.collapsed,
            state.collapsed_now,
            state.handed,
            state.ended,
        ):
            store(value, 0.0)


@loop
def step_mission(t, s, p, hazard_ratio, static, draws, shocks, path_state):
    """Update mission s (steps 3 and 4 of a quarter); `hazard_ratio` is the effect of cohesion on all hazards."""
    mission, state, parameter = static.missions[s], path_state.missions[s], draws.parameters[p]
    constants, size = static.constants[0], static.missions[s].contingents
    if t == mission.start:
        start_mission(size, state, shocks.contingents[s], s, path_state)
    start_quarter(state)
    common = common_hazard_ratio(mission, constants, parameter, s, path_state)
    hazard_ratio = hazard_ratio * (shocks.campaigns[t, s].hazard_ratio * common)
    hazards, ratios, contingents = shocks.hazards[s, :, t], shocks.curve_ratios[s, :, t], path_state.contingents[s]
    crossed = accumulate_hazard(size, hazard_ratio, hazards, ratios, contingents, path_state.crossed)
    if crossed or shocks.any_planned[s, t]:
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
        store(state.tallied_sum[i], 0)
        store(state.tallied_bin[i], -1)
    for value in (state.tallied_hollow, state.tallied_ended, state.tallied_handed):
        store(value, 0.0)
    for i in range(5):
        store(state.modes[i], 0)
    store(state.detected_caveats, 0)
    store(state.reductions, 0)
    for c in range(size):
        contingent, shock = path_state.contingents[s, c], shocks[c]
        for value in (
            contingent.hazard_ratio,
            contingent.present,
            contingent.profile,
            contingent.troops,
            contingent.role,
            contingent.reach,
        ):
            store(value, 1.0)
        store(contingent.cumulative_hazard, 0.0)
        store(contingent.exit_hazard, 0.0)
        store(contingent.next_cut, shock.cut_threshold[0])
        store(contingent.exit_threshold, shock.exit_threshold)
        store(contingent.next_planned_cut, shock.planned_cut_quarter[0])
        store(contingent.exit_quarter, NEVER)
        store(contingent.cuts, 0)
        store(contingent.planned_cuts, 0)
        contingent.gone = 0
    store(state.curve[0], 1.0)


@loop
def accumulate_hazard(size, hazard_ratio, hazards, curve_ratios, contingents, crossed):
    """Add a quarter's hazard of defection for all contingents; returns whether one has reached a threshold.

    `crossed` receives for each contingent whether it has.
    """
    any_crossed = False
    for c in range(size):
        contingent, crossed[c] = contingents[c], False
        if contingent.gone == 1:
            continue  # its hazard is 0
        hazard = hazard_ratio * hazards[c] * load(contingent.hazard_ratio)
        cumulative = load(contingent.cumulative_hazard) + hazard
        towards_exit = load(contingent.exit_hazard) + hazard * curve_ratios[c]
        store(contingent.cumulative_hazard, cumulative)
        store(contingent.exit_hazard, towards_exit)
        cut = rule.has_crossed(cumulative, load(contingent.next_cut))
        crossed[c] = any_lane(cut | rule.has_crossed(towards_exit, load(contingent.exit_threshold)))
        any_crossed |= crossed[c]
    return any_crossed


@loop
def apply_exits(t, s, static, parameter, shocks, path_state):
    """Let contingents leave or be cut whose hazard has reached a threshold or whose planned quarter has come."""
    reduced = rule.reduced_hazard_ratio(static.constants[0].reductions * parameter.ever_reduced)
    for c in range(static.missions[s].contingents):
        if not (path_state.crossed[c] or shocks.planned[s, c, t]):
            continue
        contingent, shock = path_state.contingents[s, c], shocks.contingents[s, c]
        due = rule.has_crossed(load(contingent.cumulative_hazard), load(contingent.next_cut))
        due |= rule.has_crossed(load(contingent.exit_hazard), load(contingent.exit_threshold))
        due |= t >= minimum(shock.planned_quarter, load(contingent.next_planned_cut))
        due &= load(contingent.present) == 1.0
        bits = lane_bits(due)
        if bits != 0:
            for n in range(CELLS):
                if (bits >> n) & 1 == 1:
                    step_contingent(t, s, c, n, reduced, static, shocks, path_state)
            contingent.gone = 0 if any_lane(load(contingent.present) == 1.0) else 1
            path_state.missions[s].curves_stale = 1


@loop
def start_quarter(state):
    """Move the counts of exits one quarter back, and clear those of the new quarter."""
    store(state.exits_2, load(state.exits_1))
    store(state.exits_1, load(state.exits))
    store(state.exits, 0.0)
    store(state.weight_lost_2, load(state.weight_lost_1))
    store(state.weight_lost_1, load(state.weight_lost))
    store(state.weight_lost, 0.0)
    store(state.collapsed_now, 0.0)
    state.needs_tally = 0


@loop
def common_hazard_ratio(mission, constants, parameter, s, path_state):
    """Return the factor on all hazards of defection in mission s, from the state of the quarter before."""
    state = path_state.missions[s]
    left, gone = load(state.exits_1) + load(state.exits_2), leaderless(mission, s, path_state)
    handed = load(state.handed)
    if not any_lane(left + gone + handed > 0.0):
        return 1.0 + handed  # 1 in all cells
    share = rule.contagion_share(load(state.exits_1), load(state.exits_2), mission.ever, constants.contagion_cap)
    hazard_ratio = rule.mission_hazard_ratio(share, parameter.contagion, gone, parameter.lead_gone)
    hazard_ratio *= where(handed == 1.0, rule.framework_hazard_ratio(parameter.nato), 1.0)
    lost = load(state.weight_lost_1) + load(state.weight_lost_2)
    return hazard_ratio * rule.backfill_hazard_ratio(
        load(state.curve[0]), lost, constants.backfill * parameter.backfill
    )


@loop
def leaderless(mission, s, path_state):
    """Return 1 where the lead nation has left and NATO has not taken its place, else 0."""
    handed = load(path_state.missions[s].handed)
    if mission.lead < 0:
        return 0.0 * handed
    present = load(path_state.contingents[s, mission.lead].present)
    return where((present == 0.0) & (handed == 0.0), 1.0, 0.0)


@loop
def step_contingent(t, s, c, n, reduced, static, shocks, path_state):
    """Let a contingent leave in lane n, if it defects in full or its planned withdrawal has come; else apply its cuts.

    The exits and cuts of a quarter are exact: they depend on the cumulative hazards and the thresholds alone.
    """
    shock, contingent, state = shocks.contingents[s, c], path_state.contingents[s, c], path_state.missions[s]
    hazard = contingent.cumulative_hazard[n]
    defects = rule.has_crossed(contingent.exit_hazard[n], contingent.exit_threshold[n])
    if defects or t >= shock.planned_quarter:
        contingent.present[n], contingent.exit_quarter[n], contingent.profile[n] = 0.0, t, 0.0
        contingent.hazard_ratio[n] = 0.0
        contingent.next_cut[n] = contingent.exit_threshold[n] = math.inf
        state.modes[0, n] += defects
        state.exits[n] += 1.0
        state.weight_lost[n] += static.contingents[s, c].weight
        return
    while contingent.cuts[n] < CUTS and rule.has_crossed(hazard, shock.cut_threshold[contingent.cuts[n]]):
        apply_cut(n, shock, contingent, state)
    while contingent.planned_cuts[n] < CUTS and t >= shock.planned_cut_quarter[contingent.planned_cuts[n]]:
        contingent.troops[n] *= shock.planned_cut_size[contingent.planned_cuts[n]]
        contingent.planned_cuts[n] += 1
        state.reductions[n] += 1
    contingent.profile[n] = rule.profile_of(contingent.troops[n], contingent.role[n], contingent.reach[n])
    contingent.hazard_ratio[n] = reduced if contingent.troops[n] < 1.0 else 1.0
    cuts, planned_cuts = contingent.cuts[n], contingent.planned_cuts[n]
    contingent.next_cut[n] = shock.cut_threshold[cuts] if cuts < CUTS else math.inf
    contingent.next_planned_cut[n] = shock.planned_cut_quarter[planned_cuts] if planned_cuts < CUTS else NEVER


@loop
def apply_cut(n, shock, contingent, state):
    """Apply in lane n the next partial defection: fewer troops, a safer role, a narrower reach, or a move of most."""
    i = contingent.cuts[n]
    mode, size = shock.cut_mode[i], shock.cut_size[i]
    if mode == RE_ROLE:
        contingent.role[n] *= size
    elif mode == NEW_CAVEAT:
        contingent.reach[n] *= size
        state.detected_caveats[n] += shock.cut_detected[i]
    else:
        contingent.troops[n] *= size
    state.reductions[n] += mode == REDUCTION
    contingent.cuts[n] = i + 1
    state.modes[1 + mode, n] += 1


@loop
def update_survival_curves(size, plan, contingents, state):
    """Compute the curves (step 4): N = sum of weights present, O = sum of weight times profile, count present."""
    nominal = 0.0 * load(state.exits)
    operational, count, allies = nominal, nominal, nominal
    for c in range(size):
        if contingents[c].gone == 1:
            continue  # it adds nothing
        present = load(contingents[c].present)
        nominal = nominal + plan[c].weight * present
        operational = operational + plan[c].weight * load(contingents[c].profile)
        count = count + present
        allies = allies + plan[c].ally * present
    store(state.curve[0], nominal)
    store(state.curve[1], operational)
    store(state.curve[2], count / size)
    store(state.allies_present, allies)
    state.curves_stale, state.needs_tally = 0, 1


@loop
def update_collapse(constants, state):
    """Let a mission collapse in its second quarter in a row below the collapse line."""
    is_low = load(state.curve[1]) < constants.collapse_operation
    if not any_lane(is_low):
        store(state.quarters_low, 0.0)
        return
    quarters_low = where(is_low, load(state.quarters_low) + 1.0, 0.0)
    store(state.quarters_low, quarters_low)
    collapses_now = (quarters_low >= 2.0) & (load(state.collapsed) == 0.0)
    if any_lane(collapses_now):
        store(state.collapsed, where(collapses_now, 1.0, load(state.collapsed)))
        store(state.collapsed_now, where(collapses_now, 1.0, 0.0))
        state.needs_tally = 1


@loop
def hand_over(mission, constants, parameter, u, s, path_state):
    """Let NATO take over an ad hoc mission or not, then check whether the mission has ended in name.

    After a hand-over the contingents that are present return to full strength.
    """
    state, gone = path_state.missions[s], leaderless(mission, s, path_state) == 1.0
    if constants.hand_over * mission.ad_hoc == 1:
        takes = rule.takes_over(u, parameter.hand_over, gone, load(state.collapsed) == 1.0)
        takes &= load(state.handed) == 0.0
        if any_lane(takes):
            take_over(mission.contingents, takes, s, path_state)
            gone &= load(state.handed) == 0.0
    ends = rule.is_ended(
        load(state.curve[0]),
        load(state.curve[1]),
        gone,
        constants.nominal_flags,
        constants.collapse_operation,
    )
    ends &= load(state.ended) == 0.0
    if any_lane(ends):
        store(state.ended, where(ends, 1.0, load(state.ended)))
        state.needs_tally = 1


@loop
def take_over(size, takes, s, path_state):
    """Put mission s under NATO where the mask `takes` holds."""
    state = path_state.missions[s]
    store(state.handed, where(takes, 1.0, load(state.handed)))
    state.curves_stale, state.needs_tally = 1, 1
    for c in range(size):
        contingent = path_state.contingents[s, c]
        for value in (contingent.troops, contingent.role, contingent.reach):
            store(value, where(takes, 1.0, load(value)))
        present = load(contingent.present)
        store(contingent.profile, where(takes, present, load(contingent.profile)))
        store(contingent.hazard_ratio, where(takes, present, load(contingent.hazard_ratio)))


@loop
def add_collapses(t, enabled, missions, states, zero):
    """Return the summed stake of the missions that collapse in quarter t; 0 if the mechanism is switched off."""
    total = zero
    for s in range(missions.size):
        if t < missions[s].end:  # the record of an ended mission keeps its last quarter
            total += enabled * missions[s].stake * load(states[s].collapsed_now)
    return total
