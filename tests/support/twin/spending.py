"""Compute the yearly shocks of spending a second time, in plain Python and from complete histories."""

import math
from collections.abc import Sequence
from typing import Any


def autoregression(start: float, mean: float, phi: float, innovations: Sequence[float]) -> float:
    """Return the value after the last innovation, as the sum over all of them."""
    n = len(innovations)
    past = [phi ** (n - 1 - i) * e for i, e in enumerate(innovations)]
    return mean + phi**n * (start - mean) + math.fsum(past)


def student(u: float, v: float, nu: float) -> float:
    """Return a Student-t variate from two uniforms (Bailey 1994)."""
    return math.sqrt(nu * (u ** (-2 / nu) - 1)) * math.cos(2 * math.pi * v)


class Budgets:
    """Hold growth, common factor, response and volatility of one path; `rng` gives its random numbers."""

    def __init__(self, rng: Any, parameter: Any, constants: Any):
        self.rng, self.parameter, self.constants = rng, parameter, constants

    def growth(self, member: Any, y: int) -> float:
        c = self.constants
        before = self.growth(member, y - 1) if y > 0 else member.start_growth
        shock = c.growth_sd * self.rng.normals("growth", y, member.id)[0]
        slump = -before if before < 0 else 0.0
        return float((1 - c.growth_phi) * c.growth_mean + c.growth_phi * before + c.growth_bounce * slump + shock)

    def common(self, y: int) -> float:
        p = self.parameter
        sd = p.common_scale * math.sqrt(1 - p.common_phi**2)  # so that the scale is stationary
        shocks = [self.rng.uniforms("common factor", i) for i in range(y + 1)]
        shocks = [sd * student(u[0], u[1], 4.0) for u in shocks]
        return autoregression(p.common_start, 0.0, p.common_phi, shocks)

    def response(self, y: int) -> float:
        """Return the part of a gap that is closed in year y: a lognormal autoregression, at most 1."""
        p = self.parameter
        shocks = [p.response_sd * self.rng.normals("common factor", i, 1)[0] for i in range(y + 1)]
        log = autoregression(p.response_start, p.response_mean, p.response_phi, shocks)
        return min(math.exp(log), 1.0)

    def volatility(self, y: int) -> float:
        """Return the factor on the noise of all members in year y."""
        p = self.parameter
        sd = p.volatility_sd * math.sqrt(1 - p.volatility_phi**2)
        shocks = [sd * self.rng.normals("common factor", i, 1)[1] for i in range(y + 1)]
        return math.exp(autoregression(p.volatility_start, 0.0, p.volatility_phi, shocks))
