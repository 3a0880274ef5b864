"""Draw the shocks of missions on one path: campaigns, public opinion, leaders' politics, thresholds of contingents.

Nothing here depends on the scenario, so the effects on the hazards are computed once for each path and shared by its
cells.
"""

import math

from forecast.constants import DURATION_EDGES, bin_table
from forecast.simulation import random_numbers as rng
from forecast.simulation.elementary import exp, whole
from forecast.simulation.jit import device, loop
from forecast.simulation.lanes import any_lane, lane, load_draws, maximum, sqrt, store, where
from forecast.simulation.records import CUTS, LANES, LEADER, LEFT_TURN, NEVER, OPPOSITION, REDUCTION, RIGHT
from forecast.simulation.rules import missions as rule
from forecast.simulation.rules import withdrawal
from forecast.simulation.rules.common import autoregress, bin_of

_DURATION_BIN = bin_table(DURATION_EDGES)
#: Purposes of the random numbers of a contingent; the first `_TIMES` of them draw times.
_PURPOSES = (
    rng.EXIT,
    rng.CUT_TIME,
    rng.PLANNED_CUT_TIME,
    rng.PLANNED_CUT_SIZE,
    rng.CUT_MODE,
    rng.CUT_SIZE,
    rng.CUT_SEEN,
)
_EXIT, _CUT_TIME, _PLANNED_CUT_TIME, _PLANNED_CUT_SIZE, _CUT_MODE, _CUT_SIZE, _CUT_SEEN = range(7)
_TIMES = 3
_LONGEST_COMBAT = 40  # quarters of combat after which the drift of the hazard stops


@device
def draw_missions(seed, path, p, static, draws, shocks):
    """Fill the shocks of the missions; the changes of leader must have been drawn before."""
    constants, parameter = static.constants[0], draws.parameters[p]
    reduction_ratio = exp(parameter.reduction)
    defection, planned, last = 1.0, 1.0, -1
    for age in range(shocks.durations.shape[1]):
        b = bin_of(_DURATION_BIN, age)
        if b != last:
            defection, planned, last = exp(parameter.duration_defection[b]), exp(parameter.duration_planned[b]), b
        shocks.durations[0, age], shocks.durations[1, age] = defection, planned
    for block in range(shocks.countries.size):
        draw_publics(seed, path, block, static, shocks)
    for s in range(static.missions.size):
        mission, mission_parameter = static.missions[s], draws.missions[p, s]
        draw_campaign(seed, path, mission, constants, parameter, shocks.campaigns[:, s])
        shocks.any_planned[s] = False
        shocks.planned[s] = False
        u = rng.uniforms(seed, path, 0, mission.id, rng.CURVE)
        follows = withdrawal.follows_curve(u[0], constants.kaplan_meier_weight)
        draw_numbers(seed, path, mission.contingents, shocks.contingent_ids[s], shocks.contingents[s])
        shocks.curve_ratios[s] = 1.0
        if follows:
            fill_usual_campaign(mission, constants, parameter, shocks.usual_campaign)
        for c in range(mission.contingents):
            contingent, shock = static.contingents[s, c], shocks.contingents[s, c]
            threshold = set_contingent(draws.contingents[p, s, c], constants, shock)
            set_planned_cuts(reduction_ratio, constants, parameter, shock)
            if follows:
                fill_curve_ratios(p, s, c, static, draws, shocks)
            ratios = shocks.curve_ratios[s, c]
            plan_withdrawal(mission, contingent.served, threshold, parameter.ending, ratios, shocks, s, c)
            k = contingent.country
            parliamentary = static.countries[k].parliamentary if k >= 0 else 0
            set_modes(
                contingent, mission_parameter.full_exit, reduction_ratio, parliamentary, constants, parameter, shock
            )
            fill_hazards(mission, contingent, mission_parameter.consensus, constants, parameter, shocks, s, c)


