"""How often a contingent is cut while it stays: the rate of reductions over that of full exits.

    log rate of reductions = log rate of full exits + shift, the same for planned ones and for defections

Nobody coded the grounds of cuts, so they are those of either cause. The shift is fitted to the cuts that show between
two head counts, for each draw of the withdrawal model by itself: what is learnt of exits is not bent by cuts, which are
of a rougher kind.
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

_CHUNK: Final = 200  # draws at a time, for memory's sake
_STEPS: Final = 61  # of the grid of shifts, over six prior standard deviations on either side
_LEAST: Final = 1e-12  # quarters at risk: a window never has none


def reduction_shift(
    draws: xr.Dataset,
    spells: xr.Dataset,
    tables: Tables,
    priors: Priors,
    seed: int,
    leave_out: str | None = None,
) -> xr.DataArray:
    """One draw of the shift (chain, draw) for each posterior draw of the withdrawal model, fitted without `leave_out`.

    A window with cumulative hazard of full exits H shows a cut with probability 1 - exp(-H exp(shift)).
    """
    windows = level_windows(tables, priors)
    windows = windows[windows["mission"] != leave_out].reset_index(drop=True)
    rows, overlap, of = _overlaps(spells, windows)
    reduced = windows["reduced"].to_numpy(dtype=bool)[np.unique(of)]
    flat = draws.stack(pool=("chain", "draw")).transpose("pool", ...)
    values = {str(n): v.to_numpy() for n, v in flat.data_vars.items()}
    size = flat.sizes["pool"]
    rng = generator(seed, "reduction")
    uniform, out = rng.random(size), np.empty(size)
    mean, sd = priors["withdrawal.reduction"].params[:2]
    for begin in range(0, size, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        rate = np.exp(log_rates(spells, {n: v[part] for n, v in values.items()}, rows)).sum(axis=0)
        hazard = np.add.reduceat(rate * overlap, np.flatnonzero(np.diff(of, prepend=-1)), axis=1)
        out[part] = shift_given(hazard, reduced, mean, sd, uniform[part])
    return xr.DataArray(out.reshape(draws.sizes["chain"], draws.sizes["draw"]), dims=["chain", "draw"])


def shift_given(hazard: Floats, reduced: NDArray[np.bool_], mean: float, sd: float, uniform: Floats) -> Floats:
    """The shift at `uniform` of its posterior, by draw, from windows (draw, window) with or without a cut.

    The prior is Normal, the log posterior concave; on a grid, whose step is a fifth of the prior's spread.
    """
    grid = mean + sd * np.linspace(-6.0, 6.0, _STEPS)
    lift = np.exp(grid)
    log_posterior = -0.5 * ((grid - mean) / sd) ** 2 - hazard[:, ~reduced].sum(axis=1)[:, None] * lift
    for column in np.flatnonzero(reduced):
        at_risk = np.maximum(hazard[:, column], _LEAST)
        log_posterior = log_posterior + np.log(-np.expm1(-at_risk[:, None] * lift))
    weight = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
    steps = (weight[:, 1:] + weight[:, :-1]) / 2
    heaped = np.concatenate([np.zeros((len(weight), 1)), np.cumsum(steps, axis=1)], axis=1)
    heaped /= heaped[:, -1:]
    return np.array([np.interp(u, h, grid) for u, h in zip(uniform, heaped, strict=True)])


def _overlaps(spells: xr.Dataset, windows: pd.DataFrame) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Pieces that share time with a window: their rows, the quarters shared, and the window."""
    where = {key: s for s, key in enumerate(spell_keys(spells))}
    first, last = quarter_clock(windows["start"]), quarter_clock(windows["end"])
    begin = spells["begin"].to_numpy()
    end = begin + spells["length"].to_numpy()
    of = spells["spell_of"].to_numpy()
    found: list[Any] = []
    for w, key in enumerate(zip(windows["mission"], windows["country"], windows["spell"], strict=True)):
        mine = np.flatnonzero(of == where[key])
        shared = np.minimum(end[mine], last[w]) - np.maximum(begin[mine], first[w])
        mine, shared = mine[shared > 0], shared[shared > 0]
        found.append((mine, shared, np.full(len(mine), w)))
    rows, overlap, window = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rows, overlap, window
