"""Define the records that the kernel reads and writes: one per thing, with meaning, unit and range of each field.

The kernel receives all sizes as data, so one compilation serves every plan. Arrays of these records stand in
`forecast.simulation.arrays`. A rule receives one record (a member, a contingent) instead of a dozen arrays.

Sizes: M members, K countries with a leader series, S missions, C contingents of the largest mission, A candidate
missions, N scenario cells (war times design), Q quarters, Y years, P posterior draws, D dyads.

Units, unless a comment says otherwise: time in quarters, with quarter 0 the first projected one; factors, cohesion and
shifts in sign units (the scale of the cohesion index); spending as the natural logarithm of percent of GDP; hazards
per quarter; flags 0 or 1. `priors/` documents the value and the source of every parameter under the same name.
"""

from typing import Any

import numpy as np

from forecast.constants import EARLY_BINS
from forecast.names import EVENTS, FACTORS, INDICES, MECHANISMS, STRESSES

Records = Any  # numpy record arrays; numpy has no static type for their fields

LANES = 8  # draws, members or countries that the kernel computes together: what a register holds
CELLS = 20  # neighbouring scenario cells that it computes together: three registers, of 8, 8 and 4
NEVER = 1 << 30  # a quarter that does not come
CUTS = 4  # partial defections, and planned reductions, followed for each contingent
DRAWDOWNS = 4  # cuts of American troops followed on each path

#: Modes of a partial defection. Reductions and swaps lower the troops, re-roles the role, caveats the reach.
REDUCTION, RE_ROLE, NEW_CAVEAT, SWAP = range(4)
#: Status of a member: in the alliance, in its notice period, or out.
INSIDE, LEAVING, OUTSIDE = 0, 1, 2
#: What acts on the hazards of a country's contingents: opposition in the quarter before, a leader of the right, a turn
#: to the left in this quarter or the one before, and the hazard ratio of leaders and elections.
OPPOSITION, RIGHT, LEFT_TURN, LEADER = range(4)
#: Positions in `names.FACTORS`.
THREATS, INSTITUTIONS, NORMS, LEADERSHIP = range(len(FACTORS))
#: Positions in `names.EVENTS`.
CRISIS, WEDGE, DISPUTE, BLOCK, SCAPEGOAT, NOTICE, EXIT, COMMAND_EXIT, US_NOTICE, US_EXIT = range(10)
US_DRAWDOWN, THREE_REFUSALS, TREATY_BROKEN = range(10, len(EVENTS))
#: Positions in `names.INDICES`.
POLITICAL, MILITARY, DISCORDANCE, HETEROGENEITY, CONVERGENCE, ARTICLE5, DETERRENCE = range(7)
US_TROOPS, CREDIBILITY = range(7, len(INDICES))

_F, _I = np.float64, np.int64
_N = np.int16  # counts that a path changes by 1 at most


def records(dtype: np.dtype[Any], *shape: int) -> Records:
    """Return zeroed records of this shape whose fields are attributes, in compiled and in plain Python.

    They begin on a cache line. So lanes lie on one line each, if the fields before them fill whole lines.
    """
    size, line = int(np.prod(shape)) * dtype.itemsize, 64  # bytes
    buffer = np.zeros(size + line, np.uint8)
    start = -buffer.ctypes.data % line
    return buffer[start : start + size].view(dtype).reshape(shape).view(np.recarray)


# fmt: off
# Tables: one field a line, or several that share a comment.

# -- the plan: fixed for a projection -------------------------------------------------------------

