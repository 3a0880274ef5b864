"""The chance of missions in one path: fortunes of campaigns, publics, leaders' politics, fates of contingents.

None of it depends on the scenario, so what it does to the hazards is worked out once a path and shared by its cells.
"""

import math

from forecast.constants import DURATION_EDGES, bin_table
from forecast.simulation import random_numbers as draw
from forecast.simulation.jit import device, loop
from forecast.simulation.records import CUTS, NEVER
from forecast.simulation.rules import missions as rule
from forecast.simulation.rules.common import autoregress, bin_of

_DURATION_BIN = bin_table(DURATION_EDGES)


@device
def draw_missions(seed, path, p, static, draws, shocks):
    """Fill all of `luck` that belongs to missions; leaders have been lived through before."""
    constants, parameter = static.constants[0], draws.parameters[p]
    for i in range(shocks.durations.shape[1]):
        shocks.durations[0, i] = math.exp(parameter.duration_defection[i])
        shocks.durations[1, i] = math.exp(parameter.duration_planned[i])
    for k in range(static.countries.size):
        draw_public(seed, path, static.countries[k].id, constants, shocks.leaders[:, k], shocks.publics[:, k])
    for s in range(static.missions.size):
        mission, own = static.missions[s], draws.missions[p, s]
        draw_campaign(seed, path, mission, constants, parameter, shocks.campaigns[:, s])
        for t in range(shocks.planned.shape[0]):
            shocks.planned[t, s] = 0
        for c in range(mission.contingents):
            contingent, fate = static.contingents[s, c], shocks.contingents[s, c]
            until = draw_contingent(seed, path, contingent.id, draws.contingents[p, s, c], constants, fate)
            plan_withdrawal(mission, contingent.served, until, parameter.ending, shocks, s, fate)
            k = contingent.country
            parliamentary = static.countries[k].parliamentary if k >= 0 else 0
            draw_modes(seed, path, contingent, own.full_exit, parliamentary, constants, parameter, fate)
            expose(mission, contingent, own.consensus, constants, parameter, shocks, s, c)


@device
def draw_public(seed, path, who, constants, leaders, publics):
    """Opposition wanders; a new leader keeps the camp of the last or takes a place on the scale anew."""
    opposition, step = 0.0, math.sqrt(1.0 - constants.opinion_phi**2)
    wing = constants.wing_sd * draw.normal(draw.uniforms(seed, path, 0, who, draw.WING)[2])
    for t in range(publics.size):
        u = draw.uniforms(seed, path, t, who, draw.PUBLIC)
        opposition = autoregress(opposition, 0.0, constants.opinion_phi, step, draw.normal(u[0]))
        before = wing
        if leaders[t].change == 1:
            u = draw.uniforms(seed, path, t, who, draw.WING)
            if u[0] >= constants.same_camp:
                wing = constants.wing_sd * draw.normal(u[1])
        publics[t].opposition, publics[t].wing = opposition, wing
        publics[t].left = 1 if wing < before else 0


@device
def draw_campaign(seed, path, mission, constants, parameter, campaigns):
    """Losses against an adaptive reference, the battlefield, and what both do a quarter later."""
    level, reference, surprise, trend = 0.0, 0.0, 0.0, 0.0
    scale = mission.combat + (1.0 - mission.combat) * constants.noncombat_losses
    level_step = scale * math.sqrt(1.0 - constants.casualty_phi**2)
    trend_step = math.sqrt(1.0 - constants.trend_phi**2)
    for t in range(campaigns.size):
        campaign, age = campaigns[t], max(mission.age + t - mission.start, 0)
        campaign.lift = rule.campaign_hazard_ratio(
            rule.felt_losses(surprise, parameter.loss_aversion),
            constants.losses * parameter.casualties,
            mission.combat * min(age, 40),
            constants.losses * parameter.combat_drift,
            trend,
            constants.battlefield * parameter.trend,
        )
        u = draw.uniforms(seed, path, t, mission.id, draw.CAMPAIGN)
        level = autoregress(level, 0.0, constants.casualty_phi, level_step, draw.normal(u[0]))
        surprise = level - reference
        reference += constants.casualty_memory * surprise
        trend = autoregress(trend, 0.0, constants.trend_phi, trend_step, draw.normal(u[1]))
        campaign.losses, campaign.trend, campaign.hand_over = surprise, trend, u[2]


