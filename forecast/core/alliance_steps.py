"""The loops of the alliance: what befalls it in a quarter, who leaves, what is measured. Formulas stand in the rules.

`befall` runs after the missions of a quarter and reads the state at the end of the quarter before, but for missions and
spending, which it takes as they now are. It writes what passes (`shift`) and what lasts (`pulse`) for each factor.
"""

import math

from forecast.core import alliance_rules as rule
from forecast.core import dynamics
from forecast.core.alliance_state import DRAWDOWNS, INSIDE, LEAVING, OUTSIDE
from forecast.core.compile import device
from forecast.names import EVENTS, FACTORS, INDICES

_T, _I, _N, _L = (FACTORS.index(f) for f in ("threats", "institutions", "norms", "leadership"))
_CRISIS, _WEDGE, _DISPUTE, _BLOCK, _SCAPEGOAT, _NOTICE, _EXIT, _COMMAND, _US_NOTICE, _US_EXIT = range(10)
_US_DRAWDOWN, _THREE_REFUSALS, _BROKEN = range(10, len(EVENTS))
_POLITICAL, _MILITARY, _DISCORD, _SPREAD, _CONVERGENCE, _ARTICLE5, _SIGNAL, _TROOPS, _BELIEF = range(
    len(INDICES)
)


@device
def reset_alliance(layout, members, cell, parameter, world):
    """The start: all are in, nothing has happened, confidence as believed, troops whole."""
    alliance = world.alliance[0]
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
    alliance.index[_SIGNAL] = 0.5
    for m in range(members.size):
        ally = world.allies[m]
        ally.status, ally.until, ally.notice = INSIDE, 0, 0.0
        if not math.isnan(members[m].start):
            alliance.start += layout.members[m].european * math.exp(members[m].start)


@device
def threat_target(t, constants, cell, alliance):
    """Where the threat level is drawn to: by the war from its onset, less what deterrence does by the knob."""
    target = cell.threat_target if t >= constants.onset else constants.neutral_target
    return rule.deterred(target, constants.deterrence_feedback, alliance.index[_SIGNAL])


@device
def pledge_multiplier(constants, cell, own, alliance):
    """What the design asks of the response to the pledge, as far as Europe believes it."""
    if constants.backsliding == 0 or cell.promise == 0:
        return cell.pledge_multiplier
    return rule.believed_multiplier(alliance.credibility, cell.pledge_multiplier, own.backsliding)


@device
def weigh_burdens(constants, total, world):
    """After a round of spending: Europe against its start, and the United States against Europe.

    `total` is that of the European members that are left; when none is, the figures stay as they were.
    """
    alliance, usa = world.alliance[0], constants.ally_usa
    if total == 0.0:
        return
    alliance.european = total / (1.0 - alliance.gone) if alliance.gone > 0.0 else total
    alliance.burden = rule.burden_composite(alliance.european, alliance.start, constants.burden_sd)
    alliance.cost = alliance.european - alliance.start
    if usa >= 0 and not math.isnan(world.shares[usa]):
        alliance.gap = rule.burden_gap(
            world.shares[usa], alliance.european, constants.burden_gap, constants.burden_sd
        )


@device
def befall(t, p, n, layout, draws, luck, world):
    """What befalls the alliance in quarter t."""
    constants, parameter, alliance = layout.constants[0], draws.parameters[p], world.alliance[0]
    noise = luck.alliance[t]
    for f in range(4):
        alliance.shift[f], alliance.pulse[f] = 0.0, 0.0
    alliance.article5_shock = 0.0
    suffer_crises(t, constants, parameter, noise, alliance)
    hear_leaders(constants, parameter, noise, alliance)
    veto(constants, parameter, noise, alliance)
    dispute(t, constants, parameter, noise, layout.missions, alliance)
    grey_zone(t, constants, parameter, layout, luck, world)
    meet(t, p, n, layout, draws, luck, world)
    take_posture(t, n, layout, parameter, luck, world)
    keep_promise(t, constants, layout.cells[n], parameter, draws.cells[p, n], alliance)
    alliance.article5 = rule.next_confidence(
        alliance.article5, parameter.article5, constants.article5_persistence,
        constants.article5 * alliance.article5_shock,
    )  # fmt: skip
    count_absent(t, layout, world)


@device
def suffer_crises(t, constants, parameter, noise, alliance):
    """A rally of leadership that soon fades; strain on threats and institutions that shows late and lasts; wedges."""
    crisis = max(constants.crises * noise.crisis, 1 if t == constants.crisis else 0)
    alliance.rally = rule.echo(alliance.rally, constants.rally_decay, crisis)
    alliance.onset = rule.echo(alliance.onset, constants.onset_decay, crisis)
    alliance.strain = rule.echo(alliance.strain, constants.strain_decay, crisis)
    alliance.shift[_L] += parameter.crisis_rally * alliance.rally
    alliance.shift[_T] += rule.crisis_strain(
        parameter.crisis_strain, alliance.strain, alliance.onset
    )
    alliance.shift[_I] += rule.crisis_strain(parameter.crisis_cost, alliance.strain, alliance.onset)
    wedge = max(constants.wedges * noise.wedge, 1 if t == constants.china_wedge else 0)
    alliance.pulse[_T] += wedge * parameter.wedge
    alliance.happened[_CRISIS] = max(alliance.happened[_CRISIS], crisis)
    alliance.happened[_WEDGE] = max(alliance.happened[_WEDGE], wedge)


