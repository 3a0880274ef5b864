"""Update the alliance in a quarter: events, factors, cohesion and the other measures.

`step_events` runs after the missions of the quarter. It reads the state at the end of the quarter before, except for
missions and spending, which it reads as they now are. It writes two shifts for each factor: `passing_shift` counts in
this quarter only, `lasting_shift` enters the factor's AR(1) process.
"""

import math

from forecast.names import EVENTS, INDICES
from forecast.simulation import records
from forecast.simulation.elementary import exp
from forecast.simulation.jit import loop
from forecast.simulation.lanes import load, store, where
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules import common
from forecast.simulation.steps import members as member_steps


@loop
def reset_alliance(static, members, cell, parameter, posture, path_state):
    """Set the start: all members inside, no event so far, initial confidence and credibility, all American troops."""
    alliance = path_state.alliance[0]
    for f in range(4):
        store(alliance.process[f], parameter.factor_start[f])
    store(alliance.threat, 1.0)
    store(alliance.cohesion, rule.cohesion_index(parameter.weights, parameter.factor_start))
    alliance.rally, alliance.onset, alliance.strain = 0.0, 0.0, 0.0
    for value in (
        alliance.burden,
        alliance.spending_rise,
        alliance.us_burden_gap,
        alliance.departed_weight,
        alliance.heterogeneity,
        alliance.low_alignment,
        alliance.absent,
        alliance.us_notice_hazard,
        alliance.us_drawdown_hazard,
        alliance.article5_shock,
        alliance.broken_until,
    ):
        store(value, 0.0)
    store(alliance.us_drawdowns, 0)
    store(alliance.next_drawdown, posture.drawdown_threshold[0])
    store(alliance.credibility, load(cell.credibility))
    store(alliance.us_troops_left, 1.0)
    store(alliance.article5, parameter.article5)
    alliance.initial_european = 0.0
    for i in range(len(EVENTS)):
        store(alliance.happened[i], 0.0)
    for i in range(len(INDICES)):
        store(alliance.index[i], 0.0)
    store(alliance.index[records.DETERRENCE], 0.5)
    for m in range(members.size):
        ally = path_state.allies[m]
        store(ally.share, members[m].start)
        store(ally.status, float(records.INSIDE))
        store(ally.notice_end, 0)
        store(ally.notice_hazard, 0.0)
        if not math.isnan(members[m].start):
            alliance.initial_european += static.members[m].european * exp(members[m].start)
    store(alliance.european, alliance.initial_european)


@loop
def happens(alliance, event):
    """Note that an event happens in all cells."""
    store(alliance.happened[event], 1.0)


@loop
def shift(shifts, factor, size):
    """Add to the shift of a factor."""
    store(shifts[factor], load(shifts[factor]) + size)


@loop
def factors_of(alliance):
    """Return the four factors."""
    return load(alliance.factors[0]), load(alliance.factors[1]), load(alliance.factors[2]), load(alliance.factors[3])


@loop
def step_threat(t, constants, cell, noise, alliance):
    """Move the threat level (step 1): the target is that of the war from the onset, lowered by deterrence feedback."""
    target = load(cell.threat_target) if t >= constants.onset else constants.neutral_target
    target = rule.deterred(target, constants.deterrence_feedback, load(alliance.index[records.DETERRENCE]))
    store(
        alliance.threat,
        rule.threat_level(
            load(alliance.threat), target, constants.threat_persistence, constants.threat_sd, noise.threat
        ),
    )


@loop
def pledge_multiplier(constants, cell, cell_parameter, alliance):
    """Return the design's factor on the response to the pledge, weighted by its credibility."""
    multiplier = load(cell.pledge_multiplier)
    if constants.backsliding == 0:
        return multiplier
    credible = rule.credible_multiplier(load(alliance.credibility), multiplier, load(cell_parameter.backsliding))
    return where(load(cell.promise) == 0.0, multiplier, credible)


@loop
def update_burdens(constants, total, path_state):
    """Update European spending against its start and the American against the European burden.

    `total` is the weighted share of the European members that are still inside. If none is left, the measures keep
    their values.
    """
    alliance, usa = path_state.alliance[0], constants.ally_usa
    known, before, left = total != 0.0, load(alliance.european), 1.0 - load(alliance.departed_weight)
    european = where(known, where(left < 1.0, total / where(known, left, 1.0), total), before)
    store(alliance.european, european)
    burden = rule.burden_composite(european, alliance.initial_european, constants.burden_sd)
    store(alliance.burden, where(known, burden, load(alliance.burden)))
    rise = european - alliance.initial_european
    store(alliance.spending_rise, where(known, rise, load(alliance.spending_rise)))
    if usa >= 0 and not math.isnan(path_state.allies[usa].share[0]):
        share = load(path_state.allies[usa].share)
        gap = rule.burden_gap(share, european, constants.burden_gap, constants.burden_sd)
        store(alliance.us_burden_gap, where(known, gap, load(alliance.us_burden_gap)))


