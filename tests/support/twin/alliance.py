"""State the rules of the alliance a second time, in plain Python and from complete histories.

A crisis is a date, and its remaining effect a power of its age. A member gives notice when the sum of its hazards has
passed its threshold, and leaves a notice period later. Troops are products of all cuts so far.
"""

import math
import statistics
from typing import Any

from forecast.names import EVENTS

T, I, N, L = range(4)  # noqa: E741


class Alliance:
    """The alliance in one cell of one path, quarter by quarter."""

    def __init__(self, path: Any, n: int):
        self.path, self.n, self.shocks = path, n, path.shocks
        self.cell, self.own = path.static.cells[n], path.draws.cells[path.row, n]
        members = range(path.static.members.size)
        self.crises: list[int] = []
        self.notices: dict[int, int] = {}  # quarter in which a member gave notice
        self.left: dict[int, int] = {}  # quarter in which it left
        self.hazards: dict[int, list[float]] = {m: [] for m in members}
        self.us_drawdown: list[float] = []
        self.surplus: list[float] = []
        self.article5 = [float(path.parameter.article5)]
        self.burden = self.spending_rise = self.us_burden_gap = 0.0
        self.european = self.start = self.spent_before()
        self.spread = self.low_alignment = self.absent = 0.0
        self.broken_from = -math.inf
        self.passing_shift = [0.0] * 4
        self.lasting_shift: list[list[float]] = []  # by quarter and factor
        self.index: list[list[float]] = []  # by quarter
        self.signal = 0.5
        self.happened: dict[str, int] = {}

    def threat(self, t: int, history: Any) -> float:
        """Return the threat level of quarter t."""
        c = self.path.constants
        war = self.cell.threat_target if t >= c.onset else c.neutral_target
        target = war - war * c.deterrence_feedback * (2 * self.signal - 1)
        before = history.threat[-1] if t > 0 else 1.0
        shock = c.threat_sd * self.path.rng.normals("threat and rater", t)[0]
        return float(max(target + c.threat_persistence * (before - target) + shock, 0.0))

    def innovation(self, history: Any, f: int, t: int) -> float:
        """Return the innovation of factor f in quarter t: correlated noise, collapses of missions, lasting shifts."""
        c, rng = self.path.constants, self.path.rng
        common, own = rng.normals("threat and rater", t)[2], rng.normals("factors", t)[f]
        e = math.sqrt(c.factor_correlation) * common + math.sqrt(1 - c.factor_correlation) * own
        fallen = sum(one.plan.stake for one in history.missions if one.collapse() == t)
        collapse = c.collapse * fallen * self.path.parameter.collapse_shock[f]
        return float(c.factor_innovation * e + collapse + self.lasting_shift[t][f])

    def credibility(self) -> float:
        p = self.path.parameter
        kept = (max(0.0, 1 - p.credibility_decay * s) for s in self.surplus)
        return float(self.cell.credibility * math.prod(kept))

    def multiplier(self) -> float:
        """Return the factor on the response to the pledge."""
        if not (self.path.constants.backsliding and self.cell.promise):
            return float(self.cell.pledge_multiplier)
        b = self.credibility()
        return float(self.own.backsliding + b * (self.cell.pledge_multiplier - self.own.backsliding))

    def against_china(self, m: int, part: float) -> float:
        p, member = self.path.parameter, self.path.static.members[m]
        near = 1.0 if member.pacific else p.balancing_far
        on = self.path.constants.balancing
        return float(on * part * self.cell.china_focus * p.balancing * near)

    def spent_before(self) -> float:
        """Return European spending in the year before quarter 0, percent of GDP."""
        members, own = self.path.static.members, self.path.draws.members[self.path.row]
        return math.fsum(
            one.european * math.exp(own.start)
            for one, own in zip(members, own, strict=True)
            if not math.isnan(own.start)
        )

    def update_burdens(self, shares: dict[int, float]) -> float:
        """Update the burdens after a year of spending; returns the share of the European members that are left."""
        c, members = self.path.constants, self.path.static.members
        weights = {m: members[m].european for m in shares if m not in self.left}
        total = math.fsum(w * math.exp(shares[m]) for m, w in weights.items())
        if total == 0.0:
            return self.european
        self.european = total / (1 - math.fsum(members[m].european for m in self.left))
        self.burden = (math.log(self.european) - math.log(self.start)) / c.burden_sd
        self.spending_rise = self.european - self.start
        if c.ally_usa in shares:
            ratio = shares[c.ally_usa] - math.log(self.european)
            self.us_burden_gap = (ratio - c.burden_gap) / c.burden_sd
        return self.european

    def record(self, event: str, t: int) -> None:
        self.happened.setdefault(event, t)

    def step(self, t: int, history: Any) -> None:
        """Apply the events of quarter t."""
        self.passing_shift, self.article5_shock = [0.0] * 4, 0.0
        self.lasting_shift.append([0.0] * 4)
        self.cohesion = history.cohesion[-1] if t > 0 else self.path.start_cohesion()
        self.apply_crises(t)
        self.apply_leaders(t)
        self.apply_veto(t)
        self.apply_dispute(t)
        if t == self.path.constants.grey_zone:
            self.answer_call(t)
        self.update_membership(t)
        self.update_us_posture(t)
        self.update_us_troops(t)
        c, start = self.path.constants, self.article5[0]
        drift = start + c.article5_persistence * (self.article5[-1] - start)
        self.article5.append(min(max(drift + c.article5 * self.article5_shock, 0.01), 0.99))
        self.absent = self.absence(t, history)

    def apply_crises(self, t: int) -> None:
        c, p = self.path.constants, self.path.parameter
        crisis, wedge, _ = self.shocks.events[t]
        if (c.crises and crisis) or t == c.crisis:
            self.crises.append(t)
            self.record("crisis", t)
        rally = math.fsum(c.rally_decay ** (t - s) for s in self.crises)
        strain = math.fsum(c.strain_decay ** (t - s) - c.onset_decay ** (t - s) for s in self.crises)
        self.passing_shift[L] += p.crisis_rally * rally
        self.passing_shift[T] -= p.crisis_strain * strain
        self.passing_shift[I] -= p.crisis_cost * strain
        if (c.wedges and wedge) or t == c.china_wedge:
            self.lasting_shift[-1][T] += p.wedge
            self.record("wedge", t)

    def apply_leaders(self, t: int) -> None:
        c, p = self.path.constants, self.path.parameter
        orientation, blame = self.shocks.influence(t)
        self.passing_shift[L] += c.orientation * p.orientation * orientation
        self.passing_shift[L] += c.spending_cost * p.spending_cost * self.spending_rise
        self.passing_shift[I] += c.burden * p.burden_sharing * self.burden
        if c.scapegoating and blame > 0:
            self.lasting_shift[-1][L] += p.scapegoat * blame
            self.record("scapegoat", t)

    def apply_veto(self, t: int) -> None:
        p, odds = self.path.parameter, 0.0
        odds = math.exp(
            p.block_base
            + p.block_spread * self.spread
            + p.block_low * self.low_alignment
            + p.block_absent * self.absent
        )
        if self.path.constants.vetoes and self.shocks.block[t] < odds / (1 + odds):
            self.lasting_shift[-1][I] += p.block
            self.record("block", t)

    def apply_dispute(self, t: int) -> None:
        c, p = self.path.constants, self.path.parameter
        running = [m for m in self.path.static.missions if m.contentious and m.start <= t < m.end]
        if running and ((c.disputes and self.shocks.events[t][2]) or t == c.dispute):
            effects = [1.0 if m.veto else float(p.dispute_outside) for m in running]
            self.lasting_shift[-1][L] += p.dispute * max(effects)
            self.record("dispute", t)

    def inside(self, t: int) -> list[int]:
        """Return the members at the end of quarter t."""
        return [m for m in self.hazards if self.left.get(m, math.inf) > t]

    def answer_call(self, t: int) -> None:
        """Let each member honour the treaty or not."""
        c, p, members = self.path.constants, self.path.parameter, self.path.static.members
        inside = self.inside(t - 1)
        if not inside:
            return
        confidence = self.article5[-1] - c.article5_usual
        honouring = [
            m
            for m in inside
            if p.honour
            + p.honour_confidence * confidence
            + p.honour_distance * members[m].distance_z
            + p.honour_orientation * self.shocks.orientation(m, t)
            > -self.shocks.honour[m]
        ]
        share = math.fsum(members[m].weight for m in honouring) / math.fsum(members[m].weight for m in inside)
        if len(inside) - len(honouring) > 2:
            self.record("three_refusals", t)
        self.article5_shock += p.article5_refusal * (1 - share)
        if share < c.honour_line:
            self.broken_from = t
            self.record("treaty_broken", t)

    def broken(self, t: int) -> bool:
        return self.broken_from <= t < self.broken_from + self.path.constants.broken_quarters

    def update_membership(self, t: int) -> None:
        c, p = self.path.constants, self.path.parameter
        usa, inside = c.ally_usa, self.inside(t - 1)
        for m in [m for m in inside if m != usa]:
            rate = p.notice_rate * math.exp(p.notice_cohesion * self.cohesion)
            rate *= math.exp(p.notice_sceptic) if self.shocks.orientation(m, t) < 0 else 1.0
            rate *= c.exit_factor if self.broken(t) else 1.0
            self.hazards[m].append(c.alliance_exits * rate)
            if m not in self.notices:
                if math.fsum(self.hazards[m]) >= self.shocks.notice_thresholds[m]:
                    self.notices[m] = t
                    self.lasting_shift[-1][N] += p.notice_norms
                    self.record("notice", t)
            elif self.notices[m] + c.notice_quarters == t and self.shocks.reversal[m] >= p.notice_reversed:
                self.left[m] = t
                self.record("exit", t)
        part = self.path.ramped(t, self.cell.design_ramp)
        shifts = [self.own.alignment_frail, self.own.alignment_firm]
        alignments = [
            self.shocks.orientation(m, t) + part * shifts[int(self.path.static.members[m].firm)] for m in self.inside(t)
        ]
        self.spread = statistics.pstdev(alignments) if alignments else 0.0
        self.low_alignment = sum(s < c.low_alignment for s in alignments) / max(len(alignments), 1)
        exits = self.shocks.command_exits.count(t) * c.alliance_exits
        if exits:
            self.lasting_shift[-1][I] += exits * p.command_exit
            self.record("command_exit", t)

    def update_us_posture(self, t: int) -> None:
        c, p, usa = self.path.constants, self.path.parameter, self.path.constants.ally_usa
        if not c.us_posture or usa in self.left:
            return
        hazard_ratio = math.exp(p.us_burden * self.us_burden_gap)
        sympathetic = self.shocks.orientation(usa, t) < 0
        self.hazards[usa].append(hazard_ratio * (p.us_notice_sympathetic if sympathetic else p.us_notice_other))
        if usa not in self.notices:
            if math.fsum(self.hazards[usa]) >= self.shocks.us_notice_threshold:
                self.notices[usa] = t
                self.lasting_shift[-1][L] += p.us_notice_leadership
                self.lasting_shift[-1][T] += p.us_notice_threats
                self.article5_shock += p.article5_notice
                self.record("us_notice", t)
        elif self.notices[usa] + c.notice_quarters == t and self.shocks.us_exit < p.us_succeeds:
            self.left[usa] = t
            self.record("us_exit", t)
        part = self.path.ramped(t, self.cell.design_ramp)
        self.us_drawdown.append(hazard_ratio * p.us_drawdown_rate * (1 - part + part * self.cell.drawdown))
        if self.us_troops_left() < 1:
            self.record("us_drawdown", t)

    def us_troops_left(self) -> float:
        """Return the American troops after random draw-downs, 1 = all."""
        cumulative = math.fsum(self.us_drawdown)
        cuts = zip(self.shocks.cut_times, self.shocks.cut_sizes, strict=True)
        return math.prod(size for threshold, size in cuts if threshold <= cumulative)

    def update_us_troops(self, t: int) -> None:
        self.us_troops = self.us_troops_left()
        if self.path.constants.backsliding and self.cell.promise:
            part = self.path.ramped(t, self.cell.troop_ramp)
            self.us_troops *= 1 - part * self.own.troop_cut * self.cell.credibility
            promised = 1 - part * self.own.troop_cut
            self.surplus.append(max(self.us_troops - promised, 0.0))

    def absence(self, t: int, history: Any) -> float:
        """Return the share of allies that stay out of missions of the alliance."""
        allies, shares = len(self.inside(t)), []
        for mission in history.missions:
            if mission.plan.veto and mission.plan.start <= t < mission.plan.end:
                inside = sum(one.exit_quarter > t and one.plan.ally for one in mission.contingents)
                shares.append(max(1 - inside / max(allies, 1), 0.0))
        return statistics.fmean(shares) if shares else 0.0

    def update_cohesion(self, t: int, history: Any, factors: list[float]) -> float:
        """Return cohesion from the factors, and append all measures."""
        c, p = self.path.constants, self.path.parameter
        w = [float(x) for x in p.weights]
        confidence = c.article5 * p.article5_effect * (self.article5[-1] - c.article5_usual)
        outside = [f for f in range(4) if f != I]
        political = math.fsum(w[f] * factors[f] for f in outside) / math.fsum(w[f] for f in outside) + confidence
        military = (factors[I] + self.burden) / 2
        self.signal = 1 / (1 + math.exp(-military - confidence))
        self.index.append(
            [
                political,
                military,
                statistics.pstdev(factors),
                self.spread,
                -history.threat[t] * self.shocks.spread,
                self.article5[-1],
                self.signal,
                self.us_troops,
                self.credibility(),
            ]
        )
        cohesion = math.fsum(a * b for a, b in zip(w, factors, strict=True)) + (1 - w[I]) * confidence
        return min(cohesion, p.verdict_low - 2 * p.rater_sd) if self.broken(t) else cohesion

    def log(self, t: int) -> list[bool]:
        return [self.happened.get(event, math.inf) <= t for event in EVENTS]
