"""Members of a block of paths in a group of cells: who honours the treaty, who leaves, where American troops stand.

`alliance` is an `Alliance` of `vectorised_alliance`, which holds the arrays.
"""

import math
from typing import Any

import numpy as np
from vectorised_random import Array

from forecast.simulation import records as at


def face_attack(alliance: Any, t: int, shock: Array) -> None:
    """The treaty is called: each member honours it or not; too few break it for a time."""
    c, par, m, shocks = alliance.constants, alliance.par, alliance.members, alliance.shocks.allies
    logit = shocks.honour + par.honour + par.honour_distance * m.far[:, None]
    logit += par.honour_orientation * shocks.orientation[t]
    faith = par.honour_confidence * (alliance.article5 - c.article5_usual)
    inside = ~alliance.outside
    honours = (logit[:, None] + faith > 0.0) & inside
    weight = m.weight[:, None, None]
    honoured, total = (honours * weight).sum(0), (inside * weight).sum(0)
    alliance.note(at.THREE_REFUSALS, np.flatnonzero((inside & ~honours).sum(0) >= 3))
    share = np.divide(honoured, total, out=np.ones_like(honoured), where=total > 0.0)
    shock += par.article5_refusal * (1.0 - share)
    alliance.broken = honoured < c.honour_line * total
    alliance.note(at.TREATY_BROKEN, np.flatnonzero(alliance.broken))


def is_broken(alliance: Any, t: int) -> bool:
    """Whether faith in the treaty may be broken in this quarter."""
    c = alliance.constants
    return bool(c.grey_zone <= t < c.grey_zone + c.broken_quarters)


def meet(alliance: Any, t: int) -> None:
    """All members: who gives notice and leaves, and how unlike those are who stay."""
    c, par, m = alliance.constants, alliance.par, alliance.members
    orientation, (cells, paths) = alliance.shocks.allies.orientation[t], alliance.shape
    hazard = (par.notice_rate * c.alliance_exits) * np.exp(par.notice_cohesion * alliance.cohesion)
    if is_broken(alliance, t):
        hazard = np.where(alliance.broken, hazard * c.exit_factor, hazard)
    sceptic = np.where(orientation < 0.0, np.exp(par.notice_sceptic), 1.0)
    work = np.empty(alliance.shape)
    for factor, endured in zip(sceptic, alliance.notice, strict=True):
        endured += np.multiply(factor, hazard, out=work)
    if t in alliance.leaving:
        let_go(alliance, alliance.leaving.pop(t))
    notices = np.flatnonzero(alliance.notice >= alliance.due)
    if notices.size:
        alliance.due.reshape(-1)[notices] = math.inf
        pairs = notices % (cells * paths)
        norms = np.bincount(pairs, par.notice_norms[pairs % paths], cells * paths)
        alliance.process[at.NORMS] += norms.reshape(alliance.shape)
        alliance.note(at.NOTICE, pairs)
        alliance.leaving[max(t + c.notice_quarters, t + 1)] = notices
    part, own = alliance.design[t], alliance.own
    bent = part * own.alignment_frail, part * own.alignment_firm
    for who, row, is_firm in zip(orientation, alliance.aligned, m.firm > 0.0, strict=True):
        np.add(who, bent[int(is_firm)], out=row)
    outside = np.flatnonzero(alliance.outside)
    alliance.aligned.reshape(-1)[outside] = math.inf
    low = (alliance.aligned < c.low_alignment).view(np.uint8).sum(0, np.int16)
    alliance.aligned.reshape(-1)[outside] = 0.0
    count = np.maximum(alliance.inside_count, 1)
    mean = alliance.aligned.sum(0) / count
    squares = np.einsum("mnb,mnb->nb", alliance.aligned, alliance.aligned)
    alliance.heterogeneity = np.sqrt(np.maximum(0.0, squares / count - mean * mean))
    alliance.low = low / count


