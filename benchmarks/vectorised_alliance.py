"""The alliance of a block of paths in a group of cells: arrays (cells, paths), members in front.

A quarter is lived through in the order of `forecast.simulation.kernel`; what cells do not touch comes from the luck.
"""

import math
from typing import Any

import numpy as np
import vectorised_members as members
from vectorised_random import Array, bins, histogram, logistic, ramp

from forecast.names import EVENTS, INDICES
from forecast.simulation import histograms as fan
from forecast.simulation import records as at
from forecast.simulation.tallies import UNIT, Tally


def fixed(x: Array) -> Array:
    """The sum along the paths in fixed point."""
    x = x * UNIT
    x += 0.5
    return np.floor(x, out=x).astype(np.int64).sum(-1)


class Alliance:
    """State and steps of the alliance; members are rows of arrays (members, cells, paths)."""

    def __init__(self, cells: Any, quarters: int, shocks: Any, plan: Any, own: Any) -> None:
        c, par, m = plan.constants, own.parameters, plan.members
        self.constants, self.par, self.cells, self.members = c, par, cells, m
        self.shocks, self.own, self.missions = shocks, own.cells, plan.missions
        self.pledge = plan.pledge
        self.shape = shape = (cells.war_ramp.size, par.kappa.size)
        column = {name: x[:, None] for name, x in vars(cells).items() if x.ndim == 1}
        self.column, onset = column, c.onset
        self.war, self.design = (ramp(quarters, onset, x) for x in (cells.war_ramp, cells.design_ramp))
        self.troops = ramp(quarters, onset, cells.troop_ramp)
        age = np.maximum(np.arange(quarters) - onset, 0)[:, None, None]
        half_life = cells.half_life.T
        fade = np.where(half_life > 0.0, 0.5 ** (age / np.maximum(half_life, 1e-300)), 1.0)
        self.faded = self.design[:, None] * fade[..., None]
        self.promised = (c.backsliding * cells.promise == 1)[:, None]
        self.begin(shape, m, own.members.start)

    def begin(self, shape: tuple[int, int], m: Any, start: Array) -> None:
        """All are in, nothing has happened, factors where they start, confidence as believed."""
        par, whole = self.par, (m.id.size, *shape)
        self.threat = np.ones(shape)
        self.process = np.repeat(par.factor_start[:, None], shape[0], 1)
        cohesion = (par.weights * par.factor_start).sum(0)
        self.measures = np.zeros((6 + len(INDICES), *shape))
        self.cohesion, self.factors, self.index = (
            self.measures[0],
            self.measures[2:6],
            self.measures[6:],
        )
        self.cohesion[:] = cohesion
        self.index[at.DETERRENCE] = 0.5
        self.spenders = np.flatnonzero(~np.isnan(start).all(-1))
        self.shares = np.repeat(start[self.spenders][:, None], shape[0], 1)
        if np.isnan(self.shares).any():
            raise ValueError("a member spends on some draws only")
        weighty = m.european[self.spenders][:, None]
        self.start = (weighty * np.exp(start[self.spenders])).sum(0)
        self.european = np.tile(self.start, (shape[0], 1))
        self.burden, self.cost, self.gap, self.gone = (np.zeros(shape) for _ in range(4))
        self.us_lift = np.ones(shape)
        self.heterogeneity, self.low, self.absent = (np.zeros(shape) for _ in range(3))
        self.credibility = np.repeat(self.column["credibility"], shape[1], 1)
        self.kept, self.article5 = np.ones(shape), np.tile(par.article5, (shape[0], 1))
        self.broken = np.zeros(shape, bool)
        shocks = self.shocks
        self.notice, self.aligned = np.zeros(whole), np.empty(whole)
        self.due = np.repeat(shocks.allies.notice[:, None], shape[0], 1)
        self.outside, self.inside_count = np.zeros(whole, bool), np.full(shape, m.id.size)
        self.leaving: dict[int, Array] = {}
        self.us_notice, self.us_drawdown = np.zeros(shape), np.zeros(shape)
        self.us_due = np.tile(shocks.posture.notice, (shape[0], 1))
        self.us_cuts = np.zeros(shape, int)
        self.us_next_cut = np.tile(shocks.posture.cut_time[0], (shape[0], 1))
        self.us_leaving: dict[int, Array] = {}
        if self.constants.ally_usa >= 0:
            self.due[self.constants.ally_usa] = math.inf
        self.happened = np.zeros((len(EVENTS), *shape), bool)
        self.events = np.zeros((len(EVENTS), shape[0]), int)

    def note(self, event: int, pairs: Array) -> None:
        """An event befalls some pairs of cell and path."""
        happened = self.happened[event].reshape(-1)
        fresh = np.unique(pairs[~happened[pairs]])
        happened[fresh] = True
        self.events[event] += np.bincount(fresh // self.shape[1], minlength=self.shape[0])

    def feel_threat(self, t: int) -> None:
        """The threat level moves towards the target of the war."""
        c = self.constants
        target = self.column["threat_target"] if t >= c.onset else c.neutral_target
        if c.deterrence_feedback != 0.0:
            signal = 2.0 * self.index[at.DETERRENCE] - 1.0
            target = target * (1.0 - c.deterrence_feedback * signal)
        moved = (1.0 - c.threat_persistence) * target + c.threat_sd * self.shocks.noise.threat[t]
        self.threat = np.maximum(0.0, c.threat_persistence * self.threat + moved)

    def spend(self, t: int, y: int, tally: Tally) -> None:
        """All members set the share of year y."""
        c, par, m, rows = self.constants, self.par, self.members, self.spenders
        part, asked = self.design[t], self.column["pledge_multiplier"]
        if c.backsliding == 1:
            believed = self.credibility * asked + (1.0 - self.credibility) * self.own.backsliding
            asked = np.where(self.column["promise"] == 1, believed, asked)
        response = self.shocks.common.response[y]
        pledged = response * (1.0 + part * (asked - 1.0))
        china = (c.balancing * part * self.column["china_focus"]) * par.balancing
        pacific = (m.pacific[rows] == 1)[:, None, None]
        change = self.shocks.budgets[y][rows][:, None]
        change = change + np.where(pacific, china, china * par.balancing_far)
        retrenchment = part * self.credibility * self.own.retrenchment
        change[m.european[rows] > 0.0] += retrenchment
        change -= par.kappa * (self.shares - self.shocks.targets[rows][:, None])
        bound = np.maximum(0.0, self.pledge[y] - self.shares)
        bound *= pledged
        bound[self.outside[rows]] = 0.0
        change += bound
        front = m.front[rows] > 0.0
        frontline = response * par.front * self.threat * m.front[rows][front, None, None]
        change[front] += frontline * np.maximum(0.0, c.front_mark - self.shares[front])
        self.shares += change
        np.clip(self.shares, c.floor, c.cap, out=self.shares)
        self.weigh_burdens()
        at_bin = bins(self.shares, fan.SHARE_LOW, fan.SHARE_STEP, fan.SHARE_BINS)
        tally.share[:, rows, y] += histogram(at_bin, fan.SHARE_BINS).swapaxes(0, 1)
        european = bins(np.log(self.european), fan.SHARE_LOW, fan.SHARE_STEP, fan.SHARE_BINS)
        tally.european[:, y] += histogram(european, fan.SHARE_BINS)
        tally.european_sum[:, y] += fixed(self.european)

    def weigh_burdens(self) -> None:
        """Europe against its start, the United States against Europe; where no member is left all stays as it was."""
        c, rows, weight = self.constants, self.spenders, self.members.european[self.spenders]
        inside = np.flatnonzero(weight > 0.0)
        spent = np.exp(self.shares[inside])
        spent *= weight[inside, None, None]
        spent[self.outside[rows[inside]]] = 0.0
        total = spent.sum(0)
        some = total > 0.0
        np.copyto(self.european, total / (1.0 - self.gone), where=some)
        np.copyto(self.burden, np.log(self.european / self.start) / c.burden_sd, where=some)
        np.copyto(self.cost, self.european - self.start, where=some)
        if c.ally_usa in rows:
            usa = self.shares[np.flatnonzero(rows == c.ally_usa)[0]]
            gap = (usa - np.log(self.european) - c.burden_gap) / c.burden_sd
            np.copyto(self.gap, gap, where=some)
            self.us_lift = np.exp(self.par.us_burden * self.gap)

    def befall(self, t: int, missions: list[Any]) -> None:
        """What befalls the alliance in quarter t, and the factors of cohesion."""
        c, par, course = self.constants, self.par, self.shocks.course
        self.process *= c.factor_phi
        self.process += course.kick[t][:, None]
        for mission in missions:
            if mission.stake > 0.0 and t < mission.end and mission.fallen.any():
                shock = (c.collapse * mission.stake) * mission.fallen.reshape(self.shape)
                self.process += shock * par.collapse_shock[:, None]
        if c.vetoes == 1:
            logit = par.block_base + par.block_spread * self.heterogeneity
            logit += par.block_low * self.low + par.block_absent * self.absent
            blocked = course.block[t] < logistic(logit)
            self.process[at.INSTITUTIONS] += blocked * par.block
            self.note(at.BLOCK, np.flatnonzero(blocked))
        shock: Any = np.zeros(self.shape) if t == c.grey_zone else 0.0
        if t == c.grey_zone:
            members.face_attack(self, t, shock)
        members.meet(self, t)
        if c.us_posture == 1 and c.ally_usa >= 0:
            shock = members.update_us_posture(self, t, shock)
        members.update_us_troops(self, t)
        level = par.article5 + c.article5_persistence * (self.article5 - par.article5)
        self.article5 = np.clip(level + c.article5 * shock, 0.01, 0.99)
        self.count_absent(t, missions)
        self.add_factors(t)

    def count_absent(self, t: int, missions: list[Any]) -> None:
        """The share of allies that stay out of the alliance's missions, on average over those that run."""
        running = [x for x in missions if x.veto == 1 and x.start <= t < x.end]
        allies = np.maximum(self.inside_count, 1)
        absent = [np.maximum(0.0, 1.0 - x.allies.reshape(self.shape) / allies) for x in running]
        self.absent = sum(absent) / len(running) if running else np.zeros(self.shape)

    def add_factors(self, t: int) -> None:
        """The process carries the shifts of war and design and what passes."""
        c, par, course, own = self.constants, self.par, self.shocks.course, self.own
        np.multiply(own.war_shift, self.war[t], out=self.factors)
        self.factors += own.design_shift * self.faded[t]
        self.factors += self.process
        self.factors[at.THREATS] += course.threats[t]
        burden = c.burden * par.burden_sharing * self.burden
        self.factors[at.INSTITUTIONS] += course.institutions[t] + burden
        cost = c.spending_cost * par.spending_cost * self.cost
        self.factors[at.LEADERSHIP] += course.leadership[t] + cost

    def judge(self, t: int) -> None:
        """Cohesion from the factors and from faith in Article 5, and all other measures."""
        c, par, f, index = self.constants, self.par, self.factors, self.index
        w = par.weights
        faith = c.article5 * (par.article5_effect * (self.article5 - c.article5_usual))
        inside = w[0] * f[0] + w[2] * f[2] + w[3] * f[3]
        np.add(inside, w[1] * f[1] + faith * (1.0 - w[at.INSTITUTIONS]), out=self.cohesion)
        if members.is_broken(self, t):
            worst = np.minimum(self.cohesion, par.verdict_low - 2.0 * par.rater_sd)
            np.copyto(self.cohesion, worst, where=self.broken)
        self.measures[1] = self.threat
        np.add(inside / (w[0] + w[2] + w[3]), faith, out=index[at.POLITICAL])
        index[at.MILITARY] = 0.5 * (f[at.INSTITUTIONS] + self.burden)
        apart = f - 0.25 * (f[0] + f[1] + f[2] + f[3])
        apart *= apart
        np.sqrt(0.25 * apart.sum(0), out=index[at.DISCORDANCE])
        index[at.HETEROGENEITY] = self.heterogeneity
        np.multiply(self.threat, -self.shocks.allies.threat_spread, out=index[at.CONVERGENCE])
        index[at.ARTICLE5] = self.article5
        index[at.DETERRENCE] = logistic(index[at.MILITARY] + faith)

    def tell(self, t: int, tally: Tally) -> None:
        """Add the quarter to the tally."""
        par, paths = self.par, self.shape[1]
        seen = self.cohesion + par.rater_sd * self.shocks.noise.rater[t]
        low, high = seen < par.verdict_low, seen < par.verdict_high
        weak, fragmented = low.sum(-1), (high & ~low).sum(-1)
        tally.verdict[:, t] += np.stack([weak, fragmented, paths - weak - fragmented], axis=-1)
        at_bin = bins(self.cohesion, fan.COHESION_LOW, fan.COHESION_STEP, fan.COHESION_BINS)
        tally.cohesion[:, t] += histogram(at_bin, fan.COHESION_BINS)
        sums = fixed(self.measures)
        tally.cohesion_sum[:, t] += sums[0]
        tally.threat_sum[:, t] += sums[1]
        tally.factor_sum[:, t] += sums[2:6].T
        tally.index_sum[:, t] += sums[6:].T
        for event, counts in self.shocks.course.events.items():
            self.events[event] = counts[t]
        tally.event[:, t] += self.events.T
