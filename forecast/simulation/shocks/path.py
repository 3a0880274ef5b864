"""All the chance of one path: addressed draws, and what follows from them alone, whatever the scenario.

Leaders, elections, growth and the common factor of spending do not depend on the scenario, so they are lived through
once a path and shared by its cells.
"""

from forecast.constants import COMMON_TAILS, DURATION_EDGES, bin_table
from forecast.simulation import random_numbers as draw
from forecast.simulation.jit import device
from forecast.simulation.rules import alliance as alliance_rules
from forecast.simulation.rules import common as rule
from forecast.simulation.rules import leadership, spending
from forecast.simulation.rules.missions import leader_hazard_ratio
from forecast.simulation.shocks.alliance import draw_alliance_shocks
from forecast.simulation.shocks.missions import draw_candidate_missions, draw_missions

_DURATION_BIN = bin_table(DURATION_EDGES)


@device
def draw_shocks(seed, path, p, static, draws, shocks):
    """Fill `luck` for one path whose parameters are row p of `draws`."""
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
    draw_alliance(seed, path, constants.factor_correlation, shocks.alliance)
    draw_alliance_shocks(seed, path, static, parameter, shocks)
    draw_missions(seed, path, p, static, draws, shocks)
    draw_candidate_missions(seed, path, static, shocks)


@device
def draw_leader(seed, path, country, own, parameter, constants, is_usa, leaders):
    """One country's quarters: the election clock runs, votes come early or at term, leaders change.

    Gives the quarter of the first vote after the last quarter.
    """
    clock, office, limited = country.next_election, country.in_office, constants.usa_limited
    voted = country.voted
    for t in range(leaders.size):
        u = draw.uniforms(seed, path, t, country.id, draw.LEADER)
        may_be_early = country.parliamentary == 1 and clock - t > 2
        vote = 1 if clock == t or (may_be_early and u[1] < constants.early_election) else 0
        if vote == 1:
            clock = t + country.term
        before = 1 if 0 < clock - t <= 2 and vote == 0 else 0
        if is_usa:
            chance = leadership.president_turnover(voted, limited, parameter.usa_election, constants.usa_off_cycle)
        else:
            log_odds = leadership.turnover_log_odds(
                parameter.turnover_intercept,
                own.turnover_effect,
                parameter.turnover_offset,
                parameter.turnover_election,
                vote,
                parameter.turnover_after,
                voted,
                parameter.turnover_before,
                before,
                parameter.tenure[rule.bin_of(_DURATION_BIN, office)],
            )
            chance = leadership.turnover_probability(log_odds)
        change = 1 if u[0] < chance else 0
        if change == 1:
            limited = 0
        elif voted == 1:
            limited = 1
        office = 0 if change == 1 else office + 1
        leaders[t].vote, leaders[t].change = vote, change
        voted = vote
    return clock


@device
def draw_leader_hazard_ratios(next_vote, country, parameter, leaders):
    """What a new leader (this quarter or the last) and a vote within four quarters do to hazards of defection."""
    change, ahead = parameter.leader_change, parameter.election_ahead
    lifts = (
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
        leaders[t].lift = lifts[2 * changed + soon]


@device
def draw_budgets(seed, path, static, parameter, members, shocks):
    """Growth, common factor, response to gaps, noise and election years of the members, by calendar year."""
    constants = static.constants[0]
    factor, response = parameter.common_start, parameter.response_start
    volatility = parameter.volatility_start
    innovation = spending.innovation_scale(parameter.common_scale, parameter.common_phi)
    unrest = spending.innovation_scale(parameter.volatility_sd, parameter.volatility_phi)
    for y in range(static.pledge.size):
        u = draw.uniforms(seed, path, y, 0, draw.COMMON_FACTOR)
        heavy = draw.student(u[0], u[1], COMMON_TAILS)
        factor = rule.autoregress(factor, 0.0, parameter.common_phi, innovation, heavy)
        shocks.common[y] = factor
        u = draw.uniforms(seed, path, y, 1, draw.COMMON_FACTOR)
        response = rule.autoregress(
            response,
            parameter.response_mean,
            parameter.response_phi,
            parameter.response_sd,
            draw.normal(u[0]),
        )
        shocks.response[y] = response
        volatility = rule.autoregress(volatility, 0.0, parameter.volatility_phi, unrest, draw.normal(u[1]))
        shocks.volatility[y] = volatility
        for m in range(static.members.size):
            member, budget = static.members[m], shocks.budgets[y, m]
            last = member.start_growth if y == 0 else shocks.budgets[y - 1, m].growth
            draw_budget(
                seed,
                path,
                y,
                member.id,
                last,
                spending.spread(members[m].scale, volatility),
                parameter.nu,
                constants,
                budget,
            )
            budget.election = votes_in_year(4 * y - constants.quarter_of_year, member.country, shocks)


@device
def draw_budget(seed, path, y, who, last, scale, nu, constants, budget):
    """Growth of year y, after that of the year before, and the noise of spending of one country."""
    u = draw.uniforms(seed, path, y, who, draw.GROWTH)
    budget.growth = spending.growth(
        last,
        constants.growth_mean,
        constants.growth_phi,
        constants.growth_bounce,
        constants.growth_sd,
        draw.normal(u[0]),
    )
    u = draw.uniforms(seed, path, y, who, draw.SPENDING)
    budget.noise = scale * draw.student(u[0], u[1], nu)


@device
def votes_in_year(first, country, shocks):
    """1.0 if the country elects its leader in the year whose first quarter is `first`."""
    if country >= 0:
        for t in range(max(first, 0), min(first + 4, shocks.leaders.shape[0])):
            if shocks.leaders[t, country].vote == 1:
                return 1.0
    return 0.0


@device
def draw_alliance(seed, path, correlation, alliance):
    """Noise of the threat level, of the verdict and of the four factors."""
    for t in range(alliance.size):
        u = draw.uniforms(seed, path, t, 0, draw.THREAT_AND_RATER)
        alliance[t].threat, alliance[t].rater = draw.normal(u[0]), draw.normal(u[1])
        common = draw.normal(u[2])
        u = draw.uniforms(seed, path, t, 0, draw.FACTORS)
        for f in range(4):
            alliance[t].factors[f] = alliance_rules.correlate(draw.normal(u[f]), common, correlation)
