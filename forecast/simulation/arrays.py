"""The arrays of records that the kernel reads and writes, as named tuples."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.simulation.records import Records


class StaticInputs(NamedTuple):
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


class Shocks(NamedTuple):
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


class PathState(NamedTuple):
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
