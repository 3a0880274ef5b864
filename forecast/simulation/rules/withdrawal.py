"""Rules of withdrawal: the log rates of defection and of planned withdrawal, a term at a time.

With u a mission's and v a contributor's own effect, the log rates per quarter are

    defection = intercept + framework + noncombat + (u + v) + lead + duration
                + leader change + election ahead + contagion + lead gone + casualties + ever reduced + drift in combat
    planned   = intercept + load (u + v) + lead + duration + ending

Each of their functions uses addition and multiplication alone. The PyMC model calls them on symbolic variables and the
back-test on arrays. The kernel calls each on numbers where its covariate changes, and multiplies the exponentials. They
are the one statement of the equations. Back-test and kernel also call the rules of the Kaplan-Meier curve.
"""

from forecast.simulation.jit import device

#: The coefficient of contagion is per ten percentage points of the share of contributors that left.
CONTAGION_UNIT = 10.0


@device
def mission_terms(b_nato, nato, b_un, un, b_eu, eu, b_noncombat, noncombat):
    """Return what framework and intensity of a mission add to the log rate of defection; each indicator is 0 or 1."""
    return b_nato * nato + b_un * un + b_eu * eu + b_noncombat * noncombat


@device
def defection_level(intercept, mission, frailty, lead):
    """Return the part of the log rate of defection that does not change: `frailty` is u + v, `mission` its terms."""
    return intercept + mission + frailty + lead


@device
def planned_level(intercept, load, frailty, lead):
    """Return the part of the log rate of planned withdrawal that does not change."""
    return intercept + load * frailty + lead


@device
def add_politics(log_rate, b_change, changed, b_ahead, ahead):
    """Add a new leader and an election within four quarters (Pilster et al. 2015; Tago 2009)."""
    return log_rate + b_change * changed + b_ahead * ahead


@device
def add_partners(log_rate, b_contagion, share, b_lead_gone, lead_gone):
    """Add the share of contributors that left in the two quarters before, and the exit of the lead nation."""
    return log_rate + b_contagion * (CONTAGION_UNIT * share) + b_lead_gone * lead_gone


@device
def add_casualties(log_rate, b_casualties, losses):
    """Add losses as they are felt, in standard deviations (`felt_losses`)."""
    return log_rate + b_casualties * losses


@device
def add_reduction(log_rate, b_reduced, reduced):
    """Add the effect of an earlier reduction of the contingent."""
    return log_rate + b_reduced * reduced


@device
def add_combat(log_rate, drift, quarters):
    """Add the drift for quarters spent in combat."""
    return log_rate + drift * quarters


@device
def follows_curve(u, weight):
    """Return whether a mission follows the Kaplan-Meier curve on a path, for a uniform u.

    Its survival curve is then w S_KM + (1 - w) S_model, with w the `weight`: a linear pool (Stone 1961).
    """
    return u < weight


@device
def curve_ratio(hazard, defection, planned):
    """Return h / (d + p), the factor on both rates of leaving of a contingent that follows the Kaplan-Meier curve.

    h is the hazard of the curve given the time served, d and p are the rates of the model in the usual course of
    events. In that course the contingent leaves with the hazard h, and causes keep their proportion. Whatever differs
    from it, such as a scenario, has the same hazard ratio as in the model. Cuts keep the rate of the model, which is
    fitted to them; the curve counts exits alone.
    """
    return hazard / (defection + planned)


@device
def planned_log_rate(log_rate, b_ending, ending):
    """Add the last year of a mission whose end is known."""
    return log_rate + b_ending * ending