@device
def hear_leaders(constants, parameter, noise, alliance):
    """Orientation of leaders, blame of the alliance, and what the burdens do."""
    alliance.shift[_L] += constants.orientation * parameter.orientation * noise.voice
    blame = constants.scapegoating * noise.scapegoat
    alliance.pulse[_L] += blame * parameter.scapegoat
    if blame > 0.0:
        alliance.happened[_SCAPEGOAT] = 1
    alliance.shift[_I] += constants.burden * parameter.burden_sharing * alliance.burden
    alliance.shift[_L] += constants.spending_cost * parameter.spending_cost * alliance.cost


@device
def veto(constants, parameter, noise, alliance):
    """A member blocks, or does not, by the heterogeneity and the absence of the quarter before."""
    if constants.vetoes == 0:
        return
    logit = rule.block_logit(
        parameter.block_base, parameter.block_spread, alliance.heterogeneity, parameter.block_low,
        alliance.low, parameter.block_absent, alliance.absent,
    )  # fmt: skip
    if noise.block < rule.logistic(logit):
        alliance.pulse[_I] += parameter.block
        alliance.happened[_BLOCK] = 1


@device
def dispute(t, constants, parameter, noise, missions, alliance):
    """Allies fall out over the mission that hurts most; nothing where none is contentious."""
    if max(constants.disputes * noise.dispute, 1 if t == constants.dispute else 0) == 0:
        return
    worst = 0.0
    for s in range(missions.size):
        if missions[s].contentious == 1 and missions[s].start <= t < missions[s].end:
            worst = max(worst, rule.valve(missions[s].veto == 1, parameter.dispute_outside))
    if worst > 0.0:
        alliance.pulse[_L] += worst * parameter.dispute
        alliance.happened[_DISPUTE] = 1


@device
def grey_zone(t, constants, parameter, layout, luck, world):
    """The treaty is called: each member honours it or not; too few break it for a time."""
    if t != constants.grey_zone:
        return
    alliance, honoured, total, refusals = world.alliance[0], 0.0, 0.0, 0
    confidence = alliance.article5 - constants.article5_usual
    for m in range(layout.members.size):
        if world.allies[m].status != OUTSIDE:
            member = layout.members[m]
            logit = rule.honour_logit(
                parameter.honour, parameter.honour_confidence, confidence,
                parameter.honour_distance, member.far, parameter.honour_orientation,
                luck.orientation[t, m],
            )  # fmt: skip
            total += member.weight
            if logit + luck.allies[m].honour > 0.0:
                honoured += member.weight
            else:
                refusals += 1
    if refusals >= 3:
        alliance.happened[_THREE_REFUSALS] = 1
    alliance.article5_shock += parameter.article5_refusal * (1.0 - honoured / total)
    if honoured < constants.honour_line * total:
        alliance.broken_until = t + constants.broken_quarters
        alliance.happened[_BROKEN] = 1


@device
def meet(t, p, n, layout, draws, luck, world):
    """All members: who gives notice and leaves, and how unlike those are who stay."""
    constants, parameter, own = layout.constants[0], draws.parameters[p], draws.cells[p, n]
    alliance = world.alliance[0]
    part = dynamics.ramp(t, constants.onset, layout.cells[n].design_ramp)
    hazard = parameter.notice_rate * constants.alliance_exits * rule.notice_lift(
        parameter.notice_cohesion, alliance.cohesion, t < alliance.broken_until,
        constants.exit_factor,
    )  # fmt: skip
    sceptic = math.exp(parameter.notice_sceptic)
    count, total, squares, low = 0, 0.0, 0.0, 0
    for m in range(layout.members.size):
        ally, orientation = world.allies[m], luck.orientation[t, m]
        if ally.status == OUTSIDE:
            continue
        if m != constants.ally_usa:
            ally.notice += hazard * (sceptic if orientation < 0.0 else 1.0)
            notify(t, parameter, constants, luck.allies[m], ally, alliance)
            if ally.status == OUTSIDE:
                alliance.gone += layout.members[m].european
                continue
        bent = own.alignment_firm if layout.members[m].firm > 0.0 else own.alignment_frail
        alignment = orientation + part * bent
        count += 1
        total += alignment
        squares += alignment * alignment
        low += 1 if alignment < constants.low_alignment else 0
    alliance.heterogeneity = rule.heterogeneity(total, squares, max(count, 1))
    alliance.low = low / max(count, 1)
    command = constants.alliance_exits * luck.alliance[t].command_exits
    alliance.pulse[_I] += command * parameter.command_exit
    if command > 0:
        alliance.happened[_COMMAND] = 1


