"""Start new missions: each candidate mission starts at most once; members join at its start or never."""

from forecast.simulation.jit import loop
from forecast.simulation.records import NEVER
from forecast.simulation.rules import missions as rule
from forecast.simulation.rules.common import ramp


@loop
def clear_candidate_missions(path_state):
    """Set the start of a cell: no candidate mission has started."""
    for a in range(path_state.candidate_missions.size):
        state = path_state.candidate_missions[a]
        state.cumulative_hazard, state.start, state.us_led = 0.0, NEVER, 0


@loop
def step_new_missions(t, p, n, static, draws, shocks, path_state):
    """Start the new missions of quarter t, and decide who joins and how long NATO takes to decide."""
    constants, cell = static.constants[0], static.cells[n]
    if constants.new_missions == 0:
        return
    part = ramp(t, constants.onset, cell.design_ramp)
    hazard = rule.arrival_hazard(constants.arrival_rate, part, cell.out_of_area)
    for a in range(static.candidate_missions.size):
        state, shock = path_state.candidate_missions[a], shocks.candidate_missions[a]
        framework = static.candidate_missions[a].framework
        state.cumulative_hazard += hazard
        if state.start == NEVER and rule.has_crossed(state.cumulative_hazard, shock.start_threshold):
            state.start = t
            state.us_led = rule.us_leads(shock.leader, constants.us_led, part, cell.first_responder, cell.entrapment)
            joined = join_members(a, framework, state.us_led, static.members, draws.parameters[p], shocks, path_state)
            state.decision_lag = rule.decision_lag(
                framework, 1.0 - joined / static.members.size, draws.parameters[p].decision_lag
            )


@loop
def join_members(a, framework, us_led, members, parameter, shocks, path_state):
    """Let each member join candidate mission a or stay out; returns how many join."""
    count = 0
    for m in range(members.size):
        shock = shocks.joining[a, m]
        path_state.joined[a, m] = rule.joins(
            shock.join,
            shock.interest,
            parameter.join_cost[framework],
            framework * parameter.solidarity,
            us_led * parameter.call,
            members[m].dependence,
        )
        count += path_state.joined[a, m]
    return count