@loop
def step_events(t, p, block, static, draws, shocks, path_state):
    """Apply the events of quarter t (step 5 of a quarter)."""
    constants, parameter, alliance = static.constants[0], draws.parameters[p], path_state.alliance[0]
    cell, noise = path_state.cells[block], shocks.alliance[t]
    for f in range(4):
        store(alliance.passing_shift[f], 0.0)
        store(alliance.lasting_shift[f], 0.0)
    store(alliance.article5_shock, 0.0)
    apply_crises(t, constants, parameter, noise, alliance)
    apply_leaders(constants, parameter, noise, alliance)
    apply_veto(constants, parameter, noise, alliance)
    apply_dispute(t, constants, parameter, noise, static.missions, alliance)
    member_steps.answer_call(t, constants, parameter, static, shocks, path_state)
    part = common.ramp(t, constants.onset, load(cell.design_ramp))
    member_steps.update_membership(t, p, part, static, draws, shocks, path_state)
    member_steps.update_us_posture(t, part, cell, static, parameter, shocks, path_state)
    member_steps.update_us_troops(t, constants, cell, parameter, path_state.cell_parameters[0], alliance)
    confidence = rule.next_confidence(
        load(alliance.article5),
        parameter.article5,
        constants.article5_persistence,
        constants.article5 * load(alliance.article5_shock),
    )
    store(alliance.article5, confidence)
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
    passing = alliance.passing_shift
    shift(passing, records.LEADERSHIP, parameter.crisis_rally * alliance.rally)
    shift(passing, records.THREATS, rule.crisis_strain(parameter.crisis_strain, alliance.strain, alliance.onset))
    shift(passing, records.INSTITUTIONS, rule.crisis_strain(parameter.crisis_cost, alliance.strain, alliance.onset))
    wedge = max(constants.wedges * noise.wedge, 1 if t == constants.china_wedge else 0)
    shift(alliance.lasting_shift, records.THREATS, wedge * parameter.wedge)
    if crisis == 1:
        happens(alliance, records.CRISIS)
    if wedge == 1:
        happens(alliance, records.WEDGE)


@loop
def apply_leaders(constants, parameter, noise, alliance):
    """Apply the orientation of leaders, their blame of the alliance, and the effects of spending."""
    shift(
        alliance.passing_shift,
        records.LEADERSHIP,
        constants.orientation * parameter.orientation * noise.orientation_change,
    )
    blame = constants.scapegoating * noise.scapegoat
    shift(alliance.lasting_shift, records.LEADERSHIP, blame * parameter.scapegoat)
    if blame > 0.0:
        happens(alliance, records.SCAPEGOAT)
    burden, rise = load(alliance.burden), load(alliance.spending_rise)
    shift(alliance.passing_shift, records.INSTITUTIONS, constants.burden * parameter.burden_sharing * burden)
    shift(alliance.passing_shift, records.LEADERSHIP, constants.spending_cost * parameter.spending_cost * rise)


@loop
def apply_veto(constants, parameter, noise, alliance):
    """Block a decision or not, given last quarter's heterogeneity, low alignment and absence."""
    if constants.vetoes == 0:
        return
    logit = rule.block_logit(
        parameter.block_base,
        parameter.block_spread,
        load(alliance.heterogeneity),
        parameter.block_low,
        load(alliance.low_alignment),
        parameter.block_absent,
        load(alliance.absent),
    )
    blocks = noise.block < rule.logistic(logit)
    shift(alliance.lasting_shift, records.INSTITUTIONS, where(blocks, parameter.block, 0.0))
    store(alliance.happened[records.BLOCK], where(blocks, 1.0, load(alliance.happened[records.BLOCK])))


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
    shift(alliance.lasting_shift, records.LEADERSHIP, worst * parameter.dispute)
    happens(alliance, records.DISPUTE)


@loop
def step_factors(t, collapse, constants, cell, parameter, shifts, noise, alliance):
    """Update the factors (step 6): F = r_war delta_war + r_design fade delta_design + G + passing shift.

    G is the AR(1) process with the lasting shifts. `collapse` is the summed stake of the missions that collapse now.
    """
    war_part = common.ramp(t, constants.onset, load(cell.war_ramp))
    design_part = common.ramp(t, constants.onset, load(cell.design_ramp))
    for f in range(4):
        step = common.autoregress(
            load(alliance.process[f]), 0.0, constants.factor_phi, constants.factor_innovation, noise.factors[f]
        )
        process = collapse * parameter.collapse_shock[f] + step
        process += load(alliance.lasting_shift[f])
        store(alliance.process[f], process)
        faded = common.fade(t, constants.onset, load(cell.half_life[f]))
        store(
            alliance.factors[f],
            war_part * load(shifts.war_shift[f])
            + design_part * faded * load(shifts.design_shift[f])
            + process
            + load(alliance.passing_shift[f]),
        )


@loop
def update_cohesion(t, constants, parameter, shocks, alliance):
    """Compute cohesion from the factors and the confidence in Article 5, and the other measures (step 7)."""
    confidence = parameter.article5_effect * (load(alliance.article5) - constants.article5_usual)
    confidence = constants.article5 * confidence
    weights, factors, burden = parameter.weights, factors_of(alliance), load(alliance.burden)
    cohesion = rule.cohesion_index(weights, factors) + confidence * (1.0 - weights[records.INSTITUTIONS])
    broken = rule.broken_index(cohesion, parameter.verdict_low, parameter.rater_sd)
    store(alliance.cohesion, where(t < load(alliance.broken_until), broken, cohesion))
    military = rule.military_index(factors[records.INSTITUTIONS], burden)
    index = alliance.index
    store(index[records.POLITICAL], rule.political_index(weights, factors, confidence))
    store(index[records.MILITARY], military)
    store(index[records.DISCORDANCE], rule.discordance(factors))
    store(index[records.HETEROGENEITY], load(alliance.heterogeneity))
    store(index[records.CONVERGENCE], -load(alliance.threat) * shocks.path[0].threat_spread)
    store(index[records.ARTICLE5], load(alliance.article5))
    store(index[records.DETERRENCE], rule.deterrence_signal(military, confidence))
