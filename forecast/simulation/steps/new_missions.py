"""New missions: a fixed number of slots, each may begin once; members join then or never, and leave in time."""

from forecast.simulation.jit import loop
from forecast.simulation.records import NEVER
from forecast.simulation.rules import missions as rule
from forecast.simulation.rules.common import ramp


@loop
def clear_candidate_missions(path_state):
    """None has begun."""
    for a in range(path_state.slots.size):
        path_state.slots[a].hazard, path_state.slots[a].begun, path_state.slots[a].us_led = 0.0, NEVER, 0


@loop
def step_new_missions(t, p, n, static, draws, shocks, path_state):
    """New missions of quarter t, and who joins them."""
    constants, cell = static.constants[0], static.cells[n]
    if constants.new_missions == 0:
        return
    part = ramp(t, constants.onset, cell.design_ramp)
    hazard = rule.arrival_hazard(constants.arrival_rate, part, cell.out_of_area)
    for a in range(static.slots.size):
        state = path_state.slots[a]
        state.hazard += hazard
        if state.begun == NEVER and rule.has_crossed(state.hazard, shocks.slots[a].until):
            state.begun = t
            state.us_led = rule.us_leads(
                shocks.slots[a].leader, constants.us_led, part, cell.first_responder, cell.entrapment
            )
            joined = join_members(
                a,
                static.slots[a].framework,
                state.us_led,
                static.members,
                draws.parameters[p],
                shocks,
                path_state,
            )
            state.lag = rule.decision_lag(
                static.slots[a].framework,
                1.0 - joined / static.members.size,
                draws.parameters[p].decision_lag,
            )


@loop
def join_members(a, framework, us_led, members, parameter, shocks, path_state):
    """Each member joins or stays out; gives how many join."""
    count = 0
    for m in range(members.size):
        one = shocks.joining[a, m]
        path_state.joined[a, m] = rule.joins(
            one.joins,
            one.interest,
            parameter.join_cost[framework],
            framework * parameter.solidarity,
            us_led * parameter.call,
            members[m].depends,
        )
        count += path_state.joined[a, m]
    return count
