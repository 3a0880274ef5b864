"""The twin of the alliance: crises, vetoes, exits and American troops, from their equations and whole histories.

A crisis is a date, and what is left of it a power of its age; a member leaves when the sum of its hazards has passed
its threshold a year ago; troops are products of all cuts so far.
"""

import math
import statistics
from typing import Any

from forecast.names import EVENTS

T, I, N, L = range(4)  # noqa: E741


class Alliance:
    """The alliance in one cell of one path, quarter by quarter."""

    def __init__(self, path: Any, n: int):
        self.path, self.n, self.fate = path, n, path.fate
        self.cell, self.own = path.layout.cells[n], path.draws.cells[path.row, n]
        members = range(path.layout.members.size)
        self.crises: list[int] = []
        self.notices: dict[int, int] = {}  # quarter in which a member gave notice
        self.left: dict[int, int] = {}  # quarter in which it left
        self.hazards: dict[int, list[float]] = {m: [] for m in members}
        self.us_drawdown: list[float] = []
        self.surplus: list[float] = []
        self.article5 = [float(path.parameter.article5)]
        self.burden = self.cost = self.gap = 0.0
        self.european = self.start = self.spent_before()
        self.spread = self.low = self.absent = 0.0
        self.broken_from = -math.inf
        self.shift = [0.0] * 4
        self.pulse: list[list[float]] = []  # by quarter and factor
        self.index: list[list[float]] = []  # by quarter
        self.signal = 0.5
        self.happened: dict[str, int] = {}

    def threat(self, t: int, course: Any) -> float:
        """The level of the threat, drawn to its target less what deterrence does."""
        c = self.path.constants
        war = self.cell.threat_target if t >= c.onset else c.neutral_target
        target = war - war * c.deterrence_feedback * (2 * self.signal - 1)
        before = course.threat[-1] if t > 0 else 1.0
        shock = c.threat_sd * self.path.dice.normals("threat and rater", t)[0]
        return float(max(target + c.threat_persistence * (before - target) + shock, 0.0))

    def jolt(self, course: Any, f: int, t: int) -> float:
        """What moved factor f for good in quarter t: correlated noise, collapses of missions, events."""
        c, dice = self.path.constants, self.path.dice
        common, own = dice.normals("threat and rater", t)[2], dice.normals("factors", t)[f]
        e = math.sqrt(c.factor_correlation) * common + math.sqrt(1 - c.factor_correlation) * own
        fallen = sum(one.plan.stake for one in course.missions if one.collapse() == t)
        collapse = c.collapse * fallen * self.path.parameter.collapse_shock[f]
        return float(c.factor_innovation * e + collapse + self.pulse[t][f])

    def credibility(self) -> float:
        p = self.path.parameter
        kept = (max(0.0, 1 - p.credibility_decay * s) for s in self.surplus)
        return float(self.cell.credibility * math.prod(kept))

    def multiplier(self) -> float:
        """Of the response to the pledge."""
        if not (self.path.constants.backsliding and self.cell.promise):
            return float(self.cell.pledge_multiplier)
        b = self.credibility()
        return float(self.own.backsliding + b * (self.cell.pledge_multiplier - self.own.backsliding))

    def against_china(self, m: int, part: float) -> float:
        p, member = self.path.parameter, self.path.layout.members[m]
        near = 1.0 if member.pacific else p.balancing_far
        on = self.path.constants.balancing
        return float(on * part * self.cell.china_focus * p.balancing * near)

    def spent_before(self) -> float:
        """The European share in the year before quarter 0."""
        members, own = self.path.layout.members, self.path.draws.members[self.path.row]
        return math.fsum(
            one.european * math.exp(mine.start)
            for one, mine in zip(members, own, strict=True)
            if not math.isnan(mine.start)
        )

    def weigh(self, shares: dict[int, float]) -> float:
        """Burdens after a round of spending; gives the European share of those that are left, if any is."""
        c, members = self.path.constants, self.path.layout.members
        weights = {m: members[m].european for m in shares if m not in self.left}
        total = math.fsum(w * math.exp(shares[m]) for m, w in weights.items())
        if total == 0.0:
            return self.european
        self.european = total / (1 - math.fsum(members[m].european for m in self.left))
        self.burden = (math.log(self.european) - math.log(self.start)) / c.burden_sd
        self.cost = self.european - self.start
        if c.ally_usa in shares:
            ratio = shares[c.ally_usa] - math.log(self.european)
            self.gap = (ratio - c.burden_gap) / c.burden_sd
        return self.european

    def mark(self, event: str, t: int) -> None:
        self.happened.setdefault(event, t)

    def step(self, t: int, course: Any) -> None:
        """What befalls the alliance in quarter t."""
        self.shift, self.shock = [0.0] * 4, 0.0
        self.pulse.append([0.0] * 4)
        self.cohesion = course.cohesion[-1] if t > 0 else self.path.start_cohesion()
        self.crisis(t)
        self.listen(t)
        self.decide(t)
        self.quarrel(t)
        if t == self.path.constants.grey_zone:
            self.call(t)
        self.members(t)
        self.america(t)
        self.troops(t)
        c, start = self.path.constants, self.article5[0]
        drift = start + c.article5_persistence * (self.article5[-1] - start)
        self.article5.append(min(max(drift + c.article5 * self.shock, 0.01), 0.99))
        self.absent = self.absence(t, course)

    def crisis(self, t: int) -> None:
        c, p = self.path.constants, self.path.parameter
        crisis, wedge, _ = self.fate.events[t]
        if (c.crises and crisis) or t == c.crisis:
            self.crises.append(t)
            self.mark("crisis", t)
        rally = math.fsum(c.rally_decay ** (t - s) for s in self.crises)
        strain = math.fsum(c.strain_decay ** (t - s) - c.onset_decay ** (t - s) for s in self.crises)
        self.shift[L] += p.crisis_rally * rally
        self.shift[T] -= p.crisis_strain * strain
        self.shift[I] -= p.crisis_cost * strain
        if (c.wedges and wedge) or t == c.china_wedge:
            self.pulse[-1][T] += p.wedge
            self.mark("wedge", t)

    def listen(self, t: int) -> None:
        c, p = self.path.constants, self.path.parameter
        voice, blame = self.fate.heard(t)
        self.shift[L] += c.orientation * p.orientation * voice
        self.shift[L] += c.spending_cost * p.spending_cost * self.cost
        self.shift[I] += c.burden * p.burden_sharing * self.burden
        if c.scapegoating and blame > 0:
            self.pulse[-1][L] += p.scapegoat * blame
            self.mark("scapegoat", t)

    def decide(self, t: int) -> None:
        p, odds = self.path.parameter, 0.0
        odds = math.exp(
            p.block_base + p.block_spread * self.spread + p.block_low * self.low + p.block_absent * self.absent
        )
        if self.path.constants.vetoes and self.fate.block[t] < odds / (1 + odds):
            self.pulse[-1][I] += p.block
            self.mark("block", t)

    def quarrel(self, t: int) -> None:
        c, p = self.path.constants, self.path.parameter
        running = [m for m in self.path.layout.missions if m.contentious and m.start <= t < m.end]
        if running and ((c.disputes and self.fate.events[t][2]) or t == c.dispute):
            hits = [1.0 if m.veto else float(p.dispute_outside) for m in running]
            self.pulse[-1][L] += p.dispute * max(hits)
            self.mark("dispute", t)

    def inside(self, t: int) -> list[int]:
        """Members at the end of quarter t."""
        return [m for m in self.hazards if self.left.get(m, math.inf) > t]

    def call(self, t: int) -> None:
        """The treaty is called."""
        c, p, members = self.path.constants, self.path.parameter, self.path.layout.members
        there = self.inside(t - 1)
        if not there:
            return
        faith = self.article5[-1] - c.article5_usual
        comes = [
            m
            for m in there
            if p.honour
            + p.honour_confidence * faith
            + p.honour_distance * members[m].far
            + p.honour_orientation * self.fate.stands(m, t)
            > -self.fate.courage[m]
        ]
        share = math.fsum(members[m].weight for m in comes) / math.fsum(members[m].weight for m in there)
        if len(there) - len(comes) > 2:
            self.mark("three_refusals", t)
        self.shock += p.article5_refusal * (1 - share)
        if share < c.honour_line:
            self.broken_from = t
            self.mark("treaty_broken", t)

    def broken(self, t: int) -> bool:
        return self.broken_from <= t < self.broken_from + self.path.constants.broken_quarters

    def members(self, t: int) -> None:
        c, p = self.path.constants, self.path.parameter
        usa, there = c.ally_usa, self.inside(t - 1)
        for m in [m for m in there if m != usa]:
            rate = p.notice_rate * math.exp(p.notice_cohesion * self.cohesion)
            rate *= math.exp(p.notice_sceptic) if self.fate.stands(m, t) < 0 else 1.0
            rate *= c.exit_factor if self.broken(t) else 1.0
            self.hazards[m].append(c.alliance_exits * rate)
            if m not in self.notices:
                if math.fsum(self.hazards[m]) >= self.fate.patience[m]:
                    self.notices[m] = t
                    self.pulse[-1][N] += p.notice_norms
                    self.mark("notice", t)
            elif self.notices[m] + c.notice_quarters == t and self.fate.reversal[m] >= p.notice_reversed:
                self.left[m] = t
                self.mark("exit", t)
        part = self.path.ramped(t, self.cell.design_ramp)
        bent = [self.own.alignment_frail, self.own.alignment_firm]
        stands = [self.fate.stands(m, t) + part * bent[int(self.path.layout.members[m].firm)] for m in self.inside(t)]
        self.spread = statistics.pstdev(stands) if stands else 0.0
        self.low = sum(s < c.low_alignment for s in stands) / max(len(stands), 1)
        exits = self.fate.commands.count(t) * c.alliance_exits
        if exits:
            self.pulse[-1][I] += exits * p.command_exit
            self.mark("command_exit", t)

    def america(self, t: int) -> None:
        c, p, usa = self.path.constants, self.path.parameter, self.path.constants.ally_usa
        if not c.us_posture or usa in self.left:
            return
        lift = math.exp(p.us_burden * self.gap)
        likes = self.fate.stands(usa, t) < 0
        self.hazards[usa].append(lift * (p.us_notice_sympathetic if likes else p.us_notice_other))
        if usa not in self.notices:
            if math.fsum(self.hazards[usa]) >= self.fate.us_patience:
                self.notices[usa] = t
                self.pulse[-1][L] += p.us_notice_leadership
                self.pulse[-1][T] += p.us_notice_threats
                self.shock += p.article5_notice
                self.mark("us_notice", t)
        elif self.notices[usa] + c.notice_quarters == t and self.fate.us_luck < p.us_succeeds:
            self.left[usa] = t
            self.mark("us_exit", t)
        part = self.path.ramped(t, self.cell.design_ramp)
        self.us_drawdown.append(lift * p.us_drawdown_rate * (1 - part + part * self.cell.drawdown))
        if self.kept() < 1:
            self.mark("us_drawdown", t)

    def kept(self) -> float:
        """American troops after the cuts at random."""
        spent = math.fsum(self.us_drawdown)
        cuts = zip(self.fate.cut_times, self.fate.left, strict=True)
        return math.prod(size for at, size in cuts if at <= spent)

    def troops(self, t: int) -> None:
        self.us_troops = self.kept()
        if self.path.constants.backsliding and self.cell.promise:
            part = self.path.ramped(t, self.cell.troop_ramp)
            self.us_troops *= 1 - part * self.own.troop_cut * self.cell.credibility
            promised = 1 - part * self.own.troop_cut
            self.surplus.append(max(self.us_troops - promised, 0.0))

    def absence(self, t: int, course: Any) -> float:
        """Share of allies that stay out of missions of the alliance."""
        allies, shares = len(self.inside(t)), []
        for mission in course.missions:
            if mission.plan.veto and mission.plan.start <= t < mission.plan.end:
                there = sum(one.left > t and one.plan.ally for one in mission.people)
                shares.append(max(1 - there / max(allies, 1), 0.0))
        return statistics.fmean(shares) if shares else 0.0

    def judge(self, t: int, course: Any, factors: list[float]) -> float:
        """Cohesion from the factors, and all measures."""
        c, p = self.path.constants, self.path.parameter
        w = [float(x) for x in p.weights]
        faith = c.article5 * p.article5_effect * (self.article5[-1] - c.article5_usual)
        outside = [f for f in range(4) if f != I]
        political = math.fsum(w[f] * factors[f] for f in outside) / math.fsum(w[f] for f in outside) + faith
        military = (factors[I] + self.burden) / 2
        self.signal = 1 / (1 + math.exp(-military - faith))
        self.index.append(
            [
                political,
                military,
                statistics.pstdev(factors),
                self.spread,
                -course.threat[t] * self.fate.spread,
                self.article5[-1],
                self.signal,
                self.us_troops,
                self.credibility(),
            ]
        )
        cohesion = math.fsum(a * b for a, b in zip(w, factors, strict=True)) + (1 - w[I]) * faith
        return min(cohesion, p.verdict_low - 2 * p.rater_sd) if self.broken(t) else cohesion

    def log(self, t: int) -> list[bool]:
        return [self.happened.get(event, math.inf) <= t for event in EVENTS]
