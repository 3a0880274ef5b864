"""The chance of a block of paths in arrays: leaders, budgets, events and thresholds of the alliance.

What the alliance goes through whatever the cell (crises, what is heard of leaders, disputes) is worked out here once.
"""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from vectorised_random import (
    Array,
    autoregress,
    exponential,
    logistic,
    normal,
    student,
    uniforms,
    uniforms_at,
    years_of,
)

from forecast.constants import COMMON_TAILS, TENURE_EDGES, bin_table
from forecast.simulation import random_numbers as purpose
from forecast.simulation import records as at

_TENURE_BIN = bin_table(TENURE_EDGES)


def live_leaders(seed: int, path: Array, quarters: int, plan: Any, own: Any) -> SimpleNamespace:
    """Votes and changes of leaders, and what both do to hazards of defection: (quarters, countries, paths)."""
    c, k, par = plan.constants, plan.countries, own.parameters
    u = uniforms(seed, path, np.arange(quarters)[:, None], k.id, purpose.LEADER, 2)
    early = (u[1] < c.early_election) & (k.parliamentary == 1)[:, None]
    change, vote = np.empty(u.shape[1:], bool), np.empty(u.shape[1:], bool)
    clock = np.repeat(k.next_election[:, None], path.size, 1)
    office = np.repeat(k.in_office[:, None], path.size, 1)
    voted = np.repeat((k.voted == 1)[:, None], path.size, 1)
    limited = np.full(path.size, c.usa_limited == 1)
    b_vote = par.turnover_election + own.countries.turnover_offset
    b_after = par.turnover_after + own.countries.turnover_offset
    here = np.arange(path.size)
    for t in range(quarters):
        vote[t] = (clock == t) | (early[t] & (clock - t > 2))
        np.copyto(clock, (t + k.term)[:, None], where=vote[t])
        before = (clock > t) & (clock <= t + 2) & ~vote[t]
        tenure = par.tenure[_TENURE_BIN[np.minimum(office, TENURE_EDGES[-1])], here]
        logit = own.countries.turnover + vote[t] * b_vote + voted * b_after
        chance = logistic(logit + before * par.turnover_before + tenure)
        if c.usa >= 0:
            after = np.where(limited, 1.0, par.usa_election)
            chance[c.usa] = np.where(voted[c.usa], after, c.usa_off_cycle)
        change[t] = u[0, t] < chance
        if c.usa >= 0:
            limited = (voted[c.usa] | limited) & ~change[t, c.usa]
        office = np.where(change[t], 0, office + 1)
        voted = vote[t]
    changed, ahead = change.copy(), np.empty_like(vote)
    changed[1:] |= change[:-1]
    changed[0] |= (k.in_office == 0)[:, None]
    for t in reversed(range(quarters)):
        clock = np.where(vote[t], t, clock)
        ahead[t] = (clock >= t) & (clock <= t + 4)
    lift = np.exp(par.leader_change * changed + par.election_ahead * ahead)
    return SimpleNamespace(change=change, vote=vote, lift=lift)


def turnover(change: Array, quarter_of_year: int, years: int) -> Array:
    """Paths on which the leader changes at least once in a year: (countries, years)."""
    spans = years_of(quarter_of_year, len(change), years)
    return np.stack([change[span].any(0).sum(-1) for span in spans], axis=-1)


def draw_common(seed: int, path: Array, years: int, par: Any) -> SimpleNamespace:
    """What moves the spending of all members, by year: factor, response to a gap, volatility of the noise."""
    u = uniforms(seed, path, np.arange(years)[:, None], np.arange(2), purpose.COMMON_FACTOR, 2)
    factor = student(u[0, :, 0], u[1, :, 0], COMMON_TAILS)
    factor *= par.common_scale * np.sqrt(1.0 - par.common_phi**2)
    response, volatility = normal(u[:, :, 1])
    response *= par.response_sd
    volatility *= par.volatility_sd * np.sqrt(1.0 - par.volatility_phi**2)
    autoregress(response, par.response_start, par.response_phi, par.response_mean)
    return SimpleNamespace(
        factor=autoregress(factor, par.common_start, par.common_phi),
        response=np.minimum(1.0, np.exp(response)),
        spread=np.exp(autoregress(volatility, par.volatility_start, par.volatility_phi)),
    )


