"""The records that the kernel reads and writes: one record a thing, each field with its meaning.

Sizes are data, so one compilation serves every plan. M members, K countries with leaders, S missions, C contingents at
most in a mission, N scenario cells, Q quarters, Y years, P posterior draws, D dyads. Quarter 0 is the first projected
one. Records are handed on by reference: a rule sees one member or one contingent, not a dozen arrays.
"""

from typing import Any

import numpy as np

from forecast.names import EVENTS, FACTORS, INDICES, MECHANISMS, STRESSES

Records = Any  # numpy record arrays; numpy has no static type for their fields

NEVER = 1 << 30  # a quarter that does not come
CUTS = 4  # partial defections of one contingent that are followed

_F, _I = np.float64, np.int64

# fmt: off  (tables: several fields on a line)


CONSTANTS_MISSION_FIELDS = [
    ("casualty_memory", _F),
    ("casualty_phi", _F),
    ("trend_phi", _F),
    ("opinion_phi", _F),
    ("noncombat_losses", _F),  # losses outside combat, as a part of those in combat
    ("same_camp", _F),
    ("wing_sd", _F),  # of a new leader: chance, left-right position
    ("arrival_rate", _F),  # of each possible new mission, a quarter
    ("us_led", _F),  # chance that the United States leads it where they are first responder
    ("common_interest", _F),
    ("own_interest", _F),  # SD of members' interest in a new mission
    ("nominal_flags", _F),  # flags below which a mission has ended in name
]


CONSTANTS_ALLIANCE_FIELDS = [
    ("ally_usa", _I),  # index of the United States among the members, -1 if absent
    ("rally_decay", _F),
    ("onset_decay", _F),
    ("strain_decay", _F),  # a quarter
    ("orientation_jitter", _F),
    ("low_alignment", _F),
    ("article5_persistence", _F),
    ("article5_usual", _F),
    ("burden_sd", _F),
    ("burden_gap", _F),  # log points
    ("deterrence_feedback", _F),
    ("exit_factor", _F),
    ("honour_line", _F),
    ("broken_quarters", _I),
    ("notice_quarters", _I),
]


CONSTANTS = np.dtype(
    [
        ("quarter_of_year", _I),  # 0..3 of quarter 0
        ("usa", _I),  # index of the United States among the countries, -1 if absent
        ("usa_limited", _I),  # 1 = the president in office may not stand again
        ("onset", _I),  # quarter in which the scenarios begin to differ
        *((name, _I) for name in MECHANISMS),  # 1 = switched on
        *((name, _I) for name in STRESSES),  # quarter in which it is set to happen, NEVER if it is not
        ("neutral_target", _F),  # of the threat level
        ("floor", _F),
        ("cap", _F),
        ("front_mark", _F),  # log of percent of GDP
        ("growth_mean", _F),
        ("growth_phi", _F),
        ("growth_bounce", _F),
        ("growth_sd", _F),  # of GDP
        ("early_election", _F),
        ("usa_off_cycle", _F),  # chance a quarter
        ("contagion_cap", _F),
        ("hollow_flags", _F),
        ("hollow_operation", _F),
        ("collapse_operation", _F),
        ("factor_phi", _F),
        ("factor_innovation", _F),
        ("factor_correlation", _F),  # a quarter
        ("threat_persistence", _F),
        ("threat_sd", _F),  # a quarter
        *CONSTANTS_MISSION_FIELDS,
        *CONSTANTS_ALLIANCE_FIELDS,
    ]
)


MEMBER_MISSION_FIELDS = [
    ("depends", _F),  # on the alliance, 0 to 1
]


MEMBER_ALLIANCE_FIELDS = [
    ("weight", _F),  # GDP weight among all members, sums to 1
    ("distance", _F),  # of the capital from Moscow, 1,000 km
    ("far", _F),  # the same, standardised over the members
    ("pacific", _I),  # 1 = a Pacific power
    ("firm", _F),  # 1 = a firm liberal democracy
]


