"""The rules of missions: who is likelier to leave, what is left, in one small scalar function each."""

import math

from forecast.core.compile import device


@device
def leader_lift(changed, election_ahead, b_change, b_ahead):
    """exp(b_lc LC + b_ea EA): factor on the hazard of defection. Pilster et al. 2015; Tago 2009."""
    return math.exp(b_change * changed + b_ahead * election_ahead)


@device
def mission_lift(contagion, b_contagion, lead_gone, b_lead_gone, cohesion, b_cohesion):
    """exp(b_c 10 share + b_l LG + b_C C): factor on all hazards of defection in a mission, from last quarter."""
    return math.exp(
        10.0 * b_contagion * contagion + b_lead_gone * lead_gone + b_cohesion * cohesion
    )


@device
def ending_lift(quarters_left, b_ending):
    """exp(b) in the last four quarters of a mission, else 1: factor on the hazard of planned withdrawal."""
    return math.exp(b_ending) if quarters_left <= 4 else 1.0


@device
def contagion_share(left_1, left_2, ever, cap):
    """Share of contributors that left in the two quarters before, never above the cap."""
    return min(cap, (left_1 + left_2) / ever)


@device
def partial_ratio(full_exit):
    """(1 - p) / p: partial defections for each full exit, where p of all defections are full exits (McInnis 2020)."""
    return (1.0 - full_exit) / full_exit


@device
def has_crossed(cumulative, threshold):
    """Whether a cumulative hazard has reached its Exp(1) threshold: exact for the exit (Sellke 1983)."""
    return cumulative >= threshold


@device
def is_hollow(flags, operation, flags_line, operation_line):
    """Flags still fly over a coalition that no longer operates (McInnis 2020): N >= .6 and O < .5."""
    return flags >= flags_line and operation < operation_line
