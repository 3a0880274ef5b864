"""State the rules of the dyads (United States and one partner): one small scalar function each.

Where no source is named, sign and size are judgement; `priors/dyads.toml` documents the parameters.
"""

from forecast.simulation.elementary import exp, power
from forecast.simulation.jit import device
from forecast.simulation.lanes import maximum, minimum


@device
def signal(design_part, design, executive, cut):
    """Return s = r s_design + s_president - cut, within -1 and 1: the American commitment signal."""
    return minimum(maximum(design_part * design + executive - cut, -1.0), 1.0)


@device
def reach_level(now, growth, quarters):
    """Return r = 1 - (1 - r0) (1 - g)^t: the reach of North Korea, whose distance to certainty shrinks by a part g."""
    return 1.0 - (1.0 - now) * power(1.0 - growth, quarters)


@device
def abandonment(fear, persistence, b_signal, signal, b_reach, reach, b_demand, log_demand, noise):
    """Return A' = rho A - b_s s + b_r r + b_d log D + noise, the fear of abandonment (Cha 2000).

    s is the signal, r the reach of North Korea times the exposure, D the demand for host-nation support.
    """
    return persistence * fear - b_signal * signal + b_reach * reach + b_demand * log_demand + noise


@device
def entrapment(fear, persistence, b_war, war, b_crisis, crisis, b_new, new_abandonment, noise):
    """Return E' = rho E + b_w war + b_x crisis - b_a (A' - rho A) + noise, the fear of entrapment (Snyder 1984).

    The two fears are coupled through the new part of the first, A' - rho A. A lasting A lowers E by b_a A in the long
    run.
    """
    drive = b_war * war + b_crisis * crisis - b_new * new_abandonment
    return persistence * fear + drive + noise


@device
def opinion(level, persistence, b_demand, log_demand, b_signal, signal, noise):
    """Return O' = rho O - b_d log D + b_s s + noise, the partner's opinion on American bases."""
    return persistence * level - b_demand * log_demand + b_signal * signal + noise


@device
def resting_level(drive, persistence):
    """Return x = drive / (1 - rho), the level of a fear under a constant drive."""
    return drive / (1.0 - persistence)


@device
def support_growth(base, response, log_demand):
    """Return d log H = b / 4 + eta log D, the growth of host-nation support in a quarter; b is a yearly rate."""
    return 0.25 * base + response * log_demand


@device
def dyad_cohesion(w_threat, threat, gap, w_a, fear_a, w_e, fear_e, w_opinion, opinion):
    """Return C = w_T (T - gap) - w_A A - w_E E + w_O O, the cohesion of a dyad."""
    return w_threat * (threat - gap) - w_a * fear_a - w_e * fear_e + w_opinion * opinion


@device
def contribution(b_abandonment, gained_abandonment, b_entrapment, gained_entrapment):
    """Return b_A (A - A0) - b_E (E - E0): extra yearly growth of the partner's spending, log points (McInnis 2020)."""
    return b_abandonment * gained_abandonment - b_entrapment * gained_entrapment


@device
def end_chance(hazard, b_cohesion, cohesion, factor):
    """Return p = 1 - exp(-h f exp(-b C)): the probability that the treaty ends in this quarter."""
    return 1.0 - exp(-hazard * factor * exp(-b_cohesion * cohesion))


@device
def honour_chance(logit, b_cohesion, cohesion):
    """Return p with logit p = a + b C: the United States answer a grey-zone attack (Berkemeier and Fuhrmann 2018)."""
    return 1.0 / (1.0 + exp(-(logit + b_cohesion * cohesion)))


@device
def next_spell(inside, u, start, end):
    """Return 1 within a spell and 0 outside; a spell starts and ends with these probabilities a quarter."""
    if inside:
        return 0 if u < end else 1
    return 1 if u < start else 0
