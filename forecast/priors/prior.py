"""One prior: a distribution or a constant with its source, its draws and its log density."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.errors import PriorError


@dataclass(frozen=True, kw_only=True, slots=True)
class Prior:
    """One prior: a distribution or a constant, with its source and kind of evidence.

    Attributes
    ----------
    name : str
        Dotted name: file and key, e.g. `spending.kappa`.
    dist : str
        Name of the distribution.
    params : tuple of float
        Parameters in the order of `priors.tables.DISTRIBUTIONS[dist]`. A Gamma has shape and rate, a LogNormal the mean
        and SD of the logarithm, a Dirichlet one concentration for each component.
    seen : int
        Latest year of the data or events that the prior has seen; for a judgement, the year in which it was made. 0 in
        scenarios, which no back-test uses.
    before : Prior, optional
        What would have been assumed without what is later than its own `seen`; the same distribution.
    """

    name: str
    dist: str
    params: tuple[float, ...]
    source: str
    evidence: str
    unit: str = ""
    note: str = ""
    seen: int = 0
    before: "Prior | None" = None

    @property
    def value(self) -> float:
        """Return the number of a constant; raise PriorError for a distribution."""
        if self.dist != "Constant":
            raise PriorError(f"{self.name}: dist is {self.dist!r}, expected 'Constant'; give the prior a fixed value")
        return self.params[0]

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Return draws of shape (size,), for a Dirichlet (size, components)."""
        p = self.params
        match self.dist:
            case "Beta":
                return rng.beta(p[0], p[1], size)
            case "Constant":
                return np.full(size, p[0])
            case "Dirichlet":
                return rng.dirichlet(p, size)
            case "Gamma":
                return rng.gamma(p[0], 1.0 / p[1], size)
            case "HalfNormal":
                return np.abs(rng.normal(0.0, p[0], size))
            case "LogNormal":
                return rng.lognormal(p[0], p[1], size)
            case "Normal":
                return rng.normal(p[0], p[1], size)
            case "TruncatedNormal":
                return truncated_normal(rng.random(size), (p[2] - p[0]) / p[1]) * p[1] + p[0]
            case _:
                return rng.uniform(p[0], p[1], size)

    def log_density(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log density at `x` up to an additive constant; 0 for a constant and a Uniform.

        For a Dirichlet the last axis of `x` holds the components and is summed over.
        """
        from scipy.special import xlog1py, xlogy

        p = self.params
        match self.dist:
            case "Beta":
                log_density = xlogy(p[0] - 1.0, x) + xlog1py(p[1] - 1.0, -x)
            case "Dirichlet":
                log_density = xlogy(np.array(p) - 1.0, x).sum(axis=-1)
            case "Gamma":
                log_density = xlogy(p[0] - 1.0, x) - p[1] * x
            case "HalfNormal":
                log_density = -0.5 * (x / p[0]) ** 2
            case "LogNormal":
                log_density = -0.5 * ((np.log(x) - p[0]) / p[1]) ** 2 - np.log(x)
            case "Normal" | "TruncatedNormal":
                log_density = -0.5 * ((x - p[0]) / p[1]) ** 2
            case _:
                log_density = np.zeros(np.shape(x))
        return np.asarray(log_density, dtype=float)

    def support(self) -> tuple[float, float]:
        """Return the least and the greatest number that the prior can give; infinite where there is no end."""
        p = self.params
        match self.dist:
            case "Constant":
                return p[0], p[0]
            case "Uniform":
                return p[0], p[1]
            case "TruncatedNormal":
                return p[2], math.inf
            case "Beta" | "Dirichlet":
                return 0.0, 1.0
            case "Normal":
                return -math.inf, math.inf
            case _:
                return 0.0, math.inf

    def bulk(self) -> tuple[float, float]:
        """Return the support, cut at three standard deviations from the mean where it has no end.

        A LogNormal is cut at three standard deviations of the logarithm.
        """
        p = self.params
        match self.dist:
            case "Normal":
                return p[0] - 3.0 * p[1], p[0] + 3.0 * p[1]
            case "TruncatedNormal":
                return p[2], max(p[0], p[2]) + 3.0 * p[1]
            case "HalfNormal":
                return 0.0, 3.0 * p[0]
            case "LogNormal":
                return math.exp(p[0] - 3.0 * p[1]), math.exp(p[0] + 3.0 * p[1])
            case "Gamma":
                return 0.0, (p[0] + 3.0 * math.sqrt(p[0])) / p[1]
            case _:
                return self.support()

    def describe(self) -> str:
        """Return the distribution in statistical notation, e.g. `Beta(3, 37)`; a constant as its number."""
        numbers = ", ".join(f"{x:g}" for x in self.params)
        return numbers if self.dist == "Constant" else f"{self.dist}({numbers})"


def truncated_normal(q: NDArray[np.float64], lower: float) -> NDArray[np.float64]:
    """Return the quantiles at the levels q of a standard normal above `lower`.

    They have the same bytes as `scipy.stats.truncnorm.ppf`, which takes a second and 50 MiB to load.
    """
    from scipy.special import log1p, log_ndtr, logsumexp, ndtr, ndtri_exp

    if lower < 0.0:
        log_mass = log1p(-ndtr(lower))
        below = np.broadcast_to(log_ndtr(lower), q.shape)
        return np.asarray(ndtri_exp(logsumexp([below, np.log(q) + log_mass], axis=0)))
    return np.asarray(-ndtri_exp(np.log1p(-q) + log_ndtr(-lower)))
