"""The loops over members: who answers a call, who gives notice and leaves, where American troops stand."""

import math

from forecast.simulation import records as at
from forecast.simulation.jit import loop
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules import common, spending
from forecast.simulation.rules.missions import has_crossed


@loop
def grey_zone(t, constants, parameter, static, shocks, path_state):
    """The treaty is called: each member honours it or not; too few break it for a time."""
    if t != constants.grey_zone:
        return
    alliance, honoured, total, refusals = path_state.alliance[0], 0.0, 0.0, 0
    confidence = alliance.article5 - constants.article5_usual
    for m in range(static.members.size):
        if path_state.allies[m].status != at.OUTSIDE:
            member = static.members[m]
            logit = rule.honour_logit(
                parameter.honour,
                parameter.honour_confidence,
                confidence,
                parameter.honour_distance,
                member.far,
                parameter.honour_orientation,
                shocks.orientation[t, m],
            )
            total += member.weight
            if logit + shocks.allies[m].honour > 0.0:
                honoured += member.weight
            else:
                refusals += 1
    if total == 0.0:  # nobody is left to be called
        return
    if refusals >= 3:
        alliance.happened[at.THREE_REFUSALS] = 1
    alliance.article5_shock += parameter.article5_refusal * (1.0 - honoured / total)
    if honoured < constants.honour_line * total:
        alliance.broken_until = t + constants.broken_quarters
        alliance.happened[at.TREATY_BROKEN] = 1


@loop
def update_membership(t, p, n, static, draws, shocks, path_state):
    """All members: who gives notice and leaves, and how unlike those are who stay."""
    constants, parameter, own = static.constants[0], draws.parameters[p], draws.cells[p, n]
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
        if ally.status == at.OUTSIDE:
            continue
        if m != constants.ally_usa:
            ally.notice += hazard * (sceptic if orientation < 0.0 else 1.0)
            notify(t, parameter, constants, shocks.allies[m], ally, alliance)
            if ally.status == at.OUTSIDE:
                alliance.gone += static.members[m].european
                continue
        bent = own.alignment_firm if static.members[m].firm > 0.0 else own.alignment_frail
        alignment = orientation + part * bent
        count += 1
        total += alignment
        squares += alignment * alignment
        low += 1 if alignment < constants.low_alignment else 0
    alliance.heterogeneity = rule.heterogeneity(total, squares, max(count, 1))
    alliance.low = low / max(count, 1)
    command = constants.alliance_exits * shocks.alliance[t].command_exits
    alliance.pulse[at.INSTITUTIONS] += command * parameter.command_exit
    if command > 0:
        alliance.happened[at.COMMAND_EXIT] = 1


@loop
def notify(t, parameter, constants, fate, ally, alliance):
    """A member other than the United States gives notice once; a year on it has left or has thought better of it."""
    if ally.status == at.LEAVING and t >= ally.until:
        ally.status = at.INSIDE if fate.reversal < parameter.notice_reversed else at.OUTSIDE
        if ally.status == at.OUTSIDE:
            alliance.happened[at.EXIT] = 1
    elif ally.status == at.INSIDE and ally.until == 0 and has_crossed(ally.notice, fate.notice):
        ally.status, ally.until = at.LEAVING, t + constants.notice_quarters
        alliance.pulse[at.NORMS] += parameter.notice_norms
        alliance.happened[at.NOTICE] = 1


@loop
def update_us_posture(t, n, static, parameter, shocks, path_state):
    """The United States: notice and what becomes of it, and cuts of its troops."""
    constants, alliance, cell = static.constants[0], path_state.alliance[0], static.cells[n]
    if constants.us_posture == 0 or constants.ally_usa < 0:
        return
    usa, fate = path_state.allies[constants.ally_usa], shocks.path[0]
    if usa.status == at.OUTSIDE:
        return
    lift = rule.burden_hazard_ratio(parameter.us_burden, alliance.gap)
    sympathetic = shocks.orientation[t, constants.ally_usa] < 0.0
    alliance.us_notice += lift * (parameter.us_notice_sympathetic if sympathetic else parameter.us_notice_other)
    if usa.status == at.LEAVING and t >= usa.until:
        usa.status = at.OUTSIDE if fate.succeeds < parameter.us_succeeds else at.INSIDE
        if usa.status == at.OUTSIDE:
            alliance.happened[at.US_EXIT] = 1
    elif usa.status == at.INSIDE and usa.until == 0 and has_crossed(alliance.us_notice, fate.notice):
        usa.status, usa.until = at.LEAVING, t + constants.notice_quarters
        alliance.pulse[at.LEADERSHIP] += parameter.us_notice_leadership
        alliance.pulse[at.THREATS] += parameter.us_notice_threats
        alliance.article5_shock += parameter.article5_notice
        alliance.happened[at.US_NOTICE] = 1
    part = common.ramp(t, constants.onset, cell.design_ramp)
    alliance.us_drawdown += lift * parameter.us_drawdown_rate * spending.scaled(part, cell.drawdown)
    while alliance.us_cuts < at.DRAWDOWNS and alliance.us_drawdown >= fate.cut_time[alliance.us_cuts]:
        alliance.kept *= fate.cut_size[alliance.us_cuts]
        alliance.us_cuts += 1
        alliance.happened[at.US_DRAWDOWN] = 1


@loop
def update_us_troops(t, constants, cell, parameter, own, alliance):
    """American troops in Europe, and whether Europe goes on believing that they leave."""
    alliance.index[at.US_TROOPS] = alliance.kept
    if constants.backsliding == 1 and cell.promise == 1:
        part = common.ramp(t, constants.onset, cell.troop_ramp)
        cut = own.troop_cut * cell.credibility
        alliance.index[at.US_TROOPS] = alliance.kept * rule.promised_troops(part, cut)
        surplus = alliance.index[at.US_TROOPS] - rule.promised_troops(part, own.troop_cut)
        alliance.credibility = rule.next_credibility(alliance.credibility, parameter.credibility_decay, surplus)
    alliance.index[at.CREDIBILITY] = alliance.credibility


@loop
def count_absent(t, static, path_state):
    """The share of allies that stay out of the alliance's missions, on average over those that run; 0 if none does."""
    allies, absent, running = 0, 0.0, 0
    for s in range(static.missions.size):
        mission = static.missions[s]
        if mission.veto == 1 and mission.start <= t < mission.end:
            if running == 0:
                for m in range(static.members.size):
                    allies += 1 if path_state.allies[m].status != at.OUTSIDE else 0
            absent += max(0.0, 1.0 - path_state.missions[s].allies / max(allies, 1))
            running += 1
    path_state.alliance[0].absent = absent / running if running > 0 else 0.0
