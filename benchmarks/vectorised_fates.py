"""The chance of missions, new missions and dyads in arrays, for a block of paths."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from vectorised_random import Array, autoregress, exponential, normal, uniforms, uniforms_at

from forecast.constants import DURATION_EDGES, bin_table
from forecast.simulation import random_numbers as purpose
from forecast.simulation.records import CUTS, NEVER

_DURATION_BIN = bin_table(DURATION_EDGES)
CAVEAT = 2  # the mode of a defection that may be noticed


def draw_publics(seed: int, path: Array, change: Array, plan: Any) -> SimpleNamespace:
    """Opposition of the quarter before, right-wing leaders, recent turns to the left: (quarters, countries, paths)."""
    c, k = plan.constants, plan.countries
    t = np.arange(len(change))[:, None]
    opposition = normal(uniforms(seed, path, t, k.id, purpose.PUBLIC, 1)[0])
    opposition *= math.sqrt(1.0 - c.opinion_phi**2)
    autoregress(opposition, 0.0, c.opinion_phi)
    right, left = np.empty(change.shape, bool), np.empty(change.shape, bool)
    now = c.wing_sd * normal(uniforms(seed, path, 0, k.id, purpose.WING, 3)[2])
    quarter, who, here = np.nonzero(change)
    u = uniforms_at(seed, path[here], quarter, k.id[who], purpose.WING, 2)
    fresh = c.wing_sd * normal(u[1])
    first = np.searchsorted(quarter, np.arange(len(change) + 1))
    for t in range(len(change)):
        some = slice(first[t], first[t + 1])
        store_paths = who[some], here[some]
        before = now[store_paths]
        wing = np.where(u[0, some] >= c.same_camp, fresh[some], before)
        left[t] = False
        left[t][store_paths] = wing < before
        now[store_paths] = wing
        right[t] = now > 0.0
    before = np.concatenate([np.zeros_like(opposition[:1]), opposition[:-1]])
    left[1:] |= left[:-1].copy()
    return SimpleNamespace(opposition=before, right=right, left=left)


def draw_campaigns(seed: int, path: Array, quarters: int, plan: Any, par: Any) -> tuple[Array, Array]:
    """What campaigns do to hazards of defection (quarters, missions, paths); the number that decides a hand-over."""
    c, m = plan.constants, plan.missions
    u = uniforms(seed, path, np.arange(quarters)[:, None], m.id, purpose.CAMPAIGN, 3)
    scale = m.combat + (1.0 - m.combat) * c.noncombat_losses
    level = normal(u[0]) * (scale * math.sqrt(1.0 - c.casualty_phi**2))[:, None]
    trend = normal(u[1]) * math.sqrt(1.0 - c.trend_phi**2)
    autoregress(level, 0.0, c.casualty_phi)
    autoregress(trend, 0.0, c.trend_phi)
    losses, reference = np.zeros_like(level), np.zeros_like(level[0])
    for t in range(quarters - 1):  # what is felt a quarter later
        np.subtract(level[t], reference, out=losses[t + 1])
        reference += c.casualty_memory * losses[t + 1]
    felt = np.where(losses < 0.0, losses, par.loss_aversion * losses)
    age = np.clip(m.age + np.arange(quarters)[:, None] - m.start, 0, 40) * m.combat
    logs = (c.losses * par.casualties) * felt
    logs += (c.losses * par.combat_drift) * age[:, :, None]
    logs[1:] += (c.battlefield * par.trend) * trend[:-1]
    return np.exp(logs), u[2, 0]


def draw_mission(
    seed: int, path: Array, quarters: int, s: int, leaders: Any, publics: Any, plan: Any, own: Any
) -> SimpleNamespace:
    """The fates of all contingents of mission s: hazards (quarters, contingents, paths), thresholds, cuts."""
    c, par = plan.constants, own.parameters
    mission = SimpleNamespace(**{name: column[s] for name, column in vars(plan.missions).items()})
    size = mission.contingents
    force = {name: column[s, :size] for name, column in vars(plan.contingents).items()}
    force = SimpleNamespace(**force)
    logs = SimpleNamespace(**{name: x[s, :size] for name, x in vars(own.contingents).items()})
    u = uniforms(seed, path, 0, force.id, purpose.EXIT, 2)
    steps = exponential(uniforms(seed, path, 0, force.id, purpose.CUT_TIME, CUTS))
    fate = draw_modes(seed, path, force, own.missions.full_exit[s], plan, par)
    fate.defects_at = exponential(u[0]) / fate.full
    never = np.full((1, size, path.size), math.inf)
    fate.cut_at = np.concatenate([steps.cumsum(0) / fate.partial, never])
    fate.planned_at = plan_withdrawals(mission, force.served, np.exp(logs.planned), exponential(u[1]), quarters, par)
    fate.hazards = np.empty((quarters, size, path.size))
    base = np.exp(logs.defection + c.circumstances * logs.circumstances)
    durations = np.exp(par.duration_defection)
    served = np.maximum(np.arange(quarters) - mission.start, 0)
    opinion = c.opinion * par.opposition * (1.0 - own.missions.consensus[s])
    for i, country in enumerate(force.country):
        row = fate.hazards[:, i]
        np.multiply(base[i], durations[_bin(force.served[i] + served)], out=row)
        if country >= 0:
            lift = opinion * publics.opposition[:, country]
            lift += c.executive * par.right_wing * publics.right[:, country]
            lift += c.executive * par.left_turn * publics.left[:, country]
            row *= np.exp(lift, out=lift)
            row *= leaders.lift[:, country]
    return fate


def _bin(quarters: Array) -> Array:
    return _DURATION_BIN[np.minimum(quarters, DURATION_EDGES[-1])]


def plan_withdrawals(mission: Any, served: Array, hazard: Array, until: Array, quarters: int, par: Any) -> Array:
    """The quarter in which the planned withdrawal of each contingent is due, NEVER if none comes."""
    t = np.arange(mission.start, min(mission.end, quarters))
    if t.size == 0:
        return np.full(hazard.shape, NEVER)
    durations = np.exp(par.duration_planned)
    total = durations[_bin(served + t[:, None] - mission.start)]
    total *= hazard
    total[mission.end - t <= 4] *= np.exp(par.ending)
    crossed = np.cumsum(total, axis=0, out=total) >= until
    return np.where(crossed[-1], t[0] + crossed.argmax(0), NEVER)


def draw_modes(seed: int, path: Array, force: Any, full_exit: Array, plan: Any, par: Any) -> SimpleNamespace:
    """How much of the hazard is full and how much partial; the mode of each cut and what it leaves."""
    c, shares = plan.constants, par.mode_shares
    led = plan.countries.parliamentary[force.country] * (force.country >= 0) == 1
    caveat = np.where(led[:, None], shares[2] * par.coalition_caveats, shares[2])
    first = shares[0] if c.modes == 1 else np.ones(path.size)
    odds = (1.0 - full_exit) / full_exit
    cuts = np.exp(par.reduction) if c.reductions == 1 else odds * first
    ratio = cuts + odds * (1.0 - first)
    pull = (c.tether * par.tether) * force.tether[:, None]
    full = np.where(pull != 0.0, (1.0 + ratio) / (1.0 + ratio * np.exp(-pull)), 1.0)
    first = np.where(ratio > 0.0, cuts / ratio, 1.0)
    u = uniforms(seed, path, 0, force.id, purpose.CUT_MODE, CUTS)
    v = uniforms(seed, path, 0, force.id, purpose.CUT_SIZE, CUTS)
    w = uniforms(seed, path, 0, force.id, purpose.CUT_SEEN, CUTS)
    rest = (u - first) / (1.0 - first) * (shares[1] + caveat + shares[3])
    mode = np.where(rest < shares[1], 1, np.where(rest < shares[1] + caveat, CAVEAT, 3))
    mode[u < first] = 0
    here = np.arange(path.size)
    lower, upper = par.mode_lower[mode, here], par.mode_upper[mode, here]
    return SimpleNamespace(
        full=full,
        partial=ratio + (1.0 - full),
        mode=mode,
        size=lower + v * (upper - lower),
        seen=(mode == CAVEAT) & (w < par.caveat_detection),
    )


def draw_candidate_missions(seed: int, path: Array, plan: Any) -> SimpleNamespace:
    """New missions: when each would begin, who would lead, and what members would make of it."""
    c, who = plan.constants, plan.slots.id
    u = uniforms(seed, path, 0, who, purpose.CANDIDATE_MISSION, 3)
    v = uniforms(seed, path, who[:, None], plan.members.id, purpose.JOIN, 3)
    interest = c.own_interest * normal(v[0]) + c.common_interest * normal(u[2])[:, None]
    return SimpleNamespace(until=exponential(u[0]), leader=u[1], interest=interest, joins=v[1], stays=exponential(v[2]))


def draw_outlook(seed: int, path: Array, change: Array, c: Any, own: Any) -> SimpleNamespace:
    """Wars and crises of the United States and the signal of the president: (quarters, paths)."""
    u = uniforms(seed, path, 0, 0, purpose.OUTLOOK_START, 2)
    war = u[0] < own.war_start / (own.war_start + own.war_end)
    crisis = u[1] < own.crisis_start / (own.crisis_start + own.crisis_end)
    u = uniforms(seed, path, np.arange(len(change)), 0, purpose.OUTLOOK, 3)
    out = SimpleNamespace(war=np.empty(u.shape[1:]), crisis=np.empty(u.shape[1:]))
    out.executive, executive = np.empty(u.shape[1:]), own.executive_now
    for t in range(len(change)):
        war = np.where(war, u[0, t] >= own.war_end, u[0, t] < own.war_start) | (t == c.us_war)
        crisis = np.where(crisis, u[1, t] >= own.crisis_end, u[1, t] < own.crisis_start)
        if c.usa >= 0:
            fresh = own.executive_sd * normal(u[2, t])
            executive = np.where(change[t, c.usa], fresh, executive)
        out.war[t], out.crisis[t], out.executive[t] = war, crisis, executive
    return out


def draw_dyads(seed: int, path: Array, quarters: int, plan: Any, own: Any) -> SimpleNamespace:
    """The course of the dyads that no cell touches, and their noise: (quarters, dyads, paths)."""
    c, who = plan.constants, plan.dyads
    t = np.arange(quarters)[:, None]
    u = uniforms(seed, path, t, who.id, purpose.PURPOSE_AND_DEMAND, 4)
    threat, gap = own.threat_sd * normal(u[0]), own.gap_sd * normal(u[1])
    due = c.demands * ((t >= who.renewal) & ((t - who.renewal) % who.renewal_every == 0))
    demand = due[:, :, None] * (own.demand_sd * np.abs(normal(u[2])))
    if c.hns_demand < quarters:
        demand[c.hns_demand] = np.log(own.stress_demand)
    support = np.cumsum(0.25 * own.support_base + own.support_response * demand, axis=0)
    v = uniforms(seed, path, t, who.id, purpose.TROOPS, 2)
    cut = (c.troop_cuts * (v[0] < own.troops_cut)).astype(float)
    left = 1.0 - cut * (own.cut_lower + v[1] * (own.cut_upper - own.cut_lower))
    reach = 1.0 - (1.0 - own.reach_now) * (1.0 - own.reach_growth) ** (t + 1)[:, :, None]
    reach = c.reach * np.where(t[:, :, None] >= c.dprk_reach, 1.0, reach) * own.reach_exposure
    w = uniforms(seed, path, t, who.id, purpose.FEARS_AND_END, 4)
    return SimpleNamespace(
        threat=autoregress(threat, own.threat, own.threat_persistence, own.threat),
        gap=autoregress(gap, own.gap, own.threat_persistence, own.gap),
        demand=demand,
        support=np.exp(support),
        honour=u[3],
        cut=cut,
        troops=left.cumprod(0),
        reach=reach,
        abandonment=own.fear_sd * normal(w[0]),
        entrapment=own.fear_sd * normal(w[1]),
        opinion=own.opinion_sd * normal(w[2]),
        end=w[3],
    )
