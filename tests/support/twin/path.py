"""Implement the simulated model a second time, from its equations, in plain Python: the twin of the kernel.

The twin shares only the records of plan and parameters and the addresses of the random numbers. Where the kernel
carries a running state, the twin keeps complete histories: exits are dates, autoregressions are sums over all past
innovations, and a contingent leaves when the sum of its hazards has passed its threshold.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from scipy.special import ndtri

from forecast.simulation.arrays import Draws, StaticInputs
from tests.support.twin import alliance as alliance_twin
from tests.support.twin import shocks as shocks_twin
from tests.support.twin.missions import Mission, Public
from tests.support.twin.new_missions import NewMissions
from tests.support.twin.spending import Budgets, autoregression, student

WORD = 2**32
PURPOSES = {"spending": 1, "growth": 2, "common factor": 3, "leader": 4, "threat and rater": 6}
PURPOSES |= {"factors": 7, "exit": 8, "cut time": 9, "cut size": 10} | shocks_twin.PURPOSES
PURPOSES |= {"planned cut time": 11, "planned cut size": 12}
PURPOSES |= {"candidate mission": 45, "join": 46}
PURPOSES |= {"curve": 47, "cut mode": 40, "cut seen": 41, "campaign": 42, "public": 43, "wing": 44}
BIN_STARTS = [0, 2, 4, 8, 12, 16, 24, 40]  # quarters, of tenure


def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, ...]:
    """Return four words of Philox4x32-10 (Salmon et al. 2011), on Python integers."""
    x = tuple(counter)
    for i in range(10):
        left, right = (key[0] + i * 0x9E3779B9) % WORD, (key[1] + i * 0xBB67AE85) % WORD
        high0, low0 = divmod(0xD2511F53 * x[0], WORD)
        high1, low1 = divmod(0xCD9E8D57 * x[2], WORD)
        x = (high1 ^ x[1] ^ left, low1, high0 ^ x[3] ^ right, low0)
    return x


@dataclass(frozen=True)
class RandomNumbers:
    """Give the random numbers of one path by address."""

    seed: int
    path: int

    def uniforms(self, purpose: str, time: int, entity: int = 0) -> list[float]:
        words = philox((time, int(entity), PURPOSES[purpose], 0), (self.seed, self.path))
        return [(word + 0.5) / WORD for word in words]

    @cache  # noqa: B019 - all cells of a path ask for the same numbers
    def normals(self, purpose: str, time: int, entity: int = 0) -> list[float]:
        return [float(ndtri(u)) for u in self.uniforms(purpose, time, entity)]

    def exponentials(self, purpose: str, entity: int) -> list[float]:
        return [-math.log(u) for u in self.uniforms(purpose, 0, entity)]


@dataclass
class CellHistory:
    """Hold the histories of one cell of one path."""

    missions: list[Mission]
    alliance: alliance_twin.Alliance
    new_missions: NewMissions
    cohesion: list[float] = field(default_factory=list)
    factors: list[list[float]] = field(default_factory=list)
    innovations: list[list[float]] = field(default_factory=list)  # by quarter and factor
    threat: list[float] = field(default_factory=list)
    verdict: list[int] = field(default_factory=list)
    shares: list[dict[int, float]] = field(default_factory=list)  # log, by year and member
    european: list[float] = field(default_factory=list)


class LeaderHistory:
    """Hold elections and changes of leader of one country, as sets of quarters."""

    def __init__(self, path: "Path", k: int):
        plan, constants = path.static.countries[k], path.constants
        self.parameter, self.own = path.parameter, path.draws.countries[path.row, k]
        self.votes: set[int] = {-1} if plan.voted else set()
        self.changes: set[int] = {-1} if plan.in_office == 0 else set()
        self.mandates, self.term_limit = int(plan.mandates), int(plan.term_limit)
        next_vote, took_office, set_day = int(plan.next_election), -int(plan.in_office), bool(plan.fixed)
        for t in range(path.quarters):
            u = path.rng.uniforms("leader", t, plan.id)
            left = next_vote - t
            early = plan.parliamentary and left > 0 and u[1] < constants.early_vote[sorted([1, left, 3])[1] - 1]
            if left == 0 or (early and not (set_day and left <= 2)):
                self.votes.add(t)
                next_vote, set_day = t + int(plan.term), False
            chance = self.chance(t, t - took_office, next_vote - t in (1, 2))
            if k == constants.usa:
                voted_out = 1.0 if self.barred(t) else self.parameter.usa_election
                chance = voted_out if t - 1 in self.votes else constants.usa_off_cycle
            if u[0] < chance:
                self.changes.add(t)
                took_office = t + 1
        self.id = int(plan.id)
        self.votes_ahead = self.votes | {next_vote}  # and the first after the horizon

    def barred(self, t: int) -> bool:
        """Return whether the vote of quarter t - 1 was closed to the leader, who was in office before it."""
        arrived = max((c for c in self.changes if 0 <= c < t), default=None)
        if t - 1 not in self.votes or t - 1 in self.changes:
            return False
        if arrived is None:  # the mandates at the start hold a vote of quarter -1 only if the leader came with it
            counted = [v for v in self.votes if v >= (0 if -1 in self.changes else -1)]
        else:
            counted = [v for v in self.votes if v >= arrived - 1]
        won = sum(v <= t - 2 for v in counted)
        return won + (self.mandates if arrived is None else 0) >= self.term_limit

    def chance(self, t: int, tenure: int, before: bool) -> float:
        """Return the probability of a change in quarter t."""
        p, own = self.parameter, self.own
        logit = p.turnover_intercept + own.turnover_effect + p.tenure[bisect_right(BIN_STARTS, tenure) - 1]
        if t in self.votes:
            logit += p.turnover_election + p.turnover_offset * own.turnover_effect
        elif before:
            logit += p.turnover_before
        if t - 1 in self.votes:
            logit += p.turnover_after + p.turnover_offset * own.turnover_effect
            logit += p.turnover_after_new * (t - 1 in self.changes) + p.turnover_limited * self.barred(t)
        return float(math.exp(logit) / (1.0 + math.exp(logit)))

    def hazard_ratio(self, t: int) -> float:
        """Return the factor on the hazard of defection."""
        new = bool(self.changes & {t, t - 1})
        ahead = bool(self.votes_ahead & set(range(t, t + 5)))
        return math.exp(self.parameter.leader_change * new + self.parameter.election_ahead * ahead)


class Path:
    """Simulate one path: its shocks, and one history for each cell."""

    def __init__(self, seed: int, path: int, static: StaticInputs, draws: Draws, quarters: int):
        self.rng, self.row = RandomNumbers(seed, path), path % draws.parameters.size
        self.static, self.draws, self.quarters = static, draws, quarters
        self.parameter, self.constants = draws.parameters[self.row], static.constants[0]
        self.budgets = Budgets(self.rng, self.parameter, self.constants)
        self.leaders = [LeaderHistory(self, k) for k in range(static.countries.size)]
        self.publics = [Public(self, leader) for leader in self.leaders]
        self.shocks = shocks_twin.AllianceShocks(self)
        self.histories = [self.simulate_cell(n) for n in range(static.cells.size)]

    def year_of(self, t: int) -> int:
        return (t + int(self.constants.quarter_of_year)) // 4

    def turnover(self, k: int, y: int) -> bool:
        """Return whether a leader of country k changes in year y."""
        return any(t >= 0 and self.year_of(t) == y for t in self.leaders[k].changes)

    def simulate_cell(self, n: int) -> CellHistory:
        missions = [Mission(self, s) for s in range(self.static.missions.size)]
        history = CellHistory(
            missions=missions,
            alliance=alliance_twin.Alliance(self, n),
            new_missions=NewMissions(self, n),
        )
        for t in range(self.quarters):
            history.threat.append(history.alliance.threat(t, history))
            if self.year_of(t + 1) > self.year_of(t):
                self.spend(history, n, t)
            for mission in history.missions:
                if mission.plan.start <= t < mission.plan.end:
                    mission.step(t, (history.cohesion or [self.start_cohesion()])[-1])
            history.alliance.step(t, history)
            self.update_cohesion(history, n, t)
        return history

    def start_cohesion(self) -> float:
        return float(self.parameter.weights @ self.parameter.factor_start)

    def ramped(self, t: int, length: float) -> float:
        return min(max((t + 1 - int(self.constants.onset)) / length, 0.0), 1.0)

    def spend(self, history: CellHistory, n: int, t: int) -> None:
        """Set the shares of all members in the year that ends with quarter t."""
        y, c, p, cell = self.year_of(t), self.constants, self.parameter, self.static.cells[n]
        design = self.ramped(t, cell.design_ramp)
        beta, ally = self.budgets.response(y), history.alliance
        pledged = 1 - design + design * ally.multiplier()
        shares: dict[int, float] = {}
        for m, member in enumerate(self.static.members):
            own = self.draws.members[self.row, m]
            if math.isnan(own.start):
                continue
            s = history.shares[-1][m] if history.shares else own.start
            u, v, *_ = self.rng.uniforms("spending", y, member.id)
            leader = self.leaders[member.country] if member.country >= 0 else None
            votes = {self.year_of(q) for q in leader.votes} if leader else set()
            w = self.announced_weight(m, y)
            planned = w * self.announced_change(m, y, own.start) if w else 0.0
            grown = self.budgets.growth(member, y - 1) if y else member.start_growth
            s += math.fsum(
                [
                    planned,
                    (1 - w) * own.pull * (own.target - s),
                    (1 - w) * own.loading * self.budgets.common(y),
                    (1 - w) * beta * pledged * max(self.static.pledge[y] - s, 0.0) * (m not in ally.left),
                    (1 - w) * beta * p.front * history.threat[t] * member.front * max(c.front_mark - s, 0.0),
                    (1 - w) * p.growth * (self.budgets.growth(member, y) - 0.02),
                    (1 - w) * p.growth_lag * (grown - 0.02),
                    (1 - w) * p.election_spending * (y in votes),
                    design * ally.credibility() * self.draws.cells[self.row, n].retrenchment * (member.european > 0),
                    ally.against_china(m, design),
                    own.scale * self.budgets.volatility(y) * student(u, v, own.tails),
                ]
            )
            shares[m] = sorted([min(c.floor, own.start - math.log(2)), s, max(c.cap, own.start + math.log(2))])[1]
        history.shares.append(shares)
        history.european.append(ally.update_burdens(shares))

    def announced_weight(self, m: int, y: int) -> float:
        """Return the reliability of the announcement of member m for year y; 0 if there is none."""
        known = math.isfinite(self.static.announced[m, y])
        return float(self.draws.members[self.row, m].announced_weight) if known else 0.0

    def announced_change(self, m: int, y: int, start: float) -> float:
        """Return the change that member m announced for year y, from its start or from the year before."""
        levels = [start, *self.static.announced[m]]
        return float(levels[y + 1] - levels[y])

    def update_cohesion(self, history: CellHistory, n: int, t: int) -> None:
        """Update factors, cohesion and verdict at the end of quarter t."""
        c, p, cell = self.constants, self.parameter, self.static.cells[n]
        shift, factors = self.draws.cells[self.row, n], []
        history.innovations.append([history.alliance.innovation(history, f, t) for f in range(4)])
        for f in range(4):
            war, design = self.ramped(t, cell.war_ramp), self.ramped(t, cell.design_ramp)
            if cell.half_life[f] > 0:  # before the onset there is nothing to fade
                design *= 2.0 ** -((t - int(c.onset)) / cell.half_life[f])
            noise = autoregression(p.factor_start[f], 0.0, c.factor_phi, [e[f] for e in history.innovations])
            passing_shift = history.alliance.passing_shift[f]
            factors.append(war * shift.war_shift[f] + design * shift.design_shift[f] + noise + passing_shift)
        cohesion = history.alliance.update_cohesion(t, history, factors)
        rating = cohesion + p.rater_sd * self.rng.normals("threat and rater", t)[1]
        history.factors.append(factors)
        history.cohesion.append(cohesion)
        history.verdict.append(int(rating >= p.verdict_low) + int(rating >= p.verdict_high))
