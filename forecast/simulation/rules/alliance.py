"""The rules of the alliance: crises, leaders, vetoes, exits, the American posture, one small function each.

As in `dynamics`, a rule takes state, parameters and its noise, and gives back a number.
"""

import math

from forecast.simulation.jit import device


@device
def chance(rate):
    """1 - exp(-rate): of at least one event in a quarter with this rate a quarter."""
    return 1.0 - math.exp(-rate)


@device
def logistic(x):
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + math.exp(-x))


@device
def echo(level, decay, event):
    """x' = d x + event: what is left of past events, each 1 when new; d = 2^(-1 / half-life)."""
    return decay * level + event


@device
def crisis_strain(size, late, early):
    """-b (2^(-t/h) - 2^(-t/h0)): strain is there from the start, but shows only as the rally wears off.

    Kunertova and Schmitt 2023: cohesion suffers most during crises; the sizes are judgement.
    """
    return -size * (late - early)


@device
def next_orientation(before, coalition, sceptic, size, jitter):
    """o in [-1, 1] after a leader changes: -u for a sceptic of the alliance, +u for another, or o + jitter.

    A new coalition of support draws it anew; within the same coalition it hardly moves. Leeds and Mattes 2022
    (CHISOLS); judgement.
    """
    if coalition:
        return -size if sceptic else size
    return min(max(before + jitter, -1.0), 1.0)


@device
def burden_composite(european, start, sd):
    """z = (log s - log s0) / sd: European share of GDP against the start, in standard deviations."""
    return math.log(european / start) / sd


@device
def burden_gap(usa, european, now, sd):
    """((log s_US - log s_Europe) - g0) / sd: how much more of its GDP the United States gives than in 2025, in SD."""
    return (usa - math.log(european) - now) / sd


@device
def heterogeneity(total, squares, count):
    """H = SD over the members of their alignment."""
    mean = total / count
    return math.sqrt(max(0.0, squares / count - mean * mean))


@device
def felt_threat(distance, reach, eye, z):
    """g eta = exp(-d / d0 + s z): what a member feels of one unit of threat; d in 1,000 km from Moscow. Judgement."""
    return math.exp(eye * z - distance / reach)


@device
def block_logit(base, by_spread, spread, by_low, low, by_absent, absent):
    """logit P(block) = a + b_H H + b_l low + b_x absent: all must agree.

    H is heterogeneity, `low` the share of members of low alignment, `absent` that of allies who stay out of a mission
    of NATO and keep their veto. Jung 2012; judgement.
    """
    return base + by_spread * spread + by_low * low + by_absent * absent


@device
def valve(run_by_alliance, outside):
    """Factor on the harm of a dispute over a mission: 1 under NATO, else that of the safety valve. Jung 2012."""
    return 1.0 if run_by_alliance else outside


@device
def notice_hazard_ratio(by_cohesion, cohesion, broken, factor):
    """exp(b C), times a factor while faith in the treaty is broken: on the hazard that an ally gives notice."""
    return math.exp(by_cohesion * cohesion) * (factor if broken else 1.0)


@device
def burden_hazard_ratio(b, gap):
    """exp(b gap): on the hazards of American notice and draw-down. Kundnani, in Ailing Alliances 2019; judgement."""
    return math.exp(b * gap)


@device
def promised_troops(part, cut):
    """1 - r c: the share of American troops that a design leaves in Europe, r of the way."""
    return 1.0 - part * cut


@device
def next_credibility(credibility, decay, surplus):
    """c' = c (1 - d surplus): Europe believes less while more American troops stay than were promised.

    Walt 2022: Europe acts only if it believes; the decay is judgement.
    """
    return credibility * max(0.0, 1.0 - decay * max(0.0, surplus))


@device
def believed_multiplier(credibility, multiplier, backsliding):
    """c m + (1 - c) m0: the response to the pledge that a design asks for, as far as it is believed. Judgement."""
    return credibility * multiplier + (1.0 - credibility) * backsliding


@device
def china_response(size, pacific, far):
    """Yearly growth of spending against China: whole in the Pacific, the share far = min(cap, exp(-d / d0)) elsewhere.

    Walt 2022: states balance near threats, not far power.
    """
    return size if pacific else size * far


@device
def next_confidence(level, start, persistence, shock):
    """a' = a0 + rho (a - a0) + shock, between .01 and .99: confidence that Article 5 would be honoured."""
    return min(max(start + persistence * (level - start) + shock, 0.01), 0.99)


@device
def honour_logit(base, by_confidence, confidence, by_distance, distance, by_orientation, orientation):
    """logit P(a member honours the treaty): base rate, confidence, distance from Moscow (z), leader's orientation.

    Berkemeier and Fuhrmann 2018 for the base rate, shrunk up for NATO; the slopes are judgement.
    """
    return base + by_confidence * confidence + by_distance * distance + by_orientation * orientation


@device
def broken_index(cohesion, low, rater_sd):
    """min(C, c1 - 2 s): cohesion of an alliance that was called and did not come is Weak, whoever rates it."""
    return min(cohesion, low - 2.0 * rater_sd)


@device
def political_index(weights, factors, confidence):
    """Mean of threats, norms and leadership by their weights, plus confidence in Article 5 against its usual level."""
    inside = weights[0] * factors[0] + weights[2] * factors[2] + weights[3] * factors[3]
    return inside / (weights[0] + weights[2] + weights[3]) + confidence


@device
def military_index(institutions, burden):
    """Mean of institutions and of European spending in SD of its start."""
    return 0.5 * (institutions + burden)


@device
def discordance(factors):
    """D = SD over the four factors."""
    mean = 0.25 * (factors[0] + factors[1] + factors[2] + factors[3])
    total = 0.0
    for f in range(4):
        total += (factors[f] - mean) ** 2
    return math.sqrt(0.25 * total)


@device
def deterrence_signal(military, confidence):
    """1 / (1 + exp(-(C_mil + b (a - a_usual)))): what an adversary reads. Kunertova and Schmitt 2023; judgement."""
    return logistic(military + confidence)


@device
def deterred(target, feedback, signal):
    """theta* (1 - k (2 s - 1)): a knob, 0 by default: whether the signal lowers the threat is not claimed."""
    return target * (1.0 - feedback * (2.0 * signal - 1.0))


@device
def threat_level(level, target, persistence, sd, z):
    """theta' = rho theta + (1 - rho) theta* + sd z, never below 0. Drives spending. Judgement."""
    return max(0.0, persistence * level + (1.0 - persistence) * target + sd * z)


@device
def correlate(z, common, correlation):
    """Four normals with equal correlation c from one common and one own normal: sqrt(c) z0 + sqrt(1 - c) z."""
    return math.sqrt(correlation) * common + math.sqrt(1.0 - correlation) * z


@device
def cohesion_index(weights, factors):
    """C = sum of weight times factor over the four factors (Kunertova and Schmitt 2023)."""
    return weights[0] * factors[0] + weights[1] * factors[1] + weights[2] * factors[2] + weights[3] * factors[3]


@device
def verdict(cohesion, low, high, rater_sd, z):
    """0 Weak, 1 Fragmented, 2 Strong: an ordered probit, C + sd z against two cut points."""
    seen = cohesion + rater_sd * z
    if seen < low:
        return 0
    return 1 if seen < high else 2
