"""Update the alliance in a quarter: events, factors, cohesion and the other measures.

`step_events` runs after the missions of the quarter. It reads the state at the end of the quarter before, except for
missions and spending, which it reads as they now are. It writes two shifts for each factor: `passing_shift` counts in
this quarter only, `lasting_shift` enters the factor's AR(1) process.
"""

import math

from forecast.names import EVENTS, INDICES
from forecast.simulation import records
from forecast.simulation.jit import loop
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules import common
from forecast.simulation.steps import members as member_steps


@loop
def reset_alliance(static, members, cell, parameter, path_state):
    """Set the start: all members inside, no event so far, initial confidence and credibility, all American troops."""
    alliance = path_state.alliance[0]
    for f in range(4):
        alliance.passing_shift[f], alliance.lasting_shift[f] = 0.0, 0.0
    alliance.rally, alliance.onset, alliance.strain = 0.0, 0.0, 0.0
    alliance.burden, alliance.spending_rise, alliance.us_burden_gap = 0.0, 0.0, 0.0
    alliance.departed_weight = 0.0
    alliance.heterogeneity, alliance.low_alignment, alliance.absent = 0.0, 0.0, 0.0
    alliance.credibility, alliance.us_troops_left = cell.credibility, 1.0
    alliance.us_notice_hazard, alliance.us_drawdown_hazard, alliance.us_drawdowns = 0.0, 0.0, 0
    alliance.article5, alliance.article5_shock = parameter.article5, 0.0
    alliance.broken_until = 0
    alliance.initial_european = 0.0
    for i in range(len(EVENTS)):
        alliance.happened[i] = 0
    for i in range(len(INDICES)):
        alliance.index[i] = 0.0
    alliance.index[records.DETERRENCE] = 0.5
    for m in range(members.size):
        ally = path_state.allies[m]
        ally.status, ally.notice_end, ally.notice_hazard = records.INSIDE, 0, 0.0
        if not math.isnan(members[m].start):
            alliance.initial_european += static.members[m].european * math.exp(members[m].start)
    alliance.european = alliance.initial_european


@loop
def threat_target(t, constants, cell, alliance):
    """Return the target of the threat level: that of the war from the onset, lowered by deterrence feedback."""
    target = cell.threat_target if t >= constants.onset else constants.neutral_target
    return rule.deterred(target, constants.deterrence_feedback, alliance.index[records.DETERRENCE])


@loop
def pledge_multiplier(constants, cell, cell_parameter, alliance):
    """Return the design's factor on the response to the pledge, weighted by its credibility."""
    if constants.backsliding == 0 or cell.promise == 0:
        return cell.pledge_multiplier
    return rule.credible_multiplier(alliance.credibility, cell.pledge_multiplier, cell_parameter.backsliding)


@loop
def update_burdens(constants, total, path_state):
    """Update European spending against its start and the American against the European burden.

    `total` is the weighted share of the European members that are still inside. If none is left, the measures keep
    their values.
    """
    alliance, usa = path_state.alliance[0], constants.ally_usa
    if total == 0.0:
        return
    alliance.european = total / (1.0 - alliance.departed_weight) if alliance.departed_weight > 0.0 else total
    alliance.burden = rule.burden_composite(alliance.european, alliance.initial_european, constants.burden_sd)
    alliance.spending_rise = alliance.european - alliance.initial_european
    if usa >= 0 and not math.isnan(path_state.shares[usa]):
        alliance.us_burden_gap = rule.burden_gap(
            path_state.shares[usa], alliance.european, constants.burden_gap, constants.burden_sd
        )


@loop
def step_events(t, p, n, static, draws, shocks, path_state):
    """Apply the events of quarter t (step 5 of a quarter)."""
    constants, parameter, alliance = static.constants[0], draws.parameters[p], path_state.alliance[0]
    noise = shocks.alliance[t]
    for f in range(4):
        alliance.passing_shift[f], alliance.lasting_shift[f] = 0.0, 0.0
    alliance.article5_shock = 0.0
    apply_crises(t, constants, parameter, noise, alliance)
    apply_leaders(constants, parameter, noise, alliance)
    apply_veto(constants, parameter, noise, alliance)
    apply_dispute(t, constants, parameter, noise, static.missions, alliance)
    member_steps.answer_call(t, constants, parameter, static, shocks, path_state)
    member_steps.update_membership(t, p, n, static, draws, shocks, path_state)
    member_steps.update_us_posture(t, n, static, parameter, shocks, path_state)
    member_steps.update_us_troops(t, constants, static.cells[n], parameter, draws.cells[p, n], alliance)
    alliance.article5 = rule.next_confidence(
        alliance.article5,
        parameter.article5,
        constants.article5_persistence,
        constants.article5 * alliance.article5_shock,
    )
    member_steps.update_absence(t, static, path_state)