#: One record: what holds for all paths and cells.
CONSTANTS = np.dtype(
    [
        ("quarter_of_year", _I),  # of quarter 0: 0 to 3
        ("usa", _I),  # index of the United States among the countries, -1 if absent
        ("onset", _I),  # quarter in which the scenarios begin to differ
        *((name, _I) for name in MECHANISMS),  # 1 = the mechanism is switched on
        *((name, _I) for name in STRESSES),  # quarter of the stress event, NEVER if the plan has none
        ("neutral_target", _F),  # target of the threat level before the onset; 1 = the present level
        ("floor", _F), ("cap", _F),  # bounds of spending, log of percent of GDP
        ("front_mark", _F),  # spending that front-line members aim at, log of percent of GDP
        ("growth_mean", _F),  # long-run real growth of GDP a year, as a fraction
        ("growth_phi", _F),  # persistence of growth from year to year
        ("growth_bounce", _F),  # part of a fall of GDP that is recovered in the next year
        ("growth_sd", _F),  # SD of the yearly innovation of growth
        ("early_vote", _F, EARLY_BINS),  # probability of an early vote 1, 2, and 3 or more quarters before the deadline
        ("usa_off_cycle", _F),  # probability a quarter that the president changes between elections
        ("kaplan_meier_weight", _F),  # probability that a running mission follows the Kaplan-Meier curve
        ("contagion_cap", _F),  # largest share of recent leavers that contagion counts, 0 to 1
        ("hollow_flags", _F), ("hollow_operation", _F),  # hollow: nominal at or above, operational below; shares
        ("collapse_operation", _F),  # operational share below which a mission collapses
        ("factor_phi", _F),  # persistence of the four factors
        ("factor_innovation", _F),  # SD of their innovation
        ("factor_correlation", _F),  # correlation of the innovations of two factors
        ("threat_persistence", _F), ("threat_sd", _F),  # of the threat level: persistence, SD of the innovation
        ("casualty_memory", _F),  # part of the surprise that enters the reference level of losses
        ("casualty_phi", _F), ("trend_phi", _F), ("opinion_phi", _F),  # persistence: losses, battlefield, opposition
        ("noncombat_losses", _F),  # spread of losses outside combat over the spread in combat
        ("same_camp", _F),  # probability that a new leader keeps the left-right position of the last
        ("wing_sd", _F),  # SD of leaders on the left-right scale
        ("arrival_rate", _F),  # rate of each candidate mission
        ("us_led", _F),  # probability that the United States lead a new mission while they are first responder
        ("common_interest", _F), ("own_interest", _F),  # SD of members' interest in a mission: shared, own; logits
        ("nominal_flags", _F),  # nominal share below which a mission has ended in name
        ("ally_usa", _I),  # index of the United States among the members, -1 if absent
        ("rally_decay", _F), ("onset_decay", _F), ("strain_decay", _F),  # what a quarter leaves of a crisis's effects
        ("orientation_jitter", _F),  # SD of the change of orientation within one coalition of support
        ("low_alignment", _F),  # alignment below which a member counts as low
        ("article5_persistence", _F),  # persistence of the confidence in Article 5
        ("article5_usual", _F),  # usual confidence in Article 5, a probability
        ("burden_sd", _F),  # one standard deviation of the burden measures, log points
        ("burden_gap", _F),  # log of the American over the European share of GDP in 2025
        ("deterrence_feedback", _F),  # how far the deterrence signal lowers the threat target, 0 to 1
        ("exit_factor", _F),  # factor on the hazard of notice while trust in the treaty is broken
        ("honour_line", _F),  # share of the alliance, by GDP, below which too few honour a call
        ("broken_quarters", _I),  # how long trust in the treaty stays broken
        ("notice_quarters", _I),  # time from notice to exit
    ]
)
MEMBER = np.dtype(
    [
        ("id", _I),  # address of its random numbers
        ("country", _I),  # index among the countries, -1 = no leader series
        ("start_growth", _F),  # real growth of the last observed year, as a fraction
        ("front", _F),  # 1 = on the front line
        ("european", _F),  # GDP weight among the European allies; sums to 1, 0 for others
        ("dependence", _F),  # dependence on the alliance, 0 to 1
        ("weight", _F),  # GDP weight among all members; sums to 1
        ("distance", _F),  # of the capital from Moscow, 1,000 km
        ("distance_z", _F),  # the distance, standardised over the members
        ("pacific", _I),  # 1 = a Pacific power
        ("firm", _F),  # 1 = a firm liberal democracy
    ]
)
COUNTRY = np.dtype(
    [
        ("id", _I),  # address of its random numbers
        ("next_election", _I),  # last quarter of the next election that selects the leader, NEVER if none
        ("fixed", _I),  # 1 = its day is set
        ("term", _I),  # quarters between such elections
        ("parliamentary", _I),  # 1 = early elections are possible
        ("in_office", _I),  # quarters the leader has served at the start
        ("mandates", _I),  # elections that the leader has won and that count towards the limit
        ("term_limit", _I),  # number of them after which a leader may not stand, NEVER if none
        ("voted", _I),  # 1 = such an election was held in the quarter before quarter 0
        ("usual_change", _F), ("usual_election", _F),  # share of quarters: new leader, election within four quarters
        ("influence_weight", _F),  # weight of its leader in the leadership of the alliance; sums to 1
    ]
)
MISSION = np.dtype(
    [
        ("start", _I),  # first quarter of the mission
        ("end", _I),  # first quarter without the mission, NEVER if open-ended
        ("stake", _F),  # weight of a collapse in the shock to the factors: 1 for NATO missions, else 0
        ("lead", _I),  # contingent of the lead nation, -1 if it does not contribute
        ("contingents", _I),  # at the start
        ("ever", _I),  # contributors there ever were
        ("id", _I),  # address of its random numbers
        ("combat", _F),  # 1 = combat
        ("ad_hoc", _I),  # 1 = coalition of the willing
        ("age", _I),  # quarters since the mission began, counted at its start or at quarter 0
        ("contentious", _I),  # 1 = allies may have a dispute over it
        ("veto", _I),  # 1 = run by the alliance, so allies that do not take part keep their veto
    ]
)
CONTINGENT = np.dtype(
    [
        ("id", _I),  # address of its random numbers
        ("country", _I),  # index among the countries, -1 = no leader series
        ("served", _I),  # quarters since entry, counted at the start of the mission or at quarter 0
        ("weight", _F),  # share of the troops at the start; sums to 1 over the mission
        ("relative_dependence", _F),  # dependence times framework weight, less its mean over the mission
        ("ally", _I),  # 1 = sent by a member of the alliance
    ]
)
#: One scenario cell: an outcome of the war and a design of the alliance.
CELL = np.dtype(
    [
        ("war_ramp", _I), ("design_ramp", _I),  # quarters until the shift is complete
        ("threat_target", _F),  # target of the threat level from the onset
        ("pledge_multiplier", _F),  # factor on the response to the pledge
        ("credibility", _F),  # of the announced American withdrawal at the start, 0 to 1
        ("half_life", _F, 4),  # half-life of the design's shift by factor; 0 = lasting
        ("promise", _I),  # 1 = the design announces that American troops leave Europe
        ("troop_ramp", _I),  # quarters until they have left
        ("drawdown", _F),  # factor on the hazard of other draw-downs
        ("china_focus", _F),  # 0 to 1
        ("first_responder", _F),  # factor on the probability of American leadership, 0 to 1
        ("out_of_area", _F),  # factor on the rate of new missions
        ("entrapment", _F),  # factor on the probability of American leadership, for wars of choice
    ]
)
CANDIDATE_MISSION = np.dtype(
    [
        ("id", _I),  # address of its random numbers
        ("framework", _I),  # 0 = ad hoc, 1 = NATO
    ]
)
DYAD = np.dtype(
    [
        ("id", _I),  # address of the dyad's random numbers
        ("partner", _I),  # address of the partner's random numbers
        ("country", _I),  # the partner's index among the countries, -1 = no leader series
        ("start_growth", _F),  # the partner's real growth of the last observed year, as a fraction
        ("renewal", _I),  # quarter in which host-nation support is next agreed
        ("renewal_every", _I),  # quarters between such agreements
    ]
)

