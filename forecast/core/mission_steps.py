"""The loops of missions: who is there, who leaves, who is cut, what is left. Formulas stand in `mission_rules`."""

from forecast.core import mission_rules as rule
from forecast.core.compile import device
from forecast.core.dynamics import bin_of
from forecast.core.state import CUTS, DURATION_EDGES, bin_table

ROLE, CAVEAT = 1, 2  # modes that touch role and reach; reductions and swaps take troops
_DURATION_BIN = bin_table(DURATION_EDGES)


@device
def step_mission(t, s, p, layout, draws, luck, world):
    """Steps 3 and 4 for mission s: who leaves, what is left."""
    mission, state, parameter = layout.missions[s], world.missions[s], draws.parameters[p]
    constants = layout.constants[0]
    if t == mission.start:
        muster(mission.contingents, state, world.contingents[s])
    age_counts(state)
    lift = luck.campaigns[t, s].lift * lift_mission(mission, constants, parameter, s, world)
    ending = rule.ending_lift(mission.end - t, parameter.ending)
    reduced = rule.reduced_lift(constants.reductions * parameter.ever_reduced)
    for c in range(mission.contingents):
        own = world.contingents[s, c]
        if own.present == 0:
            continue
        contingent, fate = layout.contingents[s, c], luck.contingents[s, c]
        age = bin_of(_DURATION_BIN, contingent.served + t - mission.start)
        left = step_contingent(
            lift * luck.pressure[t, s, c] * fate.defection * luck.durations[0, age]
            * (reduced if own.troops < 1.0 else 1.0),
            ending * fate.planned * luck.durations[1, age], fate, own, state,
        )  # fmt: skip
        state.left += left
        state.lost += left * contingent.weight
    look_at_mission(mission, constants, layout.contingents[s], world.contingents[s], state)
    hand_over(mission, constants, parameter, luck.campaigns[0, s].hand_over, s, world)


@device
def muster(size, state, contingents):
    """Everyone is there, whole."""
    state.curve[0] = 1.0
    for c in range(size):
        own = contingents[c]
        own.present, own.profile, own.cuts = 1, 1.0, 0
        own.troops, own.role, own.reach = 1.0, 1.0, 1.0
        own.defection, own.planned, own.partial = 0.0, 0.0, 0.0


@device
def age_counts(state):
    """What was this quarter's is last quarter's."""
    state.left_2, state.left_1, state.left = state.left_1, state.left, 0
    state.lost_2, state.lost_1, state.lost = state.lost_1, state.lost, 0.0
    state.fallen, state.seen = 0, 0
    for i in range(state.modes.size):
        state.modes[i] = 0


@device
def lift_mission(mission, constants, parameter, s, world):
    """Factor on all hazards of defection in mission s from the state of the quarter before."""
    state = world.missions[s]
    share = rule.contagion_share(state.left_1, state.left_2, mission.ever, constants.contagion_cap)
    lift = rule.mission_lift(
        share, parameter.contagion, is_leaderless(mission, s, world), parameter.lead_gone,
        world.alliance[0].cohesion, parameter.cohesion_effect,
    )  # fmt: skip
    if state.handed == 1:
        lift *= rule.framework_lift(parameter.nato)
    return lift * rule.backfill_lift(
        state.curve[0], state.lost_1 + state.lost_2, constants.backfill * parameter.backfill
    )


@device
def is_leaderless(mission, s, world):
    """The lead nation has left, and NATO has not taken its place."""
    if mission.lead < 0 or world.missions[s].handed == 1:
        return False
    return world.contingents[s, mission.lead].present == 0


@device
def step_contingent(defection, planned, fate, own, state):
    """One quarter: 1 if it leaves, for a cumulative hazard crosses its threshold; else it may be cut. Exact."""
    own.defection += fate.full * defection
    own.planned += planned
    defects = rule.has_crossed(own.defection, fate.until_defection)
    if defects or rule.has_crossed(own.planned, fate.until_planned):
        own.present, own.profile = 0, 0.0
        state.modes[0] += defects
        return 1
    own.partial += fate.partial * defection
    while own.cuts < CUTS and own.partial >= fate.cut_time[own.cuts]:
        cut(fate, own, state)
    return 0


@device
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


@device
def look_at_mission(mission, constants, plan, contingents, state):
    """Step 4: N = sum of weights present, O = sum of weight times profile, flags by count; collapse and end."""
    flags, operation, count = 0.0, 0.0, 0
    for c in range(mission.contingents):
        flags += plan[c].weight * contingents[c].present
        operation += plan[c].weight * contingents[c].profile
        count += contingents[c].present
    state.curve[0], state.curve[1], state.curve[2] = flags, operation, count / mission.contingents
    state.low = state.low + 1 if operation < constants.collapse_operation else 0
    if state.low >= 2 and state.collapsed == 0:
        state.collapsed, state.fallen = 1, 1


@device
def hand_over(mission, constants, parameter, u, s, world):
    """End of the quarter: ended in name or not; NATO may take over, and sends those who stayed back to strength."""
    state, leaderless = world.missions[s], is_leaderless(mission, s, world)
    may = constants.hand_over * mission.ad_hoc == 1 and state.handed == 0
    if may and rule.takes_over(u, parameter.hand_over, leaderless, state.collapsed):
        state.handed, leaderless = 1, False
        for c in range(mission.contingents):
            own = world.contingents[s, c]
            own.troops, own.role, own.reach = 1.0, 1.0, 1.0
            own.profile = 1.0 * own.present
    if rule.is_ended(state.curve[0], state.curve[1], leaderless, constants.nominal_flags,
                     constants.collapse_operation):  # fmt: skip
        state.ended = 1


@device
def collapses(t, on, missions, states):
    """Sum of the stakes of the missions that collapse in quarter t; 0 where that is switched off."""
    total = 0.0
    for s in range(missions.size):
        if t < missions[s].end:  # what fell in the last quarter of a mission falls once
            total += on * missions[s].stake * states[s].fallen
    return total
