"""One year of defence spending of all members."""

import math

from forecast.simulation.jit import loop
from forecast.simulation.records import OUTSIDE
from forecast.simulation.rules import common as rule
from forecast.simulation.rules import spending
from forecast.simulation.rules.alliance import china_response
from forecast.simulation.steps import alliance as alliance_steps


@loop
def spend(t, y, p, n, static, draws, shocks, path_state):
    """Step 2: all members set the share of year y, which ends with quarter t."""
    constants, cell, parameter = static.constants[0], static.cells[n], draws.parameters[p]
    own_cell, alliance = draws.cells[p, n], path_state.alliance[0]
    part = rule.ramp(t, constants.onset, cell.design_ramp)
    response = spending.response(shocks.response[y])
    asked = alliance_steps.pledge_multiplier(constants, cell, own_cell, alliance)
    pledged = spending.scaled(part, asked)
    retrenchment = part * alliance.credibility * own_cell.retrenchment
    china = constants.balancing * part * cell.china_focus
    total = 0.0
    near, far = parameter.balancing, parameter.balancing_far
    for m in range(static.members.size):
        share = path_state.shares[m]
        if math.isnan(share):
            continue
        member, own, budget = static.members[m], draws.members[p, m], shocks.budgets[y, m]
        bound = pledged if path_state.allies[m].status != OUTSIDE else 0.0  # by the pledge
        change = spending.spending_change(
            share,
            own.target,
            parameter.kappa,
            own.loading,
            shocks.common[y],
            response,
            bound * spending.gap(share, static.pledge[y]),
            parameter.front,
            alliance.threat * member.front * spending.gap(share, constants.front_mark),
            parameter.growth,
            spending.centred_growth(budget.growth),
            parameter.election_spending,
            budget.election,
        )
        change += retrenchment if member.european > 0.0 else 0.0
        change += china * china_response(near, member.pacific == 1, far)
        path_state.shares[m] = rule.clip(share + change + budget.noise, constants.floor, constants.cap)
        if path_state.allies[m].status != OUTSIDE:
            total += member.european * math.exp(path_state.shares[m])
    alliance_steps.weigh_burdens(constants, total, path_state)
