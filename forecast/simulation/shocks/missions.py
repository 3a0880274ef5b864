"""Draw the shocks of missions on one path: campaigns, public opinion, leaders' politics, thresholds of contingents.

Nothing here depends on the scenario, so the effects on the hazards are computed once for each path and shared by its
cells.
"""

import math

from forecast.constants import DURATION_EDGES, bin_table
from forecast.simulation import random_numbers as rng
from forecast.simulation.jit import device, loop
from forecast.simulation.records import CUTS, NEVER, REDUCTION
from forecast.simulation.rules import missions as rule
from forecast.simulation.rules import withdrawal
from forecast.simulation.rules.common import autoregress, bin_of

_DURATION_BIN = bin_table(DURATION_EDGES)
_LONGEST_COMBAT = 40  # quarters of combat after which the drift of the hazard stops


@device
def draw_missions(seed, path, p, static, draws, shocks):
    """Fill the shocks of the missions; the changes of leader must have been drawn before."""
    constants, parameter = static.constants[0], draws.parameters[p]
    for i in range(shocks.durations.shape[1]):
        shocks.durations[0, i] = math.exp(parameter.duration_defection[i])
        shocks.durations[1, i] = math.exp(parameter.duration_planned[i])
    for k in range(static.countries.size):
        draw_public(seed, path, static.countries[k].id, constants, shocks.leaders[:, k], shocks.publics[:, k])
    for s in range(static.missions.size):
        mission, mission_parameter = static.missions[s], draws.missions[p, s]
        draw_campaign(seed, path, mission, constants, parameter, shocks.campaigns[:, s])
        for t in range(shocks.planned.shape[0]):
            shocks.planned[t, s] = 0
        u = rng.uniforms(seed, path, 0, mission.id, rng.CURVE)
        follows = withdrawal.follows_curve(u[0], constants.kaplan_meier_weight)
        for c in range(mission.contingents):
            contingent, shock = static.contingents[s, c], shocks.contingents[s, c]
            threshold = draw_contingent(seed, path, contingent.id, draws.contingents[p, s, c], constants, shock)
            draw_planned_cuts(seed, path, contingent.id, constants, parameter, shock)
            fill_curve_ratios(follows, p, s, c, static, draws, shocks)
            ratios = shocks.curve_ratios[:, s, c]
            plan_withdrawal(mission, contingent.served, threshold, parameter.ending, ratios, shocks, s, shock)
            k = contingent.country
            parliamentary = static.countries[k].parliamentary if k >= 0 else 0
            draw_modes(seed, path, contingent, mission_parameter.full_exit, parliamentary, constants, parameter, shock)
            fill_hazards(mission, contingent, mission_parameter.consensus, constants, parameter, shocks, s, c)


@device
def draw_public(seed, path, entity, constants, leaders, publics):
    """Draw opposition as an AR(1), and the left-right position of each new leader: the old one or a new draw."""
    opposition, step = 0.0, math.sqrt(1.0 - constants.opinion_phi**2)
    wing = constants.wing_sd * rng.normal(rng.uniforms(seed, path, 0, entity, rng.WING)[2])
    for t in range(publics.size):
        u = rng.uniforms(seed, path, t, entity, rng.PUBLIC)
        opposition = autoregress(opposition, 0.0, constants.opinion_phi, step, rng.normal(u[0]))
        before = wing
        if leaders[t].change == 1:
            u = rng.uniforms(seed, path, t, entity, rng.WING)
            if u[0] >= constants.same_camp:
                wing = constants.wing_sd * rng.normal(u[1])
        publics[t].opposition, publics[t].wing = opposition, wing
        publics[t].left = 1 if wing < before else 0


