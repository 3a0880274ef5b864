"""One belief: a distribution or a constant, its source and its kind of evidence; and how it is parsed.

Nothing here touches a file: `priors/load.py` is the doorkeeper that reads them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.errors import PriorError, nearest

#: Distribution name -> its parameters, in order. LogNormal is given by the mean and SD of the logarithm.
DISTRIBUTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Beta": ("alpha", "beta"),
    "Constant": ("value",),
    "Dirichlet": ("concentration",),
    "Gamma": ("alpha", "beta"),
    "HalfNormal": ("sigma",),
    "LogNormal": ("mu", "sigma"),
    "Normal": ("mu", "sigma"),
    "TruncatedNormal": ("mu", "sigma", "lower"),
    "Uniform": ("lower", "upper"),
}
EVIDENCE: Final = ("data", "literature", "judgement")
_MUST_BE_POSITIVE: Final = ("alpha", "beta", "sigma")
_TEXTS: Final = ("dist", "source", "evidence", "note", "unit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Prior:
    """One belief: a distribution (or constant) with its source.

    `params` follow the order of `DISTRIBUTIONS[dist]`; Dirichlet has one concentration a component.
    """

    name: str
    dist: str
    params: tuple[float, ...]
    source: str
    evidence: str
    unit: str = ""
    note: str = ""

    @property
    def value(self) -> float:
        """The number of a constant; raises PriorError for anything else."""
        if self.dist != "Constant":
            raise PriorError(f"{self.name}: a constant is needed here, found {self.dist}")
        return self.params[0]

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Draws of shape (size,); (size, components) for a Dirichlet."""
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
                from scipy.stats import truncnorm

                lower = (p[2] - p[0]) / p[1]
                return np.asarray(truncnorm.ppf(rng.random(size), lower, np.inf, p[0], p[1]))
            case _:
                return rng.uniform(p[0], p[1], size)

    def log_density(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density at x, up to a constant; for a Dirichlet the last axis holds the components. 0 for a constant."""
        from scipy.special import xlog1py, xlogy

        p = self.params
        match self.dist:
            case "Beta":
                out = xlogy(p[0] - 1.0, x) + xlog1py(p[1] - 1.0, -x)
            case "Dirichlet":
                out = xlogy(np.array(p) - 1.0, x).sum(axis=-1)
            case "Gamma":
                out = xlogy(p[0] - 1.0, x) - p[1] * x
            case "HalfNormal":
                out = -0.5 * (x / p[0]) ** 2
            case "LogNormal":
                out = -0.5 * ((np.log(x) - p[0]) / p[1]) ** 2 - np.log(x)
            case "Normal" | "TruncatedNormal":
                out = -0.5 * ((x - p[0]) / p[1]) ** 2
            case _:
                out = np.zeros(np.shape(x))
        return np.asarray(out, dtype=float)

    def describe(self) -> str:
        """The distribution as it is written in statistics, e.g. `Beta(3, 37)`."""
        inside = ", ".join(f"{x:g}" for x in self.params)
        return inside if self.dist == "Constant" else f"{self.dist}({inside})"


def parse_prior(where: str, name: str, entry: Any, faults: list[str]) -> Prior | None:
    """One TOML table as a `Prior`; what is wrong with it is added to `faults`, each with `where`."""
    if not isinstance(entry, dict):
        faults.append(f"{where}: found {entry!r}, expected a table with dist, source and evidence")
        return None
    before = len(faults)
    dist = entry.get("dist")
    wanted: tuple[str, ...] = ()
    if not isinstance(dist, str) or dist not in DISTRIBUTIONS:
        hint = nearest(str(dist), DISTRIBUTIONS)
        faults.append(f"{where}: dist is {dist!r}, expected one of {', '.join(DISTRIBUTIONS)}{hint}")
    else:
        wanted = DISTRIBUTIONS[dist]
        check_keys(where, entry, (*_TEXTS, *wanted), faults)
    _check_texts(where, entry, faults)
    params = [_numbers(where, key, entry.get(key), faults) for key in wanted]
    if dist == "Uniform" and all(params) and params[0] >= params[1]:
        lower, upper = params[0][0], params[1][0]
        faults.append(f"{where}: lower is {lower}, expected a number below upper ({upper})")
    if len(faults) > before:
        return None
    return Prior(
        name=name,
        dist=str(dist),
        params=tuple(x for group in params for x in group),
        source=entry["source"],
        evidence=entry["evidence"],
        unit=entry.get("unit", ""),
        note=entry.get("note", ""),
    )


def _check_texts(where: str, entry: Mapping[str, Any], faults: list[str]) -> None:
    for key in ("source", "evidence"):
        if not str(entry.get(key, "")).strip():
            faults.append(f"{where}: no {key}; every number owes one (write the work, or judgement)")
    for key in ("source", "note", "unit"):
        if not isinstance(entry.get(key, ""), str):
            faults.append(f"{where}: {key} is {entry[key]!r}, expected some text")
    if entry.get("evidence") and entry["evidence"] not in EVIDENCE:
        found = entry["evidence"]
        faults.append(f"{where}: evidence is {found!r}, expected one of {', '.join(EVIDENCE)}")


def _numbers(where: str, key: str, found: Any, faults: list[str]) -> tuple[float, ...]:
    values = found if isinstance(found, list) else [found]
    if not values or any(isinstance(x, bool) or not isinstance(x, int | float) for x in values):
        faults.append(f"{where}: {key} is {found!r}, expected a number")
        return ()
    if not all(map(math.isfinite, values)):
        faults.append(f"{where}: {key} is {found!r}, expected a finite number")
        return ()
    if (key in _MUST_BE_POSITIVE or key == "concentration") and min(values) <= 0:
        faults.append(f"{where}: {key} is {found!r}, expected a number above 0")
    if (key == "concentration") != isinstance(found, list):
        faults.append(
            f"{where}: {key} is {found!r}, expected "
            + ("a list of numbers" if key == "concentration" else "one number")
        )
    return tuple(float(x) for x in values)


def check_keys(where: str, entry: Mapping[str, Any], known: Iterable[str], faults: list[str]) -> None:
    """Add a fault for every key that is not known, with the nearest known one."""
    known = list(known)
    for key in entry:
        if key not in known:
            hint = nearest(key, known) or f"; known: {', '.join(known)}"
            faults.append(f"{where}: unknown key {key!r}{hint}")
