"""Update the dyads of one cell: fears, opinion, cohesion and treaty each quarter, the partner's spending each year.

The end of the treaty and the answer to an attack depend on the cohesion of the quarter before. After the treaty has
ended, the other series of the dyad continue as if it were in force.
"""

from forecast.simulation.jit import loop
from forecast.simulation.lanes import load, store, where
from forecast.simulation.rules import common, spending
from forecast.simulation.rules import dyads as rule

REFUSAL_LASTS = 8  # quarters in which an unanswered attack raises the hazard that the treaty ends


@loop
def reset_dyads(p, static, draws, path_state):
    """Set each dyad to its start: fears at rest under today's reach of North Korea and average wars and crises."""
    outlook = draws.outlook[p]
    war = outlook.war_start / (outlook.war_start + outlook.war_end)
    crisis = outlook.crisis_start / (outlook.crisis_start + outlook.crisis_end)
    for d in range(static.dyads.size):
        state, parameter = path_state.dyads[d], draws.dyads[p, d]
        reach = parameter.reach_now * parameter.reach_exposure * static.constants[0].reach
        abandonment = rule.resting_level(parameter.abandonment_reach * reach, parameter.fear_persistence)
        drive = parameter.entrapment_war * war + parameter.entrapment_crisis * crisis
        entrapment = rule.resting_level(drive, parameter.fear_persistence)
        state.initial_abandonment = abandonment
        state.initial_entrapment = entrapment - parameter.entrapment_abandonment * abandonment
        store(state.abandonment, state.initial_abandonment)
        store(state.entrapment, state.initial_entrapment)
        store(state.opinion, 0.0)
        store(state.intact, 1.0)
        store(state.refused, 0.0)
        store(state.share, draws.partners[p, d].start)
        update_cohesion(parameter.threat, parameter.gap, parameter, state)


@loop
def update_cohesion(threat, gap, parameter, state):
    """Update the cohesion of a dyad from threat, gap and its current fears and opinion."""
    cohesion = rule.dyad_cohesion(
        parameter.weight_threat,
        threat,
        gap,
        parameter.weight_abandonment,
        load(state.abandonment),
        parameter.weight_entrapment,
        load(state.entrapment),
        parameter.weight_opinion,
        load(state.opinion),
    )
    store(state.cohesion, cohesion)


@loop
def step_dyads(t, p, block, static, draws, shocks, path_state):
    """Update all dyads in quarter t."""
    cell, attack = path_state.cells[block], static.constants[0].grey_zone_dyad
    part = common.ramp(t, static.constants[0].onset, load(cell.design_ramp))
    for d in range(static.dyads.size):
        state, parameter, shock = path_state.dyads[d], draws.dyads[p, d], shocks.dyads[t, d]
        update_treaty(t, attack, parameter, shock, state)
        update_fears(t, part, attack, parameter, path_state.dyad_cells[0], shocks.outlook[t], shock, state)
        gap = shock.gap + part * load(cell.china_focus) * parameter.gap_china
        update_cohesion(shock.threat, gap, parameter, state)


@loop
def update_treaty(t, attack, parameter, shock, state):
    """End the treaty or keep it; in the quarter of the attack, the United States answer it or refuse."""
    refusal = parameter.refusal_termination if t < attack + REFUSAL_LASTS else 1.0
    factor = where(load(state.refused) == 1.0, refusal, 1.0)
    cohesion = load(state.cohesion)
    probability = rule.end_chance(parameter.termination, parameter.termination_cohesion, cohesion, factor)
    store(state.intact, where(shock.end < probability, 0.0, load(state.intact)))
    if t == attack:
        p_answer = rule.honour_chance(parameter.honour, parameter.honour_cohesion, cohesion)
        store(state.refused, where(shock.honour >= p_answer, 1.0, 0.0))


@loop
def update_fears(t, part, attack, parameter, design, outlook, shock, state):
    """Update both fears and opinion."""
    signal = rule.signal(part, load(design.signal), outlook.executive, shock.cut)
    jump = parameter.refusal_abandonment if t == attack else 0.0
    refusal = where(load(state.refused) == 1.0, jump, 0.0)
    before = load(state.abandonment)
    abandonment = rule.abandonment(
        before,
        parameter.fear_persistence,
        parameter.abandonment_signal,
        signal,
        parameter.abandonment_reach,
        shock.reach,
        parameter.abandonment_demand,
        shock.demand,
        shock.abandonment + refusal,
    )
    store(state.abandonment, abandonment)
    entrapment = rule.entrapment(
        load(state.entrapment),
        parameter.fear_persistence,
        parameter.entrapment_war,
        outlook.war,
        parameter.entrapment_crisis,
        outlook.crisis,
        parameter.entrapment_abandonment,
        abandonment - parameter.fear_persistence * before,
        shock.entrapment,
    )
    store(state.entrapment, entrapment)
    opinion = rule.opinion(
        load(state.opinion),
        parameter.fear_persistence,
        parameter.opinion_demand,
        shock.demand,
        parameter.opinion_signal,
        signal,
        shock.opinion,
    )
    store(state.opinion, opinion)


@loop
def spend_partners(y, p, static, draws, shocks, path_state):
    """Set the partners' shares of year y: each moves towards its own pledge and reacts to last quarter's fears."""
    constants, parameter = static.constants[0], draws.parameters[p]
    response = spending.response(shocks.response[y])
    for d in range(static.dyads.size):
        state, partner, budget = path_state.dyads[d], draws.partners[p, d], shocks.partners[y, d]
        share = load(state.share)
        contribution = constants.fears * rule.contribution(
            draws.dyads[p, d].contribution_abandonment,
            load(state.abandonment) - state.initial_abandonment,
            draws.dyads[p, d].contribution_entrapment,
            load(state.entrapment) - state.initial_entrapment,
        )
        change = spending.spending_change(
            share,
            partner.target,
            partner.pull,
            partner.loading,
            shocks.common[y],
            response,
            spending.gap(share, static.dyad_pledge[d, y]),
            0.0,
            0.0,
            parameter.growth,
            spending.centred_growth(budget.growth),
            parameter.growth_lag,
            spending.centred_growth(static.dyads[d].start_growth if y == 0 else shocks.partners[y - 1, d].growth),
            parameter.election_spending,
            budget.election,
        )
        share = spending.bounded(
            share + change + contribution + budget.noise, partner.start, constants.floor, constants.cap
        )
        store(state.share, share)