# -- parameters: one row per draw -----------------------------------------------------------------

PARAMETER = np.dtype(
    [
        # spending (`rules/spending.py`)
        ("common_phi", _F), ("common_scale", _F),  # common factor: yearly persistence, stationary scale
        ("common_start", _F),  # common factor of the last observed year
        ("volatility_phi", _F), ("volatility_sd", _F),  # log volatility: yearly persistence, stationary SD
        ("volatility_start", _F),  # log volatility of the last observed year
        ("response_start", _F),  # log response to a gap in the last observed year
        ("response_mean", _F), ("response_phi", _F), ("response_sd", _F),  # log response: mean, persistence, step SD
        ("front", _F),  # response to the front-line mark over the response to the pledge
        ("growth", _F), ("growth_lag", _F),  # effects of GDP growth in the year and the year before on the log share
        ("election_spending", _F),  # effect of an election year on the log share
        # leaders (`rules/leadership.py`), logits
        ("turnover_intercept", _F),  # of an average country in a quarter far from elections
        ("turnover_offset", _F),  # part of the country effect that is added in and after the quarter of an election
        ("turnover_election", _F), ("turnover_after", _F), ("turnover_before", _F),  # in, after, before an election
        ("turnover_after_new", _F),  # after an election that brought the leader to office
        ("turnover_limited", _F),  # after an election in which the leader could not stand
        ("tenure", _F, 8),  # by bin of quarters in office
        ("usa_election", _F),  # probability that the president changes after an election, if he may stand
        # withdrawal (`rules/missions.py`), log hazard ratios
        ("duration_defection", _F, 8), ("duration_planned", _F, 8),  # by bin of quarters since entry
        ("leader_change", _F), ("election_ahead", _F),  # new leader; election within four quarters
        ("contagion", _F),  # per ten points of the share of recent leavers
        ("lead_gone", _F),  # after the exit of the lead nation
        ("ending", _F),  # on planned withdrawal in the last year of a mission
        # cohesion (`rules/alliance.py`)
        ("cohesion_effect", _F),  # log hazard ratio of defection per sign unit of cohesion
        ("collapse_shock", _F, 4),  # shock to each factor when a mission collapses
        ("weights", _F, 4),  # of the factors in the cohesion index; sum to 1
        ("factor_start", _F, 4),  # factors in the quarter before quarter 0; 0 = the neutral state
        ("verdict_low", _F), ("verdict_high", _F),  # cut points between Weak, Fragmented and Strong
        ("rater_sd", _F),  # SD of the raters' error
        # missions: modes of defection, log hazard ratios, joining
        ("mode_shares", _F, 4),  # of partial defections: reduction, re-role, caveat, swap; sum to 1
        ("mode_lower", _F, 4), ("mode_upper", _F, 4),  # range of what a cut leaves, by mode; fractions
        ("caveat_detection", _F),  # probability that a new caveat is noticed
        ("reduction", _F),  # log of the rate of reductions over the rate of full exits
        ("ever_reduced", _F),  # log hazard ratio of a contingent that was reduced before
        ("tether", _F),  # effect of relative dependence on the logit that a defection is a full exit
        ("casualties", _F),  # per SD of felt losses
        ("loss_aversion", _F),  # weight of losses above the reference over those below
        ("combat_drift", _F),  # per quarter in combat
        ("trend", _F),  # per SD of the battlefield trend
        ("opposition", _F),  # per SD of public opposition, without elite consensus
        ("right_wing", _F), ("left_turn", _F),  # a leader right of the centre; a successor left of the last
        ("backfill", _F),  # exponent on the exposure of those who stay
        ("hand_over", _F),  # probability that NATO takes over a leaderless or collapsed coalition
        ("nato", _F),  # log hazard ratio under NATO
        ("join_cost", _F, 2),  # ad hoc, NATO; logits
        ("solidarity", _F), ("call", _F),  # logits: NATO mission; American call times dependence
        ("stay", _F, 2),  # rate at which joiners leave: ad hoc, NATO
        ("decision_lag", _F),  # quarters a NATO decision takes longer if all members stay out
        ("coalition_caveats", _F),  # factor on the share of caveats under coalition governments
        # the alliance: rates, effects in sign units, logits
        ("crisis_rate", _F), ("crisis_rally", _F),  # crises: rate, effect on leadership
        ("crisis_strain", _F), ("crisis_cost", _F),  # later effects of a crisis on threats and on institutions
        ("wedge_rate", _F), ("wedge", _F),  # China divides the alliance: rate, effect on threats
        ("dispute_rate", _F), ("dispute", _F),  # dispute over a mission: rate, effect on leadership
        ("dispute_outside", _F),  # part of a dispute's effect when the mission is run outside NATO
        ("coalition_change", _F),  # probability that a new leader has a new coalition of support
        ("sceptic", _F), ("sceptic_usa", _F),  # probability that such a leader is sceptical of the alliance
        ("start_usa", _F),  # orientation of the American leader at the start, -1 to 1
        ("orientation", _F),  # effect of the weighted orientation of leaders on leadership
        ("scapegoat_rate", _F), ("scapegoat", _F),  # a sceptic blames the alliance: rate, effect on leadership
        ("burden_sharing", _F),  # effect of European spending on institutions, per SD
        ("spending_cost", _F),  # effect on leadership per percentage point of GDP
        ("block_base", _F), ("block_spread", _F),  # logit of a blocked decision: level, per unit of heterogeneity
        ("block_low", _F), ("block_absent", _F),  # the same logit, per share of low alignment and of absence
        ("block", _F),  # effect of a blocked decision on institutions
        ("article5", _F),  # confidence in Article 5 at the start, a probability
        ("article5_effect", _F),  # effect of confidence on cohesion
        ("article5_notice", _F), ("article5_refusal", _F),  # effects on confidence: American notice, refused call
        ("honour", _F), ("honour_confidence", _F),  # logit that a member honours a call: level, per unit of confidence
        ("honour_distance", _F), ("honour_orientation", _F),  # the same logit, per SD of distance, per unit
        ("threat_reach", _F),  # distance over which the threat falls to 1 / e, 1,000 km
        ("threat_eye", _F),  # SD of the log of the threat perceived at one distance
        ("balancing", _F),  # yearly growth of spending against China in the Pacific, log points
        ("balancing_far", _F),  # part of that response in Europe, 0 to 1
        ("credibility_decay", _F),  # credibility lost a quarter if no American troops leave
        ("notice_rate", _F),  # of a member other than the United States
        ("notice_cohesion", _F), ("notice_sceptic", _F),  # log hazard ratios of notice
        ("notice_reversed", _F),  # probability that a member takes its notice back
        ("notice_norms", _F),  # effect of a notice on norms
        ("command_exit_rate", _F), ("command_return_rate", _F),  # exit from the integrated command, return to it
        ("command_exit", _F),  # effect of such an exit on institutions
        ("us_notice_sympathetic", _F), ("us_notice_other", _F),  # hazard by the president's orientation
        ("us_burden", _F),  # log hazard ratio per SD of the burden gap
        ("us_succeeds", _F),  # probability that an American notice ends in exit
        ("us_notice_leadership", _F), ("us_notice_threats", _F),  # effects of an American notice
        ("us_drawdown_rate", _F),  # of American troops
        ("us_drawdown_lower", _F), ("us_drawdown_upper", _F),  # range of a draw-down, fraction of the troops
    ]
)
MEMBER_PARAMETER = np.dtype(
    [
        ("start", _F),  # spending in the year before quarter 0, NaN = no spending
        ("target", _F),  # log of percent of GDP
        ("pull", _F),  # part of the distance to the target that is closed in a year
        ("scale", _F),  # of the noise
        ("tails", _F),  # degrees of freedom of the noise
        ("loading", _F),  # on the common factor
        ("announced_weight", _F),  # reliability of its announcements, 0 to 1
    ]
)
COUNTRY_PARAMETER = np.dtype([("turnover_effect", _F)])  # of the country on the logit of a change of leader
MISSION_PARAMETER = np.dtype(
    [
        ("full_exit", _F),  # probability that a defection is a full exit
        ("consensus", _F),  # of elites on the mission, 0 to 1
    ]
)
CONTINGENT_PARAMETER = np.dtype(
    [
        ("defection", _F), ("planned", _F),  # log hazards
        ("circumstances", _F),  # added to the log hazard of defection: side payments, prestige, own sector
    ]
)
CELL_PARAMETER = np.dtype(
    [
        ("war_shift", _F, 4), ("design_shift", _F, 4),  # of each factor at full ramp
        ("retrenchment", _F),  # yearly growth of European spending under a credible withdrawal, log points
        ("troop_cut", _F),  # part of the American troops in Europe that the design takes away
        ("backsliding", _F),  # pledge multiplier if Europe finds the announcement not credible
        ("alignment_firm", _F), ("alignment_frail", _F),  # shift of members' alignment: firm democracies, others
    ]
)
#: Units: fears, opinion, threat and gap in sign units; rates and effects per quarter unless a comment differs.
DYAD_PARAMETER = np.dtype(
    [
        ("fear_persistence", _F),  # of both fears and of opinion
        ("fear_sd", _F), ("opinion_sd", _F),  # SD of the innovations
        ("abandonment_signal", _F), ("abandonment_reach", _F), ("abandonment_demand", _F),  # effects on abandonment
        ("entrapment_war", _F), ("entrapment_crisis", _F), ("entrapment_abandonment", _F),  # effects on entrapment
        ("opinion_demand", _F), ("opinion_signal", _F),  # effects on opinion
        ("support_base", _F),  # growth of host-nation support a year, log points
        ("support_response", _F),  # per log of a demand
        ("demand_sd", _F),  # scale of the log of a demand at a renewal
        ("stress_demand", _F),  # factor that the stress event demands
        ("reach_now", _F), ("reach_growth", _F), ("reach_exposure", _F),  # of North Korea; fractions
        ("threat", _F), ("threat_persistence", _F), ("threat_sd", _F),  # shared threat
        ("gap", _F), ("gap_sd", _F), ("gap_china", _F),  # gap between the partners' views of it
        ("weight_threat", _F), ("weight_abandonment", _F),  # weights in the cohesion of the dyad
        ("weight_entrapment", _F), ("weight_opinion", _F),  # the same
        ("contribution_abandonment", _F), ("contribution_entrapment", _F),  # growth of spending a year, log points
        ("termination", _F),  # hazard that the treaty ends
        ("termination_cohesion", _F),  # log hazard ratio per unit of cohesion
        ("refusal_abandonment", _F),  # jump of the fear of abandonment after a refusal
        ("refusal_termination", _F),  # factor on the hazard after a refusal
        ("honour", _F), ("honour_cohesion", _F),  # logit that an attack is answered; per unit of cohesion
        ("troops_cut", _F),  # probability of a cut of American troops
        ("cut_lower", _F), ("cut_upper", _F),  # range of a cut, fraction of the troops
    ]
)
OUTLOOK_PARAMETER = np.dtype(
    [
        ("war_start", _F), ("war_end", _F),  # probabilities a quarter
        ("crisis_start", _F), ("crisis_end", _F),  # probabilities a quarter
        ("executive_now", _F),  # signal of the president in office at the start, -1 to 1
        ("executive_sd", _F),  # SD of the signal of a new president
    ]
)
DYAD_CELL = np.dtype([("signal", _F)])  # American commitment signal of the design at full ramp, -1 to 1

