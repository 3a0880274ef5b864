"""Draw the shocks of the dyads on one path, and simulate what no scenario changes.

Wars, crises, presidents' signals, shared threat, demands, host-nation support, troops and the reach of North Korea do
not depend on war and design. They are simulated once for each path.
"""

from forecast.simulation import random_numbers as rng
from forecast.simulation.elementary import exp, log
from forecast.simulation.jit import device
from forecast.simulation.lanes import lane
from forecast.simulation.records import LANES
from forecast.simulation.rules import dyads as rule
from forecast.simulation.rules.common import autoregress
from forecast.simulation.rules.spending import spread
from forecast.simulation.shocks.path import draw_budget, votes_in_year


@device
def draw_dyad_shocks(seed, path, p, static, draws, shocks):
    """Fill the shocks of the dyads; changes of leader and volatility must have been drawn before."""
    constants = static.constants[0]
    draw_outlook(seed, path, constants.usa, constants.us_war, draws.outlook[p], shocks)
    for d in range(static.dyads.size):
        dyad = static.dyads[d]
        draw_dyad(seed, path, constants, dyad, draws.dyads[p, d], shocks.dyads[:, d])
        growth = dyad.start_growth
        for y in range(static.pledge.size):
            budget = shocks.partners[y, d]
            scale, tails = spread(draws.partners[p, d].scale, shocks.volatility[y]), draws.partners[p, d].tails
            growth, noise = draw_budget(seed, path, y, dyad.partner, growth, scale, tails, constants)
            budget.growth, budget.noise = growth, noise
            budget.election = votes_in_year(4 * y - constants.quarter_of_year, dyad.country, shocks)


@device
def draw_outlook(seed, path, usa, us_war, parameter, shocks):
    """Draw wars and crises as on-off spells that start in equilibrium; a new president brings a new signal."""
    u = rng.uniforms(seed, path, 0, 0, rng.OUTLOOK_START)
    war = 1 if u[0] < parameter.war_start / (parameter.war_start + parameter.war_end) else 0
    crisis = 1 if u[1] < parameter.crisis_start / (parameter.crisis_start + parameter.crisis_end) else 0
    executive = parameter.executive_now
    for t in range(shocks.outlook.size):
        if t % LANES == 0:
            u = rng.uniforms(seed, path, rng.times(t), 0, rng.OUTLOOK)
            z = rng.normal(u[2])
        war = rule.next_spell(war, lane(u[0], t % LANES), parameter.war_start, parameter.war_end)
        war = 1 if t == us_war else war
        crisis = rule.next_spell(crisis, lane(u[1], t % LANES), parameter.crisis_start, parameter.crisis_end)
        if usa >= 0 and shocks.leaders[t, usa].change == 1:
            executive = parameter.executive_sd * lane(z, t % LANES)
        shocks.outlook[t].war, shocks.outlook[t].crisis = war, crisis
        shocks.outlook[t].executive = executive


@device
def draw_dyad(seed, path, constants, dyad, parameter, shocks):
    """Draw the shocks of one dyad, quarter by quarter."""
    threat, gap, log_support, troops = parameter.threat, parameter.gap, 0.0, 1.0
    persistence = parameter.threat_persistence
    for t in range(shocks.size):
        if t % LANES == 0:
            u = rng.uniforms(seed, path, rng.times(t), dyad.id, rng.PURPOSE_AND_DEMAND)
            z_threat, z_gap, z_demand = rng.normal(u[0]), rng.normal(u[1]), rng.normal(u[2])
            v = rng.uniforms(seed, path, rng.times(t), dyad.id, rng.TROOPS)
            w = rng.uniforms(seed, path, rng.times(t), dyad.id, rng.FEARS_AND_END)
            z_abandonment, z_entrapment, z_opinion = rng.normal(w[0]), rng.normal(w[1]), rng.normal(w[2])
        i, shock = t % LANES, shocks[t]
        threat = autoregress(threat, parameter.threat, persistence, parameter.threat_sd, lane(z_threat, i))
        gap = autoregress(gap, parameter.gap, persistence, parameter.gap_sd, lane(z_gap, i))
        shock.threat, shock.gap = threat, gap
        shock.demand = log_demand(t, constants, dyad, parameter, lane(z_demand, i))
        log_support += rule.support_growth(parameter.support_base, parameter.support_response, shock.demand)
        shock.support, shock.honour = exp(log_support), lane(u[3], i)
        shock.cut = 1.0 if constants.troop_cuts == 1 and lane(v[0], i) < parameter.troops_cut else 0.0
        troops *= 1.0 - shock.cut * (parameter.cut_lower + lane(v[1], i) * (parameter.cut_upper - parameter.cut_lower))
        shock.troops = troops
        shock.reach = exposed_reach(t, constants, parameter)
        shock.abandonment = parameter.fear_sd * lane(z_abandonment, i)
        shock.entrapment = parameter.fear_sd * lane(z_entrapment, i)
        shock.opinion, shock.end = parameter.opinion_sd * lane(z_opinion, i), lane(w[3], i)


@device
def log_demand(t, constants, dyad, parameter, z):
    """Return the log of the demand of quarter t: the plan's stress event, else half-normal at a renewal, else 0."""
    if t == constants.hns_demand:
        return log(parameter.stress_demand)
    is_renewal = t >= dyad.renewal and (t - dyad.renewal) % dyad.renewal_every == 0
    return parameter.demand_sd * abs(z) if is_renewal and constants.demands == 1 else 0.0


@device
def exposed_reach(t, constants, parameter):
    """Return the reach of North Korea times the exposure of the dyad; 1 times it from the stress event on."""
    if constants.reach == 0:
        return 0.0
    if t >= constants.dprk_reach:
        return parameter.reach_exposure
    return parameter.reach_exposure * rule.reach_level(parameter.reach_now, parameter.reach_growth, t + 1)
