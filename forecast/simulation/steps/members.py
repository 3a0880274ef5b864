"""Update the members in a quarter: answers to a call, notices and exits, American posture and troops.

Notices, exits and draw-downs are rare. They are looked for in all cells at once and applied cell by cell.
"""

import math

from forecast.simulation import records
from forecast.simulation.elementary import exp
from forecast.simulation.jit import loop
from forecast.simulation.lanes import any_lane, load, maximum, store, where
from forecast.simulation.records import CELLS, DRAWDOWNS
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules import common, spending
from forecast.simulation.rules.missions import has_crossed

_MANY_REFUSALS = 3  # refusals that count as the event `three_refusals`


@loop
def answer_call(t, constants, parameter, static, shocks, path_state):
    """In the quarter of a grey-zone attack each member honours the treaty or not; too few break trust in it."""
    if t != constants.grey_zone:
        return
    alliance = path_state.alliance[0]
    confidence = load(alliance.article5) - constants.article5_usual
    honoured, total, refusals = 0.0 * confidence, 0.0 * confidence, 0.0 * confidence
    for m in range(static.members.size):
        member, remains = static.members[m], load(path_state.allies[m].status) != records.OUTSIDE
        logit = rule.honour_logit(
            parameter.honour,
            parameter.honour_confidence,
            confidence,
            parameter.honour_distance,
            member.distance_z,
            parameter.honour_orientation,
            shocks.orientation[t, m],
        )
        honours = logit + shocks.allies[m].honour > 0.0
        total += where(remains, member.weight, 0.0)
        honoured += where(remains & honours, member.weight, 0.0)
        refusals += where(remains, where(honours, 0.0, 1.0), 0.0)
    happened, some = alliance.happened, total > 0.0
    many = some & (refusals >= _MANY_REFUSALS)
    store(happened[records.THREE_REFUSALS], where(many, 1.0, load(happened[records.THREE_REFUSALS])))
    refused = 1.0 - honoured / where(some, total, 1.0)
    store(
        alliance.article5_shock,
        load(alliance.article5_shock) + where(some, parameter.article5_refusal * refused, 0.0),
    )
    breaks = some & (honoured < constants.honour_line * total)
    store(alliance.broken_until, where(breaks, t + constants.broken_quarters, load(alliance.broken_until)))
    store(happened[records.TREATY_BROKEN], where(breaks, 1.0, load(happened[records.TREATY_BROKEN])))


@loop
def update_membership(t, p, part, static, draws, shocks, path_state):
    """Update notices and exits of all members, and the alignment of the rest; `part` is the ramp of the design."""
    constants, parameter, cell_parameter = static.constants[0], draws.parameters[p], path_state.cell_parameters[0]
    alliance = path_state.alliance[0]
    hazard = (
        parameter.notice_rate
        * constants.alliance_exits
        * rule.notice_hazard_ratio(
            parameter.notice_cohesion,
            load(alliance.cohesion),
            t < load(alliance.broken_until),
            constants.exit_factor,
        )
    )
    sceptical = hazard * exp(parameter.notice_sceptic)
    firm, frail = part * load(cell_parameter.alignment_firm), part * load(cell_parameter.alignment_frail)
    count, total, squares, low = 0.0 * part, 0.0 * part, 0.0 * part, 0.0 * part
    for m in range(static.members.size):
        ally, orientation = path_state.allies[m], shocks.orientation[t, m]
        remains = load(ally.status) != records.OUTSIDE
        if m != constants.ally_usa:
            rate = sceptical if orientation < 0.0 else hazard
            cumulative = load(ally.notice_hazard) + where(remains, rate, 0.0)
            store(ally.notice_hazard, cumulative)
            if any_lane(has_crossed(cumulative, shocks.allies[m].notice_threshold)):
                for n in range(CELLS):
                    update_notice(t, n, parameter, constants, static.members[m], shocks.allies[m], ally, alliance)
                remains = load(ally.status) != records.OUTSIDE
        alignment = orientation + (firm if static.members[m].firm > 0.0 else frail)
        count += where(remains, 1.0, 0.0)
        total += where(remains, alignment, 0.0)
        squares += where(remains, alignment * alignment, 0.0)
        low += where(remains & (alignment < constants.low_alignment), 1.0, 0.0)
    store(alliance.heterogeneity, rule.heterogeneity(total, squares, maximum(count, 1.0)))
    store(alliance.low_alignment, low / maximum(count, 1.0))
    command_exits = constants.alliance_exits * shocks.alliance[t].command_exits
    shift = alliance.lasting_shift[records.INSTITUTIONS]
    store(shift, load(shift) + command_exits * parameter.command_exit)
    if command_exits > 0:
        store(alliance.happened[records.COMMAND_EXIT], 1.0)


@loop
def update_notice(t, n, parameter, constants, member, shock, ally, alliance):
    """Update in lane n the notice of a member other than the United States.

    It gives notice at most once. At the end of the notice period it leaves or takes the notice back.
    """
    if ally.status[n] == records.LEAVING and t >= ally.notice_end[n]:
        ally.status[n] = records.INSIDE if shock.reversal < parameter.notice_reversed else records.OUTSIDE
        if ally.status[n] == records.OUTSIDE:
            alliance.happened[records.EXIT, n] = 1.0
            alliance.departed_weight[n] += member.european
    elif (
        ally.status[n] == records.INSIDE
        and ally.notice_end[n] == 0
        and has_crossed(ally.notice_hazard[n], shock.notice_threshold)
    ):
        ally.status[n], ally.notice_end[n] = records.LEAVING, t + constants.notice_quarters
        alliance.lasting_shift[records.NORMS, n] += parameter.notice_norms
        alliance.happened[records.NOTICE, n] = 1.0


