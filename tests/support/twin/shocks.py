"""Draw the shocks of the alliance a second time, in plain Python."""

import math
import statistics
from collections.abc import Iterable
from typing import Any

PURPOSES = {"orientation": 20, "start orientation": 21, "events": 22, "notice": 24, "command": 25}
PURPOSES |= {"posture": 26, "drawdown time": 27, "drawdown size": 28}


def happens(u: float, rate: float) -> bool:
    return u < -math.expm1(-rate)


class AllianceShocks:
    """Hold the shocks of the alliance on one path, shared by its cells."""

    def __init__(self, path: Any):
        self.path, p, quarters = path, path.parameter, range(path.quarters)
        self.stances = [self.orientations(k) for k in range(path.static.countries.size)]
        events = [path.rng.uniforms("events", t) for t in quarters]
        rates = p.crisis_rate, p.wedge_rate, p.dispute_rate
        self.events = [[happens(u, r) for u, r in zip(e[:3], rates, strict=True)] for e in events]
        self.block = [e[3] for e in events]
        ids = [member.id for member in path.static.members]
        draws = [path.rng.uniforms("notice", 0, i) for i in ids]
        self.notice_thresholds = [-math.log(u[0]) for u in draws]
        self.reversal = [u[1] for u in draws]
        self.honour = [math.log(u[2]) - math.log1p(-u[2]) for u in draws]
        eyes = [path.rng.normals("notice", 0, i)[3] for i in ids]
        self.spread = statistics.pstdev(
            math.exp(p.threat_eye * z) * math.exp(-member.distance / p.threat_reach)
            for member, z in zip(path.static.members, eyes, strict=True)
        )
        usa = path.constants.ally_usa
        self.command_exits = [q for m, i in enumerate(ids) if m != usa for q in self.command_exit_quarters(i)]
        posture = path.rng.uniforms("posture", 0)
        self.us_notice_threshold, self.us_exit = -math.log(posture[0]), posture[1]
        times = path.rng.exponentials("drawdown time", 0)
        self.cut_times = [math.fsum(times[: i + 1]) for i in range(4)]
        low, high = p.us_drawdown_lower, p.us_drawdown_upper
        self.cut_sizes = [1 - (1 - v) * low - v * high for v in path.rng.uniforms("drawdown size", 0)]

    def orientations(self, k: int) -> list[float]:
        """Return the orientation of the leader of country k: before quarter 0, then at the end of each quarter."""
        path, p, entity = self.path, self.path.parameter, self.path.static.countries[k].id
        usa = k == path.constants.usa
        sceptic = p.sceptic_usa if usa else p.sceptic
        side, size, *_ = path.rng.uniforms("start orientation", 0, entity)
        orientations = [float(p.start_usa) if usa else math.copysign(size, side - sceptic)]
        for t in range(path.quarters):
            same, side, size, _ = path.rng.uniforms("orientation", t, entity)
            if t not in path.leaders[k].changes:
                orientations.append(orientations[-1])
            elif same < p.coalition_change:
                orientations.append(math.copysign(size, side - sceptic))
            else:
                step = path.constants.orientation_jitter * path.rng.normals("orientation", t, entity)[2]
                orientations.append(sorted([-1.0, orientations[-1] + step, 1.0])[1])
        return orientations

    def command_exit_quarters(self, entity: int) -> Iterable[int]:
        """Yield the quarters in which a member leaves the integrated command."""
        p, times = self.path.parameter, self.path.rng.exponentials("command", entity)
        first_exit = times[0] / p.command_exit_rate
        yield int(first_exit)
        yield int(first_exit + times[1] / p.command_return_rate + times[2] / p.command_exit_rate)

    def orientation(self, m: int, t: int) -> float:
        """Return the orientation of the leader of member m at the end of quarter t."""
        k = self.path.static.members[m].country
        return self.stances[k][t + 1] if k >= 0 else 0.0

    def influence(self, t: int) -> tuple[float, float]:
        """Return weighted orientation against the start, and weighted blame, in quarter t."""
        orientation = blame = 0.0
        for country, stances in zip(self.path.static.countries, self.stances, strict=True):
            orientation += country.influence_weight * (stances[t + 1] - stances[0])
            u = self.path.rng.uniforms("orientation", t, country.id)[3]
            blames = stances[t + 1] < 0 and happens(u, self.path.parameter.scapegoat_rate)
            blame += country.influence_weight * blames
        return orientation, blame