# -- shocks: drawn once for a path, shared by its cells -------------------------------------------

BUDGET_SHOCKS = np.dtype(
    [
        ("noise", _F),  # of the log share
        ("growth", _F),  # real growth of GDP in the year, as a fraction
        ("election", _F),  # 1 = the leader is elected in the year
    ]
)
LEADER_SHOCKS = np.dtype(
    [
        ("change", _I),  # 1 = the leader changes in the quarter
        ("vote", _I),  # 1 = an election that selects the leader
        ("hazard_ratio", _F),  # of defection, from changes of leader and elections ahead
        ("orientation", _F),  # of the leader towards the alliance at the end of the quarter, -1 to 1
        ("scapegoat", _I),  # 1 = a sceptical leader blames the alliance
    ]
)
ALLIANCE_SHOCKS = np.dtype(
    [
        ("threat", _F), ("rater", _F),  # standard normals: threat level, verdict
        ("factors", _F, 4),  # correlated standard normals
        ("crisis", _I), ("wedge", _I), ("dispute", _I),  # 1 = happens in the quarter
        ("block", _F),  # uniform
        ("orientation_change", _F),  # weighted orientation of leaders, less its value at the start
        ("scapegoat", _F),  # summed weight of the leaders that blame the alliance
        ("command_exits", _I),  # members that leave the integrated command in the quarter
    ]
)
CONTINGENT_SHOCKS = np.dtype(
    [
        ("defection", _F), ("planned", _F),  # hazards without time-varying terms
        ("planned_quarter", _I),  # of the planned withdrawal, NEVER if none comes
        ("exit_threshold", _F),  # cumulative hazard at which it defects in full
        ("cut_threshold", _F, CUTS),  # cumulative hazards of defection at which it is cut
        ("cut_size", _F, CUTS),  # what each cut leaves, a fraction
        ("cut_mode", _I, CUTS),  # REDUCTION, RE_ROLE, NEW_CAVEAT or SWAP
        ("cut_detected", _I, CUTS),  # 1 = a caveat would be noticed
        ("planned_cut_threshold", _F, CUTS),  # cumulative hazards of planned withdrawal at which troops are reduced
        ("planned_cut_quarter", _I, CUTS),  # of its planned reductions, NEVER if none comes
        ("planned_cut_size", _F, CUTS),  # what each leaves, a fraction
        ("numbers", _F, (7, CUTS)),  # random numbers, in the order of `shocks.missions`
    ]
)
ALLY_SHOCKS = np.dtype(
    [
        ("notice_threshold", _F),  # Exp(1): cumulative hazard at which the member gives notice
        ("reversal", _F),  # uniform
        ("honour", _F),  # standard logistic
    ]
)
PATH_SHOCKS = np.dtype(
    [
        ("us_notice_threshold", _F),  # Exp(1)
        ("us_exit", _F),  # uniform: whether an American notice ends in exit
        ("drawdown_threshold", _F, DRAWDOWNS),  # cumulative hazards of the American draw-downs
        ("drawdown_size", _F, DRAWDOWNS),  # what each leaves, a fraction
        ("threat_spread", _F),  # SD over the members of the perceived threat, at threat level 1
    ]
)
CAMPAIGN_SHOCKS = np.dtype(
    [
        ("hazard_ratio", _F),  # of defection, from the quarter before
        ("hand_over", _F),  # uniform; the number of quarter 0 decides
    ]
)
CANDIDATE_MISSION_SHOCKS = np.dtype(
    [
        ("start_threshold", _F),  # Exp(1)
        ("leader", _F),  # uniform: whether the United States lead
        ("joined", _I, 2),  # members that join it, -1 = not yet known; led by others, by the United States
    ]
)
JOIN_SHOCKS = np.dtype(
    [
        ("interest", _F),  # of the member in the mission, logits
        ("join", _F),  # uniform
        ("exit_threshold", _F),  # Exp(1)
        ("joins", _I, 2),  # 1 = joins it; led by others, by the United States
        ("stay", _I),  # quarters that it would stay, at most the horizon
    ]
)
#: What all dyads observe in a quarter.
OUTLOOK = np.dtype(
    [
        ("war", _F),  # 1 = the United States are in a war that is not the partner's
        ("crisis", _F),  # 1 = a crisis between China and the United States
        ("executive", _F),  # signal of the president in office, -1 to 1
    ]
)
DYAD_SHOCKS = np.dtype(
    [
        ("threat", _F),  # shared threat
        ("gap", _F),  # gap over China, without the effect of the design
        ("demand", _F),  # log of the demand for host-nation support, 0 = none
        ("support", _F),  # host-nation support, 1 = as at the start
        ("troops", _F),  # American troops, 1 = as at the start
        ("cut", _F),  # 1 = American troops are cut in the quarter
        ("reach", _F),  # reach of North Korea times exposure, 0 to 1
        ("abandonment", _F), ("entrapment", _F), ("opinion", _F),  # innovations
        ("end", _F), ("honour", _F),  # uniforms
    ]
)

