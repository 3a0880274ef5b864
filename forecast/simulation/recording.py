"""Add the results of the current quarter to the tallies, inside the kernel.

Memory does not grow with the number of paths. `forecast.projection.monte_carlo_error` estimates the Monte Carlo error
from separate tallies of parts of the paths.

Lasting results (survival curves, ended missions) are tallied as changes: the kernel adds what starts in a quarter and
subtracts what ends, and `tallies.settle` sums over time. A mission in which nothing changes costs nothing.

In all functions `row` is the position of the path in its batch, n the cell, t the quarter, y the year.
"""

import math

import numpy as np

from forecast.names import EVENTS, INDICES
from forecast.simulation.histograms import cohesion_bin, share_bin, survival_bin
from forecast.simulation.jit import device, loop
from forecast.simulation.records import LEAVING, OUTSIDE
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules.missions import has_crossed, is_hollow
from forecast.simulation.tallies import UNIT


@device
def fixed(x):
    """Return x in fixed point, rounded to the nearest 2^-32."""
    return np.int64(math.floor(x * UNIT + 0.5))


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
def tally_spending(row, n, y, path_state, tally, sampled):
    """Tally the members' shares and European spending of year y."""
    for m in range(path_state.shares.size):
        if not math.isnan(path_state.shares[m]):
            tally.share[n, m, y, share_bin(path_state.shares[m])] += 1
            if row < sampled.shares.shape[0]:
                sampled.shares[row, n, m, y] = math.exp(path_state.shares[m])
    total = path_state.alliance[0].european
    tally.european[n, y, share_bin(math.log(total))] += 1
    tally.european_sum[n, y] += fixed(total)
    if row < sampled.european.shape[0]:
        sampled.european[row, n, y] = total


@loop
def note_move(s, i, t, before, after, path_state):
    """Note that curve i of mission s changes its bin in quarter t."""
    if before != after:
        move = path_state.moves[path_state.move_count[0]]
        move.mission, move.curve, move.quarter = s, i, t
        move.before, move.after = before, after
        path_state.move_count[0] += 1


@loop
def count_bins(n, path_state, tally):
    """Add the noted bins and moves of cell n to the large histograms.

    The histograms do not fit into the processor's cache. Counted one after another, the accesses wait for memory at
    the same time.
    """
    for t in range(path_state.bins.shape[1]):
        tally.cohesion[n, t, path_state.bins[0, t]] += 1
        for d in range(path_state.dyads.size):
            tally.dyad_cohesion[n, d, t, path_state.bins[1 + d, t]] += 1
    for k in range(path_state.move_count[0]):
        move = path_state.moves[k]
        counts = tally.survival[n, move.mission, move.curve, move.quarter]
        if move.before >= 0:
            counts[move.before] -= 1
        counts[move.after] += 1
    path_state.move_count[0] = 0


@loop
def tally_mission(row, n, t, s, constants, mission, path_state, tally, sampled):
    """Tally what has changed in mission s, which runs in quarter t."""
    state = path_state.missions[s]
    if row < sampled.survival.shape[0]:
        sample_mission(row, n, t, s, mission, path_state, sampled)
    if state.needs_tally == 0:
        return
    for i in range(3):
        x = state.curve[i]
        new_bin = survival_bin(x)
        note_move(s, i, t, state.tallied_bin[i], new_bin, path_state)
        tally.survival_sum[n, s, i, t] += fixed(x) - state.tallied_sum[i]
        state.tallied_bin[i], state.tallied_sum[i] = new_bin, fixed(x)
    hollow = is_hollow(state.curve[0], state.curve[1], constants.hollow_flags, constants.hollow_operation)
    tally.hollow[n, s, t] += hollow - state.tallied_hollow
    tally.collapsed[n, s, t] += state.collapsed_now
    tally.ended[n, s, t] += state.ended - state.tallied_ended
    tally.handed[n, s, t] += state.handed - state.tallied_handed
    state.tallied_hollow, state.tallied_ended, state.tallied_handed = hollow, state.ended, state.handed
    tally.seen[n, s] += state.detected_caveats
    tally.reductions[n, s] += state.reductions
    state.detected_caveats, state.reductions = 0, 0
    for i in range(5):
        tally.modes[n, s, i] += state.modes[i]
        state.modes[i] = 0
    if state.exits > 0:
        for c in range(mission.contingents):
            tally.exits[n, s, c, t] += 1 if path_state.contingents[s, c].exit_quarter == t else 0


@loop
def sample_mission(row, n, t, s, mission, path_state, sampled):
    """Store the curves of mission s in quarter t, and what happens to it and to its contingents in that quarter."""
    state = path_state.missions[s]
    for i in range(3):
        sampled.survival[row, n, s, i, t] = state.curve[i]
    if state.needs_tally == 0:
        return
    note_first(sampled.landmarks[row, n, s], 0, t, state.collapsed_now)
    note_first(sampled.landmarks[row, n, s], 1, t, state.ended)
    note_first(sampled.landmarks[row, n, s], 2, t, state.handed)
    for c in range(mission.contingents):
        if path_state.contingents[s, c].exit_quarter == t:
            sampled.exits[row, n, s, c] = t


