"""The loops of missions: who is there, who leaves, who is cut, what is left. Formulas stand in `mission_rules`."""

from forecast.core import mission_rules as rule
from forecast.core.compile import device
from forecast.core.dynamics import bin_of
from forecast.core.state import CUTS, DURATION_EDGES, bin_table

_DURATION_BIN = bin_table(DURATION_EDGES)


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
        age = bin_of(_DURATION_BIN, contingent.served + t - mission.start)
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
def collapses(t, on, missions, states):
    """Sum of the stakes of the missions that collapse in quarter t; 0 where that is switched off."""
    total = 0.0
    for s in range(missions.size):
        if t < missions[s].end:  # what fell in the last quarter of a mission falls once
            total += on * missions[s].stake * states[s].fallen
    return total
