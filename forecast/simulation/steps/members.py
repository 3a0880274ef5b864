"""Update the members in a quarter: answers to a call, notices and exits, American posture and troops."""

import math

from forecast.simulation import records
from forecast.simulation.jit import loop
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules import common, spending
from forecast.simulation.rules.missions import has_crossed

_MANY_REFUSALS = 3  # refusals that count as the event `three_refusals`


@loop
def answer_call(t, constants, parameter, static, shocks, path_state):
    """In the quarter of a grey-zone attack each member honours the treaty or not; too few break trust in it."""
    if t != constants.grey_zone:
        return
    alliance, honoured, total, refusals = path_state.alliance[0], 0.0, 0.0, 0
    confidence = alliance.article5 - constants.article5_usual
    for m in range(static.members.size):
        if path_state.allies[m].status != records.OUTSIDE:
            member = static.members[m]
            logit = rule.honour_logit(
                parameter.honour,
                parameter.honour_confidence,
                confidence,
                parameter.honour_distance,
                member.distance_z,
                parameter.honour_orientation,
                shocks.orientation[t, m],
            )
            total += member.weight
            if logit + shocks.allies[m].honour > 0.0:
                honoured += member.weight
            else:
                refusals += 1
    if total == 0.0:  # no member is left
        return
    if refusals >= _MANY_REFUSALS:
        alliance.happened[records.THREE_REFUSALS] = 1
    alliance.article5_shock += parameter.article5_refusal * (1.0 - honoured / total)
    if honoured < constants.honour_line * total:
        alliance.broken_until = t + constants.broken_quarters
        alliance.happened[records.TREATY_BROKEN] = 1


@loop
def update_membership(t, p, n, static, draws, shocks, path_state):
    """Update notices and exits of all members, and the alignment of those that remain."""
    constants, parameter, cell_parameter = static.constants[0], draws.parameters[p], draws.cells[p, n]
    alliance = path_state.alliance[0]
    part = common.ramp(t, constants.onset, static.cells[n].design_ramp)
    hazard = (
        parameter.notice_rate
        * constants.alliance_exits
        * rule.notice_hazard_ratio(
            parameter.notice_cohesion,
            alliance.cohesion,
            t < alliance.broken_until,
            constants.exit_factor,
        )
    )
    sceptic = math.exp(parameter.notice_sceptic)
    count, total, squares, low = 0, 0.0, 0.0, 0
    for m in range(static.members.size):
        ally, orientation = path_state.allies[m], shocks.orientation[t, m]
        if ally.status == records.OUTSIDE:
            continue
        if m != constants.ally_usa:
            ally.notice_hazard += hazard * (sceptic if orientation < 0.0 else 1.0)
            update_notice(t, parameter, constants, shocks.allies[m], ally, alliance)
            if ally.status == records.OUTSIDE:
                alliance.departed_weight += static.members[m].european
                continue
        shift = cell_parameter.alignment_firm if static.members[m].firm > 0.0 else cell_parameter.alignment_frail
        alignment = orientation + part * shift
        count += 1
        total += alignment
        squares += alignment * alignment
        low += 1 if alignment < constants.low_alignment else 0
    alliance.heterogeneity = rule.heterogeneity(total, squares, max(count, 1))
    alliance.low_alignment = low / max(count, 1)
    command_exits = constants.alliance_exits * shocks.alliance[t].command_exits
    alliance.lasting_shift[records.INSTITUTIONS] += command_exits * parameter.command_exit
    if command_exits > 0:
        alliance.happened[records.COMMAND_EXIT] = 1


@loop
def update_notice(t, parameter, constants, shock, ally, alliance):
    """Update the notice of a member other than the United States.

    It gives notice at most once. At the end of the notice period it leaves or takes the notice back.
    """
    if ally.status == records.LEAVING and t >= ally.notice_end:
        ally.status = records.INSIDE if shock.reversal < parameter.notice_reversed else records.OUTSIDE
        if ally.status == records.OUTSIDE:
            alliance.happened[records.EXIT] = 1
    elif (
        ally.status == records.INSIDE
        and ally.notice_end == 0
        and has_crossed(ally.notice_hazard, shock.notice_threshold)
    ):
        ally.status, ally.notice_end = records.LEAVING, t + constants.notice_quarters
        alliance.lasting_shift[records.NORMS] += parameter.notice_norms
        alliance.happened[records.NOTICE] = 1


