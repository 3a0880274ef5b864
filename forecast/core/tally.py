"""Integer tallies: histograms, event counts and fixed-point sums. Merging is addition, so it is exact in any order.

Memory does not grow with the number of paths. A quantile read from a histogram is off by at most one bin; the bins
are finer than the digits that are printed. Sums are kept by batch of posterior draws, so that the Monte Carlo error
of a mean holds both chance and the finite number of draws.

What lasts is tallied as it changes: the kernel adds what begins in a quarter and takes off what ends, and `settle`
sums over time. A mission in which nothing happens costs nothing, and integers make it exact.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.core import dynamics as rule
from forecast.core.compile import device
from forecast.core.mission_rules import is_hollow
from forecast.names import EVENTS, INDICES

Counts = NDArray[np.int64]

BATCHES = 32
UNIT = float(1 << 32)  # fixed point: one is 2^32
COHESION_LOW, COHESION_STEP, COHESION_BINS = -4.0, 0.02, 400
SHARE_LOW, SHARE_STEP, SHARE_BINS = math.log(0.2), 0.01, 370  # log of percent of GDP
SURVIVAL_STEP, SURVIVAL_BINS = 0.005, 201


class Tally(NamedTuple):
    """Counts over paths; those of `MISSION_CHANGES` and `OTHER_CHANGES` are changes by quarter until `settle`.

    B batches, N cells, Q quarters, Y years, M members, S missions, C contingents, K countries, D dyads.
    """

    paths: Counts  # (B,)
    verdict: Counts  # (B, N, Q, 3)
    cohesion: Counts  # (N, Q, bins)
    cohesion_sum: Counts  # (B, N, Q)
    factor_sum: Counts  # (N, Q, 4)
    threat_sum: Counts  # (N, Q)
    share: Counts  # (N, M, Y, bins)
    european: Counts  # (N, Y, bins)
    european_sum: Counts  # (B, N, Y)
    turnover: Counts  # (K, Y)
    survival: Counts  # (N, S, 3, Q, bins)
    survival_sum: Counts  # (B, N, S, 3, Q)
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
    dyad_cohesion: Counts  # (N, D, Q, bins)
    dyad_sum: Counts  # (B, N, D, 6, Q) in the order of dyad_state.WHOLE_STATE
    dyad_intact: Counts  # (B, N, D, Q)
    dyad_refused: Counts  # (B, N, D, Q)
    partner_share: Counts  # (N, D, Y, bins)


#: Kept as changes by quarter, with the axis of the quarters: of missions, which last from their start to their end.
MISSION_CHANGES = {"survival": 3, "survival_sum": 4, "hollow": 2, "collapsed": 2, "ended": 2, "handed": 2}  # fmt: skip
OTHER_CHANGES = {"begun": 1, "entrapped": 1, "serving": 2, "started": 2}


class Joint(NamedTuple):
    """The first J paths whole, NaN before a mission starts and after it ends."""

    cohesion: NDArray[np.float32]  # (J, N, Q)
    european: NDArray[np.float32]  # (J, N, Y) percent of GDP
    survival: NDArray[np.float32]  # (J, N, S, 3, Q)
    measures: NDArray[np.float32]  # (J, N, Q, indices)
    dyads: NDArray[np.float32]  # (J, N, D, 6, Q) in the order of dyad_state.WHOLE_STATE


def new_joint(
    paths: int, cells: int, quarters: int, years: int, missions: int, dyads: int
) -> Joint:
    """All NaN."""
    return Joint(
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

    return Tally(
        paths=zeros(BATCHES), verdict=zeros(BATCHES, cells, quarters, 3),
        cohesion=zeros(cells, quarters, COHESION_BINS),
        cohesion_sum=zeros(BATCHES, cells, quarters), factor_sum=zeros(cells, quarters, 4),
        threat_sum=zeros(cells, quarters), share=zeros(cells, members, years, SHARE_BINS),
        european=zeros(cells, years, SHARE_BINS), european_sum=zeros(BATCHES, cells, years),
        turnover=zeros(countries, years), survival=zeros(cells, s, 3, quarters, SURVIVAL_BINS),
        survival_sum=zeros(BATCHES, cells, s, 3, quarters), hollow=zeros(cells, s, quarters),
        collapsed=zeros(cells, s, quarters), exits=zeros(cells, s, c, quarters),
        index_sum=zeros(cells, quarters, len(INDICES)), event=zeros(cells, quarters, len(EVENTS)),
        ended=zeros(cells, s, quarters), handed=zeros(cells, s, quarters),
        modes=zeros(cells, s, 5), seen=zeros(cells, s),
        begun=zeros(cells, quarters), entrapped=zeros(cells, quarters),
        serving=zeros(cells, slots, quarters), started=zeros(cells, slots, quarters),
        refused=zeros(cells, slots), waited=zeros(cells, slots),
        dyad_cohesion=zeros(cells, dyads, quarters, COHESION_BINS),
        dyad_sum=zeros(BATCHES, cells, dyads, 6, quarters),
        dyad_intact=zeros(BATCHES, cells, dyads, quarters),
        dyad_refused=zeros(BATCHES, cells, dyads, quarters),
        partner_share=zeros(cells, dyads, years, SHARE_BINS),
    )  # fmt: skip


def merge(tallies: list[Tally]) -> Tally:
    """The sum of tallies of disjoint sets of paths."""
    return Tally(*(sum(parts[1:], start=parts[0].copy()) for parts in zip(*tallies, strict=True)))


def settle(tally: Tally, missions: Any) -> Tally:
    """The counts of every quarter from the changes that the kernel has noted; `missions` are those of the layout."""
    found = {}
    for name, axis in {**MISSION_CHANGES, **OTHER_CHANGES}.items():
        found[name] = getattr(tally, name).cumsum(axis)
        if name in MISSION_CHANGES:  # what still lasted at the end of a mission ended with it
            by_mission = np.moveaxis(
                found[name], (axis, 2 if name == "survival_sum" else 1), (0, 1)
            )
            t = np.arange(by_mission.shape[0])[:, None]
            by_mission[t >= missions["end"]] = 0
    return tally._replace(**found)


@device
def fixed(x):
    """X in fixed point, rounded to the nearest 2^-32."""
    return np.int64(math.floor(x * UNIT + 0.5))


@device
def slot(x, low, step, bins):
    """The histogram bin of x; what lies outside falls into the first or the last."""
    return min(max(math.floor((x - low) / step), 0), bins - 1)


@device
def count_turnover(quarter_of_year, leaders, turnover):
    """Years in which a leader changes at least once."""
    for k in range(turnover.shape[0]):
        for y in range(turnover.shape[1]):
            first = 4 * y - quarter_of_year
            changed = 0
            for t in range(max(first, 0), min(first + 4, leaders.shape[0])):
                changed = max(changed, leaders[t, k].change)
            turnover[k, y] += changed


@device
def tally_spending(path, batch, n, y, world, tally, joint):
    """Shares of year y in cell n."""
    for m in range(world.shares.size):
        if not math.isnan(world.shares[m]):
            tally.share[n, m, y, slot(world.shares[m], SHARE_LOW, SHARE_STEP, SHARE_BINS)] += 1
    total = world.alliance[0].european
    tally.european[n, y, slot(math.log(total), SHARE_LOW, SHARE_STEP, SHARE_BINS)] += 1
    tally.european_sum[batch, n, y] += fixed(total)
    if path < joint.european.shape[0]:
        joint.european[path, n, y] = total


@device
def tally_mission(path, batch, n, t, s, constants, mission, world, tally, joint):
    """What has changed in mission s in quarter t of cell n, which lies between its start and its end."""
    state = world.missions[s]
    if path < joint.survival.shape[0]:
        for i in range(3):
            joint.survival[path, n, s, i, t] = state.curve[i]
    if state.news == 0:
        return
    for i in range(3):
        x = state.curve[i]
        at = slot(x + 0.5 * SURVIVAL_STEP, 0.0, SURVIVAL_STEP, SURVIVAL_BINS)
        if state.bins[i] >= 0:
            tally.survival[n, s, i, t, state.bins[i]] -= 1
        tally.survival[n, s, i, t, at] += 1
        tally.survival_sum[batch, n, s, i, t] += fixed(x) - state.sums[i]
        state.bins[i], state.sums[i] = at, fixed(x)
    hollow = is_hollow(
        state.curve[0], state.curve[1], constants.hollow_flags, constants.hollow_operation
    )
    tally.hollow[n, s, t] += hollow - state.told_hollow
    tally.collapsed[n, s, t] += state.fallen
    tally.ended[n, s, t] += state.ended - state.told_ended
    tally.handed[n, s, t] += state.handed - state.told_handed
    state.told_hollow, state.told_ended, state.told_handed = hollow, state.ended, state.handed
    tally.seen[n, s] += state.seen
    state.seen = 0
    for i in range(5):
        tally.modes[n, s, i] += state.modes[i]
        state.modes[i] = 0
    if state.left > 0:
        for c in range(mission.contingents):
            tally.exits[n, s, c, t] += 1 if world.contingents[s, c].left_at == t else 0


@device
def tally_alliance(path, batch, n, t, parameter, noise, alliance, tally, joint):
    """Cohesion, factors, threat level and verdict in quarter t of cell n."""
    cohesion = alliance.cohesion
    seen = rule.verdict(
        cohesion, parameter.verdict_low, parameter.verdict_high, parameter.rater_sd, noise.rater
    )
    tally.verdict[batch, n, t, seen] += 1
    tally.cohesion[n, t, slot(cohesion, COHESION_LOW, COHESION_STEP, COHESION_BINS)] += 1
    tally.cohesion_sum[batch, n, t] += fixed(cohesion)
    tally.threat_sum[n, t] += fixed(alliance.threat)
    for f in range(4):
        tally.factor_sum[n, t, f] += fixed(alliance.factors[f])
    for i in range(len(INDICES)):
        tally.index_sum[n, t, i] += fixed(alliance.index[i])
    for i in range(len(EVENTS)):
        tally.event[n, t, i] += alliance.happened[i]
    if path < joint.cohesion.shape[0]:
        joint.cohesion[path, n, t] = cohesion
        for i in range(len(INDICES)):
            joint.measures[path, n, t, i] = alliance.index[i]


def quantiles(
    counts: NDArray[np.int64],
    values: NDArray[np.float64],
    levels: tuple[float, ...],
    step: float = 0.0,
) -> NDArray[np.float64]:
    """Quantiles of histograms: the value of the bin in which the cumulative count first reaches the level.

    counts (..., bins), values (bins,) -> (..., levels). NaN where a histogram is empty. With the width `step` of the
    bins the quantile is placed within its bin, as if the paths in it were spread evenly; 0 keeps the bin's value.
    """
    total = counts.sum(axis=-1)
    cumulative = counts.cumsum(axis=-1)
    out = np.empty((*counts.shape[:-1], len(levels)))
    for i, level in enumerate(levels):
        rank = np.maximum(np.ceil(level * total - 1e-9), 1.0)
        at = (cumulative < rank[..., None]).sum(axis=-1).clip(max=values.size - 1)
        inside = np.take_along_axis(counts, at[..., None], axis=-1)[..., 0]
        through = rank - (np.take_along_axis(cumulative, at[..., None], axis=-1)[..., 0] - inside)
        out[..., i] = values[at] + step * ((through - 0.5) / np.maximum(inside, 1) - 0.5)
    out[total == 0] = np.nan
    return out


def cohesion_values() -> NDArray[np.float64]:
    """Middle of each bin of the cohesion index, sign units."""
    return np.asarray(COHESION_LOW + COHESION_STEP * (np.arange(COHESION_BINS) + 0.5))


def share_values() -> NDArray[np.float64]:
    """Middle of each bin of a spending share, percent of GDP."""
    return np.exp(SHARE_LOW + SHARE_STEP * (np.arange(SHARE_BINS) + 0.5))


def survival_values() -> NDArray[np.float64]:
    """Value of each bin of a survival curve; bins are centred on multiples of .005, so 0 and 1 are exact."""
    return np.asarray(SURVIVAL_STEP * np.arange(SURVIVAL_BINS))
