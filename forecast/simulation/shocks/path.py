"""Draw all shocks of one path, and simulate what follows from them alone in every scenario cell.

Leaders, elections, growth and the common factor of spending do not depend on the scenario. They are simulated once for
each path and shared by its cells.
"""

from forecast.constants import COMMON_TAILS, DURATION_EDGES
from forecast.simulation import random_numbers as rng
from forecast.simulation.elementary import whole
from forecast.simulation.jit import device
from forecast.simulation.lanes import lane, lane_numbers, load_draws, store, where
from forecast.simulation.records import LANES
from forecast.simulation.rules import alliance as alliance_rules
from forecast.simulation.rules import common as rule
from forecast.simulation.rules import leadership, spending
from forecast.simulation.rules.missions import leader_hazard_ratio
from forecast.simulation.shocks.alliance import draw_alliance_shocks
from forecast.simulation.shocks.missions import draw_candidate_missions, draw_missions


@device
def draw_shocks(seed, path, p, static, draws, shocks):
    """Fill the shocks of one path, except those of the dyads; its parameters are row p of `draws`."""
    constants, parameter = static.constants[0], draws.parameters[p]
    for block in range(shocks.countries.size):
        draw_leaders(seed, path, p, block, static, draws, shocks)
    draw_budgets(seed, path, static, parameter, draws.members[p], shocks)
    draw_factor_noise(seed, path, constants.factor_correlation, shocks.alliance)
    draw_alliance_shocks(seed, path, static, parameter, shocks)
    draw_missions(seed, path, p, static, draws, shocks)
    draw_candidate_missions(seed, path, static, shocks)


@device
def draw_leaders(seed, path, p, block, static, draws, shocks):
    """Draw elections and changes of leader, and what they do to hazards of defection, in LANES countries."""
    constants, parameter, first = static.constants[0], draws.parameters[p], LANES * block
    size = min(LANES, static.countries.size - first)
    calendar, entities = shocks.countries[block], whole(load_draws(shocks.countries[block].id))
    for i in range(size):
        shocks.turnover_effects[i] = draws.countries[p, first + i].turnover_effect
    effects, state = load_draws(shocks.turnover_effects), start_of_term(calendar)
    for t in range(shocks.leaders.shape[0]):
        u = rng.uniforms(seed, path, t, entities, rng.LEADER)
        vote, change, state = step_leader(t, u, calendar, constants.usa - first, effects, parameter, constants, state)
        store(shocks.changes[t, first : first + LANES], change)
        for i in range(size):
            leader = shocks.leaders[t, first + i]
            leader.vote, leader.change = int(lane(vote, i)), int(lane(change, i))
    hazard_ratios = leader_hazard_ratios(parameter)
    for i in range(size):
        country, next_vote = static.countries[first + i], int(lane(state[0], i))
        fill_leader_hazard_ratios(next_vote, country, hazard_ratios, shocks.leaders[:, first + i])


@device
def start_of_term(calendar):
    """Return the state of countries at the start: next election, its day set, quarters in office, mandates, voted."""
    return (
        load_draws(calendar.next_election),
        load_draws(calendar.fixed),
        load_draws(calendar.in_office),
        load_draws(calendar.mandates),
        load_draws(calendar.voted),
    )


@device
def step_leader(t, u, calendar, usa, effects, parameter, constants, state):
    """Draw an election, early or at the end of the term, and a change of leader in quarter t, in LANES countries.

    `usa` is the lane of the United States, if it has one. Returns 1 for an election, 1 for a change, and the state of
    the countries after the quarter (`start_of_term`).
    """
    next_vote, fixed, office, mandates, voted = state
    early = leadership.early_vote_hazard(constants.early_vote, next_vote - t, fixed)
    early = where(load_draws(calendar.parliamentary) == 1.0, early, 0.0)
    vote = where((next_vote == t) | (u[1] < early), 1.0, 0.0)
    next_vote, fixed = where(vote == 1.0, t + load_draws(calendar.term), next_vote), where(vote == 1.0, 0.0, fixed)
    left = next_vote - t
    before = where((left > 0.0) & (left <= 2.0) & (vote == 0.0), 1.0, 0.0)
    new = where((voted == 1.0) & (office == 0.0), 1.0, 0.0)
    limited = where((voted == 1.0) & (new == 0.0) & (mandates >= load_draws(calendar.term_limit)), 1.0, 0.0)
    log_odds = leadership.turnover_log_odds(
        parameter.turnover_intercept,
        effects,
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
        rule.value_in_bin(DURATION_EDGES, parameter.tenure, office),
    )
    president = leadership.president_turnover(voted, limited, parameter.usa_election, constants.usa_off_cycle)
    change = where(u[0] < where(lane_numbers() == usa, president, leadership.turnover_probability(log_odds)), 1.0, 0.0)
    mandates = leadership.mandates_won(mandates, change, vote, voted, new)
    return vote, change, (next_vote, fixed, where(change == 1.0, 0.0, office + 1.0), mandates, vote)


@device
def leader_hazard_ratios(parameter):
    """Return the hazard ratios of defection: neither, an election ahead, a new leader, both."""
    change, ahead = parameter.leader_change, parameter.election_ahead
    return (
        leader_hazard_ratio(0, 0, change, ahead),
        leader_hazard_ratio(0, 1, change, ahead),
        leader_hazard_ratio(1, 0, change, ahead),
        leader_hazard_ratio(1, 1, change, ahead),
    )


@device
def fill_leader_hazard_ratios(next_vote, country, hazard_ratios, leaders):
    """Fill the hazard ratios of defection: new leader in this quarter or the last, election within four quarters."""
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
    for m in range(static.members.size):
        shocks.growth[m] = static.members[m].start_growth
        shocks.scales[m], shocks.tails[m] = members[m].scale, members[m].tails
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
        for first in range(0, static.members.size, LANES):
            entities = load_draws(shocks.member_ids[first : first + LANES])
            last, scales = (
                load_draws(shocks.growth[first : first + LANES]),
                load_draws(shocks.scales[first : first + LANES]),
            )
            tails = load_draws(shocks.tails[first : first + LANES])
            growth, noise = draw_budget(
                seed, path, y, entities, last, spending.spread(scales, volatility), tails, constants
            )
            store(shocks.growth[first : first + LANES], growth)
            for i in range(min(LANES, static.members.size - first)):
                budget, country = shocks.budgets[y, first + i], static.members[first + i].country
                budget.growth, budget.noise = lane(growth, i), lane(noise, i)
                budget.election = votes_in_year(4 * y - constants.quarter_of_year, country, shocks)


@device
def draw_budget(seed, path, y, entity, last, scale, tails, constants):
    """Draw the growth of a country in year y, given that of the year before, and the noise of its spending."""
    u = rng.uniforms(seed, path, y, entity, rng.GROWTH)
    growth = next_growth(last, constants, rng.normal(u[0]))
    u = rng.uniforms(seed, path, y, entity, rng.SPENDING)
    return growth, scale * rng.student(u[0], u[1], tails)


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
