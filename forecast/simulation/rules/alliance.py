"""State the rules of the alliance: crises, leaders, vetoes, exits, American posture, cohesion and verdict.

Each rule takes state, parameters and noise, and returns a number. Where no source is named, sign and size are
judgement; `priors/events.toml`, `priors/alliance.toml` and `priors/alliance_exit.toml` document the parameters.
"""

from forecast.simulation.elementary import exp, log
from forecast.simulation.jit import device
from forecast.simulation.lanes import maximum, minimum, sqrt, where


@device
def chance(rate):
    """Return 1 - exp(-rate): the probability of at least one event in a quarter."""
    return 1.0 - exp(-rate)


@device
def logistic(x):
    """Return 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + exp(-x))


@device
def echo(level, decay, event):
    """Return x' = d x + event: the remaining effect of past events, each 1 when new, with d = 2^(-1 / half-life)."""
    return decay * level + event


@device
def crisis_strain(size, late, early):
    """Return -b (2^(-t/h) - 2^(-t/h0)): the strain of a crisis, which shows only as the rally wears off.

    Kunertova and Schmitt 2023: cohesion suffers most during crises; the sizes are judgement.
    """
    return -size * (late - early)


@device
def next_orientation(before, coalition, sceptic, size, jitter):
    """Return o in [-1, 1] after a change of leader: -u for a sceptic of the alliance, u for others, or o + jitter.

    A leader with a new coalition of support draws a new orientation of size u. A leader with the same coalition
    changes it little. Leeds and Mattes 2022 (CHISOLS); judgement.
    """
    if coalition:
        return -size if sceptic else size
    return minimum(maximum(before + jitter, -1.0), 1.0)


@device
def burden_composite(european, start, sd):
    """Return z = (log s - log s0) / sd: European spending as a share of GDP against the start, standard deviations."""
    return log(european / start) / sd


@device
def burden_gap(usa, european, now, sd):
    """Return ((log s_US - log s_Europe) - g0) / sd: the American burden over the European one, against 2025, in SD.

    `usa` is the log of percent of GDP, `european` percent of GDP, `now` the log ratio g0 of 2025.
    """
    return (usa - log(european) - now) / sd


@device
def heterogeneity(total, squares, count):
    """Return H, the standard deviation over `count` members, from the sum and the sum of squares."""
    mean = total / count
    return sqrt(maximum(0.0, squares / count - mean * mean))


@device
def perceived_threat(distance, reach, eye, z):
    """Return exp(-d / d0 + s z): what a member perceives of one unit of threat; d is the distance from Moscow."""
    return exp(eye * z - distance / reach)


@device
def block_logit(base, by_spread, spread, by_low, low, by_absent, absent):
    """Return logit P(block) = a + b_H H + b_l low + b_x absent: decisions need the consent of all members.

    H is the heterogeneity and `low` the share of members of low alignment. `absent` is the share of allies that stay
    out of NATO missions and keep their veto. Jung 2012; judgement.
    """
    return base + by_spread * spread + by_low * low + by_absent * absent


@device
def valve(run_by_alliance, outside):
    """Return the factor on the effect of a dispute over a mission: 1 under NATO, else the safety valve. Jung 2012."""
    return 1.0 if run_by_alliance else outside


@device
def notice_hazard_ratio(by_cohesion, cohesion, broken, factor):
    """Return exp(b C), times a factor while trust in the treaty is broken: on the hazard that an ally gives notice."""
    return exp(by_cohesion * cohesion) * where(broken, factor, 1.0)


@device
def burden_hazard_ratio(b, gap):
    """Return exp(b gap): on the hazards of American notice and draw-down.

    Kundnani, in Ailing Alliances 2019; judgement.
    """
    return exp(b * gap)


@device
def promised_troops(part, cut):
    """Return 1 - r c: the share of American troops that a design leaves in Europe at ramp r."""
    return 1.0 - part * cut


@device
def next_credibility(credibility, decay, surplus):
    """Return c' = c (1 - d surplus): the announced withdrawal loses credibility while more troops stay than announced.

    Walt 2022: Europe acts only if the announcement is credible; the decay is judgement.
    """
    return credibility * maximum(0.0, 1.0 - decay * maximum(0.0, surplus))