@device
def notify(t, parameter, constants, fate, ally, alliance):
    """A member other than the United States gives notice once; a year on it has left or has thought better of it."""
    if ally.status == LEAVING and t >= ally.until:
        ally.status = INSIDE if fate.reversal < parameter.notice_reversed else OUTSIDE
        if ally.status == OUTSIDE:
            alliance.happened[_EXIT] = 1
    elif ally.status == INSIDE and ally.until == 0 and dynamics.has_crossed(ally.notice, fate.notice):
        ally.status, ally.until = LEAVING, t + constants.notice_quarters
        alliance.pulse[_N] += parameter.notice_norms
        alliance.happened[_NOTICE] = 1


@device
def take_posture(t, n, layout, parameter, luck, world):
    """The United States: notice and what becomes of it, and cuts of its troops."""
    constants, alliance, cell = layout.constants[0], world.alliance[0], layout.cells[n]
    if constants.us_posture == 0 or constants.ally_usa < 0:
        return
    usa, fate = world.allies[constants.ally_usa], luck.path[0]
    if usa.status == OUTSIDE:
        return
    lift = rule.burden_lift(parameter.us_burden, alliance.gap)
    sympathetic = luck.orientation[t, constants.ally_usa] < 0.0
    alliance.us_notice += lift * (
        parameter.us_notice_sympathetic if sympathetic else parameter.us_notice_other
    )
    if usa.status == LEAVING and t >= usa.until:
        usa.status = OUTSIDE if fate.succeeds < parameter.us_succeeds else INSIDE
        if usa.status == OUTSIDE:
            alliance.happened[_US_EXIT] = 1
    elif usa.status == INSIDE and usa.until == 0 and dynamics.has_crossed(alliance.us_notice, fate.notice):
        usa.status, usa.until = LEAVING, t + constants.notice_quarters
        alliance.pulse[_L] += parameter.us_notice_leadership
        alliance.pulse[_T] += parameter.us_notice_threats
        alliance.article5_shock += parameter.article5_notice
        alliance.happened[_US_NOTICE] = 1
    part = dynamics.ramp(t, constants.onset, cell.design_ramp)
    alliance.us_drawdown += (
        lift * parameter.us_drawdown_rate * dynamics.scaled(part, cell.drawdown)
    )
    while alliance.us_cuts < DRAWDOWNS and alliance.us_drawdown >= fate.cut_time[alliance.us_cuts]:
        alliance.kept *= fate.cut_size[alliance.us_cuts]
        alliance.us_cuts += 1
        alliance.happened[_US_DRAWDOWN] = 1


@device
def keep_promise(t, constants, cell, parameter, own, alliance):
    """American troops in Europe, and whether Europe goes on believing that they leave."""
    alliance.index[_TROOPS] = alliance.kept
    if constants.backsliding == 1 and cell.promise == 1:
        part = dynamics.ramp(t, constants.onset, cell.troop_ramp)
        cut = own.troop_cut * cell.credibility
        alliance.index[_TROOPS] = alliance.kept * rule.promised_troops(part, cut)
        surplus = alliance.index[_TROOPS] - rule.promised_troops(part, own.troop_cut)
        alliance.credibility = rule.next_credibility(
            alliance.credibility, parameter.credibility_decay, surplus
        )
    alliance.index[_BELIEF] = alliance.credibility


@device
def count_absent(t, layout, world):
    """The share of allies that stay out of the alliance's missions, on average over those that run; 0 if none does."""
    allies, absent, running = 0, 0.0, 0
    for s in range(layout.missions.size):
        mission = layout.missions[s]
        if mission.veto == 1 and mission.start <= t < mission.end:
            if running == 0:
                for m in range(layout.members.size):
                    allies += 1 if world.allies[m].status != OUTSIDE else 0
            there = 0
            for c in range(mission.contingents):
                there += layout.contingents[s, c].ally * world.contingents[s, c].present
            absent += max(0.0, 1.0 - there / max(allies, 1))
            running += 1
    world.alliance[0].absent = absent / running if running > 0 else 0.0


@device
def judge(t, constants, parameter, luck, alliance):
    """Cohesion from the factors and from faith in Article 5, and all other measures."""
    confidence = parameter.article5_effect * (alliance.article5 - constants.article5_usual)
    confidence = constants.article5 * confidence
    weights = parameter.weights
    alliance.cohesion = dynamics.cohesion_index(weights, alliance.factors) + confidence * (
        1.0 - weights[_I]
    )
    if t < alliance.broken_until:
        alliance.cohesion = rule.broken_index(
            alliance.cohesion, parameter.verdict_low, parameter.rater_sd
        )
    index = alliance.index
    index[_POLITICAL] = rule.political_index(weights, alliance.factors, confidence)
    index[_MILITARY] = rule.military_index(alliance.factors[_I], alliance.burden)
    index[_DISCORD] = rule.discordance(alliance.factors)
    index[_SPREAD] = alliance.heterogeneity
    index[_CONVERGENCE] = -alliance.threat * luck.path[0].threat_spread
    index[_ARTICLE5] = alliance.article5
    index[_SIGNAL] = rule.deterrence_signal(index[_MILITARY], confidence)
