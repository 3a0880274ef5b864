"""Group the arrays that the kernel reads and writes as named tuples of records.

`forecast.simulation.records` defines the records and the sizes: M members, K countries, S missions, C contingents,
A candidate missions, N scenario cells, Q quarters, Y years, P draws, D dyads.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.simulation.records import Records


class StaticInputs(NamedTuple):
    """What the plan and the tables fix for a whole projection."""

    constants: Records  # (1,) CONSTANTS
    pledge: NDArray[np.float64]  # (Y,) of the alliance, log of percent of GDP
    announced: NDArray[np.float64]  # (M, Y) announced spending, log of percent of GDP; NaN without announcement
    members: Records  # (M,) MEMBER
    countries: Records  # (K,) COUNTRY
    missions: Records  # (S,) MISSION
    contingents: Records  # (S, C) CONTINGENT
    cells: Records  # (N,) CELL
    candidate_missions: Records  # (A,) CANDIDATE_MISSION: new missions that may start
    dyads: Records  # (D,) DYAD
    dyad_pledge: NDArray[np.float64]  # (D, Y) the partner's own pledge, log of percent of GDP
    curve_hazards: NDArray[np.float64]  # (Q, S, C) of exits by the Kaplan-Meier curve, negative = no estimate


class Draws(NamedTuple):
    """Parameter draws: from the posteriors of the models, and from priors where there are no data.

    Row p serves the paths p, p + P, p + 2 P and so on.
    """

    parameters: Records  # (P,) PARAMETER
    members: Records  # (P, M) MEMBER_PARAMETER
    countries: Records  # (P, K) COUNTRY_PARAMETER
    missions: Records  # (P, S) MISSION_PARAMETER
    contingents: Records  # (P, S, C) CONTINGENT_PARAMETER
    cells: Records  # (P, N) CELL_PARAMETER
    dyads: Records  # (P, D) DYAD_PARAMETER
    partners: Records  # (P, D) MEMBER_PARAMETER
    outlook: Records  # (P,) OUTLOOK_PARAMETER
    dyad_cells: Records  # (P, N) DYAD_CELL


class Shocks(NamedTuple):
    """The random shocks of one path, and everything that follows from them alone; shared by all cells of the path."""

    budgets: Records  # (Y, M) BUDGET_SHOCKS
    common: NDArray[np.float64]  # (Y,) common factor of spending
    response: NDArray[np.float64]  # (Y,) log of the part of a gap that is closed in a year
    volatility: NDArray[np.float64]  # (Y,) log of a factor on the noise of spending
    leaders: Records  # (Q, K) LEADER_SHOCKS
    alliance: Records  # (Q,) ALLIANCE_SHOCKS
    contingents: Records  # (S, C) CONTINGENT_SHOCKS
    durations: NDArray[np.float64]  # (2, 8) hazard ratios by time since entry: defection, planned withdrawal
    campaigns: Records  # (Q, S) CAMPAIGN_SHOCKS
    publics: Records  # (Q, K) PUBLIC_SHOCKS
    hazards: NDArray[np.float64]  # (Q, S, C) hazard of defection, without the effects of the mission's state
    curve_ratios: NDArray[np.float64]  # (Q, S, C) on the hazards of exits; 1 = the model's own
    planned: NDArray[np.int64]  # (Q, S) contingents whose planned withdrawal falls in the quarter
    allies: Records  # (M,) ALLY_SHOCKS
    orientation: NDArray[np.float64]  # (Q, M) of the members' leaders, -1 to 1; 0 without a leader series
    path: Records  # (1,) PATH_SHOCKS
    candidate_missions: Records  # (A,) CANDIDATE_MISSION_SHOCKS
    joining: Records  # (A, M) JOIN_SHOCKS
    outlook: Records  # (Q,) OUTLOOK
    dyads: Records  # (Q, D) DYAD_SHOCKS
    partners: Records  # (Y, D) BUDGET_SHOCKS


class PathState(NamedTuple):
    """The state of one cell of one path in the current quarter."""

    alliance: Records  # (1,) ALLIANCE_STATE
    shares: NDArray[np.float64]  # (M,) spending, log of percent of GDP
    missions: Records  # (S,) MISSION_STATE
    contingents: Records  # (S, C) CONTINGENT_STATE
    cumulative_hazard: NDArray[np.float64]  # (S, C) of defection, without the curve: for cuts
    exit_hazard: NDArray[np.float64]  # (S, C) of full defection, cumulative
    hazard_ratios: NDArray[np.float64]  # (S, C) of defection, from past cuts; 0 for a contingent that has left
    next_cut: NDArray[np.float64]  # (S, C) cumulative hazard at which the next cut happens
    exit_threshold: NDArray[np.float64]  # (S, C) exit hazard at which the contingent leaves; infinite once it has left
    allies: Records  # (M,) ALLY_STATE
    candidate_missions: Records  # (A,) CANDIDATE_MISSION_STATE
    joined: NDArray[np.int64]  # (A, M) 1 = joined
    dyads: Records  # (D,) DYAD_STATE
    bins: NDArray[np.int64]  # (1 + D, Q) bins of the cohesion of the alliance and of the dyads
    moves: Records  # (S 3 Q,) MOVE: changes of bin of the survival curves
    move_count: NDArray[np.int64]  # (1,) how many moves are noted
