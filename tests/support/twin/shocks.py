"""The twin of the chance of the alliance: what is drawn for a path, whatever the cell."""

import math
import statistics
from collections.abc import Iterable
from typing import Any

PURPOSES = {"orientation": 20, "start orientation": 21, "events": 22, "notice": 24, "command": 25}
PURPOSES |= {"posture": 26, "drawdown time": 27, "drawdown size": 28}


def happens(u: float, rate: float) -> bool:
    return u < -math.expm1(-rate)


class Fate:
    """What chance holds for the alliance on one path, whatever the cell."""

    def __init__(self, path: Any):
        self.path, p, quarters = path, path.parameter, range(path.quarters)
        self.stance = [self.orientations(k) for k in range(path.layout.countries.size)]
        events = [path.dice.unit("events", t) for t in quarters]
        rates = p.crisis_rate, p.wedge_rate, p.dispute_rate
        self.events = [[happens(u, r) for u, r in zip(e[:3], rates, strict=True)] for e in events]
        self.block = [e[3] for e in events]
        ids = [member.id for member in path.layout.members]
        draws = [path.dice.unit("notice", 0, i) for i in ids]
        self.patience = [-math.log(u[0]) for u in draws]
        self.reversal = [u[1] for u in draws]
        self.courage = [math.log(u[2]) - math.log1p(-u[2]) for u in draws]
        eyes = [path.dice.normals("notice", 0, i)[3] for i in ids]
        self.spread = statistics.pstdev(
            math.exp(p.threat_eye * z) * math.exp(-member.distance / p.threat_reach)
            for member, z in zip(path.layout.members, eyes, strict=True)
        )
        usa = path.constants.ally_usa
        self.commands = [q for m, i in enumerate(ids) if m != usa for q in self.command(i)]
        self.us_patience, self.us_luck = (f(path) for f in (self.first, self.second))
        waits = path.dice.waits("drawdown time", 0)
        self.cut_times = [math.fsum(waits[: i + 1]) for i in range(4)]
        low, high = p.us_drawdown_lower, p.us_drawdown_upper
        self.left = [1 - (1 - v) * low - v * high for v in path.dice.unit("drawdown size", 0)]

    @staticmethod
    def first(path: Any) -> float:
        return -math.log(path.dice.unit("posture", 0)[0])

    @staticmethod
    def second(path: Any) -> float:
        return float(path.dice.unit("posture", 0)[1])

    def orientations(self, k: int) -> list[float]:
        """Of country k: before the first quarter, then at the end of each."""
        path, p, who = self.path, self.path.parameter, self.path.layout.countries[k].id
        usa = k == path.constants.usa
        doubt = p.sceptic_usa if usa else p.sceptic
        kind, size, *_ = path.dice.unit("start orientation", 0, who)
        found = [float(p.start_usa) if usa else math.copysign(size, kind - doubt)]
        for t in range(path.quarters):
            same, kind, size, _ = path.dice.unit("orientation", t, who)
            if t not in path.reigns[k].changes:
                found.append(found[-1])
            elif same < p.coalition_change:
                found.append(math.copysign(size, kind - doubt))
            else:
                step = path.constants.orientation_jitter * path.dice.normals("orientation", t, who)[2]
                found.append(sorted([-1.0, found[-1] + step, 1.0])[1])
        return found

    def command(self, who: int) -> Iterable[int]:
        """Quarters in which a member leaves the integrated command."""
        p, waits = self.path.parameter, self.path.dice.waits("command", who)
        out = waits[0] / p.command_exit_rate
        yield int(out)
        yield int(out + waits[1] / p.command_return_rate + waits[2] / p.command_exit_rate)

    def stands(self, m: int, t: int) -> float:
        """Orientation of the leader of member m at the end of quarter t."""
        k = self.path.layout.members[m].country
        return self.stance[k][t + 1] if k >= 0 else 0.0

    def heard(self, t: int) -> tuple[float, float]:
        """What is heard of leaders in quarter t: orientation against the start, and blame."""
        voice = blame = 0.0
        for country, stance in zip(self.path.layout.countries, self.stance, strict=True):
            voice += country.voice * (stance[t + 1] - stance[0])
            u = self.path.dice.unit("orientation", t, country.id)[3]
            blames = stance[t + 1] < 0 and happens(u, self.path.parameter.scapegoat_rate)
            blame += country.voice * blames
        return voice, blame