def draw_budgets(
    seed: int, path: Array, who: Any, country: Array, own: Any, common: Any, leaders: Any, plan: Any, par: Any
) -> Array:
    """All that moves spending whatever the state: (years, who, paths)."""
    c, years = plan.constants, len(common.factor)
    y = np.arange(years)[:, None]
    growth = c.growth_sd * normal(uniforms(seed, path, y, who.id, purpose.GROWTH, 1)[0])
    last = np.broadcast_to(who.start_growth[:, None], growth.shape[1:])
    for row in growth:
        row += c.growth_mean + c.growth_phi * (last - c.growth_mean)
        row += c.growth_bounce * np.maximum(0.0, -last)
        last = row
    moved = student(*uniforms(seed, path, y, who.id, purpose.SPENDING, 2), par.nu)
    moved *= own.scale
    moved *= common.spread[:, None]
    moved += own.loading * common.factor[:, None]
    moved += par.growth * (growth - 0.02)
    led = np.flatnonzero(country >= 0)
    for year, span in enumerate(years_of(c.quarter_of_year, len(leaders.vote), years)):
        votes = leaders.vote[span].any(0)[country[led]]
        moved[year, led] += par.election_spending * votes
    return moved


def draw_noise(seed: int, path: Array, quarters: int, c: Any) -> SimpleNamespace:
    """Noise of the threat level, of the verdict and of the four factors (quarters, 4, paths)."""
    t = np.arange(quarters)
    threat, rater, common = normal(uniforms(seed, path, t, 0, purpose.THREAT_AND_RATER, 3))
    factors = normal(uniforms(seed, path, t, 0, purpose.FACTORS, 4)).swapaxes(0, 1)
    factors = math.sqrt(1.0 - c.factor_correlation) * factors
    factors += math.sqrt(c.factor_correlation) * common[:, None]
    return SimpleNamespace(threat=threat, rater=rater, factors=factors)


def orient(seed: int, path: Array, change: Array, plan: Any, par: Any) -> tuple[Array, Array]:
    """Where leaders stand (quarters, countries, paths), and where they stood at the start."""
    c, k = plan.constants, plan.countries
    sceptic = np.repeat(par.sceptic[None], k.id.size, 0)
    u = uniforms(seed, path, 0, k.id, purpose.START_ORIENTATION, 2)
    if c.usa >= 0:
        sceptic[c.usa] = par.sceptic_usa
    start = np.where(u[0] < sceptic, -u[1], u[1])
    if c.usa >= 0:
        start[c.usa] = par.start_usa
    t, who, here = np.nonzero(change)
    u = uniforms_at(seed, path[here], t, k.id[who], purpose.ORIENTATION, 3)
    anew = u[0] < par.coalition_change[here]
    fresh = np.where(u[1] < sceptic[who, here], -u[2], u[2])
    jitter = c.orientation_jitter * normal(u[2])
    first = np.searchsorted(t, np.arange(len(change) + 1))
    stands, now = np.empty(change.shape), start.copy()
    for quarter in range(len(change)):
        some = slice(first[quarter], first[quarter + 1])
        store_paths = who[some], here[some]
        near = np.clip(now[store_paths] + jitter[some], -1.0, 1.0)
        now[store_paths] = np.where(anew[some], fresh[some], near)
        stands[quarter] = now
    return stands, start


def hear(seed: int, path: Array, stands: Array, start: Array, plan: Any, par: Any) -> tuple[Array, Array]:
    """Weighted orientation of the leaders that are heard, and the weight of those that blame: (quarters, paths)."""
    k = plan.countries
    voice, blame = np.zeros((len(stands), path.size)), np.zeros((len(stands), path.size))
    heard = np.flatnonzero(k.voice > 0.0)
    t = np.arange(len(stands))[:, None]
    u = uniforms(seed, path, t, k.id[heard], purpose.ORIENTATION, 4)[3]
    blames = (stands[:, heard] < 0.0) & (u < 1.0 - np.exp(-par.scapegoat_rate))
    for i, who in enumerate(heard):
        voice += k.voice[who] * (stands[:, who] - start[who])
        blame += k.voice[who] * blames[:, i]
    return voice, blame


def worst_dispute(quarters: int, missions: Any, outside: Array) -> Array:
    """The harm of a dispute by quarter: over the contentious mission that hurts most."""
    worst = np.zeros((quarters, outside.size))
    for start, end, contentious, veto in zip(
        missions.start, missions.end, missions.contentious, missions.veto, strict=True
    ):
        if contentious == 1:
            span = worst[start : min(end, quarters)]
            np.maximum(span, 1.0 if veto == 1 else outside, out=span)
    return worst