@device
def draw_publics(seed, path, block, static, shocks):
    """Draw opposition as an AR(1), and the left-right position of each new leader: the old one or a new draw.

    Fills what acts on the hazards of a quarter, in LANES countries: opposition in the quarter before, a leader of the
    right, a turn to the left in this quarter or the one before, and the hazard ratio of the leader.
    """
    constants, first = static.constants[0], LANES * block
    size, entities = min(LANES, static.countries.size - first), whole(load_draws(shocks.countries[block].id))
    wing = constants.wing_sd * rng.normal(rng.uniforms(seed, path, 0, entities, rng.WING)[2])
    opposition, left, step = 0.0 * wing, 0.0 * wing, sqrt(1.0 - constants.opinion_phi * constants.opinion_phi)
    for t in range(shocks.leaders.shape[0]):
        z = rng.normal(rng.uniforms(seed, path, t, entities, rng.PUBLIC)[0])
        before, left_before = wing, left
        change = load_draws(shocks.changes[t, first : first + LANES]) == 1.0
        if any_lane(change):
            u = rng.uniforms(seed, path, t, entities, rng.WING)
            turns = change & (u[0] >= constants.same_camp)
            if any_lane(turns):
                wing = where(turns, constants.wing_sd * rng.normal(u[1]), wing)
        left = where(wing < before, 1.0, 0.0)
        right, left_turn = where(wing > 0.0, 1.0, 0.0), maximum(left, left_before)
        for i in range(size):
            public = shocks.publics[first + i]
            public[OPPOSITION, t], public[RIGHT, t] = lane(opposition, i), lane(right, i)
            public[LEFT_TURN, t], public[LEADER, t] = lane(left_turn, i), shocks.leaders[t, first + i].hazard_ratio
        opposition = autoregress(opposition, 0.0, constants.opinion_phi, step, z)


@device
def draw_campaign(seed, path, mission, constants, parameter, campaigns):
    """Draw losses relative to an adaptive reference, the battlefield trend, and their hazard ratio a quarter later."""
    level, reference, surprise, trend = 0.0, 0.0, 0.0, 0.0
    scale = mission.combat + (1.0 - mission.combat) * constants.noncombat_losses
    level_step = scale * sqrt(1.0 - constants.casualty_phi * constants.casualty_phi)
    trend_step = sqrt(1.0 - constants.trend_phi * constants.trend_phi)
    for t in range(campaigns.size):
        campaign, age = campaigns[t], max(mission.age + t - mission.start, 0)
        campaign.hazard_ratio = rule.campaign_hazard_ratio(
            rule.felt_losses(surprise, parameter.loss_aversion),
            constants.losses * parameter.casualties,
            mission.combat * min(age, _LONGEST_COMBAT),
            constants.losses * parameter.combat_drift,
            trend,
            constants.battlefield * parameter.trend,
        )
        if t % LANES == 0:
            u = rng.uniforms(seed, path, rng.times(t), mission.id, rng.CAMPAIGN)
            z_level, z_trend = rng.normal(u[0]), rng.normal(u[1])
        level = autoregress(level, 0.0, constants.casualty_phi, level_step, lane(z_level, t % LANES))
        surprise = level - reference
        reference += constants.casualty_memory * surprise
        trend = autoregress(trend, 0.0, constants.trend_phi, trend_step, lane(z_trend, t % LANES))
        campaign.hand_over = lane(u[2], t % LANES)


@device
def fill_hazards(mission, contingent, consensus, constants, parameter, shocks, s, c):
    """Fill the hazard of defection of contingent c by quarter: own level, time served, leaders, public opinion."""
    country, quarters = contingent.country, shocks.leaders.shape[0]
    served = min(contingent.served, _DURATION_BIN.size)
    for first in range(max(mission.start, 0), min(mission.end, quarters), LANES):
        age = served + first - mission.start
        hazard = shocks.contingents[s, c].defection * load_draws(shocks.durations[0, age : age + LANES])
        if country >= 0:
            public = shocks.publics[country]
            hazard *= load_draws(public[LEADER, first : first + LANES]) * rule.public_hazard_ratio(
                load_draws(public[OPPOSITION, first : first + LANES]),
                consensus,
                constants.opinion * parameter.opposition,
                load_draws(public[RIGHT, first : first + LANES]),
                constants.executive * parameter.right_wing,
                load_draws(public[LEFT_TURN, first : first + LANES]),
                constants.executive * parameter.left_turn,
            )
        store(shocks.hazards[s, c, first : first + LANES], hazard)


