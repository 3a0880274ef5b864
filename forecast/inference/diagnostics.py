"""Check the chains of a fit: R-hat <= 1.01, bulk and tail ESS >= 400 for every variable, no divergences.

Source: Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021, Bayesian Analysis 16.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast.inference.arviz_functions import arviz
from forecast.names import POSTERIOR
from forecast.priors.prior import Prior

MAX_RHAT: Final = 1.01
MIN_ESS: Final = 400.0
TAILS: Final = (
    0.05,
    0.95,
)  # quantiles of the tail ESS; ArviZ takes 0.11 and 0.89 unless it is given others
_PRIOR_DRAWS: Final = 100_000  # from which prior mean and SD are computed


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnostics:
    """Convergence diagnostics of one fit, each with the variable that has the worst value."""

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
        """Return whether all limits are met; NaN never passes."""
        enough = self.ess_bulk >= MIN_ESS and self.ess_tail >= MIN_ESS
        return bool(self.rhat <= MAX_RHAT and enough and self.divergences == 0)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for a manifest, with `passed`."""
        return {**asdict(self), "passed": self.passed}

    def __str__(self) -> str:
        return (
            f"R-hat {self.rhat:.4f} ({self.rhat_worst}), bulk ESS {self.ess_bulk:.0f} "
            f"({self.ess_bulk_worst}), tail ESS {self.ess_tail:.0f} ({self.ess_tail_worst}), "
            f"{self.divergences} divergences"
        )


def diagnose(tree: xr.DataTree) -> Diagnostics:
    """Return R-hat, bulk and tail ESS over all variables of the group `posterior`, and the number of divergences."""
    draws = tree[POSTERIOR].to_dataset()
    with arviz() as az:
        rhat, rhat_worst = _worst(az.rhat(draws), largest=True)
        bulk, bulk_worst = _worst(az.ess(draws, method="bulk"), largest=False)
        tail, tail_worst = _worst(az.ess(draws, method="tail", prob=TAILS), largest=False)
    return Diagnostics(
        rhat=rhat,
        rhat_worst=rhat_worst,
        ess_bulk=bulk,
        ess_bulk_worst=bulk_worst,
        ess_tail=tail,
        ess_tail_worst=tail_worst,
        divergences=int(tree["sample_stats"]["diverging"].sum()),
        chains=draws.sizes["chain"],
        draws=draws.sizes["draw"],
    )


def _worst(numbers: Any, *, largest: bool) -> tuple[float, str]:
    """Return the worst value and its place, e.g. `target[POL]`; NaN is worse than any number."""
    data = numbers if isinstance(numbers, xr.Dataset) else numbers.to_dataset()
    worst, place = -np.inf, ""
    for name, values in data.data_vars.items():
        badness = np.where(np.isnan(values), np.inf, values if largest else -values)
        index = np.unravel_index(int(badness.argmax()), badness.shape)
        if badness[index] > worst:
            labels = [str(values[dim].values[i]) for dim, i in zip(values.dims, index, strict=True)]
            worst = float(badness[index])
            place = f"{name}[{', '.join(labels)}]" if labels else str(name)
    return (worst if largest else -worst), place


def shrinkage(tree: xr.DataTree, priors: Mapping[str, Prior]) -> dict[str, dict[str, float]]:
    """Return for each scalar posterior and prior mean and SD, and the contraction 1 - (SD / prior SD)^2."""
    draws = tree[POSTERIOR].to_dataset()
    shrinkage_by_name = {}
    for name, prior in priors.items():
        if prior.dist != "Constant" and name in draws and draws[name].ndim == 2:
            before = prior.sample(np.random.default_rng(0), _PRIOR_DRAWS)
            after = draws[name]
            shrinkage_by_name[name] = {
                "posterior_mean": float(after.mean()),
                "posterior_sd": float(after.std()),
                "prior_mean": float(before.mean()),
                "prior_sd": float(before.std()),
                "contraction": 1.0 - float(after.var()) / float(before.var()),
            }
    return shrinkage_by_name
