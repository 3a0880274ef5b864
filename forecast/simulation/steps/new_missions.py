"""New missions: a fixed number of slots, each may begin once; members join then or never, and leave in time."""

from forecast.simulation.jit import loop
from forecast.simulation.records import NEVER
from forecast.simulation.rules import missions as rule
from forecast.simulation.rules.common import ramp


@loop
def clear_slots(world):
    """None has begun."""
    for a in range(world.slots.size):
        world.slots[a].hazard, world.slots[a].begun, world.slots[a].us_led = 0.0, NEVER, 0


@loop
def step_arrivals(t, p, n, layout, draws, luck, world):
    """New missions of quarter t, and who joins them."""
    constants, cell = layout.constants[0], layout.cells[n]
    if constants.new_missions == 0:
        return
    part = ramp(t, constants.onset, cell.design_ramp)
    hazard = rule.arrival_hazard(constants.arrival_rate, part, cell.out_of_area)
    for a in range(layout.slots.size):
        state = world.slots[a]
        state.hazard += hazard
        if state.begun == NEVER and rule.has_crossed(state.hazard, luck.slots[a].until):
            state.begun = t
            state.us_led = rule.us_leads(
                luck.slots[a].leader, constants.us_led, part, cell.first_responder, cell.entrapment
            )
            joined = muster_members(
                a,
                layout.slots[a].framework,
                state.us_led,
                layout.members,
                draws.parameters[p],
                luck,
                world,
            )
            state.lag = rule.decision_lag(
                layout.slots[a].framework,
                1.0 - joined / layout.members.size,
                draws.parameters[p].decision_lag,
            )


@loop
def muster_members(a, framework, us_led, members, parameter, luck, world):
    """Each member joins or stays out; gives how many join."""
    count = 0
    for m in range(members.size):
        one = luck.joining[a, m]
        world.joined[a, m] = rule.joins(
            one.joins,
            one.interest,
            parameter.join_cost[framework],
            framework * parameter.solidarity,
            us_led * parameter.call,
            members[m].depends,
        )
        count += world.joined[a, m]
    return count