@loop
def tally_alliance(row, n, t, parameter, noise, path_state, tally, sampled):
    """Tally cohesion, factors, threat level, verdict, measures and events of quarter t."""
    alliance = path_state.alliance[0]
    cohesion = alliance.cohesion
    verdict = rule.verdict(cohesion, parameter.verdict_low, parameter.verdict_high, parameter.rater_sd, noise.rater)
    tally.verdict[n, t, verdict] += 1
    path_state.bins[0, t] = cohesion_bin(cohesion)
    tally.cohesion_sum[n, t] += fixed(cohesion)
    tally.threat_sum[n, t] += fixed(alliance.threat)
    for f in range(4):
        tally.factor_sum[n, t, f] += fixed(alliance.factors[f])
    for i in range(len(INDICES)):
        tally.index_sum[n, t, i] += fixed(alliance.index[i])
    for i in range(len(EVENTS)):
        tally.event[n, t, i] += alliance.happened[i]
    if row < sampled.cohesion.shape[0]:
        sampled.cohesion[row, n, t] = cohesion
        sampled.verdict[row, n, t] = verdict
        for i in range(len(INDICES)):
            sampled.measures[row, n, t, i] = alliance.index[i]
        for i in range(len(EVENTS)):
            note_first(sampled.events[row, n], i, t, alliance.happened[i])
        for m in range(path_state.allies.size):
            status = path_state.allies[m].status
            note_first(sampled.membership[row, n, m], 0, t, 1 if status == LEAVING else 0)
            note_first(sampled.membership[row, n, m], 1, t, 1 if status == OUTSIDE else 0)


@device
def note_first(quarters, i, t, happened):
    """Note quarter t in `quarters[i]` if it happens now and did not happen before."""
    if happened == 1 and math.isnan(quarters[i]):
        quarters[i] = t


@loop
def tally_dyads(row, n, t, shocks, path_state, tally, sampled):
    """Tally all dyads in quarter t; the series stand in the order of `records.DYAD_SERIES`."""
    for d in range(path_state.dyads.size):
        state, shared = path_state.dyads[d], shocks.dyads[t, d]
        path_state.bins[1 + d, t] = cohesion_bin(state.cohesion)
        tally.dyad_intact[n, d, t] += state.intact
        tally.dyad_refused[n, d, t] += state.refused
        series = (
            state.cohesion,
            state.abandonment,
            state.entrapment,
            state.opinion,
            shared.support,
            shared.troops,
        )
        for i in range(6):
            tally.dyad_sum[n, d, t, i] += fixed(series[i])
            if row < sampled.dyads.shape[0]:
                sampled.dyads[row, n, d, i, t] = series[i]


@loop
def tally_partners(n, y, path_state, tally):
    """Tally the spending of the dyads' partners in year y."""
    for d in range(path_state.dyads.size):
        tally.partner_share[n, d, y, share_bin(path_state.dyads[d].share)] += 1


@loop
def tally_new_missions(n, t, static, parameter, shocks, path_state, tally):
    """Tally the missions that start in quarter t: who serves and for how long, who refuses, how long NATO takes.

    Service is tallied as changes by age of the mission.
    """
    quarters = tally.begun.shape[1]
    for a in range(path_state.candidate_missions.size):
        state = path_state.candidate_missions[a]
        if state.start != t:
            continue
        tally.begun[n, t] += 1
        if state.us_led == 1 and not was_entrapped_before(a, t, path_state.candidate_missions):
            tally.entrapped[n, t] += 1
        last = quarters - t  # ages within the horizon
        note_stay(tally.started, n, a, last)
        count = 0
        for m in range(static.members.size):
            if path_state.joined[a, m] == 1:
                count += 1
                rate = parameter.stay[static.candidate_missions[a].framework]
                note_stay(tally.serving, n, a, quarters_served(rate, shocks.joining[a, m].exit_threshold, last))
        tally.refused[n, a] += 1 if 2 * count < static.members.size else 0
        tally.waited[n, a] += state.decision_lag


@loop
def was_entrapped_before(a, t, candidate_missions):
    """Return whether another mission led by the United States started earlier, or now at a lower index than a."""
    for b in range(candidate_missions.size):
        other = candidate_missions[b]
        if other.us_led == 1 and (other.start < t or (other.start == t and b < a)):
            return True
    return False


@loop
def quarters_served(rate, threshold, last):
    """Return the age at which the cumulative hazard of leaving crosses its threshold, at most `last`."""
    age = 0
    while age < last and not has_crossed(rate * age, threshold):
        age += 1
    return age


@loop
def note_stay(changes, n, a, stay):
    """Add one from age 0 and subtract one from age `stay` on."""
    changes[n, a, 0] += 1
    if stay < changes.shape[2]:
        changes[n, a, stay] -= 1
