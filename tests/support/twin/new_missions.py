"""New missions of the slow twin: each begins on a date, of a list of members."""

import math
from typing import Any


class Arrivals:
    """What may begin in one cell of one path."""

    def __init__(self, path: Any, n: int):
        self.path, self.cell = path, path.layout.cells[n]
        slots = range(path.layout.slots.size) if path.constants.new_missions else []
        self.begun = {a: t for a in slots if (t := self.begins(a)) is not None}
        self.stays = {a: self.members(a) for a in self.begun}

    def part(self, t: int) -> float:
        return float(self.path.ramped(t, self.cell.design_ramp))

    def mixed(self, t: int, multiplier: float) -> float:
        """A multiplier of the design, as far as it is in force."""
        return 1 - self.part(t) + self.part(t) * multiplier

    def begins(self, a: int) -> int | None:
        """The first quarter in which the hazards so far have passed the threshold."""
        c, who = self.path.constants, self.path.layout.slots[a].id
        patience = self.path.dice.waits("candidate mission", who)[0]
        hazards = [c.arrival_rate * self.mixed(t, self.cell.out_of_area) for t in range(self.path.quarters)]
        ends = (t for t in range(self.path.quarters) if math.fsum(hazards[: t + 1]) >= patience)
        return next(ends, None)

    def us_led(self, a: int) -> bool:
        t, c = self.begun[a], self.path.constants
        u = self.path.dice.unit("candidate mission", 0, self.path.layout.slots[a].id)[1]
        chance = c.us_led * self.mixed(t, self.cell.first_responder) * self.mixed(t, self.cell.entrapment)
        return bool(u < chance)

    def members(self, a: int) -> list[float]:
        """How many quarters each member that joins would stay."""
        path, slot, p = self.path, self.path.layout.slots[a], self.path.parameter
        common = path.dice.normals("candidate mission", 0, slot.id)[2]
        out = []
        for member in path.layout.members:
            z = path.dice.normals("join", int(slot.id), member.id)[0]
            _, u, v, _ = path.dice.unit("join", int(slot.id), member.id)
            s = path.constants.common_interest * common + path.constants.own_interest * z
            s += p.solidarity * (slot.framework == 1) - p.join_cost[slot.framework]
            s += p.call * member.depends * self.us_led(a)
            if u < math.exp(s) / (1 + math.exp(s)):
                out.append(-math.log(v) / p.stay[slot.framework])
        return out

    def lag(self, a: int, members: int) -> int:
        """Quarters until a decision."""
        if self.path.layout.slots[a].framework == 0:
            return 0
        absent = (members - len(self.stays[a])) / members
        return 1 + int(self.path.parameter.decision_lag * absent)

    def serving(self, a: int, age: int) -> int:
        return sum(stay > age for stay in self.stays[a])
