"""Integer tallies: histograms, event counts and fixed-point sums. Merging is addition, so it is exact in any order.

Memory does not grow with the number of paths. Monte Carlo error is told by tallies of parts of the paths, which
`forecast.projection.monte_carlo_error` chooses.

What lasts is tallied as it changes: the kernel adds what begins in a quarter and takes off what ends, and `settle`
sums over time. A mission in which nothing happens costs nothing, and integers make it exact.
"""

import math

import numpy as np

from forecast.names import EVENTS, INDICES
from forecast.simulation.histograms import cohesion_bin, share_bin, survival_bin
from forecast.simulation.jit import device, loop
from forecast.simulation.rules import alliance as rule
from forecast.simulation.rules import missions as mission_rules
from forecast.simulation.rules.missions import is_hollow
from forecast.simulation.tallies import UNIT


@device
def fixed(x):
    """X in fixed point, rounded to the nearest 2^-32."""
    return np.int64(math.floor(x * UNIT + 0.5))


@loop
def count_turnover(quarter_of_year, leaders, turnover):
    """Years in which a leader changes at least once."""
    for k in range(turnover.shape[0]):
        for y in range(turnover.shape[1]):
            first = 4 * y - quarter_of_year
            changed = 0
            for t in range(max(first, 0), min(first + 4, leaders.shape[0])):
                changed = max(changed, leaders[t, k].change)
            turnover[k, y] += changed


@loop
def tally_spending(row, n, y, path_state, tally, joint):
    """Shares of year y in cell n."""
    for m in range(path_state.shares.size):
        if not math.isnan(path_state.shares[m]):
            tally.share[n, m, y, share_bin(path_state.shares[m])] += 1
    total = path_state.alliance[0].european
    tally.european[n, y, share_bin(math.log(total))] += 1
    tally.european_sum[n, y] += fixed(total)
    if row < joint.european.shape[0]:
        joint.european[row, n, y] = total


@loop
def note_move(s, i, t, before, after, path_state):
    """A survival curve changes its bin in quarter t."""
    if before != after:
        apply_exits = path_state.moves[path_state.moved[0]]
        apply_exits.mission, apply_exits.curve, apply_exits.quarter = s, i, t
        apply_exits.before, apply_exits.after = before, after
        path_state.moved[0] += 1


@loop
def count_bins(n, path_state, tally):
    """Put what has been noted of cell n into its large histograms.

    They do not fit into the cache: one by one among the other work each count waits for memory, in a row they wait
    together.
    """
    for t in range(path_state.bins.shape[1]):
        tally.cohesion[n, t, path_state.bins[0, t]] += 1
        for d in range(path_state.dyads.size):
            tally.dyad_cohesion[n, d, t, path_state.bins[1 + d, t]] += 1
    for k in range(path_state.moved[0]):
        apply_exits = path_state.moves[k]
        counts = tally.survival[n, apply_exits.mission, apply_exits.curve, apply_exits.quarter]
        if apply_exits.before >= 0:
            counts[apply_exits.before] -= 1
        counts[apply_exits.after] += 1
    path_state.moved[0] = 0


@loop
def tally_mission(row, n, t, s, constants, mission, path_state, tally, joint):
    """What has changed in mission s in quarter t of cell n, which lies between its start and its end."""
    state = path_state.missions[s]
    if row < joint.survival.shape[0]:
        for i in range(3):
            joint.survival[row, n, s, i, t] = state.curve[i]
    if state.news == 0:
        return
    for i in range(3):
        x = state.curve[i]
        at = survival_bin(x)
        note_move(s, i, t, state.bins[i], at, path_state)
        tally.survival_sum[n, s, i, t] += fixed(x) - state.sums[i]
        state.bins[i], state.sums[i] = at, fixed(x)
    hollow = is_hollow(state.curve[0], state.curve[1], constants.hollow_flags, constants.hollow_operation)
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
            tally.exits[n, s, c, t] += 1 if path_state.contingents[s, c].left_at == t else 0


