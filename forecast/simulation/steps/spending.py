"""Update the defence spending of all members, once a year."""

import math

from forecast.simulation.elementary import exp
from forecast.simulation.jit import loop
from forecast.simulation.lanes import load, store, where
from forecast.simulation.records import OUTSIDE
from forecast.simulation.rules import common as rule
from forecast.simulation.rules import spending
from forecast.simulation.rules.alliance import china_response
from forecast.simulation.steps import alliance as alliance_steps


@loop
def spend(t, y, p, block, static, draws, shocks, path_state):
    """Set the shares of all members in year y, which ends with quarter t (step 2 of a quarter)."""
    constants, cell, parameter = static.constants[0], path_state.cells[block], draws.parameters[p]
    cell_parameter, alliance = path_state.cell_parameters[0], path_state.alliance[0]
    part = rule.ramp(t, constants.onset, load(cell.design_ramp))
    response = spending.response(shocks.response[y])
    multiplier = alliance_steps.pledge_multiplier(constants, cell, cell_parameter, alliance)
    pledge_factor = spending.scaled(part, multiplier)
    retrenchment = part * load(alliance.credibility) * load(cell_parameter.retrenchment)
    china = constants.balancing * part * load(cell.china_focus)
    total, threat = 0.0 * part, load(alliance.threat)
    near, far = parameter.balancing, parameter.balancing_far
    for m in range(static.members.size):
        ally, member_parameter = path_state.allies[m], draws.members[p, m]
        if math.isnan(ally.share[0]):
            continue
        share, inside = load(ally.share), load(ally.status) != OUTSIDE
        member, budget = static.members[m], shocks.budgets[y, m]
        bound = where(inside, pledge_factor, 0.0)  # the pledge binds members only
        change = spending.spending_change(
            share,
            member_parameter.target,
            member_parameter.pull,
            member_parameter.loading,
            shocks.common[y],
            response,
            bound * spending.gap(share, static.pledge[y]),
            parameter.front,
            threat * member.front * spending.gap(share, constants.front_mark),
            parameter.growth,
            spending.centred_growth(budget.growth),
            parameter.growth_lag,
            spending.centred_growth(member.start_growth if y == 0 else shocks.budgets[y - 1, m].growth),
            parameter.election_spending,
            budget.election,
        )
        announced = static.announced[m, y]
        if not math.isnan(announced):
            planned = announced - (member_parameter.start if y == 0 else static.announced[m, y - 1])
            change = spending.announced_change(change, planned, member_parameter.announced_weight)
        if member.european > 0.0:
            change += retrenchment
        change += china * china_response(near, member.pacific == 1, far)
        share = spending.bounded(share + change + budget.noise, member_parameter.start, constants.floor, constants.cap)
        store(ally.share, share)
        if member.european > 0.0:
            total += where(inside, member.european * exp(share), 0.0)
    alliance_steps.update_burdens(constants, total, path_state)