@loop
def apply_crises(t, constants, parameter, noise, alliance):
    """Apply crises and wedges.

    A crisis rallies leadership for a short time; its strain on threats and institutions comes later and lasts longer.
    """
    crisis = max(constants.crises * noise.crisis, 1 if t == constants.crisis else 0)
    alliance.rally = rule.echo(alliance.rally, constants.rally_decay, crisis)
    alliance.onset = rule.echo(alliance.onset, constants.onset_decay, crisis)
    alliance.strain = rule.echo(alliance.strain, constants.strain_decay, crisis)
    alliance.passing_shift[records.LEADERSHIP] += parameter.crisis_rally * alliance.rally
    alliance.passing_shift[records.THREATS] += rule.crisis_strain(
        parameter.crisis_strain, alliance.strain, alliance.onset
    )
    alliance.passing_shift[records.INSTITUTIONS] += rule.crisis_strain(
        parameter.crisis_cost, alliance.strain, alliance.onset
    )
    wedge = max(constants.wedges * noise.wedge, 1 if t == constants.china_wedge else 0)
    alliance.lasting_shift[records.THREATS] += wedge * parameter.wedge
    alliance.happened[records.CRISIS] = max(alliance.happened[records.CRISIS], crisis)
    alliance.happened[records.WEDGE] = max(alliance.happened[records.WEDGE], wedge)


@loop
def apply_leaders(constants, parameter, noise, alliance):
    """Apply the orientation of leaders, their blame of the alliance, and the effects of spending."""
    alliance.passing_shift[records.LEADERSHIP] += (
        constants.orientation * parameter.orientation * noise.orientation_change
    )
    blame = constants.scapegoating * noise.scapegoat
    alliance.lasting_shift[records.LEADERSHIP] += blame * parameter.scapegoat
    if blame > 0.0:
        alliance.happened[records.SCAPEGOAT] = 1
    alliance.passing_shift[records.INSTITUTIONS] += constants.burden * parameter.burden_sharing * alliance.burden
    alliance.passing_shift[records.LEADERSHIP] += (
        constants.spending_cost * parameter.spending_cost * alliance.spending_rise
    )


@loop
def apply_veto(constants, parameter, noise, alliance):
    """Block a decision or not, given last quarter's heterogeneity, low alignment and absence."""
    if constants.vetoes == 0:
        return
    logit = rule.block_logit(
        parameter.block_base,
        parameter.block_spread,
        alliance.heterogeneity,
        parameter.block_low,
        alliance.low_alignment,
        parameter.block_absent,
        alliance.absent,
    )
    if noise.block < rule.logistic(logit):
        alliance.lasting_shift[records.INSTITUTIONS] += parameter.block
        alliance.happened[records.BLOCK] = 1


@loop
def apply_dispute(t, constants, parameter, noise, missions, alliance):
    """Apply a dispute over the contentious mission with the largest effect.

    Without such a mission the dispute is over an operation outside the alliance, as over Suez in 1956.
    """
    if max(constants.disputes * noise.dispute, 1 if t == constants.dispute else 0) == 0:
        return
    worst = rule.valve(False, parameter.dispute_outside)
    for s in range(missions.size):
        if missions[s].contentious == 1 and missions[s].start <= t < missions[s].end:
            worst = max(worst, rule.valve(missions[s].veto == 1, parameter.dispute_outside))
    alliance.lasting_shift[records.LEADERSHIP] += worst * parameter.dispute
    alliance.happened[records.DISPUTE] = 1


@loop
def update_cohesion(t, constants, parameter, shocks, alliance):
    """Compute cohesion from the factors and the confidence in Article 5, and the other measures (step 7)."""
    confidence = parameter.article5_effect * (alliance.article5 - constants.article5_usual)
    confidence = constants.article5 * confidence
    weights = parameter.weights
    outside_institutions = 1.0 - weights[records.INSTITUTIONS]
    alliance.cohesion = rule.cohesion_index(weights, alliance.factors) + confidence * outside_institutions
    if t < alliance.broken_until:
        alliance.cohesion = rule.broken_index(alliance.cohesion, parameter.verdict_low, parameter.rater_sd)
    index = alliance.index
    index[records.POLITICAL] = rule.political_index(weights, alliance.factors, confidence)
    index[records.MILITARY] = rule.military_index(alliance.factors[records.INSTITUTIONS], alliance.burden)
    index[records.DISCORDANCE] = rule.discordance(alliance.factors)
    index[records.HETEROGENEITY] = alliance.heterogeneity
    index[records.CONVERGENCE] = -alliance.threat * shocks.path[0].threat_spread
    index[records.ARTICLE5] = alliance.article5
    index[records.DETERRENCE] = rule.deterrence_signal(index[records.MILITARY], confidence)


@loop
def step_factors(t, collapse, constants, cell, parameter, shifts, noise, alliance):
    """Update the factors (step 6): F = r_war delta_war + r_design fade delta_design + G + passing shift.

    G is the AR(1) process with the lasting shifts. `collapse` is the summed stake of the missions that collapse now.
    """
    war_part = common.ramp(t, constants.onset, cell.war_ramp)
    design_part = common.ramp(t, constants.onset, cell.design_ramp)
    for f in range(4):
        alliance.process[f] = collapse * parameter.collapse_shock[f] + common.autoregress(
            alliance.process[f],
            0.0,
            constants.factor_phi,
            constants.factor_innovation,
            noise.factors[f],
        )
        alliance.process[f] += alliance.lasting_shift[f]
        faded = common.fade(t, constants.onset, cell.half_life[f])
        alliance.factors[f] = (
            war_part * shifts.war_shift[f]
            + design_part * faded * shifts.design_shift[f]
            + alliance.process[f]
            + alliance.passing_shift[f]
        )
