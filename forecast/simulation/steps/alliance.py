"""The loops of the alliance: what befalls it in a quarter, and what is measured of it. Formulas stand in the rules.

`befall` runs after the missions of a quarter and reads the state at the end of the quarter before, but for missions and
spending, which it takes as they now are. It writes what passes (`shift`) and what lasts (`pulse`) for each factor.
"""

import math

from forecast.names import EVENTS, INDICES
from forecast.simulation import records as at
from forecast.simulation.jit import loop
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules import common
from forecast.simulation.steps import members as member_steps


@loop
def reset_alliance(static, members, cell, parameter, path_state):
    """The start: all are in, nothing has happened, confidence as believed, troops whole."""
    alliance = path_state.alliance[0]
    for f in range(4):
        alliance.shift[f], alliance.pulse[f] = 0.0, 0.0
    alliance.rally, alliance.onset, alliance.strain = 0.0, 0.0, 0.0
    alliance.burden, alliance.cost, alliance.gap, alliance.gone = 0.0, 0.0, 0.0, 0.0
    alliance.heterogeneity, alliance.low, alliance.absent = 0.0, 0.0, 0.0
    alliance.credibility, alliance.kept = cell.credibility, 1.0
    alliance.us_notice, alliance.us_drawdown, alliance.us_cuts = 0.0, 0.0, 0
    alliance.article5, alliance.article5_shock = parameter.article5, 0.0
    alliance.broken_until = 0
    alliance.start = 0.0
    for i in range(len(EVENTS)):
        alliance.happened[i] = 0
    for i in range(len(INDICES)):
        alliance.index[i] = 0.0
    alliance.index[at.DETERRENCE] = 0.5
    for m in range(members.size):
        ally = path_state.allies[m]
        ally.status, ally.until, ally.notice = at.INSIDE, 0, 0.0
        if not math.isnan(members[m].start):
            alliance.start += static.members[m].european * math.exp(members[m].start)
    alliance.european = alliance.start


@loop
def threat_target(t, constants, cell, alliance):
    """Where the threat level is drawn to: by the war from its onset, less what deterrence does by the knob."""
    target = cell.threat_target if t >= constants.onset else constants.neutral_target
    return rule.deterred(target, constants.deterrence_feedback, alliance.index[at.DETERRENCE])


@loop
def pledge_multiplier(constants, cell, own, alliance):
    """What the design asks of the response to the pledge, as far as Europe believes it."""
    if constants.backsliding == 0 or cell.promise == 0:
        return cell.pledge_multiplier
    return rule.believed_multiplier(alliance.credibility, cell.pledge_multiplier, own.backsliding)


@loop
def weigh_burdens(constants, total, path_state):
    """After a round of spending: Europe against its start, and the United States against Europe.

    `total` is that of the European members that are left; when none is, the figures stay as they were.
    """
    alliance, usa = path_state.alliance[0], constants.ally_usa
    if total == 0.0:
        return
    alliance.european = total / (1.0 - alliance.gone) if alliance.gone > 0.0 else total
    alliance.burden = rule.burden_composite(alliance.european, alliance.start, constants.burden_sd)
    alliance.cost = alliance.european - alliance.start
    if usa >= 0 and not math.isnan(path_state.shares[usa]):
        alliance.gap = rule.burden_gap(
            path_state.shares[usa], alliance.european, constants.burden_gap, constants.burden_sd
        )


@loop
def step_events(t, p, n, static, draws, shocks, path_state):
    """What befalls the alliance in quarter t."""
    constants, parameter, alliance = static.constants[0], draws.parameters[p], path_state.alliance[0]
    noise = shocks.alliance[t]
    for f in range(4):
        alliance.shift[f], alliance.pulse[f] = 0.0, 0.0
    alliance.article5_shock = 0.0
    apply_crises(t, constants, parameter, noise, alliance)
    apply_leaders(constants, parameter, noise, alliance)
    veto(constants, parameter, noise, alliance)
    dispute(t, constants, parameter, noise, static.missions, alliance)
    member_steps.grey_zone(t, constants, parameter, static, shocks, path_state)
    member_steps.update_membership(t, p, n, static, draws, shocks, path_state)
    member_steps.update_us_posture(t, n, static, parameter, shocks, path_state)
    member_steps.update_us_troops(t, constants, static.cells[n], parameter, draws.cells[p, n], alliance)
    alliance.article5 = rule.next_confidence(
        alliance.article5,
        parameter.article5,
        constants.article5_persistence,
        constants.article5 * alliance.article5_shock,
    )
    member_steps.count_absent(t, static, path_state)


