"""State the rules of new missions a second time: each has a start date and a list of members."""

import math
from typing import Any


class NewMissions:
    """Hold the new missions in one cell of one path."""

    def __init__(self, path: Any, n: int):
        self.path, self.cell = path, path.static.cells[n]
        candidates = range(path.static.candidate_missions.size) if path.constants.new_missions else []
        self.starts = {a: t for a in candidates if (t := self.start(a)) is not None}
        self.stays = {a: self.members(a) for a in self.starts}

    def part(self, t: int) -> float:
        return float(self.path.ramped(t, self.cell.design_ramp))

    def ramped_multiplier(self, t: int, multiplier: float) -> float:
        """Return a multiplier of the design, weighted by its ramp."""
        return 1 - self.part(t) + self.part(t) * multiplier

    def start(self, a: int) -> int | None:
        """Return the first quarter in which the summed hazards have passed the threshold, None if there is none."""
        c, entity = self.path.constants, self.path.static.candidate_missions[a].id
        threshold = self.path.rng.exponentials("candidate mission", entity)[0]
        hazards = [c.arrival_rate * self.ramped_multiplier(t, self.cell.out_of_area) for t in range(self.path.quarters)]
        ends = (t for t in range(self.path.quarters) if math.fsum(hazards[: t + 1]) >= threshold)
        return next(ends, None)

    def us_led(self, a: int) -> bool:
        t, c = self.starts[a], self.path.constants
        u = self.path.rng.uniforms("candidate mission", 0, self.path.static.candidate_missions[a].id)[1]
        chance = (
            c.us_led
            * self.ramped_multiplier(t, self.cell.first_responder)
            * self.ramped_multiplier(t, self.cell.entrapment)
        )
        return bool(u < chance)

    def members(self, a: int) -> list[float]:
        """Return how many quarters each member that joins would stay."""
        path, candidate, p = self.path, self.path.static.candidate_missions[a], self.path.parameter
        common = path.rng.normals("candidate mission", 0, candidate.id)[2]
        stays = []
        for member in path.static.members:
            z = path.rng.normals("join", int(candidate.id), member.id)[0]
            _, u, v, _ = path.rng.uniforms("join", int(candidate.id), member.id)
            s = path.constants.common_interest * common + path.constants.own_interest * z
            s += p.solidarity * (candidate.framework == 1) - p.join_cost[candidate.framework]
            s += p.call * member.dependence * self.us_led(a)
            if u < math.exp(s) / (1 + math.exp(s)):
                stays.append(-math.log(v) / p.stay[candidate.framework])
        return stays

    def lag(self, a: int, members: int) -> int:
        """Return the quarters until a decision."""
        if self.path.static.candidate_missions[a].framework == 0:
            return 0
        absent = (members - len(self.stays[a])) / members
        return 1 + int(self.path.parameter.decision_lag * absent)

    def serving(self, a: int, age: int) -> int:
        return sum(stay > age for stay in self.stays[a])
