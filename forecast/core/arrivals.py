"""New missions: a fixed number of slots, each may begin once; members join then or never, and leave in time."""

from forecast.core import mission_rules as rule
from forecast.core import philox as draw
from forecast.core.compile import loop
from forecast.core.dynamics import ramp
from forecast.core.state import NEVER


@loop
def draw_slots(seed, path, layout, luck):
    """When each slot would begin, who would lead, and what its members would make of it."""
    constants = layout.constants[0]
    for a in range(layout.slots.size):
        who = layout.slots[a].id
        u = draw.uniforms(seed, path, 0, who, draw.SLOT)
        luck.slots[a].until, luck.slots[a].leader = draw.exponential(u[0]), u[1]
        common = draw.normal(u[2])
        for m in range(layout.members.size):
            u = draw.uniforms(seed, path, who, layout.members[m].id, draw.JOIN)
            one = luck.joining[a, m]
            one.interest = rule.interest(
                common, constants.common_interest, draw.normal(u[0]), constants.own_interest
            )
            one.joins, one.until = u[1], draw.exponential(u[2])


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
                a, layout.slots[a].framework, state.us_led, layout.members, draws.parameters[p],
                luck, world,
            )  # fmt: skip
            state.lag = rule.decision_lag(
                layout.slots[a].framework, 1.0 - joined / layout.members.size,
                draws.parameters[p].decision_lag,
            )  # fmt: skip


@loop
def muster_members(a, framework, us_led, members, parameter, luck, world):
    """Each member joins or stays out; gives how many join."""
    count = 0
    for m in range(members.size):
        one = luck.joining[a, m]
        world.joined[a, m] = rule.joins(
            one.joins, one.interest, parameter.join_cost[framework],
            framework * parameter.solidarity, us_led * parameter.call, members[m].depends,
        )  # fmt: skip
        count += world.joined[a, m]
    return count


@loop
def tally_arrivals(n, t, layout, parameter, luck, world, tally):
    """What begins in quarter t: who serves and how long, and where most refused. Changes only, as `tally` says."""
    quarters = tally.begun.shape[1]
    for a in range(world.slots.size):
        state = world.slots[a]
        if state.begun != t:
            continue
        tally.begun[n, t] += 1
        if state.us_led == 1 and not is_entrapped(a, t, world.slots):
            tally.entrapped[n, t] += 1
        last = quarters - t  # ages that the horizon holds
        note_stay(tally.started, n, a, last, last)
        count = 0
        for m in range(layout.members.size):
            if world.joined[a, m] == 1:
                count += 1
                stay = quarters_served(
                    parameter.stay[layout.slots[a].framework], luck.joining[a, m].until, last
                )
                note_stay(tally.serving, n, a, stay, last)
        tally.refused[n, a] += 1 if 2 * count < layout.members.size else 0
        tally.waited[n, a] += state.lag


@loop
def is_entrapped(slot, t, slots):
    """Another new mission led by the United States began before, or in this quarter in an earlier slot."""
    for a in range(slots.size):
        if slots[a].us_led == 1 and (slots[a].begun < t or (slots[a].begun == t and a < slot)):
            return True
    return False


@loop
def quarters_served(rate, until, last):
    """The age at which a cumulative hazard of leaving crosses its threshold, at most `last`."""
    age = 0
    while age < last and not rule.has_crossed(rate * age, until):
        age += 1
    return age


@loop
def note_stay(changes, n, a, stay, last):
    """One more from age 0, one less from age `stay` on."""
    changes[n, a, 0] += 1
    if stay < changes.shape[2]:
        changes[n, a, stay] -= 1