@device
def fill_curve_ratios(p, s, c, static, draws, shocks):
    """Fill the factors on the hazards of exits of contingent c by quarter; they stay 1 where the curve has no estimate.

    In the usual course of events leaders change and elections are held as often as in the past, losses are at their
    reference, and all partners are present.
    """
    mission, contingent = static.missions[s], static.contingents[s, c]
    parameter, level = draws.parameters[p], draws.contingents[p, s, c]
    usual, planned = exp(level.defection), exp(level.planned)
    if contingent.country >= 0:
        country = static.countries[contingent.country]
        usual *= rule.leader_hazard_ratio(
            country.usual_change, country.usual_election, parameter.leader_change, parameter.election_ahead
        )
    for t in range(shocks.leaders.shape[0]):
        hazard, past = static.curve_hazards[t, s, c], max(t - mission.start, 0)
        if hazard >= 0.0:
            age = min(contingent.served, _DURATION_BIN.size) + past
            defection = usual * shocks.durations[0, age]
            shocks.curve_ratios[s, c, t] = withdrawal.curve_ratio(
                hazard, defection * shocks.usual_campaign[t], planned * shocks.durations[1, age]
            )


@device
def fill_usual_campaign(mission, constants, parameter, campaign):
    """Fill the hazard ratio of a mission in the usual course of events, by quarter."""
    drift = constants.losses * parameter.combat_drift
    for t in range(campaign.size):
        campaign[t] = mission.combat * min(mission.age + max(t - mission.start, 0), _LONGEST_COMBAT)
    for t in range(0, campaign.size - LANES, LANES):
        fought = load_draws(campaign[t : t + LANES])
        store(campaign[t : t + LANES], rule.campaign_hazard_ratio(0.0, 0.0, fought, drift, 0.0, 0.0))


@device
def draw_numbers(seed, path, size, ids, contingents):
    """Draw the random numbers of the contingents of a mission, LANES of them at a time; those of times are Exp(1)."""
    for first in range(0, size, LANES):
        entities = load_draws(ids[first : first + LANES])
        for k in range(len(_PURPOSES)):
            u = rng.uniforms(seed, path, 0, entities, _PURPOSES[k])
            a, b, c, d = u[0], u[1], u[2], u[3]
            if k < _TIMES:
                a, b, c, d = rng.exponential(a), rng.exponential(b), rng.exponential(c), rng.exponential(d)
            for i in range(min(LANES, size - first)):
                numbers = contingents[first + i].numbers[k]
                numbers[0], numbers[1], numbers[2], numbers[3] = lane(a, i), lane(b, i), lane(c, i), lane(d, i)


@device
def set_planned_cuts(ratio, constants, parameter, shock):
    """Set the planned hazards at which troops are reduced, and what each reduction leaves.

    Reductions come at `ratio` = exp(shift) times the rate of full exits for either cause
    (`forecast.inference.reductions`). Those that go with defection are among the cuts of `set_modes`.
    """
    v, w = shock.numbers[_PLANNED_CUT_TIME], shock.numbers[_PLANNED_CUT_SIZE]
    lower, upper = parameter.mode_lower[REDUCTION], parameter.mode_upper[REDUCTION]
    threshold = 0.0
    for i in range(CUTS):
        threshold += v[i] / ratio if constants.reductions == 1 else math.inf
        shock.planned_cut_threshold[i], shock.planned_cut_quarter[i] = threshold, NEVER
        shock.planned_cut_size[i] = lower + w[i] * (upper - lower)