@loop
def tally_alliance(row, n, t, parameter, noise, path_state, tally, joint):
    """Cohesion, factors, threat level and verdict in quarter t of cell n."""
    alliance = path_state.alliance[0]
    cohesion = alliance.cohesion
    seen = rule.verdict(cohesion, parameter.verdict_low, parameter.verdict_high, parameter.rater_sd, noise.rater)
    tally.verdict[n, t, seen] += 1
    path_state.bins[0, t] = cohesion_bin(cohesion)
    tally.cohesion_sum[n, t] += fixed(cohesion)
    tally.threat_sum[n, t] += fixed(alliance.threat)
    for f in range(4):
        tally.factor_sum[n, t, f] += fixed(alliance.factors[f])
    for i in range(len(INDICES)):
        tally.index_sum[n, t, i] += fixed(alliance.index[i])
    for i in range(len(EVENTS)):
        tally.event[n, t, i] += alliance.happened[i]
    if row < joint.cohesion.shape[0]:
        joint.cohesion[row, n, t] = cohesion
        for i in range(len(INDICES)):
            joint.measures[row, n, t, i] = alliance.index[i]


@loop
def tally_dyads(row, n, t, shocks, path_state, tally, joint):
    """All dyads in quarter t of cell n; what is summed stands in the order of `WHOLE_STATE`."""
    for d in range(path_state.dyads.size):
        state, shared = path_state.dyads[d], shocks.dyads[t, d]
        path_state.bins[1 + d, t] = cohesion_bin(state.cohesion)
        tally.dyad_intact[n, d, t] += state.intact
        tally.dyad_refused[n, d, t] += state.refused
        whole = (
            state.cohesion,
            state.abandonment,
            state.entrapment,
            state.opinion,
            shared.support,
            shared.troops,
        )
        for i in range(6):
            tally.dyad_sum[n, d, t, i] += fixed(whole[i])
            if row < joint.dyads.shape[0]:
                joint.dyads[row, n, d, i, t] = whole[i]


@loop
def tally_partners(n, y, path_state, tally):
    """Shares of the partners in year y of cell n."""
    for d in range(path_state.dyads.size):
        tally.partner_share[n, d, y, share_bin(path_state.dyads[d].share)] += 1


@loop
def tally_arrivals(n, t, static, parameter, shocks, path_state, tally):
    """What begins in quarter t: who serves and how long, and where most refused. Changes only, as `tally` says."""
    quarters = tally.begun.shape[1]
    for a in range(path_state.slots.size):
        state = path_state.slots[a]
        if state.begun != t:
            continue
        tally.begun[n, t] += 1
        if state.us_led == 1 and not is_entrapped(a, t, path_state.slots):
            tally.entrapped[n, t] += 1
        last = quarters - t  # ages that the horizon holds
        note_stay(tally.started, n, a, last, last)
        count = 0
        for m in range(static.members.size):
            if path_state.joined[a, m] == 1:
                count += 1
                stay = quarters_served(parameter.stay[static.slots[a].framework], shocks.joining[a, m].until, last)
                note_stay(tally.serving, n, a, stay, last)
        tally.refused[n, a] += 1 if 2 * count < static.members.size else 0
        tally.waited[n, a] += state.lag


@loop
def is_entrapped(bin_index, t, slots):
    """Another new mission led by the United States began before, or in this quarter in an earlier slot."""
    for a in range(slots.size):
        if slots[a].us_led == 1 and (slots[a].begun < t or (slots[a].begun == t and a < bin_index)):
            return True
    return False


@loop
def quarters_served(rate, until, last):
    """The age at which a cumulative hazard of leaving crosses its threshold, at most `last`."""
    age = 0
    while age < last and not mission_rules.has_crossed(rate * age, until):
        age += 1
    return age


@loop
def note_stay(changes, n, a, stay, last):
    """One more from age 0, one less from age `stay` on."""
    changes[n, a, 0] += 1
    if stay < changes.shape[2]:
        changes[n, a, stay] -= 1