# -- state of neighbouring cells on one path: lanes ------------------------------------------------


def in_lanes(dtype: np.dtype[Any], size: int) -> np.dtype[Any]:
    """Return records with the same fields, each with a number for every lane."""
    return np.dtype([(name, _F, (*dtype[name].shape, size)) for name in dtype.names or ()])


_L = CELLS
CELL_LANES, CELL_PARAMETER_LANES = in_lanes(CELL, CELLS), in_lanes(CELL_PARAMETER, CELLS)
DYAD_CELL_LANES = in_lanes(DYAD_CELL, CELLS)
COUNTRY_LANES = in_lanes(COUNTRY, LANES)
ALLIANCE_STATE = np.dtype(
    [
        ("threat", _F, _L),  # threat level, at least 0
        ("cohesion", _F, _L),  # the cohesion index
        ("european", _F, _L),  # European spending, percent of GDP
        ("process", _F, (4, _L)),  # AR(1) part of each factor
        ("factors", _F, (4, _L)),  # threats, institutions, norms, leadership
        ("passing_shift", _F, (4, _L)),  # of the factors, in this quarter only
        ("lasting_shift", _F, (4, _L)),  # of the factors; enters `process` and fades with it
        ("burden", _F, _L),  # European spending against the start, SD units
        ("spending_rise", _F, _L),  # the same difference, percentage points of GDP
        ("us_burden_gap", _F, _L),  # American over European burden against 2025, SD units
        ("departed_weight", _F, _L),  # summed `european` weight of the members that left
        ("heterogeneity", _F, _L),  # SD of the members' alignment
        ("low_alignment", _F, _L),  # share of members of low alignment
        ("absent", _F, _L),  # share of allies that stay out of the alliance's missions
        ("credibility", _F, _L),  # of the announced American withdrawal, 0 to 1
        ("us_troops_left", _F, _L),  # after random draw-downs, 1 = all
        ("us_notice_hazard", _F, _L), ("us_drawdown_hazard", _F, _L),  # cumulative
        ("next_drawdown", _F, _L),  # cumulative hazard at which the next draw-down happens
        ("us_drawdowns", _I, _L),  # so far
        ("article5", _F, _L),  # confidence in Article 5, a probability
        ("article5_shock", _F, _L),  # its change in this quarter
        ("broken_until", _F, _L),  # first quarter in which trust in the treaty is no longer broken
        ("index", _F, (len(INDICES), _L)),  # the measures of `names.INDICES`
        ("happened", _F, (len(EVENTS), _L)),  # the events of `names.EVENTS`: 1 = by now
        ("rally", _F), ("onset", _F), ("strain", _F),  # what is left of past crises, each 1 when new; in all cells
        ("initial_european", _F),  # European spending before quarter 0, percent of GDP; in all cells
    ]
)
MISSION_STATE = np.dtype(
    [
        ("tallied_sum", _I, (3, _L)),  # each curve as last tallied, fixed point
        ("tallied_bin", _I, (3, _L)),  # its bin as last tallied, -1 before
        ("tallied_hollow", _F, _L), ("tallied_ended", _F, _L), ("tallied_handed", _F, _L),  # flags as last tallied
        ("allies_present", _F, _L),  # contingents of members of the alliance
        ("exits", _F, _L), ("exits_1", _F, _L), ("exits_2", _F, _L),  # in this quarter and the two before
        ("quarters_low", _F, _L),  # quarters in a row below the collapse line
        ("collapsed", _F, _L),  # 1 = by now
        ("collapsed_now", _F, _L),  # 1 = in this quarter
        ("curve", _F, (3, _L)),  # nominal, operational, nominal by count
        ("weight_lost", _F, _L), ("weight_lost_1", _F, _L), ("weight_lost_2", _F, _L),  # this quarter, the two before
        ("handed", _F, _L),  # 1 = under NATO after a hand-over
        ("ended", _F, _L),  # 1 = has ended in name by now
        ("modes", _I, (5, _L)),  # defections not yet tallied: full, reduction, re-role, caveat, swap
        ("detected_caveats", _I, _L),  # noticed caveats not yet tallied
        ("reductions", _I, _L),  # cuts of troops for either cause, not yet tallied
        ("curves_stale", _I),  # 1 = a contingent left or changed in some cell, so the curves must be recomputed
        ("needs_tally", _I),  # 1 = something changed in some cell in this quarter that must be tallied
        ("_rest", _F, 2),  # so that lanes start at multiples of 32 bytes
    ]
)
CONTINGENT_STATE = np.dtype(
    [
        ("cumulative_hazard", _F, _L),  # of defection, without the curve: for cuts
        ("exit_hazard", _F, _L),  # of full defection, cumulative
        ("hazard_ratio", _F, _L),  # of defection, from past cuts; 0 once it has left
        ("next_cut", _F, _L),  # cumulative hazard at which the next cut happens
        ("exit_threshold", _F, _L),  # exit hazard at which it leaves; infinite once it has left
        ("present", _F, _L),  # 1 = in the mission
        ("profile", _F, _L),  # operational profile: the product of troops, role and reach; 1 = as at the start
        ("next_planned_cut", _F, _L),  # quarter of its next planned reduction
        ("troops", _F, _L), ("role", _F, _L), ("reach", _F, _L),  # fractions of the start
        ("exit_quarter", _I, _L),  # NEVER while it is present
        ("cuts", _I, _L),  # partial defections so far
        ("planned_cuts", _I, _L),  # planned reductions so far
        ("gone", _I),  # 1 = it has left in all cells
        ("_rest", _F, 3),  # so that lanes start at multiples of 32 bytes
    ]
)
ALLY_STATE = np.dtype(
    [
        ("share", _F, _L),  # spending, log of percent of GDP
        ("status", _F, _L),  # INSIDE, LEAVING (in its notice period) or OUTSIDE
        ("notice_end", _I, _L),  # quarter in which the notice period ends, 0 before any notice
        ("notice_hazard", _F, _L),  # cumulative
    ]
)
CANDIDATE_MISSION_STATE = np.dtype(
    [
        ("cumulative_hazard", _F, _L),  # of its start
        ("start_threshold", _F, _L),  # at which it starts; infinite once it has started
        ("start", _I, _L),  # quarter, NEVER before
        ("us_led", _I, _L),  # 1 = led by the United States
    ]
)
DYAD_STATE = np.dtype(
    [
        ("abandonment", _F, _L), ("entrapment", _F, _L),  # the partner's fears
        ("opinion", _F, _L),  # of the partner's public on American bases
        ("cohesion", _F, _L),  # of the dyad
        ("share", _F, _L),  # the partner's spending, log of percent of GDP
        ("intact", _F, _L),  # 1 = the treaty is in force
        ("refused", _F, _L),  # 1 = the United States did not answer an attack
        ("initial_abandonment", _F), ("initial_entrapment", _F),  # fears before quarter 0; in all cells
        ("_rest", _F, 2),  # so that lanes start at multiples of 32 bytes
    ]
)