@device
def draw_campaign(seed, path, mission, constants, parameter, campaigns):
    """Draw losses relative to an adaptive reference, the battlefield trend, and their hazard ratio a quarter later."""
    level, reference, surprise, trend = 0.0, 0.0, 0.0, 0.0
    scale = mission.combat + (1.0 - mission.combat) * constants.noncombat_losses
    level_step = scale * math.sqrt(1.0 - constants.casualty_phi**2)
    trend_step = math.sqrt(1.0 - constants.trend_phi**2)
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
        u = rng.uniforms(seed, path, t, mission.id, rng.CAMPAIGN)
        level = autoregress(level, 0.0, constants.casualty_phi, level_step, rng.normal(u[0]))
        surprise = level - reference
        reference += constants.casualty_memory * surprise
        trend = autoregress(trend, 0.0, constants.trend_phi, trend_step, rng.normal(u[1]))
        campaign.hand_over = u[2]


@device
def fill_hazards(mission, contingent, consensus, constants, parameter, shocks, s, c):
    """Fill the hazard of defection of contingent c by quarter: own level, time served, leaders, public opinion."""
    country, opposition, left = contingent.country, 0.0, 0
    for t in range(shocks.hazards.shape[0]):
        age = bin_of(_DURATION_BIN, contingent.served + max(t - mission.start, 0))
        shocks.hazards[t, s, c] = shocks.contingents[s, c].defection * shocks.durations[0, age]
        if country < 0:
            continue
        public = shocks.publics[t, country]
        left_turn = max(left, public.left)
        shocks.hazards[t, s, c] *= shocks.leaders[t, country].hazard_ratio * rule.public_hazard_ratio(
            opposition,
            consensus,
            constants.opinion * parameter.opposition,
            public.wing > 0.0,
            constants.executive * parameter.right_wing,
            left_turn,
            constants.executive * parameter.left_turn,
        )
        opposition, left = public.opposition, public.left


@device
def fill_curve_ratios(follows, p, s, c, static, draws, shocks):
    """Fill the factors on the hazards of exits of contingent c by quarter; they are 1 without the curve.

    In the usual course of events leaders change and elections are held as often as in the past, losses are at their
    reference, and all partners are present.
    """
    mission, contingent, constants = static.missions[s], static.contingents[s, c], static.constants[0]
    parameter, level = draws.parameters[p], draws.contingents[p, s, c]
    usual, planned = math.exp(level.defection), math.exp(level.planned)
    if contingent.country >= 0:
        country = static.countries[contingent.country]
        usual *= rule.leader_hazard_ratio(
            country.usual_change, country.usual_election, parameter.leader_change, parameter.election_ahead
        )
    drift = constants.losses * parameter.combat_drift
    for t in range(shocks.curve_ratios.shape[0]):
        hazard, past = static.curve_hazards[t, s, c], max(t - mission.start, 0)
        shocks.curve_ratios[t, s, c] = 1.0
        if follows and hazard >= 0.0:
            age = bin_of(_DURATION_BIN, contingent.served + past)
            fought = mission.combat * min(mission.age + past, _LONGEST_COMBAT)
            defection = usual * shocks.durations[0, age]
            shocks.curve_ratios[t, s, c] = withdrawal.curve_ratio(
                hazard,
                defection * rule.campaign_hazard_ratio(0.0, 0.0, fought, drift, 0.0, 0.0),
                planned * shocks.durations[1, age],
            )


@device
def draw_planned_cuts(seed, path, entity, constants, parameter, shock):
    """Draw the planned hazards at which troops are reduced, and what each reduction leaves.

    Reductions come at the rate of full exits times exp(shift) for either cause (`forecast.inference.reductions`). Those
    that go with defection are among the cuts of `draw_modes`.
    """
    v = rng.uniforms(seed, path, 0, entity, rng.PLANNED_CUT_TIME)
    w = rng.uniforms(seed, path, 0, entity, rng.PLANNED_CUT_SIZE)
    lower, upper = parameter.mode_lower[REDUCTION], parameter.mode_upper[REDUCTION]
    threshold, ratio = 0.0, math.exp(parameter.reduction)
    for i in range(CUTS):
        threshold += rng.exponential(v[i]) / ratio if constants.reductions == 1 else math.inf
        shock.planned_cut_threshold[i], shock.planned_cut_quarter[i] = threshold, NEVER
        shock.planned_cut_size[i] = lower + w[i] * (upper - lower)