MEMBER = np.dtype(
    [
        ("id", _I),  # address of random numbers
        ("country", _I),  # index among the countries, -1 = no leader series
        ("start_growth", _F),  # real growth of the last observed year
        ("front", _F),  # 1 on the front line
        ("european", _F),  # GDP weight among the European allies, sums to 1
        *MEMBER_MISSION_FIELDS,
        *MEMBER_ALLIANCE_FIELDS,
    ]
)


COUNTRY_ALLIANCE_FIELDS = [
    ("voice", _F),  # weight of its leader in the leadership of the alliance
]


COUNTRY = np.dtype(
    [
        ("id", _I),
        ("next_election", _I),  # quarter of the next election of the leader, NEVER if none
        ("term", _I),  # quarters between such elections
        ("parliamentary", _I),  # 1 = early elections are possible
        ("in_office", _I),  # quarters the leader has served at the start
        ("voted", _I),  # 1 = such an election was held in the quarter before quarter 0
        *COUNTRY_ALLIANCE_FIELDS,
    ]
)


MISSION_ALLIANCE_FIELDS = [
    ("contentious", _I),  # 1 = one over which allies may fall out
    ("veto", _I),  # 1 = run by the alliance, so that allies who stay out keep their veto
]


MISSION = np.dtype(
    [
        ("start", _I),
        ("end", _I),  # first quarter without the mission, NEVER if open
        ("stake", _F),  # how far a collapse touches the alliance: 1 for NATO missions, else 0
        ("lead", _I),  # contingent of the lead nation, -1 if it is no contributor
        ("contingents", _I),  # at the start
        ("ever", _I),  # contributors there ever were
        ("id", _I),  # address of random numbers
        ("combat", _F),  # 1 = combat
        ("ad_hoc", _I),  # 1 = coalition of the willing
        ("age", _I),  # quarters since the mission began, at its start or at quarter 0
        *MISSION_ALLIANCE_FIELDS,
    ]
)


CONTINGENT_ALLIANCE_FIELDS = [
    ("ally", _I),  # 1 = of a member of the alliance
]


CONTINGENT = np.dtype(
    [
        ("id", _I),
        ("country", _I),  # index among the countries, -1 = no leader series
        ("served", _I),  # quarters since entry, at the start of the mission or at quarter 0
        ("weight", _F),  # share of the troops at the start, sums to 1 over the mission
        ("tether", _F),  # dependence on the alliance times framework, less its mean over the mission
        *CONTINGENT_ALLIANCE_FIELDS,
    ]
)


CELL_ALLIANCE_FIELDS = [
    ("promise", _I),  # 1 = the design promises that American troops go
    ("troop_ramp", _I),  # quarters until they are gone
    ("drawdown", _F),  # factor on the hazard of other draw-downs
    ("china_focus", _F),  # 0 to 1
    ("first_responder", _F),  # 0 to 1: the United States comes first
    ("out_of_area", _F),
    ("entrapment", _F),  # factors on rates
]


CELL = np.dtype(
    [
        ("war_ramp", _I),
        ("design_ramp", _I),  # quarters until a shift is whole
        ("threat_target", _F),
        ("pledge_multiplier", _F),
        ("credibility", _F),
        ("half_life", _F, 4),  # of the shifts of the design, quarters; 0 = lasting
        *CELL_ALLIANCE_FIELDS,
    ]
)


PARAMETER_MISSION_FIELDS = [
    # missions: modes of defection, coefficients on hazards, joining
    ("mode_shares", _F, 4),
    ("mode_lower", _F, 4),
    ("mode_upper", _F, 4),  # of partial defections
    ("caveat_detection", _F),
    ("reduction", _F),
    ("ever_reduced", _F),
    ("tether", _F),
    ("casualties", _F),
    ("loss_aversion", _F),
    ("combat_drift", _F),
    ("trend", _F),
    ("opposition", _F),
    ("right_wing", _F),
    ("left_turn", _F),
    ("backfill", _F),
    ("hand_over", _F),
    ("nato", _F),
    ("join_cost", _F, 2),
    ("solidarity", _F),
    ("call", _F),
    ("stay", _F, 2),  # ad hoc, NATO
    ("decision_lag", _F),  # quarters, were all to stay out
    ("coalition_caveats", _F),  # odds of a caveat under coalition governments
]


