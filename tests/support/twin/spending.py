"""The slow twin's budgets: what moves defence spending in a year, whoever the member is, from whole histories."""

import math
from collections.abc import Sequence
from typing import Any


def autoregression(start: float, mean: float, phi: float, innovations: Sequence[float]) -> float:
    """The value after the last innovation, as the sum over all of them."""
    n = len(innovations)
    past = [phi ** (n - 1 - i) * e for i, e in enumerate(innovations)]
    return mean + phi**n * (start - mean) + math.fsum(past)


def student(u: float, v: float, nu: float) -> float:
    """Student-t from two uniforms (Bailey 1994)."""
    return math.sqrt(nu * (u ** (-2 / nu) - 1)) * math.cos(2 * math.pi * v)


class Budgets:
    """Growth, common years, response and volatility of one path; `dice` are its random numbers."""

    def __init__(self, dice: Any, parameter: Any, constants: Any):
        self.dice, self.parameter, self.constants = dice, parameter, constants

    def growth(self, member: Any, y: int) -> float:
        c = self.constants
        before = self.growth(member, y - 1) if y > 0 else member.start_growth
        shock = c.growth_sd * self.dice.normals("growth", y, member.id)[0]
        slump = -before if before < 0 else 0.0
        return float((1 - c.growth_phi) * c.growth_mean + c.growth_phi * before + c.growth_bounce * slump + shock)

    def common(self, y: int) -> float:
        p = self.parameter
        sd = p.common_scale * math.sqrt(1 - p.common_phi**2)  # so that the scale is stationary
        shocks = [self.dice.unit("common factor", i) for i in range(y + 1)]
        shocks = [sd * student(u[0], u[1], 4.0) for u in shocks]
        return autoregression(p.common_start, 0.0, p.common_phi, shocks)

    def response(self, y: int) -> float:
        """The part of a gap that is closed in year y: a lognormal autoregression, at most the whole."""
        p = self.parameter
        shocks = [p.response_sd * self.dice.normals("common factor", i, 1)[0] for i in range(y + 1)]
        log = autoregression(p.response_start, p.response_mean, p.response_phi, shocks)
        return min(math.exp(log), 1.0)

    def volatility(self, y: int) -> float:
        """The factor on everyone's noise in year y."""
        p = self.parameter
        sd = p.volatility_sd * math.sqrt(1 - p.volatility_phi**2)
        shocks = [sd * self.dice.normals("common factor", i, 1)[1] for i in range(y + 1)]
        return math.exp(autoregression(p.volatility_start, 0.0, p.volatility_phi, shocks))
