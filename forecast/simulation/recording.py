"""Add the results of the current quarter to sums and bins, inside the kernel, and the sums to the tally.

Memory does not grow with the number of paths. `forecast.projection.monte_carlo_error` estimates the Monte Carlo error
from separate tallies of parts of the paths.

Lasting results (survival curves, ended missions) are tallied as changes: the kernel adds what starts in a quarter and
subtracts what ends, and `tallies.settle` sums over time. A mission in which nothing changes costs nothing.

In all functions `row` is the position of the path in its batch, `place` its place among the waiting paths, `block` the
block of cells, n a cell, t the quarter, y the year. Sums have the cells as lanes; `add_sums` moves them to the tally.
"""

import math

import numpy as np

from forecast.names import EVENTS, INDICES
from forecast.simulation.arrays import Sums
from forecast.simulation.elementary import exp, log, whole
from forecast.simulation.histograms import cohesion_bin, share_bin, survival_bin
from forecast.simulation.jit import device, loop
from forecast.simulation.lanes import any_lane, floor, lane_bits, load, store, where
from forecast.simulation.records import CELLS, LEAVING, OUTSIDE
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules import missions
from forecast.simulation.rules.missions import is_hollow
from forecast.simulation.tallies import UNIT, Tally


@device
def fixed(x):
    """Return x in fixed point, rounded to the nearest 2^-32; x must be below 2^19 in size."""
    return whole(floor(x * UNIT + 0.5))


@loop
def add(sums, values):
    """Add whole numbers to sums, (CELLS,)."""
    store(sums, load(sums) + values)


@loop
def cells_of(block, cells):
    """Return the number of cells in a block; the lanes after them repeat the last cell."""
    return min(CELLS, cells - CELLS * block)


@loop
def count_turnover(quarter_of_year, leaders, turnover):
    """Count the years in which a leader changes at least once."""
    for k in range(turnover.shape[0]):
        for y in range(turnover.shape[1]):
            first = 4 * y - quarter_of_year
            changed = 0
            for t in range(max(first, 0), min(first + 4, leaders.shape[0])):
                changed = max(changed, leaders[t, k].change)
            turnover[k, y] += changed


@loop
def tally_spending(row, block, y, place, path_state, sampled):
    """Tally the members' shares and European spending of year y."""
    members, bins = path_state.allies.size, path_state.share_bins[place, block]
    for m in range(members):
        if not math.isnan(path_state.allies[m].share[0]):
            store(bins[m, y], share_bin(load(path_state.allies[m].share)))
    total = load(path_state.alliance[0].european)
    store(bins[members, y], share_bin(log(total)))
    add(path_state.sums.years[block, y].european_sum, fixed(total))
    for d in range(path_state.dyads.size):
        store(bins[members + 1 + d, y], share_bin(load(path_state.dyads[d].share)))
    if row < sampled.european.shape[0]:
        for i in range(cells_of(block, sampled.european.shape[1])):
            n = CELLS * block + i
            sampled.european[row, n, y] = path_state.alliance[0].european[i]
            for m in range(members):
                if not math.isnan(path_state.allies[m].share[i]):
                    sampled.shares[row, n, m, y] = exp(path_state.allies[m].share[i])


@loop
def tally_mission(row, block, t, s, place, constants, mission, path_state, sampled):
    """Tally what has changed in mission s, which runs in quarter t."""
    state, sums = path_state.missions[s], path_state.sums.missions[block, s, t]
    if row < sampled.survival.shape[0]:
        sample_mission(row, block, t, s, mission, path_state, sampled)
    if state.needs_tally == 0:
        for i in range(3):
            path_state.changed[place, block, s, t, i] = 0
        return
    for i in range(3):
        curve = load(state.curve[i])
        value, new_bin = fixed(curve), survival_bin(curve)
        path_state.changed[place, block, s, t, i] = lane_bits(new_bin != load(state.tallied_bin[i]))
        store(path_state.survival_bins[place, block, s, t, i], new_bin)
        store(state.tallied_bin[i], new_bin)
        add(path_state.sums.curves[block, s, i, t].survival_sum, value - load(state.tallied_sum[i]))
        store(state.tallied_sum[i], value)
    is_now = is_hollow(load(state.curve[0]), load(state.curve[1]), constants.hollow_flags, constants.hollow_operation)
    add_change(sums.hollow, where(is_now, 1.0, 0.0), state.tallied_hollow)
    add_change(sums.ended, load(state.ended), state.tallied_ended)
    add_change(sums.handed, load(state.handed), state.tallied_handed)
    add(sums.collapsed, whole(load(state.collapsed_now)))
    defections = path_state.sums.defections[block, s]
    for i in range(5):
        add(defections.modes[i], load(state.modes[i]))
        store(state.modes[i], 0)
    add(defections.seen, load(state.detected_caveats))
    add(defections.reductions, load(state.reductions))
    store(state.detected_caveats, 0)
    store(state.reductions, 0)
    if any_lane(load(state.exits) > 0.0):
        for c in range(mission.contingents):
            leaves = load(path_state.contingents[s, c].exit_quarter) == t
            if any_lane(leaves):
                add(path_state.sums.exits[block, s, c, t].exits, where(leaves, 1, 0))


