"""Estimate how often contingents are reduced while they stay, relative to the rate of full exits.

    log rate of reductions = log rate of full exits + shift, equal for planned withdrawal and defection

The data do not give the reason of a reduction, so the shift is the same for both causes. It is estimated from
reductions between two troop counts, separately for each posterior draw of the withdrawal model. Troop counts are less
precise than exits; estimated this way, they do not affect the posterior of the exits.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.data.exit_coding import spell_keys
from forecast.data.tables import Tables
from forecast.data.troop_levels import level_windows
from forecast.models.withdrawal import log_rates
from forecast.priors.load import Priors
from forecast.quarters import quarter_clock
from forecast.random_streams import generator

_CHUNK: Final = 200  # draws that are computed together, which limits memory
_STEPS: Final = 61  # points of the grid of shifts, over six prior SDs on either side of the mean
_MIN_HAZARD: Final = 1e-12  # lower bound of the cumulative hazard of a window, so that its logarithm is finite


def reduction_shift(
    draws: xr.Dataset,
    spells: xr.Dataset,
    tables: Tables,
    priors: Priors,
    seed: int,
    leave_out: str | None = None,
) -> xr.DataArray:
    """Return one draw of the shift for each posterior draw of the withdrawal model, (chain, draw).

    A window with cumulative hazard of full exits H shows a reduction with probability 1 - exp(-H exp(shift)).

    Parameters
    ----------
    draws
        Posterior of the withdrawal model.
    spells
        Its data set (`forecast.data.deployments.mission_spells`).
    tables, priors
        Source of the windows and of the prior of the shift.
    seed
        Seed of the random numbers.
    leave_out
        Mission whose windows are not used, None for all.
    """
    windows = level_windows(tables, priors)
    windows = windows[windows["mission"] != leave_out].reset_index(drop=True)
    rows, overlap, window = _overlaps(spells, windows)
    reduced = windows["reduced"].to_numpy(dtype=bool)[np.unique(window)]
    flat = draws.stack(pool=("chain", "draw")).transpose("pool", ...)
    values = {str(n): v.to_numpy() for n, v in flat.data_vars.items()}
    size = flat.sizes["pool"]
    rng = generator(seed, "reduction")
    uniform, shift = rng.random(size), np.empty(size)
    mean, sd = priors["withdrawal.reduction"].params[:2]
    for begin in range(0, size, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        rate = np.exp(log_rates(spells, {n: v[part] for n, v in values.items()}, rows)).sum(axis=0)
        hazard = np.add.reduceat(rate * overlap, np.flatnonzero(np.diff(window, prepend=-1)), axis=1)
        shift[part] = shift_given(hazard, reduced, mean, sd, uniform[part])
    return xr.DataArray(shift.reshape(draws.sizes["chain"], draws.sizes["draw"]), dims=["chain", "draw"])


def shift_given(hazard: Floats, reduced: NDArray[np.bool_], mean: float, sd: float, uniform: Floats) -> Floats:
    """Return the quantile of the shift's posterior at the level `uniform`, for each draw.

    The prior is normal and the log posterior concave. The posterior is computed on a grid with a step of a fifth of the
    prior SD.

    Parameters
    ----------
    hazard
        Cumulative hazard of full exits, (draw, window).
    reduced
        Whether the window shows a reduction, (window,).
    mean, sd
        Of the normal prior.
    uniform
        Levels of the quantiles, (draw,).
    """
    grid = mean + sd * np.linspace(-6.0, 6.0, _STEPS)
    ratio = np.exp(grid)
    log_posterior = -0.5 * ((grid - mean) / sd) ** 2 - hazard[:, ~reduced].sum(axis=1)[:, None] * ratio
    for column in np.flatnonzero(reduced):
        at_risk = np.maximum(hazard[:, column], _MIN_HAZARD)
        log_posterior = log_posterior + np.log(-np.expm1(-at_risk[:, None] * ratio))
    density = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    steps = (density[:, 1:] + density[:, :-1]) / 2
    cdf = np.concatenate([np.zeros((len(density), 1)), np.cumsum(steps, axis=1)], axis=1)
    cdf /= cdf[:, -1:]
    return np.array([np.interp(u, c, grid) for u, c in zip(uniform, cdf, strict=True)])


def _overlaps(spells: xr.Dataset, windows: pd.DataFrame) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Return the pieces of spells that overlap a window: their rows, the quarters of overlap, and the window."""
    position = {key: s for s, key in enumerate(spell_keys(spells))}
    first, last = quarter_clock(windows["start"]), quarter_clock(windows["end"])
    begin = spells["begin"].to_numpy()
    end = begin + spells["length"].to_numpy()
    spell_of = spells["spell_of"].to_numpy()
    overlaps: list[Any] = []
    for w, key in enumerate(zip(windows["mission"], windows["country"], windows["spell"], strict=True)):
        pieces = np.flatnonzero(spell_of == position[key])
        shared = np.minimum(end[pieces], last[w]) - np.maximum(begin[pieces], first[w])
        pieces, shared = pieces[shared > 0], shared[shared > 0]
        overlaps.append((pieces, shared, np.full(len(pieces), w)))
    rows, overlap, window = (np.concatenate(parts) for parts in zip(*overlaps, strict=True))
    return rows, overlap, window