PARAMETER_ALLIANCE_FIELDS = [
    # the alliance: events a quarter, their sizes in sign units
    ("crisis_rate", _F),
    ("crisis_rally", _F),
    ("crisis_strain", _F),
    ("crisis_cost", _F),
    ("wedge_rate", _F),
    ("wedge", _F),
    ("dispute_rate", _F),
    ("dispute", _F),
    ("dispute_outside", _F),
    ("coalition_change", _F),
    ("sceptic", _F),
    ("sceptic_usa", _F),
    ("start_usa", _F),
    ("orientation", _F),
    ("scapegoat_rate", _F),
    ("scapegoat", _F),
    ("burden_sharing", _F),
    ("spending_cost", _F),
    ("block_base", _F),
    ("block_spread", _F),
    ("block_low", _F),
    ("block_absent", _F),
    ("block", _F),
    ("article5", _F),
    ("article5_effect", _F),
    ("article5_notice", _F),
    ("article5_refusal", _F),
    ("honour", _F),
    ("honour_confidence", _F),
    ("honour_distance", _F),
    ("honour_orientation", _F),
    ("threat_reach", _F),
    ("threat_eye", _F),  # 1,000 km; SD of the log
    ("balancing", _F),
    ("balancing_far", _F),
    ("credibility_decay", _F),
    ("notice_rate", _F),
    ("notice_cohesion", _F),
    ("notice_sceptic", _F),
    ("notice_reversed", _F),
    ("notice_norms", _F),
    ("command_exit_rate", _F),
    ("command_return_rate", _F),
    ("command_exit", _F),
    ("us_notice_sympathetic", _F),
    ("us_notice_other", _F),
    ("us_burden", _F),
    ("us_succeeds", _F),
    ("us_notice_leadership", _F),
    ("us_notice_threats", _F),
    ("us_drawdown_rate", _F),
    ("us_drawdown_lower", _F),
    ("us_drawdown_upper", _F),
]


PARAMETER = np.dtype(
    [
        ("kappa", _F),
        ("nu", _F),
        ("common_phi", _F),
        ("common_scale", _F),
        ("common_start", _F),
        ("volatility_phi", _F),
        ("volatility_sd", _F),
        ("volatility_start", _F),
        ("response_start", _F),
        ("response_mean", _F),
        ("response_phi", _F),
        ("response_sd", _F),  # log
        ("front", _F),
        ("growth", _F),
        ("election_spending", _F),
        ("turnover_intercept", _F),
        ("turnover_offset", _F),
        ("turnover_election", _F),
        ("turnover_after", _F),
        ("turnover_before", _F),
        ("tenure", _F, 8),
        ("usa_election", _F),
        ("duration_defection", _F, 8),
        ("duration_planned", _F, 8),
        ("leader_change", _F),
        ("election_ahead", _F),
        ("contagion", _F),
        ("lead_gone", _F),
        ("ending", _F),
        ("cohesion_effect", _F),
        ("collapse_shock", _F, 4),
        ("weights", _F, 4),
        ("factor_start", _F, 4),  # factors in the quarter before quarter 0; 0 = the neutral state
        ("verdict_low", _F),
        ("verdict_high", _F),
        ("rater_sd", _F),
        *PARAMETER_MISSION_FIELDS,
        *PARAMETER_ALLIANCE_FIELDS,
    ]
)
MEMBER_PARAMETER = np.dtype(
    [
        ("start", _F),  # log of percent of GDP in the year before quarter 0, NaN = no spending
        ("target", _F),
        ("scale", _F),
        ("loading", _F),
    ]
)
COUNTRY_PARAMETER = np.dtype([("turnover_effect", _F)])  # logit
MISSION_PARAMETER = np.dtype(
    [
        ("full_exit", _F),  # chance that a defection is a full exit
        ("consensus", _F),  # of elites on the mission, 0 to 1
    ]
)
CONTINGENT_PARAMETER = np.dtype(
    [
        ("defection", _F),
        ("planned", _F),  # log-hazards a quarter
        ("circumstances", _F),  # added to that of defection for payments, prestige, sector
    ]
)


