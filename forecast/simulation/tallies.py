"""Define the tallies of a projection: integer counts and fixed-point sums over paths, as plain arrays.

Two tallies are merged by addition, so the result is exact and does not depend on the order. Reading a tally does not
load numba; `forecast.simulation.recording` fills it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.names import EVENTS, INDICES, LANDMARKS, STEPS_OUT
from forecast.simulation.histograms import COHESION_BINS, SHARE_BINS, SURVIVAL_BINS

Counts = NDArray[np.int64]

Histogram = NDArray[np.int32]

UNIT = float(1 << 32)  # of the fixed-point sums: 1 is stored as 2^32


class Tally(NamedTuple):
    """Counts over paths.

    Sums are in units of 1 / `UNIT`. The fields of `MISSION_CHANGES` and `OTHER_CHANGES` hold changes by quarter until
    `settle` replaces them by levels.

    N cells, Q quarters, Y years, M members, S missions, C contingents, K countries, A candidate missions, D dyads.
    """

    paths: Counts  # (1,)
    verdict: Counts  # (N, Q, 3) paths: Weak, Fragmented, Strong
    cohesion: Histogram  # (N, Q, bins)
    cohesion_sum: Counts  # (N, Q)
    factor_sum: Counts  # (N, Q, 4)
    threat_sum: Counts  # (N, Q)
    share: Histogram  # (N, M, Y, bins)
    european: Histogram  # (N, Y, bins)
    european_sum: Counts  # (N, Y) percent of GDP
    turnover: Counts  # (K, Y) paths on which the leader changes in the year
    survival: Histogram  # (N, S, 3, Q, bins) nominal, operational, nominal by count
    survival_sum: Counts  # (N, S, 3, Q)
    hollow: Counts  # (N, S, Q) paths on which the mission is hollow
    collapsed: Counts  # (N, S, Q) paths on which it has collapsed by then
    exits: Counts  # (N, S, C, Q) paths on which the contingent leaves in that quarter
    index_sum: Counts  # (N, Q, indices)
    event: Counts  # (N, Q, events) paths on which it has happened by then
    ended: Counts  # (N, S, Q) paths on which the mission has ended in name
    handed: Counts  # (N, S, Q) paths on which NATO has taken it over
    modes: Counts  # (N, S, 5) defections: full, reduction, re-role, caveat, swap
    seen: Counts  # (N, S) caveats that are noticed
    reductions: Counts  # (N, S) reductions of troops, for either cause
    begun: Counts  # (N, Q) new missions that have started by then
    entrapped: Counts  # (N, Q) paths with a new mission led by the United States by then
    serving: Counts  # (N, A, Q) members that serve in each, by age of the mission
    started: Counts  # (N, A, Q) paths on which the mission reaches that age
    refused: Counts  # (N, A) paths on which more than half of the members stay out
    waited: Counts  # (N, A) quarters until NATO decides, summed over paths
    dyad_cohesion: Histogram  # (N, D, Q, bins)
    dyad_sum: Counts  # (N, D, Q, 6) in the order of `records.DYAD_SERIES`
    dyad_intact: Counts  # (N, D, Q) paths on which the treaty is in force
    dyad_refused: Counts  # (N, D, Q) paths on which an attack was not answered
    partner_share: Histogram  # (N, D, Y, bins)


#: Fields kept as changes by quarter, with the axis of the quarters. Those of missions end with their mission.
MISSION_CHANGES = {"survival": 3, "survival_sum": 3, "hollow": 2, "collapsed": 2, "ended": 2, "handed": 2}
OTHER_CHANGES = {"begun": 1, "entrapped": 1, "serving": 2, "started": 2}


class SampledPaths(NamedTuple):
    """Complete series of the first J paths; missions are NaN before their start and after their end.

    `events`, `landmarks`, `membership` and `exits` hold the number of the quarter, counted from 0, in which it first
    happens, and NaN if it does not happen within the horizon.
    """

    cohesion: NDArray[np.float32]  # (J, N, Q)
    european: NDArray[np.float32]  # (J, N, Y) percent of GDP
    survival: NDArray[np.float32]  # (J, N, S, 3, Q)
    measures: NDArray[np.float32]  # (J, N, Q, indices)
    dyads: NDArray[np.float32]  # (J, N, D, 6, Q) in the order of `records.DYAD_SERIES`
    verdict: NDArray[np.float32]  # (J, N, Q) 0 Weak, 1 Fragmented, 2 Strong
    shares: NDArray[np.float32]  # (J, N, M, Y) percent of GDP
    events: NDArray[np.float32]  # (J, N, events)
    landmarks: NDArray[np.float32]  # (J, N, S, landmarks)
    membership: NDArray[np.float32]  # (J, N, M, steps out)
    exits: NDArray[np.float32]  # (J, N, S, C) exit of the contingent


def new_sampled_paths(
    paths: int, cells: int, quarters: int, years: int, members: int, shape: tuple[int, int], dyads: int
) -> SampledPaths:
    """Return arrays for the series of `paths` paths, filled with NaN; `shape` is (missions, contingents)."""

    def unknown(*size: int) -> NDArray[np.float32]:
        return np.full((paths, cells, *size), np.nan, np.float32)

    return SampledPaths(
        cohesion=unknown(quarters),
        european=unknown(years),
        survival=unknown(shape[0], 3, quarters),
        measures=unknown(quarters, len(INDICES)),
        dyads=unknown(dyads, 6, quarters),
        verdict=unknown(quarters),
        shares=unknown(members, years),
        events=unknown(len(EVENTS)),
        landmarks=unknown(shape[0], len(LANDMARKS)),
        membership=unknown(members, len(STEPS_OUT)),
        exits=unknown(*shape),
    )


def new_tally(
    cells: int,
    quarters: int,
    years: int,
    members: int,
    countries: int,
    shape: tuple[int, int],
    candidate_missions: int,
    dyads: int,
) -> Tally:
    """Return a tally of zeros; `shape` is (missions, contingents)."""
    s, c = shape  # the names of the sizes in `Tally`

    def zeros(*size: int) -> Counts:
        return np.zeros(size, np.int64)

    def empty(*size: int) -> Histogram:
        return np.zeros(size, np.int32)

    return Tally(
        paths=zeros(1),
        verdict=zeros(cells, quarters, 3),
        cohesion=empty(cells, quarters, COHESION_BINS),
        cohesion_sum=zeros(cells, quarters),
        factor_sum=zeros(cells, quarters, 4),
        threat_sum=zeros(cells, quarters),
        share=empty(cells, members, years, SHARE_BINS),
        european=empty(cells, years, SHARE_BINS),
        european_sum=zeros(cells, years),
        turnover=zeros(countries, years),
        survival=empty(cells, s, 3, quarters, SURVIVAL_BINS),
        survival_sum=zeros(cells, s, 3, quarters),
        hollow=zeros(cells, s, quarters),
        collapsed=zeros(cells, s, quarters),
        exits=zeros(cells, s, c, quarters),
        index_sum=zeros(cells, quarters, len(INDICES)),
        event=zeros(cells, quarters, len(EVENTS)),
        ended=zeros(cells, s, quarters),
        handed=zeros(cells, s, quarters),
        modes=zeros(cells, s, 5),
        seen=zeros(cells, s),
        reductions=zeros(cells, s),
        begun=zeros(cells, quarters),
        entrapped=zeros(cells, quarters),
        serving=zeros(cells, candidate_missions, quarters),
        started=zeros(cells, candidate_missions, quarters),
        refused=zeros(cells, candidate_missions),
        waited=zeros(cells, candidate_missions),
        dyad_cohesion=empty(cells, dyads, quarters, COHESION_BINS),
        dyad_sum=zeros(cells, dyads, quarters, 6),
        dyad_intact=zeros(cells, dyads, quarters),
        dyad_refused=zeros(cells, dyads, quarters),
        partner_share=empty(cells, dyads, years, SHARE_BINS),
    )


def add(total: Tally, more: Tally) -> None:
    """Add the counts of `more` to `total` in place."""
    for name in Tally._fields:
        counts = getattr(total, name)
        counts += getattr(more, name)


def settle(tally: Tally, missions: Any) -> Tally:
    """Replace changes by levels in place, by summing over the quarters, and return the tally.

    `missions` are the records of the plan: counts are set to 0 from the end of each mission.
    """
    for name, axis in {**MISSION_CHANGES, **OTHER_CHANGES}.items():
        counts = getattr(tally, name)
        by_time = np.moveaxis(counts, axis, 0)
        for later in range(1, len(by_time)):  # several times as fast as `cumsum` along an axis that is not the last
            by_time[later] += by_time[later - 1]
        if name in MISSION_CHANGES:
            by_mission = np.moveaxis(counts, (axis, 1), (0, 1))
            t = np.arange(by_mission.shape[0])[:, None]
            by_mission[t >= missions["end"]] = 0
    return tally