# -- sums over paths by lanes, under the names that they have in `tallies.Tally` --------------------

ALLIANCE_SUMS = np.dtype(
    [
        ("cohesion_sum", _I, _L), ("threat_sum", _I, _L), ("factor_sum", _I, (4, _L)),
        ("index_sum", _I, (len(INDICES), _L)), ("verdict", _N, (3, _L)), ("event", _N, (len(EVENTS), _L)),
    ]
)
YEAR_SUMS = np.dtype([("european_sum", _I, _L)])
CURVE_SUMS = np.dtype([("survival_sum", _I, _L)])
MISSION_SUMS = np.dtype([("hollow", _N, _L), ("collapsed", _N, _L), ("ended", _N, _L), ("handed", _N, _L)])
DEFECTION_SUMS = np.dtype([("modes", _I, (5, _L)), ("seen", _I, _L), ("reductions", _I, _L)])
EXIT_SUMS = np.dtype([("exits", _N, _L)])
DYAD_SUMS = np.dtype([("dyad_sum", _I, (6, _L)), ("dyad_intact", _N, _L), ("dyad_refused", _N, _L)])

#: Series of a dyad that are tallied and kept for the sampled paths, in this order.
DYAD_SERIES = ("cohesion", "abandonment", "entrapment", "opinion", "support", "troops")