@device
def plan_withdrawal(mission, served, threshold, b_ending, ratios, shocks, s, shock):
    """Set the quarters of a contingent's planned reductions and withdrawal, which no scenario changes.

    `ratios` (Q,) are the factors of the curve on the hazard of withdrawal.
    """
    shock.planned_quarter, hazard, exit_hazard, cuts = NEVER, 0.0, 0.0, 0
    for t in range(mission.start, min(mission.end, shocks.planned.shape[0])):
        age = bin_of(_DURATION_BIN, served + t - mission.start)
        rate = rule.ending_hazard_ratio(mission.end - t, b_ending) * shock.planned * shocks.durations[1, age]
        hazard += rate
        exit_hazard += rate * ratios[t]
        if rule.has_crossed(exit_hazard, threshold):
            shock.planned_quarter = t
            shocks.planned[t, s] += 1
            return
        while cuts < CUTS and rule.has_crossed(hazard, shock.planned_cut_threshold[cuts]):
            shock.planned_cut_quarter[cuts] = t
            shocks.planned[t, s] += 1
            cuts += 1


@device
def draw_contingent(seed, path, entity, parameter, constants, shock):
    """Draw a contingent's hazards and thresholds; returns the threshold of its planned withdrawal."""
    shock.defection = math.exp(parameter.defection + constants.circumstances * parameter.circumstances)
    shock.planned = math.exp(parameter.planned)
    u = rng.uniforms(seed, path, 0, entity, rng.EXIT)
    shock.exit_threshold = rng.exponential(u[0])
    v = rng.uniforms(seed, path, 0, entity, rng.CUT_TIME)
    threshold = 0.0
    for i in range(CUTS):
        threshold += rng.exponential(v[i])
        shock.cut_threshold[i] = threshold
    return rng.exponential(u[1])


@device
def draw_modes(seed, path, contingent, full_exit, parliamentary, constants, parameter, shock):
    """Divide the hazard between full and partial defections; draw the mode of each partial one and what it leaves.

    With f full and g partial defections per unit of hazard h, the thresholds E of f h and g h are E / f and E / g of h.
    """
    shares, entity = parameter.mode_shares, contingent.id
    caveat = rule.caveat_share(shares[2], parliamentary, parameter.coalition_caveats)
    reduction_share = shares[0] if constants.modes == 1 else 1.0
    reductions = rule.partial_ratio(full_exit) * reduction_share
    if constants.reductions == 1:
        reductions = math.exp(parameter.reduction)
    ratio = reductions + rule.partial_ratio(full_exit) * (1.0 - reduction_share)
    pull = constants.tether * parameter.tether * contingent.relative_dependence
    full = rule.dependence_factor(ratio, pull)
    partial = ratio + (1.0 - full)
    shock.exit_threshold /= full
    p_reduction = reductions / ratio if ratio > 0.0 else 1.0
    u = rng.uniforms(seed, path, 0, entity, rng.CUT_MODE)
    v = rng.uniforms(seed, path, 0, entity, rng.CUT_SIZE)
    w = rng.uniforms(seed, path, 0, entity, rng.CUT_SEEN)
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
        common = rng.normal(u[2])
        for m in range(static.members.size):
            u = rng.uniforms(seed, path, entity, static.members[m].id, rng.JOIN)
            shock = shocks.joining[a, m]
            shock.interest = rule.interest(common, constants.common_interest, rng.normal(u[0]), constants.own_interest)
            shock.join, shock.exit_threshold = u[1], rng.exponential(u[2])