CELL_PARAMETER_ALLIANCE_FIELDS = [
    ("troop_cut", _F),
    ("backsliding", _F),
    ("alignment_firm", _F),
    ("alignment_frail", _F),  # of members, as democracies
]


CELL_PARAMETER = np.dtype(
    [
        ("war_shift", _F, 4),
        ("design_shift", _F, 4),
        ("retrenchment", _F),
        *CELL_PARAMETER_ALLIANCE_FIELDS,
    ]
)

BUDGET_SHOCKS = np.dtype([("noise", _F), ("growth", _F), ("election", _F)])


LEADER_SHOCKS_ALLIANCE_FIELDS = [
    ("orientation", _F),  # towards the alliance, -1 to 1, at the end of the quarter
    ("scapegoat", _I),  # 1 = a sceptic blames the alliance
]


LEADER_SHOCKS = np.dtype([("change", _I), ("vote", _I), ("lift", _F), *LEADER_SHOCKS_ALLIANCE_FIELDS])


ALLIANCE_SHOCKS_EVENT_FIELDS = [
    ("crisis", _I),
    ("wedge", _I),
    ("dispute", _I),  # 1 = now
    ("block", _F),  # uniform
    ("voice", _F),  # weighted orientation of leaders, less that of the start
    ("scapegoat", _F),  # weight of the leaders that blame the alliance
    ("command_exits", _I),  # of members, now
]


ALLIANCE_SHOCKS = np.dtype(
    [
        ("threat", _F),
        ("rater", _F),
        ("factors", _F, 4),
        *ALLIANCE_SHOCKS_EVENT_FIELDS,
    ]
)
CONTINGENT_SHOCKS = np.dtype(
    [
        ("defection", _F),
        ("planned", _F),  # hazards without time-varying terms
        ("planned_at", _I),  # quarter of a planned withdrawal, NEVER if none comes
        ("defects_at", _F),  # cumulative hazard at which it defects in full
        ("cut_at", _F, CUTS),  # cumulative hazards at which it is cut
        ("cut_size", _F, CUTS),  # what each cut leaves
        ("cut_mode", _I, CUTS),  # 0 reduction, 1 re-role, 2 caveat, 3 swap
        ("cut_seen", _I, CUTS),  # 1 = a caveat would be noticed
    ]
)
MOVE = np.dtype(
    [  # of a survival curve from one bin of its histogram to another
        ("mission", _I),
        ("curve", _I),
        ("quarter", _I),
        ("before", _I),
        ("after", _I),  # before: -1 = none
    ]
)


ALLIANCE_STATE_EVENT_FIELDS = [
    ("shift", _F, 4),
    ("pulse", _F, 4),  # of the factors in this quarter: passing, and entering their process
    ("rally", _F),
    ("onset", _F),
    ("strain", _F),  # echoes of crises
    ("start", _F),
    ("burden", _F),
    ("cost", _F),
    ("gap", _F),  # European share; against it: SD, pp; US gap, SD
    ("gone", _F),  # weight of European members that left
    ("heterogeneity", _F),
    ("low", _F),
    ("absent", _F),
    ("credibility", _F),
    ("kept", _F),  # share of troops that random draw-downs left
    ("us_notice", _F),
    ("us_drawdown", _F),
    ("us_cuts", _I),  # cumulative hazards; cuts so far
    ("article5", _F),
    ("article5_shock", _F),
    ("broken_until", _I),
    ("index", _F, len(INDICES)),
    ("happened", _I, len(EVENTS)),  # by now
]


