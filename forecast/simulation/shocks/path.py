"""Draw all shocks of one path, and simulate what follows from them alone in every scenario cell.

Leaders, elections, growth and the common factor of spending do not depend on the scenario. They are simulated once for
each path and shared by its cells.
"""

from forecast.constants import COMMON_TAILS, DURATION_EDGES, bin_table
from forecast.simulation import random_numbers as rng
from forecast.simulation.jit import device
from forecast.simulation.lanes import lane, load
from forecast.simulation.records import LANES
from forecast.simulation.rules import alliance as alliance_rules
from forecast.simulation.rules import common as rule
from forecast.simulation.rules import leadership, spending
from forecast.simulation.rules.missions import leader_hazard_ratio
from forecast.simulation.shocks.alliance import draw_alliance_shocks
from forecast.simulation.shocks.missions import draw_candidate_missions, draw_missions

_DURATION_BIN = bin_table(DURATION_EDGES)


@device
def draw_shocks(seed, path, p, static, draws, shocks):
    """Fill the shocks of one path, except those of the dyads; its parameters are row p of `draws`."""
    constants, parameter = static.constants[0], draws.parameters[p]
    for k in range(static.countries.size):
        country = static.countries[k]
        next_vote = draw_leader(
            seed,
            path,
            country,
            draws.countries[p, k],
            parameter,
            constants,
            k == constants.usa,
            shocks.leaders[:, k],
        )
        draw_leader_hazard_ratios(next_vote, country, parameter, shocks.leaders[:, k])
    draw_budgets(seed, path, static, parameter, draws.members[p], shocks)
    draw_factor_noise(seed, path, constants.factor_correlation, shocks.alliance)
    draw_alliance_shocks(seed, path, static, parameter, shocks)
    draw_missions(seed, path, p, static, draws, shocks)
    draw_candidate_missions(seed, path, static, shocks)


@device
def draw_leader(seed, path, country, country_parameter, parameter, constants, is_usa, leaders):
    """Draw elections, early or at the end of the term, and changes of leader in one country.

    Returns the quarter of the first election after the horizon.
    """
    next_vote, fixed, office, mandates = country.next_election, country.fixed, country.in_office, country.mandates
    voted = country.voted
    for t in range(leaders.size):
        if t % LANES == 0:
            u = rng.uniforms(seed, path, rng.times(t), country.id, rng.LEADER)
        hazard = 0.0
        if country.parliamentary == 1:
            hazard = leadership.early_vote_hazard(constants.early_vote, next_vote - t, fixed)
        vote = 1 if next_vote == t or lane(u[1], t % LANES) < hazard else 0
        if vote == 1:
            next_vote, fixed = t + country.term, 0
        before = 1 if 0 < next_vote - t <= 2 and vote == 0 else 0
        new = 1 if voted == 1 and office == 0 else 0
        limited = 1 if voted == 1 and new == 0 and mandates >= country.term_limit else 0
        if is_usa:
            probability = leadership.president_turnover(voted, limited, parameter.usa_election, constants.usa_off_cycle)
        else:
            log_odds = leadership.turnover_log_odds(
                parameter.turnover_intercept,
                country_parameter.turnover_effect,
                parameter.turnover_offset,
                parameter.turnover_election,
                vote,
                parameter.turnover_after,
                voted,
                parameter.turnover_after_new,
                new,
                parameter.turnover_limited,
                limited,
                parameter.turnover_before,
                before,
                parameter.tenure[rule.bin_of(_DURATION_BIN, office)],
            )
            probability = leadership.turnover_probability(log_odds)
        change = 1 if lane(u[0], t % LANES) < probability else 0
        mandates = leadership.mandates_won(mandates, change, vote, voted, new)
        office = 0 if change == 1 else office + 1
        leaders[t].vote, leaders[t].change = vote, change
        voted = vote
    return next_vote


@device
def draw_leader_hazard_ratios(next_vote, country, parameter, leaders):
    """Fill the hazard ratios of defection: new leader in this quarter or the last, election within four quarters."""
    change, ahead = parameter.leader_change, parameter.election_ahead
    hazard_ratios = (
        leader_hazard_ratio(0, 0, change, ahead),
        leader_hazard_ratio(0, 1, change, ahead),
        leader_hazard_ratio(1, 0, change, ahead),
        leader_hazard_ratio(1, 1, change, ahead),
    )
    for back in range(leaders.size):
        t = leaders.size - 1 - back
        changed = leaders[t].change
        if t > 0:
            changed = max(changed, leaders[t - 1].change)
        elif country.in_office == 0:
            changed = 1
        if leaders[t].vote == 1:
            next_vote = t
        soon = 1 if 0 <= next_vote - t <= 4 else 0
        leaders[t].hazard_ratio = hazard_ratios[2 * changed + soon]


