"""A slow twin of the core: the model written once more, from its equations, in plain Python.

Only the records of plan and parameters and the addresses of the random numbers are shared. Where
the kernel carries a running state, the twin keeps whole histories and reads them: exits are dates,
autoregressions are sums over all past innovations, a contingent leaves when the sum of all its
hazards has passed its threshold.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from scipy.special import ndtri

from forecast.simulation.arrays import Draws, StaticInputs
from tests.support.twin import alliance as reference_alliance
from tests.support.twin import shocks as reference_fate
from tests.support.twin.missions import Mission, Public
from tests.support.twin.new_missions import Arrivals
from tests.support.twin.spending import Budgets, autoregression, student

WORD = 2**32
PURPOSES = {"spending": 1, "growth": 2, "common factor": 3, "leader": 4, "threat and rater": 6}
PURPOSES |= {"factors": 7, "exit": 8, "cut time": 9, "cut size": 10} | reference_fate.PURPOSES
PURPOSES |= {"candidate mission": 45, "join": 46}
PURPOSES |= {"cut mode": 40, "cut seen": 41, "campaign": 42, "public": 43, "wing": 44}
BIN_STARTS = [0, 2, 4, 8, 12, 16, 24, 40]  # quarters, of tenure


def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, ...]:
    """Philox4x32-10 (Salmon et al. 2011) on Python integers."""
    x = tuple(counter)
    for i in range(10):
        left, right = (key[0] + i * 0x9E3779B9) % WORD, (key[1] + i * 0xBB67AE85) % WORD
        high0, low0 = divmod(0xD2511F53 * x[0], WORD)
        high1, low1 = divmod(0xCD9E8D57 * x[2], WORD)
        x = (high1 ^ x[1] ^ left, low1, high0 ^ x[3] ^ right, low0)
    return x


@dataclass(frozen=True)
class Dice:
    """The random numbers of one path."""

    seed: int
    path: int

    def unit(self, purpose: str, time: int, entity: int = 0) -> list[float]:
        words = philox((time, int(entity), PURPOSES[purpose], 0), (self.seed, self.path))
        return [(word + 0.5) / WORD for word in words]

    @cache  # noqa: B019 - a path is asked for the same numbers by all its cells
    def normals(self, purpose: str, time: int, entity: int = 0) -> list[float]:
        return [float(ndtri(u)) for u in self.unit(purpose, time, entity)]

    def waits(self, purpose: str, entity: int) -> list[float]:
        return [-math.log(u) for u in self.unit(purpose, 0, entity)]


@dataclass
class Course:
    """One cell of one path. Missing quarters of a mission are None."""

    missions: list[Mission]
    alliance: reference_alliance.Alliance
    arrivals: Arrivals
    cohesion: list[float] = field(default_factory=list)
    factors: list[list[float]] = field(default_factory=list)
    jolts: list[list[float]] = field(default_factory=list)  # by quarter and factor
    threat: list[float] = field(default_factory=list)
    verdict: list[int] = field(default_factory=list)
    shares: list[dict[int, float]] = field(default_factory=list)  # log, by year and member
    european: list[float] = field(default_factory=list)


class Reign:
    """Votes and changes of leader of one country, as sets of quarters."""

    def __init__(self, path: "Path", k: int):
        plan, constants = path.layout.countries[k], path.constants
        self.parameter, self.own = path.parameter, path.draws.countries[path.row, k]
        self.votes: set[int] = {-1} if plan.voted else set()
        self.changes: set[int] = {-1} if plan.in_office == 0 else set()
        due, since, limited = int(plan.next_election), -int(plan.in_office), constants.usa_limited
        for t in range(path.quarters):
            fate = path.dice.unit("leader", t, plan.id)
            early = plan.parliamentary and due - t > 2 and fate[1] < constants.early_election
            if due == t or early:
                self.votes.add(t)
                due = t + int(plan.term)
            after = t - 1 in self.votes
            chance = self.chance(t, t - since, due - t in (1, 2))
            if k == constants.usa:
                voted_out = 1.0 if limited else self.parameter.usa_election
                chance = voted_out if after else constants.usa_off_cycle
            if fate[0] < chance:
                self.changes.add(t)
                since, limited = t + 1, 0
            elif after:
                limited = 1
        self.id = int(plan.id)
        self.awaited = self.votes | {due}  # of the votes after the last quarter the due one

    def chance(self, t: int, tenure: int, before: bool) -> float:
        """Of a change in quarter t, by the logit."""
        p, own = self.parameter, self.own
        logit = p.turnover_intercept + own.turnover_effect + p.tenure[bisect_right(BIN_STARTS, tenure) - 1]
        if t in self.votes:
            logit += p.turnover_election + p.turnover_offset * own.turnover_effect
        elif before:
            logit += p.turnover_before
        if t - 1 in self.votes:
            logit += p.turnover_after + p.turnover_offset * own.turnover_effect
        return float(math.exp(logit) / (1.0 + math.exp(logit)))

    def lift(self, t: int) -> float:
        """Factor on the hazard of defection."""
        new = bool(self.changes & {t, t - 1})
        ahead = bool(self.awaited & set(range(t, t + 5)))
        return math.exp(self.parameter.leader_change * new + self.parameter.election_ahead * ahead)


class Path:
    """One path: its luck, and one course a cell."""

    def __init__(self, seed: int, path: int, layout: StaticInputs, draws: Draws, quarters: int):
        self.dice, self.row = Dice(seed, path), path % draws.parameters.size
        self.layout, self.draws, self.quarters = layout, draws, quarters
        self.parameter, self.constants = draws.parameters[self.row], layout.constants[0]
        self.budgets = Budgets(self.dice, self.parameter, self.constants)
        self.reigns = [Reign(self, k) for k in range(layout.countries.size)]
        self.publics = [Public(self, reign) for reign in self.reigns]
        self.fate = reference_fate.Fate(self)
        self.courses = [self.live(n) for n in range(layout.cells.size)]

    def year_of(self, t: int) -> int:
        return (t + int(self.constants.quarter_of_year)) // 4

    def turnover(self, k: int, y: int) -> bool:
        """A leader of country k changes in year y."""
        return any(t >= 0 and self.year_of(t) == y for t in self.reigns[k].changes)

    def live(self, n: int) -> Course:
        missions = [Mission(self, s) for s in range(self.layout.missions.size)]
        course = Course(
            missions=missions,
            alliance=reference_alliance.Alliance(self, n),
            arrivals=Arrivals(self, n),
        )
        for t in range(self.quarters):
            course.threat.append(course.alliance.threat(t, course))
            if self.year_of(t + 1) > self.year_of(t):
                self.spend(course, n, t)
            for mission in course.missions:
                if mission.plan.start <= t < mission.plan.end:
                    mission.step(t, (course.cohesion or [self.start_cohesion()])[-1])
            course.alliance.step(t, course)
            self.judge(course, n, t)
        return course

    def start_cohesion(self) -> float:
        return float(self.parameter.weights @ self.parameter.factor_start)

    def ramped(self, t: int, length: float) -> float:
        return min(max((t + 1 - int(self.constants.onset)) / length, 0.0), 1.0)

    def spend(self, course: Course, n: int, t: int) -> None:
        """All members set the share of the year that ends with quarter t."""
        y, c, p, cell = self.year_of(t), self.constants, self.parameter, self.layout.cells[n]
        design = self.ramped(t, cell.design_ramp)
        beta, ally = self.budgets.response(y), course.alliance
        pledged = 1 - design + design * ally.multiplier()
        shares: dict[int, float] = {}
        for m, member in enumerate(self.layout.members):
            own = self.draws.members[self.row, m]
            if math.isnan(own.start):
                continue
            s = course.shares[-1][m] if course.shares else own.start
            u, v, *_ = self.dice.unit("spending", y, member.id)
            reign = self.reigns[member.country] if member.country >= 0 else None
            votes = {self.year_of(q) for q in reign.votes} if reign else set()
            s += math.fsum(
                [
                    p.kappa * (own.target - s),
                    own.loading * self.budgets.common(y),
                    beta * pledged * max(self.layout.pledge[y] - s, 0.0) * (m not in ally.left),
                    beta * p.front * course.threat[t] * member.front * max(c.front_mark - s, 0.0),
                    p.growth * (self.budgets.growth(member, y) - 0.02),
                    p.election_spending * (y in votes),
                    design * ally.credibility() * self.draws.cells[self.row, n].retrenchment * (member.european > 0),
                    ally.against_china(m, design),
                    own.scale * self.budgets.volatility(y) * student(u, v, p.nu),
                ]
            )
            shares[m] = sorted([c.floor, s, c.cap])[1]
        course.shares.append(shares)
        course.european.append(ally.weigh(shares))

    def judge(self, course: Course, n: int, t: int) -> None:
        """Factors, cohesion and verdict at the end of quarter t."""
        c, p, cell = self.constants, self.parameter, self.layout.cells[n]
        shift, factors = self.draws.cells[self.row, n], []
        course.jolts.append([course.alliance.jolt(course, f, t) for f in range(4)])
        for f in range(4):
            war, design = self.ramped(t, cell.war_ramp), self.ramped(t, cell.design_ramp)
            if cell.half_life[f] > 0:  # before the onset there is nothing to fade
                design *= 2.0 ** -((t - int(c.onset)) / cell.half_life[f])
            noise = autoregression(p.factor_start[f], 0.0, c.factor_phi, [e[f] for e in course.jolts])
            passing = course.alliance.shift[f]
            factors.append(war * shift.war_shift[f] + design * shift.design_shift[f] + noise + passing)
        cohesion = course.alliance.judge(t, course, factors)
        seen = cohesion + p.rater_sd * self.dice.normals("threat and rater", t)[1]
        course.factors.append(factors)
        course.cohesion.append(cohesion)
        course.verdict.append(int(seen >= p.verdict_low) + int(seen >= p.verdict_high))
