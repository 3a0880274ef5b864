"""The rules of missions: who is likelier to leave, what is left, in one small scalar function each."""

import math

from forecast.simulation.jit import device
from forecast.simulation.rules import withdrawal


@device
def leader_hazard_ratio(changed, election_ahead, b_change, b_ahead):
    """exp(b_lc LC + b_ea EA): factor on the hazard of defection. Pilster et al. 2015; Tago 2009."""
    return math.exp(withdrawal.add_politics(0.0, b_change, changed, b_ahead, election_ahead))


@device
def cohesion_hazard_ratio(cohesion, b):
    """exp(b_C C): factor on all hazards of defection in all missions, from last quarter's cohesion."""
    return math.exp(b * cohesion)


@device
def mission_hazard_ratio(contagion, b_contagion, lead_gone, b_lead_gone):
    """exp(b_c 10 share + b_l LG): factor on all hazards of defection in a mission, from last quarter; mostly 1."""
    if contagion == 0.0 and not lead_gone:
        return 1.0
    return math.exp(withdrawal.add_partners(0.0, b_contagion, contagion, b_lead_gone, lead_gone))


@device
def ending_hazard_ratio(quarters_left, b_ending):
    """exp(b) in the last four quarters of a mission, else 1: factor on the hazard of planned withdrawal."""
    return math.exp(withdrawal.planned_log_rate(0.0, b_ending, 1.0)) if quarters_left <= 4 else 1.0


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
    """Return whether a coalition is present in name but hardly operates (McInnis 2020): N >= .6 and O < .5."""
    return flags >= flags_line and operation < operation_line


@device
def is_ended(flags, operation, lead_gone, flags_line, collapse_line):
    """Return whether a coalition has ended in name (McInnis 2020): N < .3, or the lead nation has left and O < .25."""
    return flags < flags_line or (lead_gone and operation < collapse_line)


@device
def dependence_factor(ratio, pull):
    """f = (1 + R) / (1 + R exp(-b tau)): factor on full exits, R partial defections for each.

    logit P(full) = logit 1 / (1 + R) + b tau, b < 0; partial ones take up 1 + R - f, so that the hazard of any
    defection stays (McInnis 2020: constraints that stop total abrogation). 1 without a pull b tau.
    """
    return (1.0 + ratio) / (1.0 + ratio * math.exp(-pull)) if pull != 0.0 else 1.0


@device
def mode_of(u, cuts, re_role, caveat, swap):
    """0 reduction with probability `cuts`; else 1 re-role, 2 caveat, 3 swap in these proportions (McInnis 2020)."""
    if u < cuts:
        return 0
    rest = (u - cuts) / (1.0 - cuts) * (re_role + caveat + swap)
    if rest < re_role:
        return 1
    return 2 if rest < re_role + caveat else 3


@device
def caveat_share(share, coalition, odds):
    """Parliaments and coalition governments tie their troops' hands more often (Saideman and Auerswald 2012)."""
    return share * odds if coalition == 1 else share


@device
def profile_of(troops, role, reach):
    """Pi = troops x role x reach: what a contingent does, as a part of what it did at the start (McInnis 2020)."""
    return troops * role * reach


@device
def felt_losses(z, aversion):
    """v(z) = z if z < 0 else lambda z: losses loom larger (Kahneman and Tversky 1979; McInnis 2020, n. 230)."""
    return z if z < 0.0 else aversion * z


@device
def campaign_hazard_ratio(losses, b_losses, age, b_age, trend, b_trend):
    """exp(b_v v + b_d age + b_t trend): casualties, wear of combat, battlefield (Mello 2020; Weisiger 2016)."""
    casualties = withdrawal.add_casualties(0.0, b_losses, losses)
    return math.exp(withdrawal.add_combat(casualties, b_age, age) + b_trend * trend)


@device
def public_hazard_ratio(opposition, consensus, b_opposition, right, b_right, left_turn, b_left):
    """exp(b_o (1 - c) o + b_r R + b_l L): publics matter where elites differ (Kreps 2010; Massie 2016; Mello 2020)."""
    return math.exp(b_opposition * (1.0 - consensus) * opposition + b_right * right + b_left * left_turn)


@device
def backfill_hazard_ratio(remaining, lost, b):
    """((N + lost) / N)^b: those who remain carry b of the share of those who left (CJSOR gap-filling)."""
    return ((remaining + lost) / remaining) ** b if lost > 0.0 and remaining > 0.0 else 1.0


@device
def reduced_hazard_ratio(b):
    """exp(b): factor on the hazard of a contingent that was cut before."""
    return math.exp(withdrawal.add_reduction(0.0, b, 1.0))


@device
def framework_hazard_ratio(b):
    """exp(b): factor on hazards of defection under NATO against ad hoc."""
    return math.exp(b)


@device
def arrival_hazard(rate, part, multiplier):
    """rate * (1 + r (m - 1)): new missions out of area a quarter; m of the design comes into force by the ramp r."""
    return rate * (1.0 + part * (multiplier - 1.0))


@device
def us_leads(u, chance, part, first, wars):
    """The United States lead with chance p (1 + r (f - 1)) (1 + r (w - 1)): entrapment needs a first responder."""
    return u < chance * (1.0 + part * (first - 1.0)) * (1.0 + part * (wars - 1.0))


@device
def interest(common, sd_common, own, sd_own):
    """s = sd_c z_m + sd_o z_im: interest in a mission is the situation's and the member's own (Jung 2012)."""
    return sd_common * common + sd_own * own


@device
def joins(u, s, cost, solidarity, call, depends):
    """logit P = s - cost + solidarity + call * dependence: ad hoc the bar is low, NATO adds solidarity (Jung 2012)."""
    return u < 1.0 / (1.0 + math.exp(cost - s - solidarity - call * depends))


@device
def decision_lag(framework, absent, quarters):
    """Quarters until all agree, NATO alone: 1 + l x, x = share that stays out and keeps its veto (Jung 2012)."""
    return math.floor(1.0 + quarters * absent) if framework == 1 else 0


@device
def takes_over(u, chance, leaderless, collapsed):
    """NATO takes over a coalition that nobody leads, or that has collapsed (Kabul 2003), with some chance."""
    return (leaderless or collapsed == 1) and u < chance