@device
def draw_budgets(seed, path, static, parameter, members, shocks):
    """Draw growth, common factor, response to gaps, volatility, noise and election years, by calendar year."""
    constants = static.constants[0]
    factor, response = parameter.common_start, parameter.response_start
    volatility = parameter.volatility_start
    innovation = spending.innovation_scale(parameter.common_scale, parameter.common_phi)
    volatility_step = spending.innovation_scale(parameter.volatility_sd, parameter.volatility_phi)
    for y in range(static.pledge.size):
        u = rng.uniforms(seed, path, y, 0, rng.COMMON_FACTOR)
        heavy = rng.student(u[0], u[1], COMMON_TAILS)
        factor = rule.autoregress(factor, 0.0, parameter.common_phi, innovation, heavy)
        shocks.common[y] = factor
        u = rng.uniforms(seed, path, y, 1, rng.COMMON_FACTOR)
        response = rule.autoregress(
            response,
            parameter.response_mean,
            parameter.response_phi,
            parameter.response_sd,
            rng.normal(u[0]),
        )
        shocks.response[y] = response
        volatility = rule.autoregress(volatility, 0.0, parameter.volatility_phi, volatility_step, rng.normal(u[1]))
        shocks.volatility[y] = volatility
        for m in range(static.members.size):
            if m % LANES == 0:
                entities = load(shocks.member_ids[m : m + LANES])
                z = rng.normal(rng.uniforms(seed, path, y, entities, rng.GROWTH)[0])
                u = rng.uniforms(seed, path, y, entities, rng.SPENDING)
            i, member, budget = m % LANES, static.members[m], shocks.budgets[y, m]
            last = member.start_growth if y == 0 else shocks.budgets[y - 1, m].growth
            budget.growth = next_growth(last, constants, lane(z, i))
            scale = spending.spread(members[m].scale, volatility)
            budget.noise = scale * rng.student(lane(u[0], i), lane(u[1], i), members[m].tails)
            budget.election = votes_in_year(4 * y - constants.quarter_of_year, member.country, shocks)


@device
def draw_budget(seed, path, y, entity, last, scale, tails, constants, budget):
    """Draw the growth of one country in year y, given that of the year before, and the noise of its spending."""
    u = rng.uniforms(seed, path, y, entity, rng.GROWTH)
    budget.growth = next_growth(last, constants, rng.normal(u[0]))
    u = rng.uniforms(seed, path, y, entity, rng.SPENDING)
    budget.noise = scale * rng.student(u[0], u[1], tails)


@device
def next_growth(last, constants, z):
    """Return the growth of a year, given the growth of the year before and a standard normal."""
    return spending.growth(
        last, constants.growth_mean, constants.growth_phi, constants.growth_bounce, constants.growth_sd, z
    )


@device
def votes_in_year(first, country, shocks):
    """Return 1.0 if the country elects its leader in the year whose first quarter is `first`, else 0.0."""
    if country >= 0:
        for t in range(max(first, 0), min(first + 4, shocks.leaders.shape[0])):
            if shocks.leaders[t, country].vote == 1:
                return 1.0
    return 0.0


@device
def draw_factor_noise(seed, path, correlation, alliance):
    """Draw the standard normals of the threat level, the verdict and the four correlated factors."""
    for first in range(0, alliance.size, LANES):
        u = rng.uniforms(seed, path, rng.times(first), 0, rng.THREAT_AND_RATER)
        threat, rater, common = rng.normal(u[0]), rng.normal(u[1]), rng.normal(u[2])
        u = rng.uniforms(seed, path, rng.times(first), 0, rng.FACTORS)
        a = alliance_rules.correlate(rng.normal(u[0]), common, correlation)
        b = alliance_rules.correlate(rng.normal(u[1]), common, correlation)
        c = alliance_rules.correlate(rng.normal(u[2]), common, correlation)
        d = alliance_rules.correlate(rng.normal(u[3]), common, correlation)
        for i in range(min(LANES, alliance.size - first)):
            noise = alliance[first + i]
            noise.threat, noise.rater = lane(threat, i), lane(rater, i)
            noise.factors[0], noise.factors[1] = lane(a, i), lane(b, i)
            noise.factors[2], noise.factors[3] = lane(c, i), lane(d, i)
