"""State the rules of the dyads a second time, in plain Python and from complete histories.

Fears, opinion and shared threat are sums over all past innovations. The treaty has a date on which it ends.
"""

import math
from types import SimpleNamespace
from typing import Any

from scipy.special import ndtri

from tests.support.twin import path as reference
from tests.support.twin.spending import autoregression, student

NEVER = math.inf
reference.PURPOSES |= {
    "outlook": 60,
    "outlook start": 61,
    "fears and end": 62,
    "purpose and demand": 63,
    "troops": 64,
}


def spell(first: float, us: list[float], start: float, end: float, forced: int = -1) -> list[bool]:
    """Return whether a spell is on in each quarter; the first state follows the long-run share of time in spells."""
    on, spells = first < start / (start + end), []
    for t, u in enumerate(us):
        on = t == forced or (u >= end if on else u < start)
        spells.append(on)
    return spells


class Outlook:
    """Hold wars, crises and presidents of one path."""

    def __init__(self, path: reference.Path):
        own, usa = path.draws.outlook[path.row], int(path.constants.usa)
        rng = [path.rng.uniforms("outlook", t) for t in range(path.quarters)]
        first = path.rng.uniforms("outlook start", 0)
        forced = int(path.constants.us_war)
        self.war = spell(first[0], [u[0] for u in rng], own.war_start, own.war_end, forced)
        self.crisis = spell(first[1], [u[1] for u in rng], own.crisis_start, own.crisis_end)
        changes = path.leaders[usa].changes if usa >= 0 else set()
        self.executive = []
        for t in range(path.quarters):
            since = max((c for c in changes if 0 <= c <= t), default=None)
            new = 0.0 if since is None else own.executive_sd * float(ndtri(rng[since][2]))
            self.executive.append(own.executive_now if since is None else new)
        self.usual_war = own.war_start / (own.war_start + own.war_end)
        self.usual_crisis = own.crisis_start / (own.crisis_start + own.crisis_end)


