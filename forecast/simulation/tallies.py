"""Tallies: integer counts and fixed-point sums as plain arrays. Merging is addition, so it is exact in any order."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.names import EVENTS, INDICES
from forecast.simulation.histograms import COHESION_BINS, SHARE_BINS, SURVIVAL_BINS

Counts = NDArray[np.int64]

Histogram = NDArray[np.int32]

UNIT = float(1 << 32)  # fixed point: one is 2^32


class Tally(NamedTuple):
    """Counts over paths; those of `MISSION_CHANGES` and `OTHER_CHANGES` are changes by quarter until `settle`.

    N cells, Q quarters, Y years, M members, S missions, C contingents, K countries, D dyads.
    """

    paths: Counts  # (1,)
    verdict: Counts  # (N, Q, 3)
    cohesion: Histogram  # (N, Q, bins)
    cohesion_sum: Counts  # (N, Q)
    factor_sum: Counts  # (N, Q, 4)
    threat_sum: Counts  # (N, Q)
    share: Histogram  # (N, M, Y, bins)
    european: Histogram  # (N, Y, bins)
    european_sum: Counts  # (N, Y)
    turnover: Counts  # (K, Y)
    survival: Histogram  # (N, S, 3, Q, bins)
    survival_sum: Counts  # (N, S, 3, Q)
    hollow: Counts  # (N, S, Q)
    collapsed: Counts  # (N, S, Q)
    exits: Counts  # (N, S, C, Q) in that quarter
    index_sum: Counts  # (N, Q, indices)
    event: Counts  # (N, Q, events) by then
    ended: Counts  # (N, S, Q)
    handed: Counts  # (N, S, Q)
    modes: Counts  # (N, S, 5)
    seen: Counts  # (N, S)
    begun: Counts  # (N, Q) new missions by then
    entrapped: Counts  # (N, Q) paths with one led by the United States by then
    serving: Counts  # (N, A, Q) members that serve in each, by its age
    started: Counts  # (N, A, Q) paths on which it is that old
    refused: Counts  # (N, A) paths on which more than half stayed out
    waited: Counts  # (N, A) quarters until NATO had decided
    dyad_cohesion: Histogram  # (N, D, Q, bins)
    dyad_sum: Counts  # (N, D, Q, 6) in the order of dyad_state.WHOLE_STATE
    dyad_intact: Counts  # (N, D, Q)
    dyad_refused: Counts  # (N, D, Q)
    partner_share: Histogram  # (N, D, Y, bins)


#: Kept as changes by quarter, with the axis of the quarters: of missions, which last from their start to their end.
MISSION_CHANGES = {"survival": 3, "survival_sum": 3, "hollow": 2, "collapsed": 2, "ended": 2, "handed": 2}
OTHER_CHANGES = {"begun": 1, "entrapped": 1, "serving": 2, "started": 2}


class SampledPaths(NamedTuple):
    """The first J paths whole, NaN before a mission starts and after it ends."""

    cohesion: NDArray[np.float32]  # (J, N, Q)
    european: NDArray[np.float32]  # (J, N, Y) percent of GDP
    survival: NDArray[np.float32]  # (J, N, S, 3, Q)
    measures: NDArray[np.float32]  # (J, N, Q, indices)
    dyads: NDArray[np.float32]  # (J, N, D, 6, Q) in the order of dyad_state.WHOLE_STATE


def new_sampled_paths(paths: int, cells: int, quarters: int, years: int, missions: int, dyads: int) -> SampledPaths:
    """All NaN."""
    return SampledPaths(
        cohesion=np.full((paths, cells, quarters), np.nan, np.float32),
        european=np.full((paths, cells, years), np.nan, np.float32),
        survival=np.full((paths, cells, missions, 3, quarters), np.nan, np.float32),
        measures=np.full((paths, cells, quarters, len(INDICES)), np.nan, np.float32),
        dyads=np.full((paths, cells, dyads, 6, quarters), np.nan, np.float32),
    )


def new_tally(
    cells: int,
    quarters: int,
    years: int,
    members: int,
    countries: int,
    shape: tuple[int, int],
    slots: int,
    dyads: int,
) -> Tally:
    """All zeros; `shape` is (missions, contingents)."""
    s, c = shape

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
        begun=zeros(cells, quarters),
        entrapped=zeros(cells, quarters),
        serving=zeros(cells, slots, quarters),
        started=zeros(cells, slots, quarters),
        refused=zeros(cells, slots),
        waited=zeros(cells, slots),
        dyad_cohesion=empty(cells, dyads, quarters, COHESION_BINS),
        dyad_sum=zeros(cells, dyads, quarters, 6),
        dyad_intact=zeros(cells, dyads, quarters),
        dyad_refused=zeros(cells, dyads, quarters),
        partner_share=empty(cells, dyads, years, SHARE_BINS),
    )


def add(total: Tally, more: Tally) -> None:
    """Count in the paths of another tally: integers add up in any order."""
    for name in Tally._fields:
        counts = getattr(total, name)
        counts += getattr(more, name)


def settle(tally: Tally, missions: Any) -> Tally:
    """The same tally with the counts of every quarter in place of changes; `missions` are those of the layout."""
    for name, axis in {**MISSION_CHANGES, **OTHER_CHANGES}.items():
        counts = getattr(tally, name)
        counts.cumsum(axis, out=counts, dtype=counts.dtype)
        if name in MISSION_CHANGES:  # what still lasted at the end of a mission ended with it
            by_mission = np.moveaxis(counts, (axis, 1), (0, 1))
            t = np.arange(by_mission.shape[0])[:, None]
            by_mission[t >= missions["end"]] = 0
    return tally