@loop
def add_change(sums, flag, before):
    """Add the change of a flag since it was last tallied, and note the flag in `before`."""
    add(sums, whole(flag - load(before)))
    store(before, flag)


@loop
def sample_mission(row, block, t, s, mission, path_state, sampled):
    """Store the curves of mission s in quarter t, and what happens to it and to its contingents in that quarter."""
    state = path_state.missions[s]
    for i in range(cells_of(block, sampled.survival.shape[1])):
        n = CELLS * block + i
        for j in range(3):
            sampled.survival[row, n, s, j, t] = state.curve[j, i]
        note_first(sampled.landmarks[row, n, s], 0, t, state.collapsed_now[i])
        note_first(sampled.landmarks[row, n, s], 1, t, state.ended[i])
        note_first(sampled.landmarks[row, n, s], 2, t, state.handed[i])
        for c in range(mission.contingents):
            if path_state.contingents[s, c].exit_quarter[i] == t:
                sampled.exits[row, n, s, c] = t


@loop
def tally_alliance(row, block, t, place, parameter, noise, path_state, sampled):
    """Tally cohesion, factors, threat level, verdict, measures and events of quarter t."""
    alliance, sums = path_state.alliance[0], path_state.sums.alliance[block, t]
    cohesion = load(alliance.cohesion)
    verdict = rule.verdict(cohesion, parameter.verdict_low, parameter.verdict_high, parameter.rater_sd, noise.rater)
    for i in range(3):
        add(sums.verdict[i], where(verdict == i, 1, 0))
    store(path_state.cohesion_bins[place, block, 0, t], cohesion_bin(cohesion))
    add(sums.cohesion_sum, fixed(cohesion))
    add(sums.threat_sum, fixed(load(alliance.threat)))
    for f in range(4):
        add(sums.factor_sum[f], fixed(load(alliance.factors[f])))
    for i in range(len(INDICES)):
        add(sums.index_sum[i], fixed(load(alliance.index[i])))
    for i in range(len(EVENTS)):
        add(sums.event[i], whole(load(alliance.happened[i])))
    if row < sampled.cohesion.shape[0]:
        for i in range(cells_of(block, sampled.cohesion.shape[1])):
            sample_alliance(row, CELLS * block + i, i, t, parameter, noise, path_state, sampled)


@loop
def sample_alliance(row, n, i, t, parameter, noise, path_state, sampled):
    """Store cohesion, verdict, measures, events and steps out of the alliance of cell n, which is lane i."""
    alliance = path_state.alliance[0]
    sampled.cohesion[row, n, t] = alliance.cohesion[i]
    sampled.verdict[row, n, t] = rule.verdict(
        alliance.cohesion[i], parameter.verdict_low, parameter.verdict_high, parameter.rater_sd, noise.rater
    )
    for j in range(len(INDICES)):
        sampled.measures[row, n, t, j] = alliance.index[j, i]
    for j in range(len(EVENTS)):
        note_first(sampled.events[row, n], j, t, alliance.happened[j, i])
    for m in range(path_state.allies.size):
        status = path_state.allies[m].status[i]
        note_first(sampled.membership[row, n, m], 0, t, 1.0 if status == LEAVING else 0.0)
        note_first(sampled.membership[row, n, m], 1, t, 1.0 if status == OUTSIDE else 0.0)


@device
def note_first(quarters, i, t, happened):
    """Note quarter t in `quarters[i]` if it happens now and did not happen before."""
    if happened == 1.0 and math.isnan(quarters[i]):
        quarters[i] = t


@loop
def tally_dyads(row, block, t, place, shocks, path_state, sampled):
    """Tally all dyads in quarter t; the series stand in the order of `records.DYAD_SERIES`."""
    for d in range(path_state.dyads.size):
        state, shared, sums = path_state.dyads[d], shocks.dyads[t, d], path_state.sums.dyads[block, d, t]
        store(path_state.cohesion_bins[place, block, 1 + d, t], cohesion_bin(load(state.cohesion)))
        add(sums.dyad_intact, whole(load(state.intact)))
        add(sums.dyad_refused, whole(load(state.refused)))
        add(sums.dyad_sum[0], fixed(load(state.cohesion)))
        add(sums.dyad_sum[1], fixed(load(state.abandonment)))
        add(sums.dyad_sum[2], fixed(load(state.entrapment)))
        add(sums.dyad_sum[3], fixed(load(state.opinion)))
        add(sums.dyad_sum[4], fixed(shared.support))
        add(sums.dyad_sum[5], fixed(shared.troops))
        if row < sampled.dyads.shape[0]:
            for i in range(cells_of(block, sampled.dyads.shape[1])):
                sample = sampled.dyads[row, CELLS * block + i, d]
                sample[0, t], sample[1, t] = state.cohesion[i], state.abandonment[i]
                sample[2, t], sample[3, t] = state.entrapment[i], state.opinion[i]
                sample[4, t], sample[5, t] = shared.support, shared.troops