@loop
def apply_crises(t, constants, parameter, noise, alliance):
    """A rally of leadership that soon fades; strain on threats and institutions that shows late and lasts; wedges."""
    crisis = max(constants.crises * noise.crisis, 1 if t == constants.crisis else 0)
    alliance.rally = rule.echo(alliance.rally, constants.rally_decay, crisis)
    alliance.onset = rule.echo(alliance.onset, constants.onset_decay, crisis)
    alliance.strain = rule.echo(alliance.strain, constants.strain_decay, crisis)
    alliance.shift[at.LEADERSHIP] += parameter.crisis_rally * alliance.rally
    alliance.shift[at.THREATS] += rule.crisis_strain(parameter.crisis_strain, alliance.strain, alliance.onset)
    alliance.shift[at.INSTITUTIONS] += rule.crisis_strain(parameter.crisis_cost, alliance.strain, alliance.onset)
    wedge = max(constants.wedges * noise.wedge, 1 if t == constants.china_wedge else 0)
    alliance.pulse[at.THREATS] += wedge * parameter.wedge
    alliance.happened[at.CRISIS] = max(alliance.happened[at.CRISIS], crisis)
    alliance.happened[at.WEDGE] = max(alliance.happened[at.WEDGE], wedge)


@loop
def apply_leaders(constants, parameter, noise, alliance):
    """Orientation of leaders, blame of the alliance, and what the burdens do."""
    alliance.shift[at.LEADERSHIP] += constants.orientation * parameter.orientation * noise.voice
    blame = constants.scapegoating * noise.scapegoat
    alliance.pulse[at.LEADERSHIP] += blame * parameter.scapegoat
    if blame > 0.0:
        alliance.happened[at.SCAPEGOAT] = 1
    alliance.shift[at.INSTITUTIONS] += constants.burden * parameter.burden_sharing * alliance.burden
    alliance.shift[at.LEADERSHIP] += constants.spending_cost * parameter.spending_cost * alliance.cost


@loop
def veto(constants, parameter, noise, alliance):
    """A member blocks, or does not, by the heterogeneity and the absence of the quarter before."""
    if constants.vetoes == 0:
        return
    logit = rule.block_logit(
        parameter.block_base,
        parameter.block_spread,
        alliance.heterogeneity,
        parameter.block_low,
        alliance.low,
        parameter.block_absent,
        alliance.absent,
    )
    if noise.block < rule.logistic(logit):
        alliance.pulse[at.INSTITUTIONS] += parameter.block
        alliance.happened[at.BLOCK] = 1


@loop
def dispute(t, constants, parameter, noise, missions, alliance):
    """Allies fall out over the mission that hurts most; nothing where none is contentious."""
    if max(constants.disputes * noise.dispute, 1 if t == constants.dispute else 0) == 0:
        return
    worst = 0.0
    for s in range(missions.size):
        if missions[s].contentious == 1 and missions[s].start <= t < missions[s].end:
            worst = max(worst, rule.valve(missions[s].veto == 1, parameter.dispute_outside))
    if worst > 0.0:
        alliance.pulse[at.LEADERSHIP] += worst * parameter.dispute
        alliance.happened[at.DISPUTE] = 1


@loop
def update_cohesion(t, constants, parameter, shocks, alliance):
    """Cohesion from the factors and from faith in Article 5, and all other measures."""
    confidence = parameter.article5_effect * (alliance.article5 - constants.article5_usual)
    confidence = constants.article5 * confidence
    weights = parameter.weights
    alliance.cohesion = rule.cohesion_index(weights, alliance.factors) + confidence * (1.0 - weights[at.INSTITUTIONS])
    if t < alliance.broken_until:
        alliance.cohesion = rule.broken_index(alliance.cohesion, parameter.verdict_low, parameter.rater_sd)
    index = alliance.index
    index[at.POLITICAL] = rule.political_index(weights, alliance.factors, confidence)
    index[at.MILITARY] = rule.military_index(alliance.factors[at.INSTITUTIONS], alliance.burden)
    index[at.DISCORDANCE] = rule.discordance(alliance.factors)
    index[at.HETEROGENEITY] = alliance.heterogeneity
    index[at.CONVERGENCE] = -alliance.threat * shocks.path[0].threat_spread
    index[at.ARTICLE5] = alliance.article5
    index[at.DETERRENCE] = rule.deterrence_signal(index[at.MILITARY], confidence)


@loop
def step_factors(t, shock, constants, cell, parameter, shifts, noise, alliance):
    """Step 6: F = r_war delta_war + r_design delta_design fade + G + passing shift."""
    war_part = common.ramp(t, constants.onset, cell.war_ramp)
    design_part = common.ramp(t, constants.onset, cell.design_ramp)
    for f in range(4):
        alliance.process[f] = shock * parameter.collapse_shock[f] + common.autoregress(
            alliance.process[f],
            0.0,
            constants.factor_phi,
            constants.factor_innovation,
            noise.factors[f],
        )
        alliance.process[f] += alliance.pulse[f]
        faded = common.fade(t, constants.onset, cell.half_life[f])
        alliance.factors[f] = (
            war_part * shifts.war_shift[f]
            + design_part * faded * shifts.design_shift[f]
            + alliance.process[f]
            + alliance.shift[f]
        )
