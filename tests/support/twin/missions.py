"""State the rules of missions a second time: exits and cuts are dates, states are sums over complete histories."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any

BIN_STARTS = [0, 2, 4, 8, 12, 16, 24, 40]  # quarters since entry
NEVER = math.inf
TROOPS, ROLE, REACH = range(3)
LOWERS = {0: TROOPS, 1: ROLE, 2: REACH, 3: TROOPS}  # the part of the profile that each mode lowers


def autoregression(start: float, mean: float, phi: float, innovations: Sequence[float]) -> float:
    """Return the value after the last innovation, as the sum over all of them."""
    n = len(innovations)
    past = [phi ** (n - 1 - i) * e for i, e in enumerate(innovations)]
    return mean + phi**n * (start - mean) + math.fsum(past)


class Public:
    """Hold opposition and the left-right positions of leaders in one country, by quarter."""

    def __init__(self, path: Any, leader: Any):
        c, self.path, self.leader = path.constants, path, leader
        sd = math.sqrt(1 - c.opinion_phi**2)
        shocks = [sd * path.rng.normals("public", t, leader.id)[0] for t in range(path.quarters)]
        self.opposition = [autoregression(0.0, 0.0, c.opinion_phi, shocks[: t + 1]) for t in range(path.quarters)]
        self.wings = {-1: c.wing_sd * path.rng.normals("wing", 0, leader.id)[2]}
        for t in range(path.quarters):
            self.wings[t] = self.wings[t - 1]
            if t in leader.changes and path.rng.uniforms("wing", t, leader.id)[0] >= c.same_camp:
                self.wings[t] = c.wing_sd * path.rng.normals("wing", t, leader.id)[1]

    def log_hazard_ratio(self, t: int, consensus: float) -> float:
        """Return the effect on the log hazard of defection in quarter t."""
        c, p = self.path.constants, self.path.parameter
        left = any(self.wings[q] < self.wings[q - 1] for q in (t - 1, t) if q >= 0)
        politics = p.right_wing * (self.wings[t] > 0) + p.left_turn * left
        opposition = self.opposition[t - 1] * (1 - consensus) if t > 0 else 0.0
        return float(c.opinion * p.opposition * opposition + c.executive * politics)


class Campaign:
    """Hold losses and battlefield trend of one mission, by quarter."""

    def __init__(self, plan: Any, path: Any):
        self.plan, self.path, c = plan, path, path.constants
        spread = 1.0 if plan.combat else c.noncombat_losses
        noise = [path.rng.normals("campaign", t, plan.id) for t in range(path.quarters)]

        def series(phi: float, column: int, sd: float) -> list[float]:
            shocks = [sd * math.sqrt(1 - phi**2) * z[column] for z in noise]
            return [autoregression(0.0, 0.0, phi, shocks[: t + 1]) for t in range(path.quarters)]

        self.level = series(c.casualty_phi, 0, spread)
        self.trend = series(c.trend_phi, 1, 1.0)

    def surprise(self, t: int) -> float:
        """Return the level less the reference: a mean of all earlier levels with geometric weights."""
        m = self.path.constants.casualty_memory
        reference = math.fsum(m * (1 - m) ** (t - 1 - q) * self.level[q] for q in range(t))
        return self.level[t] - reference

    def log_hazard_ratio(self, t: int) -> float:
        """Return the effect on the log hazard of defection in quarter t, from the quarter before."""
        c, p = self.path.constants, self.path.parameter
        z, trend = (self.surprise(t - 1), self.trend[t - 1]) if t > 0 else (0.0, 0.0)
        felt = max(z, 0.0) * p.loss_aversion + min(z, 0.0)
        fought = min(40, self.plan.age + t - self.plan.start) * self.plan.combat
        losses = p.casualties * felt + p.combat_drift * fought
        return float(c.losses * losses + c.battlefield * p.trend * trend)


class Contingent:
    """Hold one contingent: its thresholds, and the modes of its partial defections."""

    def __init__(self, plan: Any, own: Any, full_exit: float, path: Any):
        self.plan, c, p = plan, path.constants, path.parameter
        self.exit_quarter, self.defection, self.planned = NEVER, [], []  # type: ignore[var-annotated]
        self.ratios: list[float] = []  # of the hazards of exits over those of cuts, by quarter
        self.cuts: list[tuple[int, int, float]] = []  # quarter, mode, fraction that is left, by defection
        self.reductions: list[tuple[int, int, float]] = []  # the same, planned
        self.detected: list[int] = []
        self.rate = math.exp(own.defection + (own.circumstances if c.circumstances else 0.0))
        self.usual_rate, self.planned_rate = math.exp(own.defection), math.exp(own.planned)
        self.thresholds = path.rng.exponentials("exit", plan.id)[:2]
        times = path.rng.exponentials("cut time", plan.id)
        self.cut_thresholds = [math.fsum(times[: i + 1]) for i in range(4)]
        planned_times = path.rng.exponentials("planned cut time", plan.id)
        rate = math.exp(p.reduction) if c.reductions else 0.0
        self.reduction_rate, self.reduction_thresholds = rate, [math.fsum(planned_times[: i + 1]) for i in range(4)]
        low, high = p.mode_lower[0], p.mode_upper[0]
        self.reduction_sizes = [(1 - v) * low + v * high for v in path.rng.uniforms("planned cut size", 0, plan.id)]
        odds = 1 / full_exit - 1
        parts = [odds * share for share in p.mode_shares] if c.modes else [odds, 0.0, 0.0, 0.0]
        k = plan.country
        if c.modes and k >= 0 and path.static.countries[k].parliamentary:
            other_modes = math.fsum(parts[1:])
            parts[2] *= p.coalition_caveats  # at the cost of the other other_modes forms
            parts[1:] = [part * other_modes / math.fsum(parts[1:]) for part in parts[1:]]
        if c.reductions:
            parts[0] = math.exp(p.reduction)
        total = math.fsum(parts)
        logit = math.log(1 / total) + (p.tether * plan.relative_dependence if c.tether else 0.0)
        chance = 1 / (1 + math.exp(-logit))  # that a defection is a full exit
        self.full, self.partial = (1 + total) * chance, (1 + total) * (1 - chance)
        edges = [math.fsum(parts[: i + 1]) / total for i in range(3)]
        self.planned_cuts = []
        rng = [path.rng.uniforms(f"cut {what}", 0, plan.id) for what in ("mode", "size", "seen")]
        for u, v, w in zip(*rng, strict=True):
            mode = bisect_right(edges, u)
            size = (1 - v) * p.mode_lower[mode] + v * p.mode_upper[mode]
            self.planned_cuts.append((mode, size, w < p.caveat_detection))

    def apply_thresholds(self, t: int) -> None:
        """Leave or be cut once the summed hazards have passed a threshold."""
        cumulative, cuts = math.fsum(self.defection), len(self.cuts)
        planned = math.fsum(map(math.prod, zip(self.planned, self.ratios, strict=True)))
        if self.defects() or planned >= self.thresholds[1]:
            self.exit_quarter = t
            return
        while cuts < 4 and cumulative * self.partial >= self.cut_thresholds[cuts]:
            mode, size, seen = self.planned_cuts[cuts]
            self.cuts.append((t, mode, size))
            self.detected += [t] if mode == 2 and seen else []
            cuts += 1
        while len(self.reductions) < 4:
            i = len(self.reductions)
            if math.fsum(self.planned) * self.reduction_rate < self.reduction_thresholds[i]:
                break
            self.reductions.append((t, 0, self.reduction_sizes[i]))

    def defects(self) -> bool:
        """Return whether the summed hazards of full defection have passed their threshold."""
        hazard = math.fsum(map(math.prod, zip(self.defection, self.ratios, strict=True)))
        return bool(hazard * self.full >= self.thresholds[0])

    def profile(self, t: int, since: float = -1) -> float:
        """Return troops times role times reach after quarter t; cuts up to quarter `since` have been restored."""
        return math.prod(size for quarter, _, size in self.cuts + self.reductions if since < quarter <= t)

    def is_reduced(self, t: int, since: float) -> bool:
        """Return whether its troops have been cut and not restored."""
        return any(LOWERS[mode] == TROOPS for quarter, mode, _ in self.cuts + self.reductions if since < quarter <= t)


class Mission:
    """Simulate one mission as contingents with their past hazards and the quarter in which each left."""

    def __init__(self, path: Any, s: int):
        self.plan, self.path = path.static.missions[s], path
        own = path.draws.missions[path.row, s]
        self.consensus, self.curve_hazards = own.consensus, path.static.curve_hazards[:, s]
        self.follows = path.rng.uniforms("curve", 0, self.plan.id)[0] < path.constants.kaplan_meier_weight
        contingents = zip(path.static.contingents[s], path.draws.contingents[path.row, s], strict=True)
        self.contingents = [Contingent(*one, own.full_exit, path) for one in list(contingents)[: self.plan.contingents]]
        self.curves: dict[int, tuple[float, float, float]] = {}  # nominal, operational, nominal by count
        self.handed = NEVER
        self.ended = NEVER

    @cached_property
    def campaign(self) -> Campaign:
        return Campaign(self.plan, self.path)

    def leaderless(self, t: int) -> bool:
        """Return whether the lead left before quarter t and NATO had not taken over."""
        lead = int(self.plan.lead)
        return lead >= 0 and self.contingents[lead].exit_quarter < t and self.handed >= t

    def log_hazard_ratio(self, t: int, cohesion: float) -> float:
        """Return the effect on the log hazard of all contingents, from the quarter before."""
        c, p = self.path.constants, self.path.parameter
        recent_exits = [one for one in self.contingents if one.exit_quarter in (t - 1, t - 2)]
        share = min(c.contagion_cap, len(recent_exits) / self.plan.ever)
        total = 10 * p.contagion * share + p.cohesion_effect * cohesion
        total += p.lead_gone * self.leaderless(t) + p.nato * (self.handed < t)
        stay = math.fsum(one.plan.weight for one in self.contingents if one.exit_quarter >= t)
        if c.backfill and stay > 0:
            before = stay + math.fsum(one.plan.weight for one in recent_exits)
            total += p.backfill * math.log(before / stay)
        return float(total + self.campaign.log_hazard_ratio(t))

    def step(self, t: int, cohesion: float) -> None:
        """Apply the exits and cuts of quarter t; `cohesion` is last quarter's."""
        c, p = self.path.constants, self.path.parameter
        common = self.log_hazard_ratio(t, cohesion)
        for index, one in enumerate(self.contingents):
            if one.exit_quarter < t:
                continue
            age = bisect_right(BIN_STARTS, one.plan.served + t - int(self.plan.start)) - 1
            k, hazard_ratio = int(one.plan.country), common + p.duration_defection[age]
            if k >= 0:
                hazard_ratio += math.log(self.path.leaders[k].hazard_ratio(t))
                hazard_ratio += self.path.publics[k].log_hazard_ratio(t, self.consensus)
            hazard_ratio += c.reductions * p.ever_reduced * one.is_reduced(t - 1, self.restored_at(t - 1))
            near = p.ending if self.plan.end - t <= 4 else 0.0
            one.defection.append(one.rate * math.exp(hazard_ratio))
            one.planned.append(one.planned_rate * math.exp(near + p.duration_planned[age]))
            one.ratios.append(self.curve_ratio(t, one, index, age))
            one.apply_thresholds(t)
        self.update_curves(t)

    def curve_ratio(self, t: int, one: Contingent, index: int, age: int) -> float:
        """Return how many times the usual rate of leaving the Kaplan-Meier curve gives; 1 if it is not followed."""
        c, p, hazard = self.path.constants, self.path.parameter, self.curve_hazards[t, index]
        if not self.follows or hazard < 0:
            return 1.0
        usual = p.duration_defection[age]
        if one.plan.country >= 0:
            country = self.path.static.countries[one.plan.country]
            usual += p.leader_change * country.usual_change + p.election_ahead * country.usual_election
        fought = min(40, self.plan.age + t - self.plan.start) * self.plan.combat
        defection = one.usual_rate * math.exp(usual + c.losses * p.combat_drift * fought)
        return float(hazard / (defection + one.planned_rate * math.exp(p.duration_planned[age])))

    def restored_at(self, t: int) -> float:
        """Return the quarter of the hand-over if it has happened by quarter t, else -1."""
        return self.handed if self.handed <= t else -1

    def update_curves(self, t: int) -> None:
        """Compute the three curves; then NATO may take over, or the mission may end in name."""
        present = [one for one in self.contingents if one.exit_quarter > t]
        flags = math.fsum(one.plan.weight for one in present)
        since = self.restored_at(t)
        operation = math.fsum(one.plan.weight * one.profile(t, since) for one in present)
        self.curves[t] = flags, operation, len(present) / len(self.contingents)
        c = self.path.constants
        if c.hand_over and self.plan.ad_hoc and (self.leaderless(t + 1) or self.collapse() <= t):
            shocks = self.path.rng.uniforms("campaign", 0, self.plan.id)[2]
            if shocks < self.path.parameter.hand_over:
                self.handed = min(self.handed, t)
        leaderless = self.leaderless(t + 1) and operation < c.collapse_operation
        if flags < c.nominal_flags or leaderless:
            self.ended = min(self.ended, t)

    def collapse(self) -> float:
        """Return the quarter of the collapse: the second in a row below the line."""
        line = self.path.constants.collapse_operation
        low = {t for t, (_, operation, _) in self.curves.items() if operation < line}
        return min((t for t in low if t - 1 in low), default=NEVER)

    def hollow(self, t: int) -> bool:
        (flags, operation, _), lines = self.curves[t], self.path.constants
        return bool(flags >= lines.hollow_flags and operation < lines.hollow_operation)

    def modes(self) -> list[int]:
        """Return the number of defections so far: full exits, then partial ones by mode."""
        full = sum(one.exit_quarter < NEVER and one.defects() for one in self.contingents)
        cuts = [mode for one in self.contingents for _, mode, _ in one.cuts]
        return [full, *(cuts.count(mode) for mode in range(4))]

    def count_reductions(self) -> int:
        """Return the number of reductions of troops so far, for either cause."""
        return self.modes()[1] + sum(len(one.reductions) for one in self.contingents)