class Dyad:
    """Simulate one dyad in one cell of one path, as lists by quarter."""

    def __init__(self, path: reference.Path, outlook: Outlook, n: int, d: int):
        self.path, self.outlook, self.n, self.d = path, outlook, n, d
        self.plan, self.own = path.static.dyads[d], path.draws.dyads[path.row, d]
        self.c, self.design = path.constants, path.draws.dyad_cells[path.row, n]
        quarters = range(path.quarters)
        self.uniforms = {
            what: [path.rng.uniforms(what, t, self.plan.id) for t in quarters]
            for what in ("fears and end", "purpose and demand", "troops")
        }
        self.demand = [self.log_demand(t) for t in quarters]
        self.cut = [bool(self.c.troop_cuts) and u[0] < self.own.troops_cut for u in self.uniforms["troops"]]
        self.ended, self.refused = NEVER, NEVER
        self.cohesion: list[float] = []
        self.innovations: list[tuple[float, float, float]] = []  # of both fears and of opinion, by quarter
        self.abandonment: list[float] = []
        self.entrapment: list[float] = []
        self.opinion: list[float] = []
        self.set_start()
        for t in quarters:
            self.step(t)
        self.spend()

    def normal(self, what: str, t: int, i: int) -> float:
        return float(ndtri(self.uniforms[what][t][i]))

    def log_demand(self, t: int) -> float:
        if t == self.c.hns_demand:
            return math.log(self.own.stress_demand)
        renewals = set(range(int(self.plan.renewal), self.path.quarters, int(self.plan.renewal_every)))
        return self.c.demands * (t in renewals) * self.own.demand_sd * abs(self.normal("purpose and demand", t, 2))

    def reach(self, t: int) -> float:
        lacking = (1 - self.own.reach_now) * (1 - self.own.reach_growth) ** (t + 1)
        sure = t >= self.c.dprk_reach
        return float(self.c.reach * self.own.reach_exposure * (1.0 if sure else 1 - lacking))

    def signal(self, t: int) -> float:
        part = self.path.ramped(t, self.path.static.cells[self.n].design_ramp)
        s = part * self.design.signal + self.outlook.executive[t] - self.cut[t]
        return sorted([-1.0, s, 1.0])[1]

    def set_start(self) -> None:
        o, usual = self.own, self.outlook
        rest = 1 - o.fear_persistence
        self.initial_abandonment = o.abandonment_reach * o.reach_exposure * o.reach_now * self.c.reach / rest
        drive = o.entrapment_war * usual.usual_war + o.entrapment_crisis * usual.usual_crisis
        self.initial_entrapment = drive / rest - o.entrapment_abandonment * self.initial_abandonment
        self.before = self.index(o.threat, o.gap, self.initial_abandonment, self.initial_entrapment, 0.0)

    def index(self, threat: float, gap: float, a: float, e: float, opinion: float) -> float:
        o = self.own
        return float(
            math.fsum(
                [
                    o.weight_threat * threat,
                    -o.weight_threat * gap,
                    -o.weight_abandonment * a,
                    -o.weight_entrapment * e,
                    o.weight_opinion * opinion,
                ]
            )
        )

    def autoregressed(self, mean: float, sd: float, i: int, t: int) -> float:
        shocks = [sd * self.normal("purpose and demand", q, i) for q in range(t + 1)]
        return autoregression(mean, mean, self.own.threat_persistence, shocks)

    def abandonment_innovation(self, t: int) -> float:
        """Return the innovation of the fear of abandonment in quarter t."""
        o = self.own
        return float(
            math.fsum(
                [
                    -o.abandonment_signal * self.signal(t),
                    o.abandonment_reach * self.reach(t),
                    o.abandonment_demand * self.demand[t],
                    o.fear_sd * self.normal("fears and end", t, 0),
                    o.refusal_abandonment * (self.refused == t),
                ]
            )
        )

    def entrapment_innovation(self, t: int) -> float:
        """Return the innovation of the fear of entrapment in quarter t."""
        o = self.own
        own = o.entrapment_war * self.outlook.war[t] + o.entrapment_crisis * self.outlook.crisis[t]
        noise = o.fear_sd * self.normal("fears and end", t, 1)
        return float(own - o.entrapment_abandonment * self.abandonment_innovation(t) + noise)

    def opinion_innovation(self, t: int) -> float:
        """Return the innovation of opinion on bases in quarter t."""
        o = self.own
        moved = o.opinion_signal * self.signal(t) - o.opinion_demand * self.demand[t]
        return float(moved + o.opinion_sd * self.normal("fears and end", t, 2))

    def step(self, t: int) -> None:
        o, phi = self.own, self.own.fear_persistence
        last = self.cohesion[-1] if t else self.before
        recently_refused = self.refused < t < self.c.grey_zone_dyad + 8
        hazard = o.termination * math.exp(-o.termination_cohesion * last)
        hazard *= o.refusal_termination if recently_refused else 1
        if -math.log(1 - self.uniforms["fears and end"][t][3]) < hazard:
            self.ended = min(self.ended, t)
        if t == self.c.grey_zone_dyad:
            odds = math.exp(o.honour + o.honour_cohesion * last)
            self.refused = NEVER if self.uniforms["purpose and demand"][t][3] < odds / (1 + odds) else t
        self.innovations.append(
            (self.abandonment_innovation(t), self.entrapment_innovation(t), self.opinion_innovation(t))
        )
        fears, entrapments, opinions = zip(*self.innovations, strict=True)
        self.abandonment.append(autoregression(self.initial_abandonment, 0.0, phi, fears))
        self.entrapment.append(autoregression(self.initial_entrapment, 0.0, phi, entrapments))
        self.opinion.append(autoregression(0.0, 0.0, phi, opinions))
        part = self.path.ramped(t, self.path.static.cells[self.n].design_ramp)
        gap = self.autoregressed(o.gap, o.gap_sd, 1, t)
        gap += part * self.path.static.cells[self.n].china_focus * o.gap_china
        threat = self.autoregressed(o.threat, o.threat_sd, 0, t)
        now = self.abandonment[-1], self.entrapment[-1], self.opinion[-1]
        self.cohesion.append(self.index(threat, gap, *now))

    def support(self, t: int) -> float:
        o = self.own
        given = o.support_response * math.fsum(self.demand[: t + 1])
        return float(math.exp(o.support_base / 4 * (t + 1) + given))

    def troops(self, t: int) -> float:
        low, high = self.own.cut_lower, self.own.cut_upper
        cuts = zip(self.cut[: t + 1], self.uniforms["troops"], strict=False)
        return math.prod(1 - (1 - u[1]) * low - u[1] * high for cut, u in cuts if cut)

    def spend(self) -> None:
        """Simulate the partner's log shares by year."""
        path, p, own = self.path, self.path.parameter, self.path.draws.partners[self.path.row, self.d]
        self.shares: list[float] = []
        votes: Any = path.leaders[self.plan.country].votes if self.plan.country >= 0 else set()
        for t in (t for t in range(path.quarters) if path.year_of(t + 1) > path.year_of(t)):
            y, s = path.year_of(t), self.shares[-1] if self.shares else float(own.start)
            who = SimpleNamespace(id=self.plan.partner, start_growth=self.plan.start_growth)
            growth = path.budgets.growth(who, y)
            u, v, *_ = path.rng.uniforms("spending", y, self.plan.partner)
            noise = own.scale * path.budgets.volatility(y) * student(u, v, own.tails)
            a = self.abandonment[t - 1] if t else self.initial_abandonment
            e = self.entrapment[t - 1] if t else self.initial_entrapment
            s += math.fsum(
                [
                    own.pull * (own.target - s),
                    own.loading * path.budgets.common(y),
                    noise,
                    path.budgets.response(y) * max(path.static.dyad_pledge[self.d, y] - s, 0.0),
                    p.growth * (growth - 0.02),
                    p.growth_lag * ((path.budgets.growth(who, y - 1) if y else who.start_growth) - 0.02),
                    p.election_spending * (y in {path.year_of(q) for q in votes}),
                    self.c.fears * self.own.contribution_abandonment * (a - self.initial_abandonment),
                    -self.c.fears * self.own.contribution_entrapment * (e - self.initial_entrapment),
                ]
            )
            floor = min(float(self.c.floor), own.start - math.log(2))
            self.shares.append(sorted([floor, s, max(float(self.c.cap), own.start + math.log(2))])[1])
