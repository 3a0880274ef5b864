"""Update the dyads of one cell: fears, opinion, cohesion and treaty each quarter, the partner's spending each year.

The end of the treaty and the answer to an attack depend on the cohesion of the quarter before. After the treaty has
ended, the other series of the dyad continue as if it were in force.
"""

from forecast.simulation.jit import loop
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
        state.abandonment, state.entrapment = state.initial_abandonment, state.initial_entrapment
        state.opinion, state.intact, state.refused = 0.0, 1, 0
        state.share = draws.partners[p, d].start
        state.cohesion = cohesion(parameter.threat, parameter.gap, parameter, state)


@loop
def cohesion(threat, gap, parameter, state):
    """Return the cohesion of a dyad from threat, gap and its current fears and opinion."""
    return rule.dyad_cohesion(
        parameter.weight_threat,
        threat,
        gap,
        parameter.weight_abandonment,
        state.abandonment,
        parameter.weight_entrapment,
        state.entrapment,
        parameter.weight_opinion,
        state.opinion,
    )


@loop
def step_dyads(t, p, n, static, draws, shocks, path_state):
    """Update all dyads in quarter t of cell n."""
    attack = static.constants[0].grey_zone_dyad
    part = common.ramp(t, static.constants[0].onset, static.cells[n].design_ramp)
    for d in range(static.dyads.size):
        state, parameter, shock = path_state.dyads[d], draws.dyads[p, d], shocks.dyads[t, d]
        update_treaty(t, attack, parameter, shock, state)
        update_fears(t, part, attack, parameter, draws.dyad_cells[p, n], shocks.outlook[t], shock, state)
        gap = shock.gap + part * static.cells[n].china_focus * parameter.gap_china
        state.cohesion = cohesion(shock.threat, gap, parameter, state)


@loop
def update_treaty(t, attack, parameter, shock, state):
    """End the treaty or keep it; in the quarter of the attack, the United States answer it or refuse."""
    recently_refused = state.refused == 1 and t < attack + REFUSAL_LASTS
    factor = parameter.refusal_termination if recently_refused else 1.0
    probability = rule.end_chance(parameter.termination, parameter.termination_cohesion, state.cohesion, factor)
    if shock.end < probability:
        state.intact = 0
    if t == attack:
        p_answer = rule.honour_chance(parameter.honour, parameter.honour_cohesion, state.cohesion)
        state.refused = 1 if shock.honour >= p_answer else 0


@loop
def update_fears(t, part, attack, parameter, design, outlook, shock, state):
    """Update both fears and opinion."""
    signal = rule.signal(part, design.signal, outlook.executive, shock.cut)
    refusal = parameter.refusal_abandonment if t == attack and state.refused == 1 else 0.0
    carried_over = parameter.fear_persistence * state.abandonment
    state.abandonment = rule.abandonment(
        state.abandonment,
        parameter.fear_persistence,
        parameter.abandonment_signal,
        signal,
        parameter.abandonment_reach,
        shock.reach,
        parameter.abandonment_demand,
        shock.demand,
        shock.abandonment + refusal,
    )
    state.entrapment = rule.entrapment(
        state.entrapment,
        parameter.fear_persistence,
        parameter.entrapment_war,
        outlook.war,
        parameter.entrapment_crisis,
        outlook.crisis,
        parameter.entrapment_abandonment,
        state.abandonment - carried_over,
        shock.entrapment,
    )
    state.opinion = rule.opinion(
        state.opinion,
        parameter.fear_persistence,
        parameter.opinion_demand,
        shock.demand,
        parameter.opinion_signal,
        signal,
        shock.opinion,
    )


@loop
def spend_partners(y, p, static, draws, shocks, path_state):
    """Set the partners' shares of year y: each moves towards its own pledge and reacts to last quarter's fears."""
    constants, parameter = static.constants[0], draws.parameters[p]
    response = spending.response(shocks.response[y])
    for d in range(static.dyads.size):
        state, partner, budget = path_state.dyads[d], draws.partners[p, d], shocks.partners[y, d]
        contribution = constants.fears * rule.contribution(
            draws.dyads[p, d].contribution_abandonment,
            state.abandonment - state.initial_abandonment,
            draws.dyads[p, d].contribution_entrapment,
            state.entrapment - state.initial_entrapment,
        )
        change = spending.spending_change(
            state.share,
            partner.target,
            partner.pull,
            partner.loading,
            shocks.common[y],
            response,
            spending.gap(state.share, static.dyad_pledge[d, y]),
            0.0,
            0.0,
            parameter.growth,
            spending.centred_growth(budget.growth),
            parameter.growth_lag,
            spending.centred_growth(static.dyads[d].start_growth if y == 0 else shocks.partners[y - 1, d].growth),
            parameter.election_spending,
            budget.election,
        )
        state.share = spending.bounded(
            state.share + change + contribution + budget.noise, partner.start, constants.floor, constants.cap
        )