@loop
def update_us_posture(t, n, static, parameter, shocks, path_state):
    """Update the notice of the United States, its outcome, and the draw-downs of their troops."""
    constants, alliance, cell = static.constants[0], path_state.alliance[0], static.cells[n]
    if constants.us_posture == 0 or constants.ally_usa < 0:
        return
    usa, shock = path_state.allies[constants.ally_usa], shocks.path[0]
    if usa.status == records.OUTSIDE:
        return
    hazard_ratio = rule.burden_hazard_ratio(parameter.us_burden, alliance.us_burden_gap)
    sympathetic = shocks.orientation[t, constants.ally_usa] < 0.0  # towards leaving: a sceptical president
    hazard = parameter.us_notice_sympathetic if sympathetic else parameter.us_notice_other
    alliance.us_notice_hazard += hazard_ratio * hazard
    if usa.status == records.LEAVING and t >= usa.notice_end:
        usa.status = records.OUTSIDE if shock.us_exit < parameter.us_succeeds else records.INSIDE
        if usa.status == records.OUTSIDE:
            alliance.happened[records.US_EXIT] = 1
    elif (
        usa.status == records.INSIDE
        and usa.notice_end == 0
        and has_crossed(alliance.us_notice_hazard, shock.us_notice_threshold)
    ):
        usa.status, usa.notice_end = records.LEAVING, t + constants.notice_quarters
        alliance.lasting_shift[records.LEADERSHIP] += parameter.us_notice_leadership
        alliance.lasting_shift[records.THREATS] += parameter.us_notice_threats
        alliance.article5_shock += parameter.article5_notice
        alliance.happened[records.US_NOTICE] = 1
    part = common.ramp(t, constants.onset, cell.design_ramp)
    alliance.us_drawdown_hazard += hazard_ratio * parameter.us_drawdown_rate * spending.scaled(part, cell.drawdown)
    while (
        alliance.us_drawdowns < records.DRAWDOWNS
        and alliance.us_drawdown_hazard >= shock.drawdown_threshold[alliance.us_drawdowns]
    ):
        alliance.us_troops_left *= shock.drawdown_size[alliance.us_drawdowns]
        alliance.us_drawdowns += 1
        alliance.happened[records.US_DRAWDOWN] = 1


@loop
def update_us_troops(t, constants, cell, parameter, cell_parameter, alliance):
    """Update the American troops in Europe, and the credibility of the announced withdrawal."""
    alliance.index[records.US_TROOPS] = alliance.us_troops_left
    if constants.backsliding == 1 and cell.promise == 1:
        part = common.ramp(t, constants.onset, cell.troop_ramp)
        actual_cut = cell_parameter.troop_cut * cell.credibility
        alliance.index[records.US_TROOPS] = alliance.us_troops_left * rule.promised_troops(part, actual_cut)
        surplus = alliance.index[records.US_TROOPS] - rule.promised_troops(part, cell_parameter.troop_cut)
        alliance.credibility = rule.next_credibility(alliance.credibility, parameter.credibility_decay, surplus)
    alliance.index[records.CREDIBILITY] = alliance.credibility


@loop
def update_absence(t, static, path_state):
    """Update the share of allies that stay out of the alliance's missions, averaged over those that run; else 0."""
    allies, absent, running = 0, 0.0, 0
    for s in range(static.missions.size):
        mission = static.missions[s]
        if mission.veto == 1 and mission.start <= t < mission.end:
            if running == 0:
                for m in range(static.members.size):
                    allies += 1 if path_state.allies[m].status != records.OUTSIDE else 0
            absent += max(0.0, 1.0 - path_state.missions[s].allies_present / max(allies, 1))
            running += 1
    path_state.alliance[0].absent = absent / running if running > 0 else 0.0