@device
def expose(mission, contingent, consensus, constants, parameter, shocks, s, c):
    """The hazard of defection of contingent c of mission s by quarter: its own, time served, leaders and publics."""
    country, opposition, left = contingent.country, 0.0, 0
    for t in range(shocks.hazards.shape[0]):
        age = bin_of(_DURATION_BIN, contingent.served + max(t - mission.start, 0))
        shocks.hazards[t, s, c] = shocks.contingents[s, c].defection * shocks.durations[0, age]
        if country < 0:
            continue
        public = shocks.publics[t, country]
        turned = max(left, public.left)
        shocks.hazards[t, s, c] *= shocks.leaders[t, country].lift * rule.public_hazard_ratio(
            opposition,
            consensus,
            constants.opinion * parameter.opposition,
            public.wing > 0.0,
            constants.executive * parameter.right_wing,
            turned,
            constants.executive * parameter.left_turn,
        )
        opposition, left = public.opposition, public.left


@device
def plan_withdrawal(mission, served, until, b_ending, shocks, s, fate):
    """The quarter in which the planned withdrawal of a contingent is due: no scenario moves it."""
    fate.planned_at, hazard = NEVER, 0.0
    for t in range(mission.start, min(mission.end, shocks.planned.shape[0])):
        age = bin_of(_DURATION_BIN, served + t - mission.start)
        ending = rule.ending_hazard_ratio(mission.end - t, b_ending)
        hazard += ending * fate.planned * shocks.durations[1, age]
        if rule.has_crossed(hazard, until):
            fate.planned_at = t
            shocks.planned[t, s] += 1
            return


@device
def draw_contingent(seed, path, who, own, constants, fate):
    """The contingent's own hazards and thresholds; gives that of its planned withdrawal."""
    fate.defection = math.exp(own.defection + constants.circumstances * own.circumstances)
    fate.planned = math.exp(own.planned)
    u = draw.uniforms(seed, path, 0, who, draw.EXIT)
    fate.defects_at = draw.exponential(u[0])
    v = draw.uniforms(seed, path, 0, who, draw.CUT_TIME)
    at = 0.0
    for i in range(CUTS):
        at += draw.exponential(v[i])
        fate.cut_at[i] = at
    return draw.exponential(u[1])


@device
def draw_modes(seed, path, contingent, full_exit, parliamentary, constants, parameter, fate):
    """How much of the hazard is full and how much partial; the mode of each partial defection and what it leaves.

    For f full and g partial defections a unit of hazard, thresholds E of f h and g h are E / f and E / g of h.
    """
    shares, who = parameter.mode_shares, contingent.id
    caveat = rule.caveat_share(shares[2], parliamentary, parameter.coalition_caveats)
    first = shares[0] if constants.modes == 1 else 1.0
    cuts = rule.partial_ratio(full_exit) * first
    if constants.reductions == 1:
        cuts = math.exp(parameter.reduction)
    ratio = cuts + rule.partial_ratio(full_exit) * (1.0 - first)
    pull = constants.tether * parameter.tether * contingent.tether
    full = rule.dependence_factor(ratio, pull)
    partial = ratio + (1.0 - full)
    fate.defects_at /= full
    first = cuts / ratio if ratio > 0.0 else 1.0
    u = draw.uniforms(seed, path, 0, who, draw.CUT_MODE)
    v = draw.uniforms(seed, path, 0, who, draw.CUT_SIZE)
    w = draw.uniforms(seed, path, 0, who, draw.CUT_SEEN)
    for i in range(CUTS):
        fate.cut_at[i] /= partial
        mode = rule.mode_of(u[i], first, shares[1], caveat, shares[3])
        fate.cut_mode[i], fate.cut_seen[i] = mode, w[i] < parameter.caveat_detection
        fate.cut_size[i] = parameter.mode_lower[mode] + v[i] * (parameter.mode_upper[mode] - parameter.mode_lower[mode])


@loop
def draw_candidate_missions(seed, path, static, shocks):
    """When each slot would begin, who would lead, and what its members would make of it."""
    constants = static.constants[0]
    for a in range(static.slots.size):
        who = static.slots[a].id
        u = draw.uniforms(seed, path, 0, who, draw.CANDIDATE_MISSION)
        shocks.slots[a].until, shocks.slots[a].leader = draw.exponential(u[0]), u[1]
        common = draw.normal(u[2])
        for m in range(static.members.size):
            u = draw.uniforms(seed, path, who, static.members[m].id, draw.JOIN)
            one = shocks.joining[a, m]
            one.interest = rule.interest(common, constants.common_interest, draw.normal(u[0]), constants.own_interest)
            one.joins, one.until = u[1], draw.exponential(u[2])