ALLIANCE_STATE = np.dtype(
    [
        ("threat", _F),
        ("cohesion", _F),
        ("european", _F),
        ("process", _F, 4),
        ("factors", _F, 4),
        *ALLIANCE_STATE_EVENT_FIELDS,
    ]
)
MISSION_STATE = np.dtype(
    [
        ("stale", _I),  # 1 = somebody left or changed, so the curves must be worked out anew
        ("news", _I),  # 1 = something of this quarter must be tallied
        ("bins", _I, 3),
        ("sums", _I, 3),  # the curves as last tallied: bin (-1 before), fixed point
        ("told_hollow", _I),
        ("told_ended", _I),
        ("told_handed", _I),  # 0 or 1, as last tallied
        ("allies", _I),  # members of the alliance among those who are there
        ("left", _I),
        ("left_1", _I),
        ("left_2", _I),  # exits of this quarter and the two before
        ("low", _I),  # quarters in a row below the collapse line
        ("collapsed", _I),
        ("fallen", _I),  # by now; in this quarter
        ("curve", _F, 3),  # flags, operation, flags by count
        ("lost", _F),
        ("lost_1", _F),
        ("lost_2", _F),  # weights that left, as the counts above
        ("handed", _I),  # 1 = under NATO by hand-over
        ("ended", _I),  # 1 = has ended in name by now
        ("modes", _I, 5),  # defections not yet tallied: full, reduction, re-role, caveat, swap
        ("seen", _I),  # caveats among them that are noticed
    ]
)
CONTINGENT_STATE = np.dtype(
    [
        ("present", _I),
        ("left_at", _I),  # quarter of its exit, NEVER while it is there
        ("profile", _F),  # operational profile, 1 = as at the start
        ("cuts", _I),
        ("troops", _F),
        ("role", _F),
        ("reach", _F),  # their product is the profile
    ]
)


def records(dtype: np.dtype[Any], *shape: int) -> Records:
    """Zeroed records whose fields are attributes, with the compiler and without."""
    return np.zeros(shape, dtype).view(np.recarray)


DRAWDOWNS = 4  # cuts of American troops that are followed
INSIDE, LEAVING, OUTSIDE = 0, 1, 2  # status of a member
THREATS, INSTITUTIONS, NORMS, LEADERSHIP = range(len(FACTORS))
# positions in EVENTS
CRISIS, WEDGE, DISPUTE, BLOCK, SCAPEGOAT, NOTICE, EXIT, COMMAND_EXIT, US_NOTICE, US_EXIT = range(10)
US_DRAWDOWN, THREE_REFUSALS, TREATY_BROKEN = range(10, len(EVENTS))
# positions in INDICES
POLITICAL, MILITARY, DISCORDANCE, HETEROGENEITY, CONVERGENCE, ARTICLE5, DETERRENCE = range(7)
US_TROOPS, CREDIBILITY = range(7, len(INDICES))


ALLY_SHOCKS = np.dtype(
    [
        ("notice", _F),  # Exp(1) threshold
        ("reversal", _F),  # uniform
        ("honour", _F),  # logistic
    ]
)
PATH_SHOCKS = np.dtype(
    [
        ("notice", _F),
        ("succeeds", _F),  # of the United States: Exp(1) threshold, uniform
        ("cut_time", _F, DRAWDOWNS),
        ("cut_size", _F, DRAWDOWNS),  # of its draw-downs; what each leaves
        ("threat_spread", _F),  # SD over the members of the threat felt, at threat level 1
    ]
)


ALLY_STATE = np.dtype(
    [
        ("status", _I),  # INSIDE, LEAVING (gave notice) or OUTSIDE
        ("until", _I),  # quarter in which a notice ends
        ("notice", _F),  # cumulative hazard
    ]
)


CANDIDATE_MISSION = np.dtype(
    [
        ("id", _I),
        ("framework", _I),  # 0 ad hoc, 1 NATO
    ]
)
CAMPAIGN_SHOCKS = np.dtype(
    [
        ("losses", _F),
        ("trend", _F),  # SD units: losses against what one is used to; battlefield
        ("lift", _F),  # factor on hazards of defection, from the quarter before
        ("hand_over", _F),  # uniform; that of the first quarter decides
    ]
)
CANDIDATE_MISSION_SHOCKS = np.dtype(
    [
        ("until", _F),  # Exp(1) threshold of the beginning
        ("leader", _F),  # uniform: who leads
    ]
)
JOIN_SHOCKS = np.dtype(
    [
        ("interest", _F),  # situational, logits
        ("joins", _F),  # uniform
        ("until", _F),  # Exp(1) threshold of leaving
    ]
)
PUBLIC_SHOCKS = np.dtype(
    [
        ("opposition", _F),  # SD units
        ("wing", _F),  # left-right position of the leader, right is positive
        ("left", _I),  # 1 = this quarter's new leader stands left of the last
    ]
)

