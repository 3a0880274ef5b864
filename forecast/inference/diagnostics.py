"""The diagnostics gate: every variable has R-hat <= 1.01, bulk and tail ESS >= 400, and no draw diverged.

Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, Bayesian Analysis 16.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast.names import POSTERIOR
from forecast.priors.prior import Prior

MAX_RHAT: Final = 1.01
MIN_ESS: Final = 400.0
_PRIOR_DRAWS: Final = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnostics:
    """How well the chains of one fit agree; the worst variable stands beside each number."""

    rhat: float
    rhat_worst: str
    ess_bulk: float
    ess_bulk_worst: str
    ess_tail: float
    ess_tail_worst: str
    divergences: int
    chains: int
    draws: int

    @property
    def passed(self) -> bool:
        """True if the gate is met. NaN never passes."""
        many = self.ess_bulk >= MIN_ESS and self.ess_tail >= MIN_ESS
        return bool(self.rhat <= MAX_RHAT and many and self.divergences == 0)

    def as_dict(self) -> dict[str, Any]:
        """For a manifest: the fields, and whether the gate is met."""
        return {**asdict(self), "passed": self.passed}

    def __str__(self) -> str:
        return (
            f"R-hat {self.rhat:.4f} ({self.rhat_worst}), bulk ESS {self.ess_bulk:.0f} "
            f"({self.ess_bulk_worst}), tail ESS {self.ess_tail:.0f} ({self.ess_tail_worst}), "
            f"{self.divergences} divergences"
        )


def diagnose(tree: xr.DataTree) -> Diagnostics:
    """R-hat, bulk and tail ESS over all variables of the group `posterior`, and the divergences."""
    import arviz as az

    draws = tree[POSTERIOR].to_dataset()
    rhat, rhat_at = _worst(az.rhat(draws), largest=True)
    bulk, bulk_at = _worst(az.ess(draws, method="bulk"), largest=False)
    tail, tail_at = _worst(az.ess(draws, method="tail"), largest=False)
    return Diagnostics(
        rhat=rhat,
        rhat_worst=rhat_at,
        ess_bulk=bulk,
        ess_bulk_worst=bulk_at,
        ess_tail=tail,
        ess_tail_worst=tail_at,
        divergences=int(tree["sample_stats"]["diverging"].sum()),
        chains=draws.sizes["chain"],
        draws=draws.sizes["draw"],
    )


def _worst(numbers: Any, *, largest: bool) -> tuple[float, str]:
    """The worst number and where it stands, e.g. `target[POL]`; a NaN is worse than any number."""
    data = numbers if isinstance(numbers, xr.Dataset) else numbers.to_dataset()
    worst, where = -np.inf, ""
    for name, values in data.data_vars.items():
        badness = np.where(np.isnan(values), np.inf, values if largest else -values)
        at = np.unravel_index(int(badness.argmax()), badness.shape)
        if badness[at] > worst:
            labels = [str(values[dim].values[i]) for dim, i in zip(values.dims, at, strict=True)]
            worst = float(badness[at])
            where = f"{name}[{', '.join(labels)}]" if labels else str(name)
    return (worst if largest else -worst), where


def shrinkage(tree: xr.DataTree, priors: Mapping[str, Prior]) -> dict[str, dict[str, float]]:
    """Posterior mean and SD of each scalar, its prior mean and SD, and the contraction 1 - (SD / prior SD)^2."""
    draws = tree[POSTERIOR].to_dataset()
    out = {}
    for name, prior in priors.items():
        if prior.dist != "Constant" and name in draws and draws[name].ndim == 2:
            before = prior.sample(np.random.default_rng(0), _PRIOR_DRAWS)
            after = draws[name]
            out[name] = {
                "posterior_mean": float(after.mean()),
                "posterior_sd": float(after.std()),
                "prior_mean": float(before.mean()),
                "prior_sd": float(before.std()),
                "contraction": 1.0 - float(after.var()) / float(before.var()),
            }
    return out