@loop
def update_us_posture(t, part, cell, static, parameter, shocks, path_state):
    """Update the notice of the United States, its outcome, and the draw-downs of their troops."""
    constants, alliance = static.constants[0], path_state.alliance[0]
    if constants.us_posture == 0 or constants.ally_usa < 0:
        return
    usa, shock = path_state.allies[constants.ally_usa], shocks.path[0]
    remains = load(usa.status) != records.OUTSIDE
    hazard_ratio = where(remains, rule.burden_hazard_ratio(parameter.us_burden, load(alliance.us_burden_gap)), 0.0)
    sympathetic = shocks.orientation[t, constants.ally_usa] < 0.0  # towards leaving: a sceptical president
    hazard = parameter.us_notice_sympathetic if sympathetic else parameter.us_notice_other
    cumulative = load(alliance.us_notice_hazard) + hazard_ratio * hazard
    store(alliance.us_notice_hazard, cumulative)
    if any_lane(has_crossed(cumulative, shock.us_notice_threshold)):
        for n in range(CELLS):
            update_us_notice(t, n, parameter, constants, shock, usa, alliance)
    scale = spending.scaled(part, load(cell.drawdown))
    cumulative = load(alliance.us_drawdown_hazard) + hazard_ratio * parameter.us_drawdown_rate * scale
    store(alliance.us_drawdown_hazard, cumulative)
    if any_lane(has_crossed(cumulative, load(alliance.next_drawdown))):
        for n in range(CELLS):
            draw_down(n, shock, alliance)


@loop
def update_us_notice(t, n, parameter, constants, shock, usa, alliance):
    """Update in lane n the notice of the United States: given at most once, it ends in exit or is taken back."""
    if usa.status[n] == records.LEAVING and t >= usa.notice_end[n]:
        usa.status[n] = records.OUTSIDE if shock.us_exit < parameter.us_succeeds else records.INSIDE
        if usa.status[n] == records.OUTSIDE:
            alliance.happened[records.US_EXIT, n] = 1.0
    elif (
        usa.status[n] == records.INSIDE
        and usa.notice_end[n] == 0
        and has_crossed(alliance.us_notice_hazard[n], shock.us_notice_threshold)
    ):
        usa.status[n], usa.notice_end[n] = records.LEAVING, t + constants.notice_quarters
        alliance.lasting_shift[records.LEADERSHIP, n] += parameter.us_notice_leadership
        alliance.lasting_shift[records.THREATS, n] += parameter.us_notice_threats
        alliance.article5_shock[n] += parameter.article5_notice
        alliance.happened[records.US_NOTICE, n] = 1.0


@loop
def draw_down(n, shock, alliance):
    """Apply in lane n all draw-downs of American troops whose thresholds the hazard has reached."""
    while has_crossed(alliance.us_drawdown_hazard[n], alliance.next_drawdown[n]):
        alliance.us_troops_left[n] *= shock.drawdown_size[alliance.us_drawdowns[n]]
        alliance.us_drawdowns[n] += 1
        i = alliance.us_drawdowns[n]
        alliance.next_drawdown[n] = shock.drawdown_threshold[i] if i < DRAWDOWNS else math.inf
        alliance.happened[records.US_DRAWDOWN, n] = 1.0


@loop
def update_us_troops(t, constants, cell, parameter, cell_parameter, alliance):
    """Update the American troops in Europe, and the credibility of the announced withdrawal."""
    troops, credibility = load(alliance.us_troops_left), load(alliance.credibility)
    if constants.backsliding == 1:
        promised, cut = load(cell.promise) == 1.0, load(cell_parameter.troop_cut)
        part = common.ramp(t, constants.onset, load(cell.troop_ramp))
        actual = troops * rule.promised_troops(part, cut * load(cell.credibility))
        surplus = actual - rule.promised_troops(part, cut)
        after = rule.next_credibility(credibility, parameter.credibility_decay, surplus)
        troops, credibility = where(promised, actual, troops), where(promised, after, credibility)
        store(alliance.credibility, credibility)
    store(alliance.index[records.US_TROOPS], troops)
    store(alliance.index[records.CREDIBILITY], credibility)


@loop
def update_absence(t, static, path_state):
    """Update the share of allies that stay out of the alliance's missions, averaged over those that run; else 0."""
    alliance = path_state.alliance[0]
    allies, absent, running = 0.0 * load(alliance.absent), 0.0 * load(alliance.absent), 0
    for s in range(static.missions.size):
        mission = static.missions[s]
        if mission.veto == 1 and mission.start <= t < mission.end:
            if running == 0:
                for m in range(static.members.size):
                    allies += where(load(path_state.allies[m].status) != records.OUTSIDE, 1.0, 0.0)
            absent += maximum(0.0, 1.0 - load(path_state.missions[s].allies_present) / maximum(allies, 1.0))
            running += 1
    store(alliance.absent, absent / max(running, 1))
