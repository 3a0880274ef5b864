"""Rules of missions: one scalar function for each equation or decision, with its source.

A hazard ratio is a factor on a rate of leaving. The log rates themselves are in `forecast.simulation.rules.withdrawal`.
"""

import math

from forecast.simulation.elementary import exp, power
from forecast.simulation.jit import device
from forecast.simulation.lanes import minimum, where
from forecast.simulation.rules import withdrawal


@device
def leader_hazard_ratio(changed, election_ahead, b_change, b_ahead):
    """Return exp(b_lc LC + b_ea EA), the factor on the hazard of defection of a new leader and of an election ahead.

    Pilster et al. 2015; Tago 2009.
    """
    return exp(withdrawal.add_politics(0.0, b_change, changed, b_ahead, election_ahead))


@device
def cohesion_hazard_ratio(cohesion, b):
    """Return exp(b_C C), the factor of last quarter's cohesion C on the hazards of defection in all missions."""
    return exp(b * cohesion)


@device
def mission_hazard_ratio(contagion, b_contagion, lead_gone, b_lead_gone):
    """Return exp(10 b_c share + b_l LG), the factor of last quarter's exits on the hazards of defection in a mission.

    `contagion` is the share of recent exits.
    """
    return exp(withdrawal.add_partners(0.0, b_contagion, contagion, b_lead_gone, lead_gone))


@device
def ending_hazard_ratio(quarters_left, b_ending):
    """Return the factor on the hazard of planned withdrawal: exp(b) in the last four quarters of a mission, else 1."""
    return where(quarters_left <= 4, exp(withdrawal.planned_log_rate(0.0, b_ending, 1.0)), 1.0)


@device
def contagion_share(left_1, left_2, ever, cap):
    """Return the share of contributors that left in the two quarters before, at most `cap`."""
    return minimum(cap, (left_1 + left_2) / ever)


@device
def partial_ratio(full_exit):
    """Return (1 - p) / p, the partial defections for each full exit, with p the share of full exits (McInnis 2020)."""
    return (1.0 - full_exit) / full_exit


@device
def has_crossed(cumulative, threshold):
    """Return whether a cumulative hazard has reached its Exp(1) threshold; exits are then exact (Sellke 1983)."""
    return cumulative >= threshold


@device
def is_hollow(flags, operation, flags_line, operation_line):
    """Return whether a mission is hollow (McInnis 2020): many contributors remain, but little operates.

    The nominal share N is at or above `flags_line`, and the operational share O is below `operation_line`.
    """
    return (flags >= flags_line) & (operation < operation_line)


@device
def is_ended(flags, operation, lead_gone, flags_line, collapse_line):
    """Return whether a mission has ended in name (McInnis 2020).

    The nominal share N is below `flags_line`, or the lead has left and the operational share O is below
    `collapse_line`.
    """
    return (flags < flags_line) | (lead_gone & (operation < collapse_line))


@device
def dependence_factor(ratio, pull):
    """Return f = (1 + R) / (1 + R exp(-b tau)), the factor on full exits, with R partial defections for each.

    The probability of a full exit follows logit P(full) = logit 1 / (1 + R) + b tau, with b < 0. Partial defections
    take up 1 + R - f, so the hazard of any defection does not change. Without a pull b tau the factor is 1.
    McInnis 2020: constraints that stop total abrogation.
    """
    return (1.0 + ratio) / (1.0 + ratio * exp(-pull)) if pull != 0.0 else 1.0


@device
def mode_of(u, cuts, re_role, caveat, swap):
    """Return the mode of a partial defection: 0 reduction, 1 re-role, 2 caveat, 3 swap (McInnis 2020).

    A reduction has probability `cuts`. The other modes share the rest in the given proportions; `u` is uniform.
    """
    if u < cuts:
        return 0
    rest = (u - cuts) / (1.0 - cuts) * (re_role + caveat + swap)
    if rest < re_role:
        return 1
    return 2 if rest < re_role + caveat else 3


