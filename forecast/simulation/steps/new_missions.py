"""Start new missions: each candidate mission starts at most once; members join at its start or never."""

import math

from forecast.simulation.jit import loop
from forecast.simulation.lanes import any_lane, load, store
from forecast.simulation.records import CELLS, NEVER
from forecast.simulation.rules import missions as rule
from forecast.simulation.rules.common import ramp


@loop
def clear_candidate_missions(shocks, path_state):
    """Set the start of a path: no candidate mission has started."""
    for a in range(path_state.candidate_missions.size):
        state = path_state.candidate_missions[a]
        store(state.cumulative_hazard, 0.0)
        store(state.start_threshold, shocks.candidate_missions[a].start_threshold)
        store(state.start, NEVER)
        store(state.us_led, 0)


@loop
def step_new_missions(t, block, static, parameter, shocks, path_state):
    """Start the new missions of quarter t; returns whether there is one in some cell."""
    constants, cell, starts = static.constants[0], path_state.cells[block], False
    if constants.new_missions == 0:
        return False
    part = ramp(t, constants.onset, load(cell.design_ramp))
    hazard = rule.arrival_hazard(constants.arrival_rate, part, load(cell.out_of_area))
    for a in range(static.candidate_missions.size):
        state = path_state.candidate_missions[a]
        cumulative = load(state.cumulative_hazard) + hazard
        store(state.cumulative_hazard, cumulative)
        if any_lane(rule.has_crossed(cumulative, load(state.start_threshold))):
            starts = True
            for n in range(CELLS):
                if rule.has_crossed(state.cumulative_hazard[n], state.start_threshold[n]):
                    start_mission(t, a, n, cell, static, parameter, shocks, state)
    return starts


@loop
def start_mission(t, a, n, cell, static, parameter, shocks, state):
    """Start candidate mission a in lane n, and decide who leads and who joins."""
    constants, shock = static.constants[0], shocks.candidate_missions[a]
    part = ramp(t, constants.onset, cell.design_ramp[n])
    state.start[n], state.start_threshold[n] = t, math.inf
    led = rule.us_leads(shock.leader, constants.us_led, part, cell.first_responder[n], cell.entrapment[n])
    state.us_led[n] = 1 if led else 0
    if shock.joined[state.us_led[n]] < 0:
        framework = static.candidate_missions[a].framework
        join_members(a, framework, state.us_led[n], static.members, parameter, shock, shocks)


@loop
def join_members(a, framework, us_led, members, parameter, candidate, shocks):
    """Let each member join candidate mission a or stay out; this depends on the cell only through who leads."""
    candidate.joined[us_led] = 0
    for m in range(members.size):
        shock = shocks.joining[a, m]
        joins = rule.joins(
            shock.join,
            shock.interest,
            parameter.join_cost[framework],
            framework * parameter.solidarity,
            us_led * parameter.call,
            members[m].dependence,
        )
        shock.joins[us_led] = 1 if joins else 0
        candidate.joined[us_led] += shock.joins[us_led]
        shock.stay = quarters_served(parameter.stay[framework], shock.exit_threshold, shocks.alliance.size)


@loop
def quarters_served(rate, threshold, last):
    """Return the age at which the cumulative hazard of leaving crosses its threshold, at most `last`."""
    age = 0
    while age < last and not rule.has_crossed(rate * age, threshold):
        age += 1
    return age
