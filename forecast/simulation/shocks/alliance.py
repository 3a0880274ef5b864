"""Draw the shocks of the alliance on one path: leaders' orientation, crises, thresholds of notices and draw-downs."""

from forecast.simulation import random_numbers as rng
from forecast.simulation.elementary import log
from forecast.simulation.jit import device
from forecast.simulation.lanes import lane, load_draws
from forecast.simulation.records import DRAWDOWNS, LANES
from forecast.simulation.rules import alliance as rule


@device
def draw_alliance_shocks(seed, path, static, parameter, shocks):
    """Fill the shocks of the alliance; the changes of leader must have been drawn before."""
    jitter = static.constants[0].orientation_jitter
    for t in range(shocks.alliance.size):
        shocks.alliance[t].orientation_change, shocks.alliance[t].scapegoat = 0.0, 0.0
        shocks.alliance[t].command_exits = 0
    for k in range(static.countries.size):
        country, is_usa = static.countries[k], k == static.constants[0].usa
        sceptic = parameter.sceptic_usa if is_usa else parameter.sceptic
        u = rng.uniforms(seed, path, 0, country.id, rng.START_ORIENTATION)
        start = rule.next_orientation(0.0, True, u[0] < sceptic, u[1], 0.0)
        if is_usa:
            start = parameter.start_usa
        draw_orientation(seed, path, country, sceptic, start, jitter, parameter, shocks.leaders[:, k])
        add_influence(country.influence_weight, start, shocks.leaders[:, k], shocks.alliance)
    draw_events(seed, path, parameter, shocks.alliance)
    draw_allies(seed, path, static, parameter, shocks)
    draw_posture(seed, path, parameter, shocks.path[0])


@device
def draw_orientation(seed, path, country, sceptic, start, jitter, parameter, leaders):
    """Draw the orientation of one country's leaders, and the quarters in which a sceptic blames the alliance."""
    orientation, probability = start, rule.chance(parameter.scapegoat_rate)
    for t in range(leaders.size):
        leaders[t].orientation, leaders[t].scapegoat = orientation, 0
        if leaders[t].change == 0 and orientation >= 0.0:
            continue  # nothing to draw
        u = rng.uniforms(seed, path, t, country.id, rng.ORIENTATION)
        if leaders[t].change == 1:
            orientation = rule.next_orientation(
                orientation,
                u[0] < parameter.coalition_change,
                u[1] < sceptic,
                u[2],
                jitter * rng.normal(u[2]),
            )
        leaders[t].orientation = orientation
        leaders[t].scapegoat = 1 if orientation < 0.0 and u[3] < probability else 0


@device
def add_influence(influence_weight, start, leaders, alliance):
    """Add one country's part of the weighted orientation and of the weighted blame."""
    if influence_weight > 0.0:
        for t in range(leaders.size):
            alliance[t].orientation_change += influence_weight * (leaders[t].orientation - start)
            alliance[t].scapegoat += influence_weight * leaders[t].scapegoat


@device
def draw_events(seed, path, parameter, alliance):
    """Draw crises, wedges and disputes, and the uniform that decides on a veto."""
    crisis, wedge = rule.chance(parameter.crisis_rate), rule.chance(parameter.wedge_rate)
    dispute = rule.chance(parameter.dispute_rate)
    for t in range(alliance.size):
        if t % LANES == 0:
            u = rng.uniforms(seed, path, rng.times(t), 0, rng.EVENTS)
        i, noise = t % LANES, alliance[t]
        noise.crisis = 1 if lane(u[0], i) < crisis else 0
        noise.wedge = 1 if lane(u[1], i) < wedge else 0
        noise.dispute = 1 if lane(u[2], i) < dispute else 0
        noise.block = lane(u[3], i)


@device
def draw_allies(seed, path, static, parameter, shocks):
    """Draw the members' thresholds, perceived threats and exits from the integrated command.

    Also copies the orientation of the leaders to their members.
    """
    total, squares = 0.0, 0.0
    for m in range(static.members.size):
        if m % LANES == 0:
            entities = load_draws(shocks.member_ids[m : m + LANES])
            u = rng.uniforms(seed, path, 0, entities, rng.NOTICE)
            threshold, honour, z = rng.exponential(u[0]), log(u[2] / (1.0 - u[2])), rng.normal(u[3])
            v = rng.uniforms(seed, path, 0, entities, rng.COMMAND)
            first, back, second = rng.exponential(v[0]), rng.exponential(v[1]), rng.exponential(v[2])
        i, member, ally = m % LANES, static.members[m], shocks.allies[m]
        ally.notice_threshold, ally.reversal, ally.honour = lane(threshold, i), lane(u[1], i), lane(honour, i)
        perceived = rule.perceived_threat(member.distance, parameter.threat_reach, parameter.threat_eye, lane(z, i))
        total += perceived
        squares += perceived * perceived
        for t in range(shocks.alliance.size):
            shocks.orientation[t, m] = 0.0
            if member.country >= 0:
                shocks.orientation[t, m] = shocks.leaders[t, member.country].orientation
        if m != static.constants[0].ally_usa:
            add_command_exits(lane(first, i), lane(back, i), lane(second, i), parameter, shocks.alliance)
    shocks.path[0].threat_spread = rule.heterogeneity(total, squares, static.members.size)


@device
def add_command_exits(first, back, second, parameter, alliance):
    """Count one member's exits from the integrated command: it leaves, returns, and may leave a second time.

    `first`, `back` and `second` are Exp(1).
    """
    first_exit = first / parameter.command_exit_rate
    return_time = first_exit + back / parameter.command_return_rate
    second_exit = return_time + second / parameter.command_exit_rate
    if first_exit < alliance.size:
        alliance[int(first_exit)].command_exits += 1
    if second_exit < alliance.size:
        alliance[int(second_exit)].command_exits += 1


@device
def draw_posture(seed, path, parameter, posture):
    """Draw the thresholds of the American notice and draw-downs, and what each draw-down leaves."""
    u = rng.uniforms(seed, path, 0, 0, rng.POSTURE)
    posture.us_notice_threshold, posture.us_exit = rng.exponential(u[0]), u[1]
    u = rng.uniforms(seed, path, 0, 0, rng.DRAWDOWN_TIME)
    v = rng.uniforms(seed, path, 0, 0, rng.DRAWDOWN_SIZE)
    threshold = 0.0
    for i in range(DRAWDOWNS):
        threshold += rng.exponential(u[i])
        posture.drawdown_threshold[i] = threshold
        cut = parameter.us_drawdown_lower + v[i] * (parameter.us_drawdown_upper - parameter.us_drawdown_lower)
        posture.drawdown_size[i] = 1.0 - cut
