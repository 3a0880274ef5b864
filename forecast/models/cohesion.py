"""Reading a posterior of the cohesion model: index, political and military halves, discordance, verdicts, anchors.

Everything takes draws by name with dim `sample` first (`forecast.inference.draws.draws_by_name`), and gives arrays with
it.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.special import ndtr

from forecast.array_types import Floats
from forecast.constants import UNITED_NATIONS
from forecast.models.spending import Draws
from forecast.names import FACTORS, VERDICTS

Samples = Mapping[str, xr.DataArray]

MILITARY: Final = ("military_adaptation", "burden_sharing")


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


def start(samples: Samples) -> xr.DataArray:
    """The factors in the last year of the tables, (sample, factor): where a projection from the posterior begins."""
    return samples["factor_state"].isel(year=-1, drop=True)


def expected_indicator(p: Draws, panel: xr.Dataset) -> tuple[Floats, Floats]:
    """Mean and scale of each value, (draw, observation): the equation of `forecast.inference.pymc_models.cohesion`."""
    j, t = panel["indicator_of"].to_numpy(), panel["year_of"].to_numpy()
    state = p["subfactor_state"][:, t, panel["subfactor_of"].to_numpy()[j]]
    swings = panel["indicator"].to_numpy()[j] == UNITED_NATIONS
    expected = p["intercept"][:, j] + p["loading"][:, j] * state
    expected -= swings * p["us_swing"][:, None] * p["us_path"][:, t]
    return expected, np.sqrt(p["noise"][:, j] ** 2 + panel["error"].to_numpy() ** 2)
