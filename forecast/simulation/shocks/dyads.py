"""The chance of the dyads on one path, and all of their course that no scenario touches.

Wars, crises, presidents' signals, shared purpose, demands, host-nation support, troops and the reach of North Korea do
not depend on war and design, so they are lived through once a path.
"""

import math

from forecast.simulation import random_numbers as draw
from forecast.simulation.jit import device
from forecast.simulation.rules import dyads as rule
from forecast.simulation.rules.common import autoregress
from forecast.simulation.rules.spending import spread
from forecast.simulation.shocks.path import draw_budget, votes_in_year


@device
def draw_dyad_shocks(seed, path, p, static, draws, shocks):
    """Fill the parts of `luck` that dyads read; leaders have lived."""
    constants = static.constants[0]
    draw_outlook(seed, path, constants.usa, constants.us_war, draws.outlook[p], shocks)
    for d in range(static.dyads.size):
        dyad, own = static.dyads[d], draws.dyads[p, d]
        draw_dyad(seed, path, constants, dyad, own, shocks.dyads[:, d])
        growth = dyad.start_growth
        for y in range(static.pledge.size):
            budget = shocks.partners[y, d]
            draw_budget(
                seed,
                path,
                y,
                dyad.partner,
                growth,
                spread(draws.partners[p, d].scale, shocks.volatility[y]),
                draws.parameters[p].nu,
                constants,
                budget,
            )
            growth = budget.growth
            budget.election = votes_in_year(4 * y - constants.quarter_of_year, dyad.country, shocks)


@device
def draw_outlook(seed, path, usa, us_war, own, shocks):
    """Wars and crises as spells that begin where they would be in the long run; a new president, a new signal."""
    u = draw.uniforms(seed, path, 0, 0, draw.OUTLOOK_START)
    war = 1 if u[0] < own.war_start / (own.war_start + own.war_end) else 0
    crisis = 1 if u[1] < own.crisis_start / (own.crisis_start + own.crisis_end) else 0
    executive = own.executive_now
    for t in range(shocks.outlook.size):
        u = draw.uniforms(seed, path, t, 0, draw.OUTLOOK)
        war = rule.chain(war, u[0], own.war_start, own.war_end)
        war = 1 if t == us_war else war
        crisis = rule.chain(crisis, u[1], own.crisis_start, own.crisis_end)
        if usa >= 0 and shocks.leaders[t, usa].change == 1:
            executive = own.executive_sd * draw.normal(u[2])
        shocks.outlook[t].war, shocks.outlook[t].crisis = war, crisis
        shocks.outlook[t].executive = executive


@device
def draw_dyad(seed, path, constants, dyad, own, shocks):
    """One dyad, quarter by quarter."""
    threat, gap, support, troops = own.threat, own.gap, 0.0, 1.0
    for t in range(shocks.size):
        one = shocks[t]
        u = draw.uniforms(seed, path, t, dyad.id, draw.PURPOSE_AND_DEMAND)
        threat = autoregress(threat, own.threat, own.threat_persistence, own.threat_sd, draw.normal(u[0]))
        gap = autoregress(gap, own.gap, own.threat_persistence, own.gap_sd, draw.normal(u[1]))
        one.threat, one.gap = threat, gap
        one.demand = log_demand(t, constants, dyad, own, draw.normal(u[2]))
        support += rule.support_growth(own.support_base, own.support_response, one.demand)
        one.support, one.honour = math.exp(support), u[3]
        u = draw.uniforms(seed, path, t, dyad.id, draw.TROOPS)
        one.cut = 1.0 if constants.troop_cuts == 1 and u[0] < own.troops_cut else 0.0
        troops *= 1.0 - one.cut * (own.cut_lower + u[1] * (own.cut_upper - own.cut_lower))
        one.troops = troops
        one.reach = exposed_reach(t, constants, own)
        u = draw.uniforms(seed, path, t, dyad.id, draw.FEARS_AND_END)
        one.abandonment = own.fear_sd * draw.normal(u[0])
        one.entrapment = own.fear_sd * draw.normal(u[1])
        one.opinion, one.end = own.opinion_sd * draw.normal(u[2]), u[3]


@device
def log_demand(t, constants, dyad, own, z):
    """Of the quarter: what the plan sets, else that of a renewal, half-normal, else 0."""
    if t == constants.hns_demand:
        return math.log(own.stress_demand)
    due = t >= dyad.renewal and (t - dyad.renewal) % dyad.renewal_every == 0
    return own.demand_sd * abs(z) if due and constants.demands == 1 else 0.0


@device
def exposed_reach(t, constants, own):
    """Reach of North Korea as far as the dyad is exposed to it; sure from the quarter that the plan sets."""
    if constants.reach == 0:
        return 0.0
    if t >= constants.dprk_reach:
        return own.reach_exposure
    return own.reach_exposure * rule.reach_level(own.reach_now, own.reach_growth, t + 1)
