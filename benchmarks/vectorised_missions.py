"""Missions of a block of paths in a group of cells: arrays (contingents, cells, paths).

Hazards of all contingents are added up whole; who reaches a threshold is looked up and treated apart.
"""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
from vectorised_fates import CAVEAT
from vectorised_random import Array, bins, histogram

from forecast.simulation import histograms as fan
from forecast.simulation.records import NEVER
from forecast.simulation.tallies import UNIT, Tally

_TAKES_TROOPS = np.array([True, False, False, True])  # by mode


class Mission:
    """One mission and all that it has come to; pairs of cell and path are numbered for look-ups."""

    def __init__(self, s: int, cells: int, shocks: Any, plan: Any, par: Any) -> None:
        self.s, self.fate, self.campaign = s, shocks.missions[s], shocks.campaigns[:, s]
        self.start, self.end = plan.missions.start[s], plan.missions.end[s]
        self.constants, self.cells, self.par = plan.constants, cells, par
        self.size, self.paths = self.fate.planned_at.shape
        self.ever, self.lead = plan.missions.ever[s], plan.missions.lead[s]
        self.stake, self.veto = plan.missions.stake[s], plan.missions.veto[s]
        self.weight = plan.contingents.weight[s, : self.size]
        self.ally = plan.contingents.ally[s, : self.size]
        c = self.constants
        self.may_hand_over = c.hand_over * plan.missions.ad_hoc[s] == 1
        self.would_hand_over = shocks.hand_over[s] < par.hand_over
        self.reduced = np.exp(c.reductions * par.ever_reduced)
        self.under_nato, self.backfill = np.exp(par.nato), c.backfill * par.backfill
        self.planned = [np.nonzero(self.fate.planned_at == t) for t in range(len(self.campaign))]
        self.begin(self.size, cells * self.paths)

    def begin(self, size: int, pairs: int) -> None:
        """Everyone is there, whole, and nothing has happened."""
        whole, first = (size, self.cells, self.paths), self.fate.cut_at[0]
        self.endured, self.lifts = np.zeros(whole), np.ones(whole)
        self.due = np.repeat(np.minimum(self.fate.defects_at, first)[:, None], self.cells, 1)
        self.present, self.cuts = np.ones(whole, bool), np.zeros(whole, np.int8)
        self.troops = np.ones(whole)
        self.flags_of = np.tile(self.weight[:, None], (1, pairs))  # weight of who is there
        self.operation_of = self.flags_of.copy()  # weight times profile
        self.work, self.reached = np.empty(whole[1:]), np.empty(whole, bool)
        self.cell, self.path = np.divmod(np.arange(pairs), self.paths)  # of each pair
        self.flags, self.operation = np.zeros(pairs), np.zeros(pairs)
        self.count = np.full(pairs, size)
        self.allies = np.full(pairs, self.ally.sum())
        self.left = self.left_1 = self.left_2 = np.zeros(pairs)
        self.lost = self.lost_1 = self.lost_2 = np.zeros(pairs)
        for name in (
            "handed",
            "collapsed",
            "fallen",
            "ended",
            "below",
            "low",
            "few",
            "hollow",
            "leaderless",
        ):
            setattr(self, name, np.zeros(pairs, bool))
        self.stale = np.ones(pairs, bool)
        self.at = np.zeros((3, self.cells, self.paths), np.int64)
        self.sums = np.zeros((3, self.cells, self.paths), np.int64)
        self.told = SimpleNamespace(bins=np.zeros((3, self.cells, fan.SURVIVAL_BINS), int), sums=0, hollow=0)

    def step(self, t: int, lift: Array, tally: Tally) -> None:
        """A quarter; `lift` is what cohesion does to all hazards."""
        self.left_2, self.left_1, self.left = self.left_1, self.left, np.zeros_like(self.left)
        self.lost_2, self.lost_1, self.lost = self.lost_1, self.lost, np.zeros_like(self.lost)
        total, hazards, work = self.lift(t, lift), self.fate.hazards[t], self.work
        for c in range(self.size):  # one by one, so that they stay in the cache
            np.multiply(total, hazards[c], out=work)
            work *= self.lifts[c]
            self.endured[c] += work
            np.greater_equal(self.endured[c], self.due[c], out=self.reached[c])
        c, b = self.planned[t]
        self.reached[c, :, b] |= self.present[c, :, b]
        events = np.flatnonzero(self.reached)
        if events.size:
            self.move(t, events, tally)
        changed, self.stale = self.stale, np.zeros_like(self.stale)
        if changed.any():
            self.update_survival_curves(np.flatnonzero(changed))
        self.end_quarter(t, changed, tally)

    def lift(self, t: int, lift: Array) -> Array:
        """Factor on all hazards: campaign, cohesion, contagion, lead gone, NATO, backfill."""
        recent, par = self.left_1 + self.left_2, self.par
        total = self.campaign[t] * lift
        special = np.flatnonzero((recent > 0.0) | self.leaderless | self.handed)
        if special.size:
            b = self.path[special]
            share = np.minimum(self.constants.contagion_cap, recent[special] / self.ever)
            gone = self.leaderless[special] * par.lead_gone[b]
            factor = np.exp(10.0 * par.contagion[b] * share + gone)
            factor *= np.where(self.handed[special], self.under_nato[b], 1.0)
            flags, lost = self.flags[special], (self.lost_1 + self.lost_2)[special]
            filled = np.flatnonzero((lost > 0.0) & (flags > 0.0))
            flags, lost, b = flags[filled], lost[filled], b[filled]
            factor[filled] *= ((flags + lost) / flags) ** self.backfill[b]
            total.reshape(-1)[special] *= factor
        return total

    def move(self, t: int, events: Array, tally: Tally) -> None:
        """Those whose hazard has reached a threshold or whose withdrawal is due leave or are cut."""
        c = events // self.flags.size
        pair = events - c * self.flags.size
        own = c * self.paths + self.path[pair]
        cell_of = self.cell[pair]
        self.stale[pair] = True
        full = self.endured.reshape(-1)[events] >= self.fate.defects_at.reshape(-1)[own]
        gone = full | (self.fate.planned_at.reshape(-1)[own] <= t)
        out, c, pair = events[gone], c[gone], pair[gone]
        for array, value in (
            (self.present, False),
            (self.due, math.inf),
            (self.flags_of, 0.0),
            (self.operation_of, 0.0),
        ):
            array.reshape(-1)[out] = value
        self.left = np.bincount(pair, minlength=self.flags.size).astype(float)
        self.lost = np.bincount(pair, self.weight[c], self.flags.size)
        self.count -= self.left.astype(int)
        self.allies -= np.bincount(pair, self.ally[c], self.flags.size).astype(int)
        if self.lead >= 0:
            self.leaderless[pair[c == self.lead]] = True
            self.leaderless &= ~self.handed
        cell = cell_of[gone]
        exits = np.bincount(cell * self.size + c, minlength=self.cells * self.size)
        tally.exits[:, self.s, : self.size, t] += exits.reshape(self.cells, self.size)
        tally.modes[:, self.s, 0] += self.by_cell(pair[full[gone]])
        stays = ~gone
        if stays.any():
            self.cut(events[stays], own[stays], cell_of[stays], tally)

    def cut(self, events: Array, own: Array, cell: Array, tally: Tally) -> None:
        """Partial defections: fewer troops, a safer role, a narrower reach, or nearly all sent elsewhere."""
        fate, cuts, lifts = self.fate, self.cuts.reshape(-1), self.lifts.reshape(-1)
        troops, operation = self.troops.reshape(-1), self.operation_of.reshape(-1)
        cut_at, mode_of, size_of, seen_of = (x.reshape(-1) for x in (fate.cut_at, fate.mode, fate.size, fate.seen))
        step, hazard = fate.planned_at.size, self.endured.reshape(-1)[events]
        at = cuts[events].astype(int) * step + own
        now = np.flatnonzero(hazard >= cut_at[at])
        while now.size:
            here, some, n = at[now], events[now], cell[now]
            mode, left = mode_of[here], size_of[here]
            operation[some] *= left
            troops[some] *= np.where(_TAKES_TROOPS[mode], left, 1.0)
            modes = np.bincount(n * 4 + mode, minlength=4 * self.cells)
            tally.modes[:, self.s, 1:] += modes.reshape(self.cells, 4)
            seen = n[(mode == CAVEAT) & seen_of[here]]
            tally.seen[:, self.s] += np.bincount(seen, minlength=self.cells)
            at[now] += step
            now = now[hazard[now] >= cut_at[at[now]]]
        cuts[events] = at // step
        reduced = self.reduced[own % self.paths]
        lifts[events] = np.where(troops[events] < 1.0, reduced, 1.0)
        self.due.reshape(-1)[events] = np.minimum(fate.defects_at.reshape(-1)[own], cut_at[at])

    def update_survival_curves(self, pairs: Array) -> None:
        """Flags, operation and flags by count of the pairs in which something changed, and their bins."""
        c = self.constants
        most = 4 * pairs.size > self.flags.size  # then sums of all are cheaper than a selection
        flags, operation = (
            of.sum(0)[pairs] if most else of.take(pairs, 1).sum(0) for of in (self.flags_of, self.operation_of)
        )
        self.flags[pairs], self.operation[pairs] = flags, operation
        self.below[pairs] = operation < c.collapse_operation
        self.few[pairs] = flags < c.nominal_flags
        self.hollow[pairs] = (flags >= c.hollow_flags) & (operation < c.hollow_operation)
        curves = np.stack([flags, operation, self.count[pairs] / self.size])
        at = bins(curves + 0.5 * fan.SURVIVAL_STEP, 0.0, fan.SURVIVAL_STEP, fan.SURVIVAL_BINS)
        self.at.reshape(3, -1)[:, pairs] = at
        self.sums.reshape(3, -1)[:, pairs] = np.floor(curves * UNIT + 0.5)

    def end_quarter(self, t: int, changed: Array, tally: Tally) -> None:
        """Collapse in the second quarter below the line, hand-over, end in name; all is tallied as it changes."""
        s, told = self.s, self.told
        self.fallen = self.below & self.low & ~self.collapsed
        self.low = self.below.copy()
        self.collapsed |= self.fallen
        if self.may_hand_over:
            over = (self.leaderless | self.collapsed) & ~self.handed
            over = np.flatnonzero(over.reshape(self.cells, -1) & self.would_hand_over)
            self.hand_over(over)
            tally.handed[:, s, t] += self.by_cell(over)
        ends = (self.few | (self.leaderless & self.below)) & ~self.ended
        self.ended |= ends
        tally.ended[:, s, t] += self.by_cell(np.flatnonzero(ends))
        tally.collapsed[:, s, t] += self.by_cell(np.flatnonzero(self.fallen))
        if changed.any():
            now = SimpleNamespace(
                bins=histogram(self.at, fan.SURVIVAL_BINS),
                sums=self.sums.sum(-1),
                hollow=self.by_cell(np.flatnonzero(self.hollow)),
            )
            tally.survival[:, s, :, t] += (now.bins - told.bins).swapaxes(0, 1)
            tally.survival_sum[:, s, :, t] += (now.sums - told.sums).T
            tally.hollow[:, s, t] += now.hollow - told.hollow
            self.told = now

    def hand_over(self, pairs: Array) -> None:
        """NATO takes over and sends those who stayed back to strength; the curves show it a quarter later."""
        self.handed[pairs], self.stale[pairs], self.leaderless[pairs] = True, True, False
        for whole in (self.troops, self.lifts):
            whole.reshape(self.size, -1)[:, pairs] = 1.0
        self.operation_of[:, pairs] = self.flags_of[:, pairs]

    def by_cell(self, pairs: Array) -> Array:
        """How many of the pairs lie in each cell."""
        return np.bincount(self.cell[pairs], minlength=self.cells)


