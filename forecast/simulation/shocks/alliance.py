"""The chance of the alliance in one path, whatever the scenario: leaders' orientation, crises, thresholds of exit."""

import math

from forecast.simulation import random_numbers as draw
from forecast.simulation.jit import device
from forecast.simulation.records import DRAWDOWNS
from forecast.simulation.rules import alliance as rule


@device
def draw_alliance_shocks(seed, path, static, parameter, shocks):
    """All of it; leaders must have lived before."""
    jitter = static.constants[0].orientation_jitter
    for t in range(shocks.alliance.size):
        shocks.alliance[t].voice, shocks.alliance[t].scapegoat = 0.0, 0.0
        shocks.alliance[t].command_exits = 0
    for k in range(static.countries.size):
        country, is_usa = static.countries[k], k == static.constants[0].usa
        sceptic = parameter.sceptic_usa if is_usa else parameter.sceptic
        u = draw.uniforms(seed, path, 0, country.id, draw.START_ORIENTATION)
        start = rule.next_orientation(0.0, True, u[0] < sceptic, u[1], 0.0)
        if is_usa:
            start = parameter.start_usa
        orient(seed, path, country, sceptic, start, jitter, parameter, shocks.leaders[:, k])
        raise_voice(country.voice, start, shocks.leaders[:, k], shocks.alliance)
    draw_events(seed, path, parameter, shocks.alliance)
    draw_allies(seed, path, static, parameter, shocks)
    draw_posture(seed, path, parameter, shocks.path[0])


@device
def orient(seed, path, country, sceptic, start, jitter, parameter, leaders):
    """Where each leader of one country stands, and when a sceptic blames the alliance."""
    now, rate = start, rule.chance(parameter.scapegoat_rate)
    for t in range(leaders.size):
        leaders[t].orientation, leaders[t].scapegoat = now, 0
        if leaders[t].change == 0 and now >= 0.0:
            continue  # nothing to be drawn
        u = draw.uniforms(seed, path, t, country.id, draw.ORIENTATION)
        if leaders[t].change == 1:
            now = rule.next_orientation(
                now,
                u[0] < parameter.coalition_change,
                u[1] < sceptic,
                u[2],
                jitter * draw.normal(u[2]),
            )
        leaders[t].orientation = now
        leaders[t].scapegoat = 1 if now < 0.0 and u[3] < rate else 0


@device
def raise_voice(voice, start, leaders, alliance):
    """Add one country's weight in what is heard of leaders."""
    if voice > 0.0:
        for t in range(leaders.size):
            alliance[t].voice += voice * (leaders[t].orientation - start)
            alliance[t].scapegoat += voice * leaders[t].scapegoat


@device
def draw_events(seed, path, parameter, alliance):
    """Crises, wedges and disputes, and the number that a veto is held against."""
    crisis, wedge = rule.chance(parameter.crisis_rate), rule.chance(parameter.wedge_rate)
    dispute = rule.chance(parameter.dispute_rate)
    for t in range(alliance.size):
        u = draw.uniforms(seed, path, t, 0, draw.EVENTS)
        alliance[t].crisis = 1 if u[0] < crisis else 0
        alliance[t].wedge = 1 if u[1] < wedge else 0
        alliance[t].dispute = 1 if u[2] < dispute else 0
        alliance[t].block = u[3]


@device
def draw_allies(seed, path, static, parameter, shocks):
    """Members: thresholds, where their leaders stand, stays outside the command, how unlike the threat felt is."""
    total, squares = 0.0, 0.0
    for m in range(static.members.size):
        member, ally = static.members[m], shocks.allies[m]
        u = draw.uniforms(seed, path, 0, member.id, draw.NOTICE)
        ally.notice, ally.reversal = draw.exponential(u[0]), u[1]
        ally.honour = math.log(u[2] / (1.0 - u[2]))
        felt = rule.felt_threat(member.distance, parameter.threat_reach, parameter.threat_eye, draw.normal(u[3]))
        total += felt
        squares += felt * felt
        for t in range(shocks.alliance.size):
            shocks.orientation[t, m] = 0.0
            if member.country >= 0:
                shocks.orientation[t, m] = shocks.leaders[t, member.country].orientation
        if m != static.constants[0].ally_usa:
            u = draw.uniforms(seed, path, 0, member.id, draw.COMMAND)
            leave_command(u, parameter, shocks.alliance)
    shocks.path[0].threat_spread = rule.heterogeneity(total, squares, static.members.size)


@device
def leave_command(u, parameter, alliance):
    """A member leaves the integrated command, returns, may leave again: two times out are followed."""
    out = draw.exponential(u[0]) / parameter.command_exit_rate
    back = out + draw.exponential(u[1]) / parameter.command_return_rate
    again = back + draw.exponential(u[2]) / parameter.command_exit_rate
    if out < alliance.size:
        alliance[int(out)].command_exits += 1
    if again < alliance.size:
        alliance[int(again)].command_exits += 1


@device
def draw_posture(seed, path, parameter, posture):
    """Thresholds of the American notice and of draw-downs, and what each of these leaves."""
    u = draw.uniforms(seed, path, 0, 0, draw.POSTURE)
    posture.notice, posture.succeeds = draw.exponential(u[0]), u[1]
    u = draw.uniforms(seed, path, 0, 0, draw.DRAWDOWN_TIME)
    v = draw.uniforms(seed, path, 0, 0, draw.DRAWDOWN_SIZE)
    at = 0.0
    for i in range(DRAWDOWNS):
        at += draw.exponential(u[i])
        posture.cut_time[i] = at
        cut = parameter.us_drawdown_lower + v[i] * (parameter.us_drawdown_upper - parameter.us_drawdown_lower)
        posture.cut_size[i] = 1.0 - cut