def let_go(alliance: Any, notices: Array) -> None:
    """A year after its notice a member has left or has thought better of it."""
    m, (cells, paths) = np.divmod(notices, alliance.notice[0].size), alliance.shape
    who, pairs = m
    stays = alliance.shocks.allies.reversal[who, pairs % paths] < alliance.par.notice_reversed[pairs % paths]
    who, pairs = who[~stays], pairs[~stays]
    alliance.outside.reshape(-1)[notices[~stays]] = True
    alliance.inside_count -= np.bincount(pairs, minlength=cells * paths).reshape(alliance.shape)
    gone = np.bincount(pairs, alliance.members.european[who], cells * paths)
    alliance.gone += gone.reshape(alliance.shape)
    alliance.note(at.EXIT, pairs)


def update_us_posture(alliance: Any, t: int, shock: Any) -> Any:
    """The United States: notice and what becomes of it, and cuts of its troops."""
    c, par, posture, usa = (
        alliance.constants,
        alliance.par,
        alliance.shocks.posture,
        alliance.constants.ally_usa,
    )
    paths = alliance.shape[1]
    sympathetic = alliance.shocks.allies.orientation[t, usa] < 0.0
    rate = np.where(sympathetic, par.us_notice_sympathetic, par.us_notice_other)
    alliance.us_notice += alliance.us_lift * rate
    gone = np.zeros(0, int)
    if t in alliance.us_leaving:
        pairs = alliance.us_leaving.pop(t)
        gone = pairs[posture.succeeds[pairs % paths] < par.us_succeeds[pairs % paths]]
        alliance.outside[usa].reshape(-1)[gone] = True
        alliance.inside_count.reshape(-1)[gone] -= 1
        alliance.note(at.US_EXIT, gone)
    notice = alliance.us_notice >= alliance.us_due
    pairs = np.flatnonzero(notice)
    if pairs.size:
        alliance.us_due[notice] = math.inf
        alliance.process[at.LEADERSHIP] += notice * par.us_notice_leadership
        alliance.process[at.THREATS] += notice * par.us_notice_threats
        shock = shock + notice * par.article5_notice
        alliance.note(at.US_NOTICE, pairs)
        alliance.us_leaving[max(t + c.notice_quarters, t + 1)] = pairs
    scaled = 1.0 + alliance.design[t] * (alliance.column["drawdown"] - 1.0)
    alliance.us_drawdown += alliance.us_lift * par.us_drawdown_rate * scaled
    cuts, kept = alliance.us_cuts.reshape(-1), alliance.kept.reshape(-1)
    pairs = np.flatnonzero(alliance.us_drawdown >= alliance.us_next_cut)
    alliance.note(at.US_DRAWDOWN, pairs)
    while pairs.size:
        kept[pairs] *= posture.cut_size[cuts[pairs], pairs % paths]
        cuts[pairs] += 1
        following = posture.cut_time[cuts[pairs], pairs % paths]
        alliance.us_next_cut.reshape(-1)[pairs] = following
        pairs = pairs[alliance.us_drawdown.reshape(-1)[pairs] >= following]
    alliance.us_next_cut.reshape(-1)[gone] = math.inf
    return shock


def update_us_troops(alliance: Any, t: int) -> None:
    """American troops in Europe, and whether Europe goes on believing that they leave."""
    troops = alliance.index[at.US_TROOPS]
    troops[:] = alliance.kept
    if alliance.promised.any():
        part, cut = alliance.troops[t], alliance.own.troop_cut
        left = alliance.kept * (1.0 - part * (cut * alliance.column["credibility"]))
        surplus = np.maximum(0.0, left - (1.0 - part * cut))
        belief = np.maximum(0.0, 1.0 - alliance.par.credibility_decay * surplus)
        np.copyto(troops, left, where=alliance.promised)
        np.multiply(alliance.credibility, belief, out=alliance.credibility, where=alliance.promised)
    alliance.index[at.CREDIBILITY] = alliance.credibility