def tally_arrivals(shocks: Any, parts: Array, cells: Any, plan: Any, par: Any, tally: Tally) -> None:
    """All new missions at once, for no state moves them: when they begin, who joins and how long they stay."""
    c, slots, quarters = plan.constants, plan.slots.id.size, len(parts)
    if c.new_missions == 0:
        return
    part, count = parts[:, :, 0], parts.shape[1]
    hazard = np.cumsum(c.arrival_rate * (1.0 + part * (cells.out_of_area - 1.0)), axis=0)
    begun = np.stack([np.searchsorted(hazard[:, n], shocks.until) for n in range(count)], axis=1)
    a, n, b = np.nonzero(begun < quarters)
    t = begun[a, n, b]
    chance = c.us_led * (1.0 + part * (cells.first_responder - 1.0))
    chance = chance * (1.0 + part * (cells.entrapment - 1.0))
    us_led = shocks.leader[a, b] < chance[t, n]
    framework = plan.slots.framework[a]
    bar = par.join_cost[framework, b] - framework * par.solidarity[b] - shocks.interest[a, :, b].T
    call = us_led * par.call[b] * plan.members.depends[:, None]
    joined = shocks.joins[a, :, b].T < 1.0 / (1.0 + np.exp(bar - call))
    joining, members = joined.sum(0), len(joined)
    lag = np.floor(1.0 + par.decision_lag[b] * (1.0 - joining / members)) * (framework == 1)
    np.add.at(tally.begun, (n, t), 1)
    order = np.full((slots, count, shocks.until.shape[1]), NEVER)
    order[a[us_led], n[us_led], b[us_led]] = (t * slots + a)[us_led]
    first = order.min(0)
    np.add.at(tally.entrapped, (np.nonzero(first < NEVER)[0], first[first < NEVER] // slots), 1)
    np.add.at(tally.refused, (n, a), 2 * joining < members)
    np.add.at(tally.waited, (n, a), lag.astype(int))
    _note_stays(tally.started, n, a, quarters - t)
    who, e = np.nonzero(joined)
    stays = np.ceil(shocks.stays[a[e], who, b[e]] / par.stay[framework[e], b[e]])
    _note_stays(tally.serving, n[e], a[e], np.minimum(stays, quarters - t[e]).astype(int))


def _note_stays(changes: Array, n: Array, a: Array, stay: Array) -> None:
    """One more from age 0, one less from age `stay` on, each."""
    shape = changes.shape
    begun = np.bincount(n * shape[1] + a, minlength=shape[0] * shape[1])
    changes[:, :, 0] += begun.reshape(shape[:2])
    inside = stay < shape[2]
    at = (n * shape[1] + a)[inside] * shape[2] + stay[inside]
    changes -= np.bincount(at, minlength=changes.size).reshape(shape)