@device
def plan_withdrawal(mission, served, threshold, b_ending, ratios, shocks, s, c):
    """Set the quarters of a contingent's planned reductions and withdrawal, which no scenario changes.

    `ratios` (Q + LANES,) are the factors of the curve on the hazard of withdrawal.
    """
    shock, hazard, exit_hazard, cuts = shocks.contingents[s, c], 0.0, 0.0, 0
    shock.planned_quarter = NEVER
    last = min(mission.end, shocks.leaders.shape[0])
    for first in range(mission.start, last, LANES):
        age = min(served, _DURATION_BIN.size) + first - mission.start
        rates = rule.ending_hazard_ratio(mission.end - rng.times(first), b_ending) * shock.planned
        rates *= load_draws(shocks.durations[1, age : age + LANES])
        exit_rates = rates * load_draws(ratios[first : first + LANES])
        for i in range(min(LANES, last - first)):
            t = first + i
            hazard += lane(rates, i)
            exit_hazard += lane(exit_rates, i)
            if rule.has_crossed(exit_hazard, threshold):
                shock.planned_quarter = t
                shocks.planned[s, c, t] = shocks.any_planned[s, t] = True
                return
            while cuts < CUTS and rule.has_crossed(hazard, shock.planned_cut_threshold[cuts]):
                shock.planned_cut_quarter[cuts] = t
                shocks.planned[s, c, t] = shocks.any_planned[s, t] = True
                cuts += 1


@device
def set_contingent(parameter, constants, shock):
    """Set a contingent's hazards and thresholds; returns the threshold of its planned withdrawal."""
    shock.defection = exp(parameter.defection + constants.circumstances * parameter.circumstances)
    shock.planned = exp(parameter.planned)
    u, v = shock.numbers[_EXIT], shock.numbers[_CUT_TIME]
    shock.exit_threshold = u[0]
    threshold = 0.0
    for i in range(CUTS):
        threshold += v[i]
        shock.cut_threshold[i] = threshold
    return u[1]


@device
def set_modes(contingent, full_exit, reduction_ratio, parliamentary, constants, parameter, shock):
    """Divide the hazard between full and partial defections; set the mode of each partial one and what it leaves.

    With f full and g partial defections per unit of hazard h, the thresholds E of f h and g h are E / f and E / g of h.
    """
    shares = parameter.mode_shares
    caveat = rule.caveat_share(shares[2], parliamentary, parameter.coalition_caveats)
    reduction_share = shares[0] if constants.modes == 1 else 1.0
    reductions = rule.partial_ratio(full_exit) * reduction_share
    if constants.reductions == 1:
        reductions = reduction_ratio
    ratio = reductions + rule.partial_ratio(full_exit) * (1.0 - reduction_share)
    pull = constants.tether * parameter.tether * contingent.relative_dependence
    full = rule.dependence_factor(ratio, pull)
    partial = ratio + (1.0 - full)
    shock.exit_threshold /= full
    p_reduction = reductions / ratio if ratio > 0.0 else 1.0
    u, v, w = shock.numbers[_CUT_MODE], shock.numbers[_CUT_SIZE], shock.numbers[_CUT_SEEN]
    lower, upper = parameter.mode_lower, parameter.mode_upper
    for i in range(CUTS):
        shock.cut_threshold[i] /= partial
        mode = rule.mode_of(u[i], p_reduction, shares[1], caveat, shares[3])
        shock.cut_mode[i], shock.cut_detected[i] = mode, w[i] < parameter.caveat_detection
        shock.cut_size[i] = lower[mode] + v[i] * (upper[mode] - lower[mode])


@loop
def draw_candidate_missions(seed, path, static, shocks):
    """Draw when each candidate mission would start, who would lead it, and each member's interest in it."""
    constants = static.constants[0]
    for a in range(static.candidate_missions.size):
        entity, candidate = static.candidate_missions[a].id, shocks.candidate_missions[a]
        u = rng.uniforms(seed, path, 0, entity, rng.CANDIDATE_MISSION)
        candidate.start_threshold, candidate.leader = rng.exponential(u[0]), u[1]
        candidate.joined[0], candidate.joined[1] = -1, -1
        common = rng.normal(u[2])
        for m in range(static.members.size):
            if m % LANES == 0:
                v = rng.uniforms(seed, path, entity, load_draws(shocks.member_ids[m : m + LANES]), rng.JOIN)
                own, threshold = rng.normal(v[0]), rng.exponential(v[2])
                interest = rule.interest(common, constants.common_interest, own, constants.own_interest)
            i, shock = m % LANES, shocks.joining[a, m]
            shock.interest = lane(interest, i)
            shock.join, shock.exit_threshold = lane(v[1], i), lane(threshold, i)