CANDIDATE_MISSION_STATE = np.dtype(
    [
        ("hazard", _F),  # cumulative, of its beginning
        ("begun", _I),  # quarter, NEVER before
        ("us_led", _I),
        ("lag", _I),  # quarters until a decision
    ]
)


WHOLE_STATE = (
    "cohesion",
    "abandonment",
    "entrapment",
    "opinion",
    "support",
    "troops",
)  # kept whole

DYAD = np.dtype(
    [
        ("id", _I),  # address of random numbers
        ("partner", _I),  # the same of the partner, as of any country
        ("country", _I),  # the partner's index among the countries, -1 = no leader series
        ("start_growth", _F),  # the partner's real growth of the last observed year
        ("renewal", _I),  # quarter in which host-nation support is next agreed
        ("renewal_every", _I),  # quarters between such agreements
    ]
)
#: One row a draw and dyad. Units: fears, opinion, threat and gap in sign units, time in quarters unless said otherwise.
DYAD_PARAMETER = np.dtype(
    [
        (name, _F)
        for name in (
            "fear_persistence",
            "fear_sd",
            "opinion_sd",
            "abandonment_signal",
            "abandonment_reach",
            "abandonment_demand",
            "entrapment_war",
            "entrapment_crisis",
            "entrapment_abandonment",
            "opinion_demand",
            "opinion_signal",
            "support_base",
            "support_response",  # the first a year
            "demand_sd",
            "stress_demand",
            "reach_now",
            "reach_growth",
            "reach_exposure",
            "threat",
            "threat_persistence",
            "threat_sd",
            "gap",
            "gap_sd",
            "gap_china",
            "weight_threat",
            "weight_abandonment",
            "weight_entrapment",
            "weight_opinion",
            "contribution_abandonment",
            "contribution_entrapment",  # a year
            "termination",
            "termination_cohesion",
            "refusal_abandonment",
            "refusal_termination",
            "honour",
            "honour_cohesion",  # the first a logit
            "troops_cut",
            "cut_lower",
            "cut_upper",
        )
    ]
)
OUTLOOK_PARAMETER = np.dtype(
    [
        (name, _F)
        for name in (
            "war_start",
            "war_end",
            "crisis_start",
            "crisis_end",
            "executive_now",
            "executive_sd",
        )
    ]
)
DYAD_CELL = np.dtype([("signal", _F)])  # of the design, at full ramp

OUTLOOK = np.dtype(
    [  # what all dyads see in a quarter
        ("war", _F),  # 1 while the United States is in a war that is not the partner's
        ("crisis", _F),  # 1 in a crisis between China and the United States
        ("executive", _F),  # signal of the president in office
    ]
)
DYAD_SHOCKS = np.dtype(
    [
        ("threat", _F),
        ("gap", _F),  # shared purpose; gap over China without that of the design
        ("demand", _F),  # log of the demand for host-nation support, 0 = none
        ("support", _F),  # host-nation support, 1 = as at the start
        ("troops", _F),  # troops of the United States, 1 = as at the start
        ("cut", _F),  # 1 in the quarter in which they are cut
        ("reach", _F),  # of North Korea, 0 to 1, times the exposure
        ("abandonment", _F),
        ("entrapment", _F),
        ("opinion", _F),  # noise
        ("end", _F),
        ("honour", _F),  # uniforms
    ]
)
DYAD_STATE = np.dtype(
    [
        ("abandonment", _F),
        ("entrapment", _F),
        ("opinion", _F),
        ("cohesion", _F),
        ("abandonment_0", _F),
        ("entrapment_0", _F),  # at the start
        ("share", _F),  # the partner's, log of percent of GDP
        ("intact", _I),
        ("refused", _I),  # the treaty stands; an attack was not answered
    ]
)
