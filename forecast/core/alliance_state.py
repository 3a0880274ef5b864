"""The fields of the core's records that belong to the alliance itself: leaders, vetoes, exits, American troops.

`state` puts each list at the end of the record of the same name.
"""

import numpy as np

from forecast.names import EVENTS, FACTORS, INDICES

DRAWDOWNS = 4  # cuts of American troops that are followed
INSIDE, LEAVING, OUTSIDE = 0, 1, 2  # status of a member
THREATS, INSTITUTIONS, NORMS, LEADERSHIP = range(len(FACTORS))
# positions in EVENTS
CRISIS, WEDGE, DISPUTE, BLOCK, SCAPEGOAT, NOTICE, EXIT, COMMAND_EXIT, US_NOTICE, US_EXIT = range(10)
US_DRAWDOWN, THREE_REFUSALS, TREATY_BROKEN = range(10, len(EVENTS))
# positions in INDICES
POLITICAL, MILITARY, DISCORDANCE, HETEROGENEITY, CONVERGENCE, ARTICLE5, DETERRENCE = range(7)
US_TROOPS, CREDIBILITY = range(7, len(INDICES))

_F, _I = np.float64, np.int64

CONSTANTS = [
    ("ally_usa", _I),  # index of the United States among the members, -1 if absent
    ("rally_decay", _F), ("onset_decay", _F), ("strain_decay", _F),  # a quarter
    ("orientation_jitter", _F), ("low_alignment", _F),
    ("article5_persistence", _F), ("article5_usual", _F),
    ("burden_sd", _F), ("burden_gap", _F),  # log points
    ("deterrence_feedback", _F), ("exit_factor", _F), ("honour_line", _F),
    ("broken_quarters", _I), ("notice_quarters", _I),
]  # fmt: skip
MEMBER = [
    ("weight", _F),  # GDP weight among all members, sums to 1
    ("distance", _F),  # of the capital from Moscow, 1,000 km
    ("far", _F),  # the same, standardised over the members
    ("pacific", _I),  # 1 = a Pacific power
    ("firm", _F),  # 1 = a firm liberal democracy
]  # fmt: skip
COUNTRY = [
    ("voice", _F),  # weight of its leader in the leadership of the alliance
]  # fmt: skip
MISSION = [
    ("contentious", _I),  # 1 = one over which allies may fall out
    ("veto", _I),  # 1 = run by the alliance, so that allies who stay out keep their veto
]  # fmt: skip
CONTINGENT = [
    ("ally", _I),  # 1 = of a member of the alliance
]  # fmt: skip
CELL = [
    ("promise", _I),  # 1 = the design promises that American troops go
    ("troop_ramp", _I),  # quarters until they are gone
    ("drawdown", _F),  # factor on the hazard of other draw-downs
    ("china_focus", _F),  # 0 to 1
    ("first_responder", _F),  # 0 to 1: the United States comes first
    ("out_of_area", _F), ("entrapment", _F),  # factors on rates
]  # fmt: skip
PARAMETER = [
    # the alliance: events a quarter, their sizes in sign units
    ("crisis_rate", _F), ("crisis_rally", _F), ("crisis_strain", _F), ("crisis_cost", _F),
    ("wedge_rate", _F), ("wedge", _F), ("dispute_rate", _F), ("dispute", _F), ("dispute_outside", _F),
    ("coalition_change", _F), ("sceptic", _F), ("sceptic_usa", _F), ("start_usa", _F),
    ("orientation", _F), ("scapegoat_rate", _F), ("scapegoat", _F),
    ("burden_sharing", _F), ("spending_cost", _F),
    ("block_base", _F), ("block_spread", _F), ("block_low", _F), ("block_absent", _F), ("block", _F),
    ("article5", _F), ("article5_effect", _F), ("article5_notice", _F), ("article5_refusal", _F),
    ("honour", _F), ("honour_confidence", _F), ("honour_distance", _F), ("honour_orientation", _F),
    ("threat_reach", _F), ("threat_eye", _F),  # 1,000 km; SD of the log
    ("balancing", _F), ("balancing_far", _F), ("credibility_decay", _F),
    ("notice_rate", _F), ("notice_cohesion", _F), ("notice_sceptic", _F), ("notice_reversed", _F),
    ("notice_norms", _F), ("command_exit_rate", _F), ("command_return_rate", _F), ("command_exit", _F),
    ("us_notice_sympathetic", _F), ("us_notice_other", _F), ("us_burden", _F), ("us_succeeds", _F),
    ("us_notice_leadership", _F), ("us_notice_threats", _F), ("us_drawdown_rate", _F),
    ("us_drawdown_lower", _F), ("us_drawdown_upper", _F),
]  # fmt: skip
CELL_PARAMETER = [
    ("troop_cut", _F), ("backsliding", _F),
    ("alignment_firm", _F), ("alignment_frail", _F),  # of members, as democracies
]  # fmt: skip
LEADER_LUCK = [
    ("orientation", _F),  # towards the alliance, -1 to 1, at the end of the quarter
    ("scapegoat", _I),  # 1 = a sceptic blames the alliance
]
ALLIANCE_LUCK = [
    ("crisis", _I), ("wedge", _I), ("dispute", _I),  # 1 = now
    ("block", _F),  # uniform
    ("voice", _F),  # weighted orientation of leaders, less that of the start
    ("scapegoat", _F),  # weight of the leaders that blame the alliance
    ("command_exits", _I),  # of members, now
]  # fmt: skip
ALLY_LUCK = np.dtype([
    ("notice", _F),  # Exp(1) threshold
    ("reversal", _F),  # uniform
    ("honour", _F),  # logistic
])  # fmt: skip
PATH_LUCK = np.dtype([
    ("notice", _F), ("succeeds", _F),  # of the United States: Exp(1) threshold, uniform
    ("cut_time", _F, DRAWDOWNS), ("cut_size", _F, DRAWDOWNS),  # of its draw-downs; what each leaves
    ("threat_spread", _F),  # SD over the members of the threat felt, at threat level 1
])  # fmt: skip
ALLIANCE_STATE = [
    ("shift", _F, 4), ("pulse", _F, 4),  # of the factors in this quarter: passing, and entering their process
    ("rally", _F), ("onset", _F), ("strain", _F),  # echoes of crises
    ("start", _F), ("burden", _F), ("cost", _F), ("gap", _F),  # European share; against it: SD, pp; US gap, SD
    ("gone", _F),  # weight of European members that left
    ("heterogeneity", _F), ("low", _F), ("absent", _F),
    ("credibility", _F), ("kept", _F),  # share of troops that random draw-downs left
    ("us_notice", _F), ("us_drawdown", _F), ("us_cuts", _I),  # cumulative hazards; cuts so far
    ("article5", _F), ("article5_shock", _F), ("broken_until", _I),
    ("index", _F, len(INDICES)), ("happened", _I, len(EVENTS)),  # by now
]  # fmt: skip
ALLY_STATE = np.dtype([
    ("status", _I),  # INSIDE, LEAVING (gave notice) or OUTSIDE
    ("until", _I),  # quarter in which a notice ends
    ("notice", _F),  # cumulative hazard
])  # fmt: skip
