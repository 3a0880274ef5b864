"""What the kernel reads and writes: arrays of records, one record a thing, each field with its meaning.

Sizes are data, so one compilation serves every plan. M members, K countries with leaders, S missions, C contingents at
most in a mission, N scenario cells, Q quarters, Y years, P posterior draws,
D dyads (`dyad_state`). Quarter 0 is the first projected one.
Records are handed on by reference: a rule sees one member or one contingent, not a dozen arrays.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.core import alliance_state as alliance
from forecast.core import mission_state as missions
from forecast.names import MECHANISMS, STRESSES

Records = Any  # numpy record arrays; numpy has no static type for their fields

NEVER = 1 << 30  # a quarter that does not come
CUTS = 4  # partial defections of one contingent that are followed

_F, _I = np.float64, np.int64

CONSTANTS = np.dtype([
    ("quarter_of_year", _I),  # 0..3 of quarter 0
    ("usa", _I),  # index of the United States among the countries, -1 if absent
    ("usa_limited", _I),  # 1 = the president in office may not stand again
    ("onset", _I),  # quarter in which the scenarios begin to differ
    *((name, _I) for name in MECHANISMS),  # 1 = switched on
    *((name, _I) for name in STRESSES),  # quarter in which it is set to happen, NEVER if it is not
    ("neutral_target", _F),  # of the threat level
    ("floor", _F), ("cap", _F), ("front_mark", _F),  # log of percent of GDP
    ("growth_mean", _F), ("growth_phi", _F), ("growth_bounce", _F), ("growth_sd", _F),  # of GDP
    ("early_election", _F), ("usa_off_cycle", _F),  # chance a quarter
    ("contagion_cap", _F),
    ("hollow_flags", _F), ("hollow_operation", _F), ("collapse_operation", _F),
    ("factor_phi", _F), ("factor_innovation", _F), ("factor_correlation", _F),  # a quarter
    ("threat_persistence", _F), ("threat_sd", _F),  # a quarter
    *missions.CONSTANTS,
    *alliance.CONSTANTS,
])  # fmt: skip
MEMBER = np.dtype([
    ("id", _I),  # address of random numbers
    ("country", _I),  # index among the countries, -1 = no leader series
    ("start_growth", _F),  # real growth of the last observed year
    ("front", _F),  # 1 on the front line
    ("european", _F),  # GDP weight among the European allies, sums to 1
    *missions.MEMBER,
    *alliance.MEMBER,
])  # fmt: skip
COUNTRY = np.dtype([
    ("id", _I),
    ("next_election", _I),  # quarter of the next election of the leader, NEVER if none
    ("term", _I),  # quarters between such elections
    ("parliamentary", _I),  # 1 = early elections are possible
    ("in_office", _I),  # quarters the leader has served at the start
    ("voted", _I),  # 1 = such an election was held in the quarter before quarter 0
    *alliance.COUNTRY,
])  # fmt: skip
MISSION = np.dtype([
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
    *alliance.MISSION,
])  # fmt: skip
CONTINGENT = np.dtype([
    ("id", _I),
    ("country", _I),  # index among the countries, -1 = no leader series
    ("served", _I),  # quarters since entry, at the start of the mission or at quarter 0
    ("weight", _F),  # share of the troops at the start, sums to 1 over the mission
    ("tether", _F),  # dependence on the alliance times framework, less its mean over the mission
    *alliance.CONTINGENT,
])  # fmt: skip
CELL = np.dtype([
    ("war_ramp", _I), ("design_ramp", _I),  # quarters until a shift is whole
    ("threat_target", _F),
    ("pledge_multiplier", _F), ("credibility", _F),
    ("half_life", _F, 4),  # of the shifts of the design, quarters; 0 = lasting
    *alliance.CELL,
])  # fmt: skip

PARAMETER = np.dtype([
    ("kappa", _F), ("nu", _F), ("common_phi", _F), ("common_scale", _F), ("common_start", _F),
    ("volatility_phi", _F), ("volatility_sd", _F), ("volatility_start", _F),
    ("response_start", _F), ("response_mean", _F), ("response_phi", _F), ("response_sd", _F),  # log
    ("front", _F), ("growth", _F), ("election_spending", _F),
    ("turnover_election", _F), ("turnover_after", _F), ("turnover_before", _F), ("tenure", _F, 8),
    ("usa_election", _F),
    ("duration_defection", _F, 8), ("duration_planned", _F, 8),
    ("leader_change", _F), ("election_ahead", _F), ("contagion", _F), ("lead_gone", _F),
    ("ending", _F), ("cohesion_effect", _F), 
    ("collapse_shock", _F, 4), ("weights", _F, 4),
    ("factor_start", _F, 4),  # factors in the quarter before quarter 0; 0 = the neutral state
    ("verdict_low", _F), ("verdict_high", _F), ("rater_sd", _F),
    *missions.PARAMETER,
    *alliance.PARAMETER,
])  # fmt: skip
MEMBER_PARAMETER = np.dtype([
    ("start", _F),  # log of percent of GDP in the year before quarter 0, NaN = no spending
    ("target", _F), ("scale", _F), ("loading", _F),
])  # fmt: skip
COUNTRY_PARAMETER = np.dtype([("turnover", _F), ("turnover_offset", _F)])  # logits
MISSION_PARAMETER = np.dtype([
    ("full_exit", _F),  # chance that a defection is a full exit
    ("consensus", _F),  # of elites on the mission, 0 to 1
])  # fmt: skip
CONTINGENT_PARAMETER = np.dtype([
    ("defection", _F), ("planned", _F),  # log-hazards a quarter
    ("circumstances", _F),  # added to that of defection for payments, prestige, sector
])  # fmt: skip
CELL_PARAMETER = np.dtype([
    ("war_shift", _F, 4), ("design_shift", _F, 4), ("retrenchment", _F),
    *alliance.CELL_PARAMETER,
])  # fmt: skip

BUDGET_LUCK = np.dtype([("noise", _F), ("growth", _F), ("election", _F)])
LEADER_LUCK = np.dtype([("change", _I), ("vote", _I), ("lift", _F), *alliance.LEADER_LUCK])
ALLIANCE_LUCK = np.dtype([
    ("threat", _F), ("rater", _F), ("factors", _F, 4),
    *alliance.ALLIANCE_LUCK,
])  # fmt: skip
CONTINGENT_LUCK = np.dtype([
    ("defection", _F), ("planned", _F),  # hazards without time-varying terms
    ("planned_at", _I),  # quarter of a planned withdrawal, NEVER if none comes
    ("defects_at", _F),  # cumulative hazard at which it defects in full
    ("cut_at", _F, CUTS),  # cumulative hazards at which it is cut
    ("cut_size", _F, CUTS),  # what each cut leaves
    ("cut_mode", _I, CUTS),  # 0 reduction, 1 re-role, 2 caveat, 3 swap
    ("cut_seen", _I, CUTS),  # 1 = a caveat would be noticed
])  # fmt: skip
MOVE = np.dtype([  # of a survival curve from one bin of its histogram to another
    ("mission", _I), ("curve", _I), ("quarter", _I), ("before", _I), ("after", _I),  # before: -1 = none
])  # fmt: skip
ALLIANCE_STATE = np.dtype([
    ("threat", _F), ("cohesion", _F), ("european", _F), ("process", _F, 4), ("factors", _F, 4),
    *alliance.ALLIANCE_STATE,
])  # fmt: skip
MISSION_STATE = np.dtype([
    ("stale", _I),  # 1 = somebody left or changed, so the curves must be worked out anew
    ("news", _I),  # 1 = something of this quarter must be tallied
    ("bins", _I, 3), ("sums", _I, 3),  # the curves as last tallied: bin (-1 before), fixed point
    ("told_hollow", _I), ("told_ended", _I), ("told_handed", _I),  # 0 or 1, as last tallied
    ("allies", _I),  # members of the alliance among those who are there
    ("left", _I), ("left_1", _I), ("left_2", _I),  # exits of this quarter and the two before
    ("low", _I),  # quarters in a row below the collapse line
    ("collapsed", _I), ("fallen", _I),  # by now; in this quarter
    ("curve", _F, 3),  # flags, operation, flags by count
    ("lost", _F), ("lost_1", _F), ("lost_2", _F),  # weights that left, as the counts above
    ("handed", _I),  # 1 = under NATO by hand-over
    ("ended", _I),  # 1 = has ended in name by now
    ("modes", _I, 5),  # defections not yet tallied: full, reduction, re-role, caveat, swap
    ("seen", _I),  # caveats among them that are noticed
])  # fmt: skip
CONTINGENT_STATE = np.dtype([
    ("present", _I),
    ("left_at", _I),  # quarter of its exit, NEVER while it is there
    ("profile", _F),  # operational profile, 1 = as at the start
    ("cuts", _I),
    ("troops", _F), ("role", _F), ("reach", _F),  # their product is the profile
])  # fmt: skip


class Layout(NamedTuple):
    """The plan: who is there, since when, with which weight."""

    constants: Records  # (1,) CONSTANTS
    pledge: NDArray[np.float64]  # (Y,) log of percent of GDP
    members: Records  # (M,)
    countries: Records  # (K,)
    missions: Records  # (S,)
    contingents: Records  # (S, C)
    cells: Records  # (N,)
    slots: Records  # (A,) new missions that may arise
    dyads: Records  # (D,)
    dyad_pledge: NDArray[np.float64]  # (D, Y) the partner's own, log of percent of GDP


class Draws(NamedTuple):
    """Parameters: posteriors of three models and beliefs without data. Row p serves paths p, p + P, p + 2 P, ..."""

    parameters: Records  # (P,)
    members: Records  # (P, M)
    countries: Records  # (P, K)
    missions: Records  # (P, S)
    contingents: Records  # (P, S, C)
    cells: Records  # (P, N)
    dyads: Records  # (P, D)
    partners: Records  # (P, D) MEMBER_PARAMETER
    outlook: Records  # (P,)
    dyad_cells: Records  # (P, N)


class Luck(NamedTuple):
    """All the chance of one path, made once and shared by its cells."""

    budgets: Records  # (Y, M)
    common: NDArray[np.float64]  # (Y,) common factor of spending
    response: NDArray[np.float64]  # (Y,) log of the part of a gap that is closed in a year
    volatility: NDArray[np.float64]  # (Y,) log of a factor on the noise of spending
    leaders: Records  # (Q, K)
    alliance: Records  # (Q,)
    contingents: Records  # (S, C)
    durations: NDArray[np.float64]  # (2, 8) factors on the hazards by time since entry
    campaigns: Records  # (Q, S)
    publics: Records  # (Q, K)
    hazards: NDArray[np.float64]  # (Q, S, C) of defection, less what the mission does to it
    planned: NDArray[np.int64]  # (Q, S) contingents whose planned withdrawal is due
    allies: Records  # (M,)
    orientation: NDArray[np.float64]  # (Q, M) of the members' leaders, 0 without a leader series
    path: Records  # (1,)
    slots: Records  # (A,)
    joining: Records  # (A, M)
    outlook: Records  # (Q,)
    dyads: Records  # (Q, D)
    partners: Records  # (Y, D) BUDGET_LUCK


class World(NamedTuple):
    """The state of one cell of one path."""

    alliance: Records  # (1,)
    shares: NDArray[np.float64]  # (M,) log of percent of GDP
    missions: Records  # (S,)
    contingents: Records  # (S, C)
    endured: NDArray[np.float64]  # (S, C) cumulative hazard of defection
    lifts: NDArray[np.float64]  # (S, C) factor on the hazard: 0 for who is gone
    due: NDArray[np.float64]  # (S, C) cumulative hazard at which something happens next
    allies: Records  # (M,)
    slots: Records  # (A,)
    joined: NDArray[np.int64]  # (A, M) 1 = joined
    dyads: Records  # (D,)
    bins: NDArray[np.int64]  # (1 + D, Q) of the cohesion of the alliance and of the dyads
    moves: Records  # (S 3 Q,)
    moved: NDArray[np.int64]  # (1,) how many moves there are


def records(dtype: np.dtype[Any], *shape: int) -> Records:
    """Zeroed records whose fields are attributes, with the compiler and without."""
    return np.zeros(shape, dtype).view(np.recarray)
