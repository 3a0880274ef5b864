"""Reading a posterior of the cohesion model: index, political and military halves, discordance, verdicts, anchors.

Everything takes draws by name with dim `sample` first (`forecast.posterior.draws_by_name`), and gives arrays with it.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.special import ndtr

from forecast.names import FACTORS, INTERVAL, VERDICTS

Samples = Mapping[str, xr.DataArray]

MILITARY: Final = ("military_adaptation", "burden_sharing")
MAX_CORRELATION: Final = 0.95  # of the halves; above it one of them is redundant
#: Chance of Weak, Fragmented, Strong with nothing known: draws of the priors of this model.
CLIMATOLOGY: Final = (0.33, 0.41, 0.26)


def index(samples: Samples) -> xr.DataArray:
    """C = sum of weight_f F_f, (sample, year), sign units."""
    return (samples["factor_weights"] * samples["factor_state"]).sum("factor")


def political(samples: Samples) -> xr.DataArray:
    """The political half: the weighted mean of threats, norms and leadership."""
    civil = samples["factor_state"].sel(factor=[f for f in FACTORS if f != "institutions"])
    weights = samples["factor_weights"].sel(factor=civil["factor"])
    return (weights * civil).sum("factor") / weights.sum("factor")


def military(samples: Samples) -> xr.DataArray:
    """The military half: institutions, and with the same weight military adaptation and burden-sharing."""
    institutions = samples["factor_state"].sel(factor="institutions", drop=True)
    hard = samples["subfactor_state"].sel(subfactor=list(MILITARY)).mean("subfactor")
    return (institutions + hard) / 2.0


def discordance(factors: xr.DataArray) -> xr.DataArray:
    """D = SD over the factors: how far they pull apart."""
    return factors.std("factor")


def verdict_probability(samples: Samples, at: xr.DataArray | None = None) -> xr.DataArray:
    """P(verdict) averaged over the draws, by year (or for index values `at`): ordered probit with noise `rater_sd`."""
    level = index(samples) if at is None else at
    low, spread = samples["cut_lower"], samples["rater_sd"]
    below: Any = ndtr((low - level) / spread)
    above: Any = ndtr((low + samples["cut_gap"] - level) / spread)
    each: xr.DataArray = xr.concat([below, above - below, 1.0 - above], "verdict").mean("sample")
    return each.transpose(..., "verdict").assign_coords(verdict=list(VERDICTS))


def without_subfactor(samples: Samples, panel: xr.Dataset, subfactor: str) -> xr.DataArray:
    """The factors if one sub-factor were neutral, (sample, year, factor): K3's knock-out.

    F_f is the mean of its K_f sub-factors and a rest of its own, so it loses S_k / K_f, and the others lose nothing.
    """
    known = [str(s) for s in panel["subfactor"].values]
    factor_of = panel["factor_of"].values
    f = int(factor_of[known.index(subfactor)])
    part = samples["subfactor_state"].sel(subfactor=subfactor, drop=True) / (factor_of == f).sum()
    mine = xr.DataArray(np.arange(len(FACTORS)) == f, dims="factor")
    left: xr.DataArray = samples["factor_state"] - mine * part
    return left


def halves_correlation(samples: Samples) -> dict[str, float]:
    """Correlation of the political and the military half: over draws in the last year, and over years (median draw)."""
    one, other = political(samples), military(samples)
    now = xr.corr(one.isel(year=-1), other.isel(year=-1), "sample")
    over_time = xr.corr(one, other, "year")
    return {"draws": float(now), "years": float(over_time.median())}


def anchor_probability(samples: Samples, panel: xr.Dataset) -> xr.DataArray:
    """P(verdict) in the year of each anchor, (anchor, verdict)."""
    at = index(samples).isel(year=panel["anchor_year"])
    return verdict_probability(samples, at)


def hits(probability: xr.DataArray, panel: xr.Dataset) -> xr.DataArray:
    """Probability of the verdict that each anchor got, (anchor,)."""
    return probability.isel(verdict=panel["verdict"])


def rps(probability: xr.DataArray, verdict: xr.DataArray) -> xr.DataArray:
    """Ranked probability score of forecasts (..., verdict): sum of squared errors of P(at most k), 0 is best."""
    seen = xr.DataArray(np.arange(len(VERDICTS)), dims="verdict") >= verdict
    return ((probability.cumsum("verdict") - seen) ** 2).sum("verdict")


def baselines(panel: xr.Dataset) -> dict[str, xr.DataArray]:
    """Forecasts of the anchors without a model: climatology, and the verdict of the anchor before (first: none)."""
    verdict = panel["verdict"]
    flat = xr.DataArray(np.array(CLIMATOLOGY), dims="verdict")
    same = (xr.DataArray(np.arange(3), dims="verdict") == verdict.shift(anchor=1)).astype(float)
    first = xr.DataArray(np.arange(verdict.size) == 0, dims="anchor")
    return {
        "climatology": flat.broadcast_like(same).transpose("anchor", "verdict"),
        "persistence": same.where(~first, flat).transpose("anchor", "verdict"),
    }


def start(samples: Samples) -> xr.DataArray:
    """The factors in the last year of the tables, (sample, factor): where a projection from the posterior begins."""
    return samples["factor_state"].isel(year=-1, drop=True)


def told(samples: Samples, panel: xr.Dataset) -> dict[str, Any]:
    """For the checks of a run: start, verdict now, anchors, halves; `met` asks that the halves be two things (K8)."""
    now, halves = start(samples), halves_correlation(samples)
    verdict = verdict_probability(samples).isel(year=-1)
    tail = (1.0 - INTERVAL) / 2
    own = hits(anchor_probability(samples, panel), panel)
    return {
        "start": {
            f: {"mean": float(x.mean()), "lower": float(x.quantile(tail)), "upper": float(x.quantile(1 - tail))}
            for f, x in ((f, now.sel(factor=f)) for f in FACTORS)
        },
        "verdict": {v: float(verdict.sel(verdict=v)) for v in VERDICTS},
        "anchors": {str(a): float(own.sel(anchor=a)) for a in panel["anchor"].values},
        "halves": halves,
        "met": max(halves.values()) < MAX_CORRELATION,
    }  # fmt: skip
