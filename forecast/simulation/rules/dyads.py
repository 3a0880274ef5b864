"""The rules of the dyads: one small scalar function each, with its equation and source.

Where no source is named, sign and size are judgement: see `priors/dyads.toml`.
"""

import math

from forecast.simulation.jit import device


@device
def signal(design_part, design, executive, cut):
    """s = r s_design + s_president - cut, in -1 .. 1: how surely the United States seems to stay."""
    return min(max(design_part * design + executive - cut, -1.0), 1.0)


@device
def reach_level(now, growth, quarters):
    """r = 1 - (1 - r0) (1 - g)^t: what North Korea lacks to sure reach of the United States shrinks by a part g."""
    return 1.0 - (1.0 - now) * (1.0 - growth) ** quarters


@device
def abandonment(update_fears, persistence, b_signal, signal, b_reach, reach, b_demand, log_demand, noise):
    """A' = .9 A - b_s signal + b_r reach + b_d log D + noise (Cha 2000)."""
    return persistence * update_fears - b_signal * signal + b_reach * reach + b_demand * log_demand + noise


@device
def entrapment(update_fears, persistence, b_war, war, b_crisis, crisis, b_new, new_abandonment, noise):
    """E' = .9 E + b_w war + b_x crisis - b_a (A' - .9 A) + noise (Snyder 1984).

    The two fears are coupled through what is new in the first: so a lasting A lowers E by b_a A, no more.
    """
    drive = b_war * war + b_crisis * crisis - b_new * new_abandonment
    return persistence * update_fears + drive + noise


@device
def opinion(level, persistence, b_demand, log_demand, b_signal, signal, noise):
    """O' = .9 O - b_d log D + b_s signal + noise."""
    return persistence * level - b_demand * log_demand + b_signal * signal + noise


@device
def settled(drive, persistence):
    """x = drive / (1 - .9): where a fear comes to rest under a lasting drive."""
    return drive / (1.0 - persistence)


@device
def support_growth(base, response, log_demand):
    """d log H = base / 4 + eta log D in a quarter: what host-nation support grows by itself and gives to a demand."""
    return 0.25 * base + response * log_demand


@device
def dyad_cohesion(w_threat, threat, gap, w_a, fear_a, w_e, fear_e, w_opinion, opinion):
    """C = .4 (T - gap) - .25 A - .2 E + .15 O."""
    return w_threat * (threat - gap) - w_a * fear_a - w_e * fear_e + w_opinion * opinion


@device
def contribution(b_abandonment, gained_abandonment, b_entrapment, gained_entrapment):
    """b_A (A - A0) - b_E (E - E0): extra growth of the partner's spending a year, log points (McInnis 2020)."""
    return b_abandonment * gained_abandonment - b_entrapment * gained_entrapment


@device
def end_chance(hazard, b_cohesion, cohesion, factor):
    """p = 1 - exp(-h f exp(-b C)): the treaty ends in this quarter."""
    return 1.0 - math.exp(-hazard * factor * math.exp(-b_cohesion * cohesion))


@device
def honour_chance(logit, b_cohesion, cohesion):
    """logit p = a + b C: the United States answers an attack in the grey zone (Berkemeier and Fuhrmann 2018)."""
    return 1.0 / (1.0 + math.exp(-(logit + b_cohesion * cohesion)))


@device
def chain(inside, u, start, end):
    """A spell that starts and ends by chance: 1 within, 0 without."""
    if inside:
        return 0 if u < end else 1
    return 1 if u < start else 0