@device
def caveat_share(share, coalition, odds):
    """Return the proportion of caveats, times `odds` for a coalition government.

    Such governments restrict their troops more often (Saideman and Auerswald 2012).
    """
    return share * odds if coalition == 1 else share


@device
def profile_of(troops, role, reach):
    """Return Pi = troops x role x reach, the output of a contingent relative to its start (McInnis 2020)."""
    return troops * role * reach


@device
def felt_losses(z, aversion):
    """Return v(z) = z if z < 0 else lambda z: losses above the reference weigh more than losses below it.

    Kahneman and Tversky 1979; McInnis 2020, n. 230.
    """
    return where(z < 0.0, z, aversion * z)


@device
def campaign_hazard_ratio(losses, b_losses, age, b_age, trend, b_trend):
    """Return exp(b_v v + b_d age + b_t trend), the factor of casualties, quarters in combat and battlefield trend.

    Mello 2020; Weisiger 2016.
    """
    casualties = withdrawal.add_casualties(0.0, b_losses, losses)
    return exp(withdrawal.add_combat(casualties, b_age, age) + b_trend * trend)


@device
def public_hazard_ratio(opposition, consensus, b_opposition, right, b_right, left_turn, b_left):
    """Return exp(b_o (1 - c) o + b_r R + b_l L), the factor of public opposition o and of the parties in government.

    Opposition matters where elite consensus c is low. R is a leader of the right, L a leader to the left of the last.
    Kreps 2010; Massie 2016; Mello 2020.
    """
    return exp(b_opposition * (1.0 - consensus) * opposition + b_right * right + b_left * left_turn)


@device
def backfill_hazard_ratio(remaining, lost, b):
    """Return ((N + lost) / N)^b, the factor on the exposure of those who remain after a share was lost.

    With b = 1 the remaining share N takes over all of the lost contribution (CJSOR gap-filling).
    """
    grows = (lost > 0.0) & (remaining > 0.0)
    return where(grows, power((remaining + lost) / where(grows, remaining, 1.0), b), 1.0)


@device
def reduced_hazard_ratio(b):
    """Return exp(b), the factor on the hazard of a contingent that was reduced before."""
    return exp(withdrawal.add_reduction(0.0, b, 1.0))


@device
def framework_hazard_ratio(b):
    """Return exp(b), the factor on the hazards of defection under NATO, relative to an ad hoc coalition."""
    return exp(b)


@device
def arrival_hazard(rate, part, multiplier):
    """Return the rate of new missions out of area per quarter: rate (1 + r (m - 1)), with the design's m at ramp r."""
    return rate * (1.0 + part * (multiplier - 1.0))


@device
def us_leads(u, chance, part, first, wars):
    """Return whether the United States leads, with probability p (1 + r (f - 1)) (1 + r (w - 1)) at ramp r.

    `first` and `wars` are the multipliers f and w of a design. Entrapment needs a first responder.
    """
    return u < chance * (1.0 + part * (first - 1.0)) * (1.0 + part * (wars - 1.0))


@device
def interest(common, sd_common, own, sd_own):
    """Return s = sd_c z_m + sd_o z_im, the interest of a member in a mission (Jung 2012).

    One part is common to all members, the other is specific to the member.
    """
    return sd_common * common + sd_own * own


@device
def joins(u, s, cost, solidarity, call, depends):
    """Return whether a member joins, with logit P = s - cost + solidarity + call * dependence (Jung 2012).

    An ad hoc coalition has a low cost; NATO adds solidarity.
    """
    return u < 1.0 / (1.0 + exp(cost - s - solidarity - call * depends))


@device
def decision_lag(framework, absent, quarters):
    """Return the quarters until all allies agree: floor(1 + l x) in NATO, else 0 (Jung 2012).

    Here x is the share of allies that stay out and keep their veto.
    """
    return math.floor(1.0 + quarters * absent) if framework == 1 else 0


@device
def takes_over(u, chance, leaderless, collapsed):
    """Return whether NATO takes over, with probability `chance`, a coalition that has no leader or has collapsed.

    Kabul 2003.
    """
    return (leaderless | collapsed) & (u < chance)