@device
def credible_multiplier(credibility, multiplier, backsliding):
    """Return c m + (1 - c) m0: the design's factor on the response to the pledge, weighted by credibility c."""
    return credibility * multiplier + (1.0 - credibility) * backsliding


@device
def china_response(size, pacific, far):
    """Return the yearly growth of spending against China: b in the Pacific, b min(cap, exp(-d / d0)) elsewhere.

    `far` is min(cap, exp(-d / d0)). Walt 2022: states balance against near threats more than against distant power.
    """
    return size if pacific else size * far


@device
def next_confidence(level, start, persistence, shock):
    """Return a' = a0 + rho (a - a0) + shock, within 0.01 and 0.99: confidence that Article 5 would be honoured."""
    return minimum(maximum(start + persistence * (level - start) + shock, 0.01), 0.99)


@device
def honour_logit(base, by_confidence, confidence, by_distance, distance, by_orientation, orientation):
    """Return logit P(a member honours the treaty) = a + b_c confidence + b_d distance + b_o orientation.

    Confidence is relative to its usual level, distance from Moscow is standardised. Berkemeier and Fuhrmann 2018 for
    the base rate, adjusted upwards for NATO; the slopes are judgement.
    """
    return base + by_confidence * confidence + by_distance * distance + by_orientation * orientation


@device
def broken_index(cohesion, low, rater_sd):
    """Return min(C, c1 - 2 s): after an unanswered call the alliance is rated Weak by practically every rater."""
    return minimum(cohesion, low - 2.0 * rater_sd)


@device
def political_index(weights, factors, confidence):
    """Return the weighted mean of threats, norms and leadership, plus the effect of confidence in Article 5."""
    inside = weights[0] * factors[0] + weights[2] * factors[2] + weights[3] * factors[3]
    return inside / (weights[0] + weights[2] + weights[3]) + confidence


@device
def military_index(institutions, burden):
    """Return the mean of institutions and of the standardised European spending."""
    return 0.5 * (institutions + burden)


@device
def discordance(factors):
    """Return D, the standard deviation over the four factors."""
    mean = 0.25 * (factors[0] + factors[1] + factors[2] + factors[3])
    a, b, c, d = factors[0] - mean, factors[1] - mean, factors[2] - mean, factors[3] - mean
    return sqrt(0.25 * (a * a + b * b + c * c + d * d))


@device
def deterrence_signal(military, confidence):
    """Return 1 / (1 + exp(-(C_mil + b (a - a_usual)))): the signal that an adversary receives.

    Kunertova and Schmitt 2023; judgement.
    """
    return logistic(military + confidence)


@device
def deterred(target, feedback, signal):
    """Return theta* (1 - k (2 s - 1)): the threat target after deterrence.

    With k = 0 the signal has no effect; the source does not claim one.
    """
    return target * (1.0 - feedback * (2.0 * signal - 1.0))


@device
def threat_level(level, target, persistence, sd, z):
    """Return theta' = max(0, rho theta + (1 - rho) theta* + sd z): the threat level, which drives spending."""
    return maximum(0.0, persistence * level + (1.0 - persistence) * target + sd * z)


@device
def correlate(z, common, correlation):
    """Return sqrt(c) z0 + sqrt(1 - c) z: normals with equal correlation c, from a common and an own normal."""
    return sqrt(correlation) * common + sqrt(1.0 - correlation) * z


@device
def cohesion_index(weights, factors):
    """Return C = sum of weight times factor over the four factors (Kunertova and Schmitt 2023)."""
    return weights[0] * factors[0] + weights[1] * factors[1] + weights[2] * factors[2] + weights[3] * factors[3]


@device
def verdict(cohesion, low, high, rater_sd, z):
    """Return 0 Weak, 1 Fragmented or 2 Strong: an ordered probit, C + sd z against two cut points."""
    rating = cohesion + rater_sd * z
    return where(rating < low, 0, where(rating < high, 1, 2))
