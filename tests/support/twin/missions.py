"""The missions of the slow twin: exits and cuts are dates, states are sums over all that went before."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any

BIN_STARTS = [0, 2, 4, 8, 12, 16, 24, 40]  # quarters since entry
NEVER = math.inf
TROOPS, ROLE, REACH = range(3)
TOUCHES = {0: TROOPS, 1: ROLE, 2: REACH, 3: TROOPS}  # what a mode of partial defection lowers


def autoregression(start: float, mean: float, phi: float, innovations: Sequence[float]) -> float:
    """The value after the last innovation, as the sum over all of them."""
    n = len(innovations)
    past = [phi ** (n - 1 - i) * e for i, e in enumerate(innovations)]
    return mean + phi**n * (start - mean) + math.fsum(past)


class Public:
    """Opposition and the politics of leaders in one country, by quarter."""

    def __init__(self, path: Any, reign: Any):
        c, self.path, self.reign = path.constants, path, reign
        sd = math.sqrt(1 - c.opinion_phi**2)
        shocks = [sd * path.dice.normals("public", t, reign.id)[0] for t in range(path.quarters)]
        self.opposition = [autoregression(0.0, 0.0, c.opinion_phi, shocks[: t + 1]) for t in range(path.quarters)]
        self.wings = {-1: c.wing_sd * path.dice.normals("wing", 0, reign.id)[2]}
        for t in range(path.quarters):
            self.wings[t] = self.wings[t - 1]
            if t in reign.changes and path.dice.unit("wing", t, reign.id)[0] >= c.same_camp:
                self.wings[t] = c.wing_sd * path.dice.normals("wing", t, reign.id)[1]

    def log_lift(self, t: int, consensus: float) -> float:
        """On the log hazard of defection in quarter t."""
        c, p = self.path.constants, self.path.parameter
        left = any(self.wings[q] < self.wings[q - 1] for q in (t - 1, t) if q >= 0)
        politics = p.right_wing * (self.wings[t] > 0) + p.left_turn * left
        heard = self.opposition[t - 1] * (1 - consensus) if t > 0 else 0.0
        return float(c.opinion * p.opposition * heard + c.executive * politics)


class Campaign:
    """Losses and battlefield of one mission, by quarter."""

    def __init__(self, plan: Any, path: Any):
        self.plan, self.path, c = plan, path, path.constants
        spread = 1.0 if plan.combat else c.noncombat_losses
        noise = [path.dice.normals("campaign", t, plan.id) for t in range(path.quarters)]

        def series(phi: float, column: int, sd: float) -> list[float]:
            shocks = [sd * math.sqrt(1 - phi**2) * z[column] for z in noise]
            return [autoregression(0.0, 0.0, phi, shocks[: t + 1]) for t in range(path.quarters)]

        self.level = series(c.casualty_phi, 0, spread)
        self.trend = series(c.trend_phi, 1, 1.0)

    def surprise(self, t: int) -> float:
        """The level less what one is used to: a mean of all levels before with weights that fade."""
        m = self.path.constants.casualty_memory
        used_to = math.fsum(m * (1 - m) ** (t - 1 - q) * self.level[q] for q in range(t))
        return self.level[t] - used_to

    def log_lift(self, t: int) -> float:
        """On the log hazard of defection in quarter t, from the quarter before."""
        c, p = self.path.constants, self.path.parameter
        z, trend = (self.surprise(t - 1), self.trend[t - 1]) if t > 0 else (0.0, 0.0)
        felt = max(z, 0.0) * p.loss_aversion + min(z, 0.0)
        fought = min(40, self.plan.age + t - self.plan.start) * self.plan.combat
        losses = p.casualties * felt + p.combat_drift * fought
        return float(c.losses * losses + c.battlefield * p.trend * trend)


class Person:
    """One contingent: its patience, and how it would defect."""

    def __init__(self, plan: Any, own: Any, full_exit: float, path: Any):
        self.plan, c, p = plan, path.constants, path.parameter
        self.left, self.defection, self.planned = NEVER, [], []  # type: ignore[var-annotated]
        self.cuts: list[tuple[int, int, float]] = []  # quarter, mode, what it leaves
        self.noticed: list[int] = []
        self.rate = math.exp(own.defection + (own.circumstances if c.circumstances else 0.0))
        self.planned_rate = math.exp(own.planned)
        self.patience = path.dice.waits("exit", plan.id)[:2]
        waits = path.dice.waits("cut time", plan.id)
        self.ahead = [math.fsum(waits[: i + 1]) for i in range(4)]
        odds = 1 / full_exit - 1
        parts = [odds * share for share in p.mode_shares] if c.modes else [odds, 0.0, 0.0, 0.0]
        k = plan.country
        if c.modes and k >= 0 and path.layout.countries[k].parliamentary:
            hidden = math.fsum(parts[1:])
            parts[2] *= p.coalition_caveats  # at the cost of the other hidden forms
            parts[1:] = [part * hidden / math.fsum(parts[1:]) for part in parts[1:]]
        if c.reductions:
            parts[0] = math.exp(p.reduction)
        total = math.fsum(parts)
        logit = math.log(1 / total) + (p.tether * plan.tether if c.tether else 0.0)
        chance = 1 / (1 + math.exp(-logit))  # that a defection is a full exit
        self.full, self.partial = (1 + total) * chance, (1 + total) * (1 - chance)
        edges = [math.fsum(parts[: i + 1]) / total for i in range(3)]
        self.fate = []
        dice = [path.dice.unit(f"cut {what}", 0, plan.id) for what in ("mode", "size", "seen")]
        for u, v, w in zip(*dice, strict=True):
            mode = bisect_right(edges, u)
            size = (1 - v) * p.mode_lower[mode] + v * p.mode_upper[mode]
            self.fate.append((mode, size, w < p.caveat_detection))

    def accumulate_hazard(self, t: int) -> None:
        """Leaves or is cut once the hazards so far have passed a threshold."""
        so_far, done = math.fsum(self.defection), len(self.cuts)
        if so_far * self.full >= self.patience[0] or math.fsum(self.planned) >= self.patience[1]:
            self.left = t
            return
        while done < 4 and so_far * self.partial >= self.ahead[done]:
            mode, size, seen = self.fate[done]
            self.cuts.append((t, mode, size))
            self.noticed += [t] if mode == 2 and seen else []
            done += 1

    def profile(self, t: int, since: float = -1) -> float:
        """Troops times role times reach after quarter t; what was cut up to `since` has been made good."""
        return math.prod(size for at, _, size in self.cuts if since < at <= t)

    def few(self, t: int, since: float) -> bool:
        """Its troops have been cut and not made good."""
        return any(TOUCHES[mode] == TROOPS for at, mode, _ in self.cuts if since < at <= t)


class Mission:
    """Contingents with their hazards so far and the quarter in which each left."""

    def __init__(self, path: Any, s: int):
        self.plan, self.path = path.layout.missions[s], path
        own = path.draws.missions[path.row, s]
        self.consensus = own.consensus
        people = zip(path.layout.contingents[s], path.draws.contingents[path.row, s], strict=True)
        self.people = [Person(*one, own.full_exit, path) for one in list(people)[: self.plan.contingents]]
        self.curves: dict[int, tuple[float, float, float]] = {}  # flags, operation, count
        self.handed = NEVER
        self.ended = NEVER

    @cached_property
    def campaign(self) -> Campaign:
        return Campaign(self.plan, self.path)

    def leaderless(self, t: int) -> bool:
        """The lead had left before quarter t, and NATO had not taken over."""
        lead = int(self.plan.lead)
        return lead >= 0 and self.people[lead].left < t and self.handed >= t

    def log_lift(self, t: int, cohesion: float) -> float:
        """On the log hazard of all, from the quarter before."""
        c, p = self.path.constants, self.path.parameter
        gone = [one for one in self.people if one.left in (t - 1, t - 2)]
        share = min(c.contagion_cap, len(gone) / self.plan.ever)
        out = 10 * p.contagion * share + p.cohesion_effect * cohesion
        out += p.lead_gone * self.leaderless(t) + p.nato * (self.handed < t)
        stay = math.fsum(one.plan.weight for one in self.people if one.left >= t)
        if c.backfill and stay > 0:
            before = stay + math.fsum(one.plan.weight for one in gone)
            out += p.backfill * math.log(before / stay)
        return float(out + self.campaign.log_lift(t))

    def step(self, t: int, cohesion: float) -> None:
        """Who leaves in quarter t; `cohesion` is that of the quarter before."""
        c, p = self.path.constants, self.path.parameter
        common = self.log_lift(t, cohesion)
        for one in self.people:
            if one.left < t:
                continue
            age = bisect_right(BIN_STARTS, one.plan.served + t - int(self.plan.start)) - 1
            k, lift = int(one.plan.country), common + p.duration_defection[age]
            if k >= 0:
                lift += math.log(self.path.reigns[k].lift(t))
                lift += self.path.publics[k].log_lift(t, self.consensus)
            lift += c.reductions * p.ever_reduced * one.few(t - 1, self.made_good(t - 1))
            near = p.ending if self.plan.end - t <= 4 else 0.0
            one.defection.append(one.rate * math.exp(lift))
            one.planned.append(one.planned_rate * math.exp(near + p.duration_planned[age]))
            one.accumulate_hazard(t)
        self.look(t)

    def made_good(self, t: int) -> float:
        """The quarter of the hand-over, if that was by quarter t."""
        return self.handed if self.handed <= t else -1

    def look(self, t: int) -> None:
        """The three curves; then NATO may take over, or the mission ends in name."""
        here = [one for one in self.people if one.left > t]
        flags = math.fsum(one.plan.weight for one in here)
        since = self.made_good(t)
        operation = math.fsum(one.plan.weight * one.profile(t, since) for one in here)
        self.curves[t] = flags, operation, len(here) / len(self.people)
        c = self.path.constants
        if c.hand_over and self.plan.ad_hoc and (self.leaderless(t + 1) or self.collapse() <= t):
            shocks = self.path.dice.unit("campaign", 0, self.plan.id)[2]
            if shocks < self.path.parameter.hand_over:
                self.handed = min(self.handed, t)
        adrift = self.leaderless(t + 1) and operation < c.collapse_operation
        if flags < c.nominal_flags or adrift:
            self.ended = min(self.ended, t)

    def collapse(self) -> float:
        """The quarter of the collapse: the second in a row below the line."""
        line = self.path.constants.collapse_operation
        low = {t for t, (_, operation, _) in self.curves.items() if operation < line}
        return min((t for t in low if t - 1 in low), default=NEVER)

    def hollow(self, t: int) -> bool:
        (flags, operation, _), lines = self.curves[t], self.path.constants
        return bool(flags >= lines.hollow_flags and operation < lines.hollow_operation)

    def modes(self) -> list[int]:
        """Defections so far: full exits, then partial ones by mode."""
        full = sum(one.left < NEVER and math.fsum(one.defection) * one.full >= one.patience[0] for one in self.people)
        cuts = [mode for one in self.people for _, mode, _ in one.cuts]
        return [full, *(cuts.count(mode) for mode in range(4))]
