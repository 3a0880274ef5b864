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
    changes: NDArray[np.float64]  # (Q, K + LANES) 1 = the leader changes
    alliance: Records  # (Q,) ALLIANCE_SHOCKS
    contingents: Records  # (S, C) CONTINGENT_SHOCKS
    durations: NDArray[np.float64]  # (2, age) hazard ratios by quarters since entry: defection, planned withdrawal
    campaigns: Records  # (Q, S) CAMPAIGN_SHOCKS
    publics: NDArray[np.float64]  # (K, 4, Q + LANES) what acts on the hazards of each quarter: `records.OPPOSITION` on
    hazards: NDArray[np.float64]  # (S, C, Q + LANES) hazard of defection, without the effects of the mission's state
    curve_ratios: NDArray[np.float64]  # (S, C, Q + LANES) on the hazards of exits; 1 = the model's own
    planned: NDArray[np.bool_]  # (S, C, Q) whether a planned reduction or withdrawal falls in the quarter
    any_planned: NDArray[np.bool_]  # (S, Q) the same for any contingent
    allies: Records  # (M,) ALLY_SHOCKS
    orientation: NDArray[np.float64]  # (Q, M) of the members' leaders, -1 to 1; 0 without a leader series
    path: Records  # (1,) PATH_SHOCKS
    candidate_missions: Records  # (A,) CANDIDATE_MISSION_SHOCKS
    joining: Records  # (A, M) JOIN_SHOCKS
    outlook: Records  # (Q,) OUTLOOK
    dyads: Records  # (Q, D) DYAD_SHOCKS
    partners: Records  # (Y, D) BUDGET_SHOCKS
    usual_campaign: NDArray[
        np.float64
    ]  # (Q + LANES,) hazard ratio of the mission at hand in the usual course of events
    countries: Records  # (B,) COUNTRY_LANES: what the plan fixes for blocks of countries
    turnover_effects: NDArray[np.float64]  # (LANES,) of the countries of a block
    growth: NDArray[np.float64]  # (M + LANES,) growth of the members' economies in the year before the one at hand
    scales: NDArray[np.float64]  # (M + LANES,) of the noise of the members' spending
    tails: NDArray[np.float64]  # (M + LANES,) degrees of freedom of that noise
    member_ids: NDArray[np.int64]  # (M + LANES,) addresses of the members' random numbers
    contingent_ids: NDArray[np.int64]  # (S, C + LANES) the same of the contingents


class Sums(NamedTuple):
    """Sums over paths with the cells as lanes, for all B blocks of cells; `kernel.simulate` adds them to the tally."""

    alliance: Records  # (B, Q) ALLIANCE_SUMS
    years: Records  # (B, Y) YEAR_SUMS
    curves: Records  # (B, S, 3, Q) CURVE_SUMS
    missions: Records  # (B, S, Q) MISSION_SUMS
    defections: Records  # (B, S) DEFECTION_SUMS
    exits: Records  # (B, S, C, Q) EXIT_SUMS
    dyads: Records  # (B, D, Q) DYAD_SUMS


class PathState(NamedTuple):
    """The state of a block of cells of one path in the current quarter, and what has been counted."""

    cells: Records  # (B,) CELL_LANES: what the plan fixes for the cells of each block
    cell_parameters: Records  # (1,) CELL_PARAMETER_LANES
    dyad_cells: Records  # (1,) DYAD_CELL_LANES
    alliance: Records  # (1,) ALLIANCE_STATE
    allies: Records  # (M,) ALLY_STATE
    missions: Records  # (S,) MISSION_STATE
    contingents: Records  # (S, C) CONTINGENT_STATE
    crossed: NDArray[np.bool_]  # (C,) whether a contingent of the mission at hand has reached a threshold
    candidate_missions: Records  # (A,) CANDIDATE_MISSION_STATE
    dyads: Records  # (D,) DYAD_STATE
    cohesion_bins: NDArray[np.int16]  # (W, B, 1 + D, Q, CELLS) of the alliance and of the dyads on W waiting paths
    share_bins: NDArray[np.int16]  # (W, B, M + 1 + D, Y, CELLS) of the members, of Europe and of the partners
    survival_bins: NDArray[np.int16]  # (W, B, S, Q, 3, CELLS)
    changed: NDArray[np.uint32]  # (W, B, S, Q, 3) whether a survival curve has moved to another bin; bit i: in lane i
    counted_bins: NDArray[np.int16]  # (W, 3, CELLS) bins of a mission's curves as last counted
    sums: Sums
