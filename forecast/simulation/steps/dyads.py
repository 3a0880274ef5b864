"""The loops of the dyads in one cell: fears, opinion, cohesion, treaty, and once a year the partner's spending.

The treaty and the answer to an attack read the cohesion of the quarter before. The course of a dyad goes on as if the
treaty stood when it has ended.
"""

from forecast.simulation.jit import loop
from forecast.simulation.rules import common, spending
from forecast.simulation.rules import dyads as rule

REFUSAL_LASTS = 8  # quarters in which an attack without an answer lifts the hazard of an end


@loop
def reset_dyads(p, static, draws, path_state):
    """Each fear at rest under what North Korea can reach today and the usual wars and crises."""
    outlook = draws.outlook[p]
    war = outlook.war_start / (outlook.war_start + outlook.war_end)
    crisis = outlook.crisis_start / (outlook.crisis_start + outlook.crisis_end)
    for d in range(static.dyads.size):
        state, own = path_state.dyads[d], draws.dyads[p, d]
        reach = own.reach_now * own.reach_exposure * static.constants[0].reach
        update_fears = rule.settled(own.abandonment_reach * reach, own.fear_persistence)
        drive = own.entrapment_war * war + own.entrapment_crisis * crisis
        state.abandonment_0 = update_fears
        state.entrapment_0 = rule.settled(drive, own.fear_persistence) - own.entrapment_abandonment * update_fears
        state.abandonment, state.entrapment = state.abandonment_0, state.entrapment_0
        state.opinion, state.intact, state.refused = 0.0, 1, 0
        state.share = draws.partners[p, d].start
        state.cohesion = rule.dyad_cohesion(
            own.weight_threat,
            own.threat,
            own.gap,
            own.weight_abandonment,
            state.abandonment,
            own.weight_entrapment,
            state.entrapment,
            own.weight_opinion,
            state.opinion,
        )


@loop
def step_dyads(t, p, n, static, draws, shocks, path_state):
    """All dyads in quarter t of cell n."""
    constants = static.constants[0]
    part = common.ramp(t, constants.onset, static.cells[n].design_ramp)
    for d in range(static.dyads.size):
        state, own, noise = path_state.dyads[d], draws.dyads[p, d], shocks.dyads[t, d]
        update_dyad(t, constants.grey_zone_dyad, own, noise, state)
        update_fears(
            t,
            part,
            constants.grey_zone_dyad,
            own,
            draws.dyad_cells[p, n],
            shocks.outlook[t],
            noise,
            state,
        )
        gap = noise.gap + part * static.cells[n].china_focus * own.gap_china
        state.cohesion = rule.dyad_cohesion(
            own.weight_threat,
            noise.threat,
            gap,
            own.weight_abandonment,
            state.abandonment,
            own.weight_entrapment,
            state.entrapment,
            own.weight_opinion,
            state.opinion,
        )


@loop
def update_dyad(t, attack, own, noise, state):
    """The treaty stands or ends, and an attack is answered or not."""
    lifted = state.refused == 1 and t < attack + REFUSAL_LASTS
    factor = own.refusal_termination if lifted else 1.0
    chance = rule.end_chance(own.termination, own.termination_cohesion, state.cohesion, factor)
    if noise.end < chance:
        state.intact = 0
    if t == attack:
        answered = rule.honour_chance(own.honour, own.honour_cohesion, state.cohesion)
        state.refused = 1 if noise.honour >= answered else 0


@loop
def update_fears(t, part, attack, own, design, outlook, noise, state):
    """Fears and opinion of the quarter."""
    seen = rule.signal(part, design.signal, outlook.executive, noise.cut)
    left_alone = own.refusal_abandonment if t == attack and state.refused == 1 else 0.0
    before = own.fear_persistence * state.abandonment
    state.abandonment = rule.abandonment(
        state.abandonment,
        own.fear_persistence,
        own.abandonment_signal,
        seen,
        own.abandonment_reach,
        noise.reach,
        own.abandonment_demand,
        noise.demand,
        noise.abandonment + left_alone,
    )
    state.entrapment = rule.entrapment(
        state.entrapment,
        own.fear_persistence,
        own.entrapment_war,
        outlook.war,
        own.entrapment_crisis,
        outlook.crisis,
        own.entrapment_abandonment,
        state.abandonment - before,
        noise.entrapment,
    )
    state.opinion = rule.opinion(
        state.opinion,
        own.fear_persistence,
        own.opinion_demand,
        noise.demand,
        own.opinion_signal,
        seen,
        noise.opinion,
    )


@loop
def spend_partners(y, p, static, draws, shocks, path_state):
    """The partners set the share of year y, each towards its own pledge; fears of the quarter before move it."""
    constants, parameter = static.constants[0], draws.parameters[p]
    response = spending.response(shocks.response[y])
    for d in range(static.dyads.size):
        state, own, budget = path_state.dyads[d], draws.partners[p, d], shocks.partners[y, d]
        moved = constants.fears * rule.contribution(
            draws.dyads[p, d].contribution_abandonment,
            state.abandonment - state.abandonment_0,
            draws.dyads[p, d].contribution_entrapment,
            state.entrapment - state.entrapment_0,
        )
        change = spending.spending_change(
            state.share,
            own.target,
            parameter.kappa,
            own.loading,
            shocks.common[y],
            response,
            spending.gap(state.share, static.dyad_pledge[d, y]),
            0.0,
            0.0,
            parameter.growth,
            spending.centred_growth(budget.growth),
            parameter.election_spending,
            budget.election,
        )
        state.share = common.clip(state.share + change + moved + budget.noise, constants.floor, constants.cap)