@loop
def tally_new_missions(t, block, static, parameter, shocks, path_state, tally):
    """Tally the missions that start in quarter t: who serves and for how long, who refuses, how long NATO takes.

    Service is tallied as changes by age of the mission.
    """
    last = tally.begun.shape[1] - t  # ages within the horizon
    for i in range(cells_of(block, tally.begun.shape[0])):
        n = CELLS * block + i
        for a in range(path_state.candidate_missions.size):
            state = path_state.candidate_missions[a]
            if state.start[i] != t:
                continue
            us_led, framework = state.us_led[i], static.candidate_missions[a].framework
            tally.begun[n, t] += 1
            if us_led == 1 and not was_entrapped_before(a, i, t, path_state.candidate_missions):
                tally.entrapped[n, t] += 1
            note_stay(tally.started, n, a, last)
            joined = shocks.candidate_missions[a].joined[us_led]
            for m in range(static.members.size):
                if shocks.joining[a, m].joins[us_led] == 1:
                    note_stay(tally.serving, n, a, min(shocks.joining[a, m].stay, last))
            tally.refused[n, a] += 1 if 2 * joined < static.members.size else 0
            absent = 1.0 - joined / static.members.size
            tally.waited[n, a] += missions.decision_lag(framework, absent, parameter.decision_lag)


@loop
def was_entrapped_before(a, i, t, candidate_missions):
    """Return whether another mission led by the United States started earlier, or now at a lower index than a."""
    for b in range(candidate_missions.size):
        other = candidate_missions[b]
        if other.us_led[i] == 1 and (other.start[i] < t or (other.start[i] == t and b < a)):
            return True
    return False


@loop
def note_stay(changes, n, a, stay):
    """Add one from age 0 and subtract one from age `stay` on."""
    changes[n, a, 0] += 1
    if stay < changes.shape[2]:
        changes[n, a, stay] -= 1


@loop
def count_bins(waiting, static, path_state, tally):
    """Count the bins of `waiting` paths in the large histograms.

    The histograms do not fit into the processor's cache. Counted together, the paths meet each row of them while it is
    there.
    """
    members, quarters = static.members.size, tally.cohesion.shape[1]
    years = (quarters + static.constants[0].quarter_of_year) // 4  # with their last quarter
    for block in range(path_state.cells.size):
        count(waiting, block, 0, quarters, path_state.cohesion_bins, tally.cohesion)
        count(waiting, block, members, years, path_state.share_bins, tally.european)
        for d in range(static.dyads.size):
            count(waiting, block, 1 + d, quarters, path_state.cohesion_bins, tally.dyad_cohesion[:, d])
            count(waiting, block, members + 1 + d, years, path_state.share_bins, tally.partner_share[:, d])
        for m in range(members):
            if not math.isnan(path_state.allies[m].share[0]):
                count(waiting, block, m, years, path_state.share_bins, tally.share[:, m])
        for s in range(static.missions.size):
            count_survival(waiting, block, s, static.missions[s], path_state, tally.survival[:, s])


@loop
def count(waiting, block, series, times, bins, histogram):
    """Count the bins of one series in a block of cells at its first `times` times; the histogram is (N, time, bins)."""
    for t in range(times):
        for i in range(cells_of(block, histogram.shape[0])):
            counts = histogram[CELLS * block + i, t]
            for w in range(waiting):
                counts[bins[w, block, series, t, i]] += 1


@loop
def count_survival(waiting, block, s, mission, path_state, histogram):
    """Count the changes of the survival curves of mission s in a block of cells; the histogram is (N, 3, Q, bins)."""
    last, quarters, cells = path_state.counted_bins, histogram.shape[2], cells_of(block, histogram.shape[0])
    start = max(mission.start, 0)
    for t in range(start, min(mission.end, quarters)):
        for w in range(waiting):
            for j in range(3):
                changed = path_state.changed[w, block, s, t, j]
                if changed == 0:
                    continue
                before, after = last[w, j], path_state.survival_bins[w, block, s, t, j]
                for i in range(cells):
                    if (changed >> i) & 1 == 1:
                        counts = histogram[CELLS * block + i, j, t]
                        if t > start:
                            counts[before[i]] -= 1
                        counts[after[i]] += 1
                        before[i] = after[i]


def add_sums(sums: Sums, tally: Tally) -> None:
    """Add the sums of all cells to the fields of the tally with the same names, and clear them."""
    for table in sums:
        for name in table.dtype.names:
            total, values = getattr(tally, name), np.moveaxis(table[name], -1, 1)
            total += values.reshape(values.shape[0] * values.shape[1], *values.shape[2:])[: len(total)]
        for name in table.dtype.names:
            table[name] = 0
