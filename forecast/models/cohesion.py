"""The cohesion model in NumPy: index, political and military halves, discordance, and probabilities of verdicts.

The functions take draws by name with dim `sample` first (see `forecast.inference.draws.draws_by_name`). Arrays that
they return keep that dim unless it is averaged out.
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
    """Return the index C = sum of weight_f F_f over the factors, (sample, year), in sign units."""
    return (samples["factor_weights"] * samples["factor_state"]).sum("factor")


def political(samples: Samples) -> xr.DataArray:
    """Return the political half, (sample, year): the weighted mean of threats, norms and leadership."""
    civil = samples["factor_state"].sel(factor=[f for f in FACTORS if f != "institutions"])
    weights = samples["factor_weights"].sel(factor=civil["factor"])
    return (weights * civil).sum("factor") / weights.sum("factor")


def military(samples: Samples) -> xr.DataArray:
    """Return the military half, (sample, year), in sign units.

    Institutions have half the weight; military adaptation and burden-sharing share the other half.
    """
    institutions = samples["factor_state"].sel(factor="institutions", drop=True)
    hard = samples["subfactor_state"].sel(subfactor=list(MILITARY)).mean("subfactor")
    return (institutions + hard) / 2.0


def discordance(factors: xr.DataArray) -> xr.DataArray:
    """Return the discordance: the standard deviation over the factors, in sign units."""
    return factors.std("factor")


def verdict_probability(samples: Samples, levels: xr.DataArray | None = None) -> xr.DataArray:
    """Return the probability of each verdict, averaged over the draws; dim `verdict` is last.

    The verdict is an ordered probit on the index with noise `rater_sd`. `levels` are values of the index; by default
    the index of each year is used.
    """
    level = index(samples) if levels is None else levels
    low, spread = samples["cut_lower"], samples["rater_sd"]
    below: Any = ndtr((low - level) / spread)
    above: Any = ndtr((low + samples["cut_gap"] - level) / spread)
    each: xr.DataArray = xr.concat([below, above - below, 1.0 - above], "verdict").mean("sample")
    return each.transpose(..., "verdict").assign_coords(verdict=list(VERDICTS))


def halves_correlation(samples: Samples) -> dict[str, float]:
    """Return the correlation of the two halves: over draws in the last year, and over years (median draw)."""
    civil, hard = political(samples), military(samples)
    over_draws = xr.corr(civil.isel(year=-1), hard.isel(year=-1), "sample")
    over_time = xr.corr(civil, hard, "year")
    return {"draws": float(over_draws), "years": float(over_time.median())}


def anchor_probability(samples: Samples, panel: xr.Dataset) -> xr.DataArray:
    """Return the probability of each verdict in the year of each anchor, (anchor, verdict)."""
    return verdict_probability(samples, index(samples).isel(year=panel["anchor_year"]))


def hits(probability: xr.DataArray, panel: xr.Dataset) -> xr.DataArray:
    """Return the probability given to the verdict that each anchor received, (anchor,)."""
    return probability.isel(verdict=panel["verdict"])


def start(samples: Samples) -> xr.DataArray:
    """Return the factors in the last year of the tables, (sample, factor), from which a projection starts."""
    return samples["factor_state"].isel(year=-1, drop=True)


def expected_indicator(p: Draws, panel: xr.Dataset) -> tuple[Floats, Floats]:
    """Return mean and scale of each indicator value, both (draw, observation).

    The equation is stated in `forecast.inference.pymc_models.cohesion`.
    """
    j, t = panel["indicator_of"].to_numpy(), panel["year_of"].to_numpy()
    state = p["subfactor_state"][:, t, panel["subfactor_of"].to_numpy()[j]]
    swings = panel["indicator"].to_numpy()[j] == UNITED_NATIONS
    expected = p["intercept"][:, j] + p["loading"][:, j] * state
    expected -= swings * p["us_swing"][:, None] * p["us_path"][:, t]
    return expected, np.sqrt(p["noise"][:, j] ** 2 + panel["error"].to_numpy() ** 2)