def draw_course(
    seed: int, path: Array, stands: Array, start: Array, exits: Array, noise: Any, plan: Any, par: Any
) -> SimpleNamespace:
    """What befalls the alliance in any cell: shifts, kicks to the factors, and what has happened by when."""
    c, quarters = plan.constants, len(stands)
    t = np.arange(quarters)[:, None]
    u = uniforms(seed, path, t[:, 0], 0, purpose.EVENTS, 4)
    rates = np.stack([par.crisis_rate, par.wedge_rate, par.dispute_rate])
    crisis, wedge, dispute = u[:3] < (1.0 - np.exp(-rates))[:, None]
    crisis = (c.crises * crisis) | (t == c.crisis)
    wedge = (c.wedges * wedge) | (t == c.china_wedge)
    dispute = (c.disputes * dispute) | (t == c.dispute)
    decays = c.rally_decay, c.onset_decay, c.strain_decay
    rally, onset, strain = (autoregress(crisis.astype(float), 0.0, decay) for decay in decays)
    voice, blame = hear(seed, path, stands, start, plan, par)
    harm = dispute * worst_dispute(quarters, plan.missions, par.dispute_outside)
    kick = c.factor_innovation * noise.factors
    kick[:, at.THREATS] += wedge * par.wedge
    kick[:, at.LEADERSHIP] += c.scapegoating * blame * par.scapegoat + harm * par.dispute
    kick[:, at.INSTITUTIONS] += c.alliance_exits * exits * par.command_exit
    happened = {
        at.CRISIS: crisis > 0,
        at.WEDGE: wedge > 0,
        at.DISPUTE: harm > 0.0,
        at.SCAPEGOAT: c.scapegoating * blame > 0.0,
        at.COMMAND_EXIT: c.alliance_exits * exits > 0,
    }
    return SimpleNamespace(
        block=u[3],
        kick=kick,
        threats=-par.crisis_strain * (strain - onset),
        institutions=-par.crisis_cost * (strain - onset),
        leadership=par.crisis_rally * rally + c.orientation * par.orientation * voice,
        events={i: np.maximum.accumulate(now).sum(-1) for i, now in happened.items()},
    )


def draw_allies(seed: int, path: Array, stands: Array, plan: Any, par: Any) -> SimpleNamespace:
    """Members: thresholds, where their leaders stand, stays outside the command, how unlike the threat felt is."""
    m, c = plan.members, plan.constants
    u = uniforms(seed, path, 0, m.id, purpose.NOTICE, 4)
    felt = np.exp(par.threat_eye * normal(u[3]) - m.distance[:, None] / par.threat_reach)
    mean = felt.sum(0) / m.id.size
    spread = np.sqrt(np.maximum(0.0, (felt * felt).sum(0) / m.id.size - mean * mean))
    orientation = np.zeros((len(stands), m.id.size, path.size))
    led = np.flatnonzero(m.country >= 0)
    orientation[:, led] = stands[:, m.country[led]]
    v = exponential(
        uniforms(seed, path, 0, np.delete(m.id, c.ally_usa) if c.ally_usa >= 0 else m.id, purpose.COMMAND, 3)
    )
    out = v[0] / par.command_exit_rate
    again = out + v[1] / par.command_return_rate + v[2] / par.command_exit_rate
    exits = np.zeros((len(stands), path.size), int)
    for when in (out, again):
        who, here = np.nonzero(when < len(stands))
        np.add.at(exits, (when[who, here].astype(int), here), 1)
    return SimpleNamespace(
        notice=exponential(u[0]),
        reversal=u[1],
        honour=np.log(u[2] / (1.0 - u[2])),
        orientation=orientation,
        exits=exits,
        threat_spread=spread,
    )


def draw_posture(seed: int, path: Array, par: Any) -> SimpleNamespace:
    """Thresholds of the American notice and of draw-downs, and what each of these leaves."""
    u = uniforms(seed, path, 0, 0, purpose.POSTURE, 2)
    steps = exponential(uniforms(seed, path, 0, 0, purpose.DRAWDOWN_TIME, at.DRAWDOWNS))
    v = uniforms(seed, path, 0, 0, purpose.DRAWDOWN_SIZE, at.DRAWDOWNS)
    never = np.full((1, path.size), math.inf)
    return SimpleNamespace(
        notice=exponential(u[0]),
        succeeds=u[1],
        cut_time=np.concatenate([steps.cumsum(0), never]),
        cut_size=1.0 - (par.us_drawdown_lower + v * (par.us_drawdown_upper - par.us_drawdown_lower)),
    )
